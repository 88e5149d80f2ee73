// A sheet on which mouse, finger or pen draw a sample; the model reads it at once, and the plane of the same page
// shows it.

import { clearedContext } from "../shared/canvas.js";
import { openStream } from "../shared/channel.js";
import { debounce, make, makeRoot, recordFrame, renderer } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { encodeBase64 } from "../shared/protocol.js";
import { drawSample, tileCanvas } from "../shared/samples.js";
import { themeOf } from "../shared/theme.js";
import { publish } from "../shared/topics.js";
import { rasterise } from "./strokes.js";

/** @import { Component, FrameOf, Point, SceneRequest } from "../shared/types.d.ts" */
/** @import { DrawPadData, Stroke } from "./types.d.ts" */

const PEN = 0.085; // width of the pen on the sheet, a share of the sheet's
const MAJORITY = 0.6; // share of the nearest codes that are of one class, above which a drawing lies among that class

/**
 * What a model makes of a drawing, in two sentences: the class of the nearest codes, and how well it is reconstructed.
 *
 * @param {{ label: string | null, share: number | null, worse_than: number | null }} readouts
 */
export function describeDrawing({ label, share, worse_than: worse }) {
  const place = label === null ? "" : `lands ${(share ?? 0) > MAJORITY ? "among" : "nearest to"} the ${label}s`;
  const error = worse === null ? "" : `reconstructed worse than ${Math.round(100 * worse)} % of the test samples`;
  return [place, error].filter(Boolean);
}

class DrawPad {
  /** @type {Stroke[]} */
  #strokes = [];
  /** The stroke that is being drawn. @type {Stroke | null} */
  #stroke = null;
  /** The drawing as the scene takes it. @type {string | null} */
  #pixels = null;
  /** @type {FrameOf<"encode"> | null} */
  #frame = null;
  /** Whether a person has drawn or cleared here: that is newer than what the page remembers. */
  #touched = false;

  root = makeRoot("draw-pad", "live-draw live-card");
  canvas = make("canvas", { "aria-hidden": "true" });
  hint = make("span", { class: "live-hint", text: "draw here", "aria-hidden": "true" });
  input = tileCanvas("your drawing as the model sees it");
  output = tileCanvas("reconstruction of your drawing");
  status = make("div", { class: "live-read", role: "status" });
  pair = make(
    "div",
    { class: "live-pair", hidden: true },
    make("figure", {}, this.input, make("figcaption", { text: "what the model sees" })),
    make("figure", {}, this.output, make("figcaption", { text: "reconstruction" })),
  );

  /** @param {Component<DrawPadData>} component */
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.commit = debounce(() => this.#commit());
    this.sheet = this.#makeSheet();
    this.#build(component.parentElement);
    this.theme = themeOf(this.root);
    const report = (/** @type {string} */ sentence) => this.#report(sentence);
    const frame = this.#show.bind(this);
    this.stream = openStream("encode", { frame, error: report, state: report });
    this.observer = new ResizeObserver(() => this.#draw());
    this.observer.observe(this.sheet);
    this.#restore();
  }

  /** @param {Component<DrawPadData>} component */
  update(component) {
    const before = this.data;
    this.component = component;
    this.data = component.data;
    this.theme = themeOf(this.root);
    const fixed = (/** @type {DrawPadData} */ { pixels, ...rest }) => JSON.stringify(rest);
    if (fixed(before) !== fixed(this.data)) this.#request();
    else if (this.#frame) this.#drawTiles(this.#frame);
    if (before.pixels !== this.data.pixels && !this.#touched) this.#restore();
    this.#draw();
  }

  destroy() {
    this.observer.disconnect();
    this.stream.close();
    this.root.remove();
  }

  #makeSheet() {
    const on = {
      pointerdown: (/** @type {PointerEvent} */ event) => this.#begin(event),
      pointermove: (/** @type {PointerEvent} */ event) => this.#extend(event),
      pointerup: () => this.#end(),
      pointercancel: () => this.#end(),
    };
    const attributes = { class: "live-sheet", role: "img", "aria-label": this.data.label, on };
    return make("div", attributes, this.canvas, this.hint);
  }

  /** @param {HTMLElement} place */
  #build(place) {
    const { label } = this.data;
    const clear = { type: "button", class: "live-button", text: "Clear", on: { click: () => this.#clear() } };
    this.root.setAttribute("aria-label", label);
    this.root.append(
      make("div", { class: "live-caption", text: label }),
      this.sheet,
      make("div", { class: "live-foot" }, make("button", clear), this.status),
      this.pair,
    );
    place.append(this.root);
  }

  /** Begin with a drawing that the page remembers, without its strokes. */
  #restore() {
    this.#pixels = this.data.pixels;
    this.#frame = null;
    this.pair.hidden = true;
    this.#encode();
  }

  /** A place of the sheet, in shares of it. @param {PointerEvent} event @returns {Point} */
  #pointOf(event) {
    const { left, top, width, height } = this.sheet.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    event.preventDefault();
    this.#touched = true;
    this.sheet.setPointerCapture(event.pointerId);
    this.#stroke = [this.#pointOf(event)];
    this.#strokes.push(this.#stroke);
    this.#changed();
  }

  /** @param {PointerEvent} event */
  #extend(event) {
    if (!this.#stroke) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    this.#stroke.push(...(moves.length ? moves : [event]).map((move) => this.#pointOf(move)));
    this.#changed();
  }

  #end() {
    if (!this.#stroke) return;
    this.#stroke = null;
    this.commit();
  }

  #clear() {
    this.#touched = true;
    this.#strokes = [];
    this.#stroke = this.#pixels = this.#frame = null;
    this.pair.hidden = true;
    this.#report("");
    this.#draw();
    if (this.data.plane) publish(this.data.plane, { clear: true });
    this.commit();
  }

  #changed() {
    this.#draw();
    this.#request();
  }

  #request() {
    const [height, width] = this.data.shape;
    const picture = rasterise(this.#strokes, height, width, this.data.drawing);
    if (picture) this.#pixels = encodeBase64(picture);
    this.#encode();
  }

  #encode() {
    const [run, pixels] = [this.data.run, this.#pixels];
    if (pixels) this.stream.request({ run, sample: { pixels }, neighbours: 0 });
  }

  #commit() {
    const { z, status, label } = this.#frame?.readouts ?? {};
    this.component.setStateValue("sample", { pixels: this.#pixels ?? "", z, status, label });
  }

  /** @param {string} sentence */
  #report(sentence) {
    this.status.textContent = sentence;
  }

  /** @param {FrameOf<"encode">} frame @param {SceneRequest<"encode">} request */
  #show(frame, request) {
    if (!this.#pixels) return;
    this.#frame = frame;
    this.pair.hidden = false;
    this.#drawTiles(frame);
    const { z } = frame.readouts;
    this.status.replaceChildren(...describeDrawing(frame.readouts).map((text) => make("span", { text })));
    // a remembered drawing shows where it lies; the plane's point moves only to what a person drew
    const { plane, run } = this.data;
    if (plane) publish(plane, { z, run, label: "yours", still: !this.#touched });
    if (!this.#strokes.length) this.#draw();
    recordFrame(this.root, request);
  }

  /** @param {FrameOf<"encode">} frame */
  #drawTiles({ kind, arrays, readouts }) {
    const style = { kind, theme: this.theme, span: null };
    drawSample(this.input, arrays.sample, 0, style);
    drawSample(this.output, arrays.picture, 0, style);
    const error = `mean squared error ${formatNumber(readouts.mse, 3)}`;
    this.output.setAttribute("aria-label", `reconstruction of your drawing, ${error}`);
  }

  /** Draw the strokes, or a remembered drawing as the model sees it. */
  #draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    const context = clearedContext(this.canvas);
    this.hint.hidden = Boolean(this.#strokes.length || this.#pixels);
    if (!this.#strokes.length && this.#frame) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = 0.75;
      context.drawImage(this.input, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    context.strokeStyle = this.theme.ink;
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = width * PEN;
    for (const stroke of this.#strokes) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, y * height);
      // a line without length has no caps
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width + 0.01, stroke[0][1] * height);
      context.stroke();
    }
  }
}

export default renderer((component) => new DrawPad(component));
