// Draw a sample with mouse, finger or pen; it is read at once, and told to the plane of the same page.

import { tell } from "../shared/topics.js";
import { drawn, make, mounted, number, settled, statusLight } from "../shared/dom.js";
import { rasterise } from "../shared/plane_geometry.js";
import { drawSample, sharp, themeOf, tileCanvas } from "../shared/samples.js";
import { base64 } from "../shared/protocol.js";
import { channel } from "../shared/channel.js";

class DrawPad {
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.strokes = [];
    this.stroke = null;
    this.touched = false;
    this.commit = settled(() => this.component.setStateValue("sample", { pixels: this.pixels ?? "", ...this.read }));
    this.#build(component.parentElement);
    this.stream = channel().stream({
      frame: (frame, request) => this.#show(frame, request),
      error: (sentence) => this.#say(sentence),
      state: (sentence) => this.#say(sentence),
    });
    this.watch = new ResizeObserver(() => this.#redraw());
    this.watch.observe(this.sheet);
    this.#restore();
  }

  update(component) {
    const before = this.data;
    this.component = component;
    this.data = component.data;
    this.theme = themeOf(this.root);
    const of = ({ pixels, ...rest }) => JSON.stringify(rest);
    if (of(before) !== of(this.data)) this.#ask();
    else if (this.frame) this.#tiles();
    // what a hand has drawn here since is newer than what the page remembers
    if (before.pixels !== this.data.pixels && !this.touched) this.#restore();
    this.#redraw();
  }

  destroy() {
    this.watch.disconnect();
    this.stream.close();
    this.root.remove();
  }

  #build(place) {
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.hint = make("span", { class: "live-hint", text: "draw here", "aria-hidden": "true" });
    this.sheet = make(
      "div",
      { class: "live-sheet", role: "img", "aria-label": this.data.label,
        on: {
          pointerdown: (event) => this.#begin(event),
          pointermove: (event) => this.#go(event),
          pointerup: () => this.#end(),
          pointercancel: () => this.#end(),
        } },
      this.canvas,
      this.hint,
    );
    this.seen = tileCanvas("your drawing as the model sees it");
    this.back = tileCanvas("what the model makes of it");
    this.said = make("div", { class: "live-read", role: "status" });
    this.pair = make(
      "div",
      { class: "live-pair", hidden: true },
      make("figure", {}, this.seen, make("figcaption", { text: "as it is seen" })),
      make("figure", {}, this.back, make("figcaption", { text: "reconstruction" })),
    );
    this.clear = make("button", { type: "button", class: "live-button", text: "Clear", on: { click: () => this.#clear() } });
    this.root = make(
      "section",
      { class: "live-root live-draw live-card", "data-testid": "draw-pad", role: "group", "aria-label": this.data.label, "data-frames": "0", "data-latency-ms": "" },
      make("div", { class: "live-caption", text: this.data.label }),
      this.sheet,
      make("div", { class: "live-foot" }, this.clear, this.said),
      this.pair,
    );
    place.append(this.root);
    this.theme = themeOf(this.root);
  }

  /** Begin with a drawing that the page remembers, whose strokes are gone. */
  #restore() {
    this.pixels = this.data.pixels;
    this.frame = null;
    this.pair.hidden = true;
    if (this.pixels) this.#encode();
  }

  #point(event) {
    const box = this.sheet.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #begin(event) {
    event.preventDefault();
    this.touched = true;
    this.sheet.setPointerCapture(event.pointerId);
    this.stroke = [this.#point(event)];
    this.strokes.push(this.stroke);
    this.#changed();
  }

  #go(event) {
    if (!this.stroke) return;
    const moves = event.getCoalescedEvents?.() ?? [];
    this.stroke.push(...(moves.length ? moves : [event]).map((e) => this.#point(e)));
    this.#changed();
  }

  #end() {
    if (!this.stroke) return;
    this.stroke = null;
    this.commit();
  }

  #clear() {
    this.touched = true;
    this.strokes = [];
    this.stroke = this.pixels = this.read = this.frame = null;
    this.pair.hidden = true;
    this.#say("");
    this.#redraw();
    if (this.data.plane) tell(this.data.plane, { clear: true });
    this.commit();
  }

  #changed() {
    this.#redraw();
    this.#ask();
  }

  #ask() {
    const [height, width] = this.data.shape;
    const picture = rasterise(this.strokes, height, width, this.data.drawing);
    if (picture) this.pixels = base64(picture);
    if (this.pixels) this.#encode();
  }

  #encode() {
    this.stream.ask("encode", { run: this.data.run, sample: { pixels: this.pixels }, neighbours: 0 });
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  #show(frame, request) {
    if (!this.pixels) return;
    this.frame = frame;
    const { z, status, label, share } = frame.readouts;
    this.read = { z, status, label };
    this.pair.hidden = false;
    this.#tiles();
    const reading = label ? make("span", { text: `${share > 0.6 ? "among the" : "nearest to"} ${label}s` }) : null;
    this.said.replaceChildren(...[reading, statusLight(status)].filter(Boolean));
    // a remembered drawing shows where it lies; the plane goes only where a hand sends it
    if (this.data.plane) tell(this.data.plane, { z, run: this.data.run, label: "yours", still: !this.touched });
    if (!this.strokes.length) this.#redraw();
    drawn(this.root, request);
  }

  #tiles() {
    const look = { kind: this.frame.kind, theme: this.theme, span: null };
    drawSample(this.seen, this.frame.arrays.sample, 0, look);
    drawSample(this.back, this.frame.arrays.picture, 0, look);
    this.back.setAttribute("aria-label", `what the model makes of it, mean squared error ${number(this.frame.readouts.mse, 3)}`);
  }

  #redraw() {
    if (!this.sheet.clientWidth) return;
    const { context, width, height } = sharp(this.canvas);
    const { theme } = this;
    this.hint.hidden = Boolean(this.strokes.length || this.pixels);
    if (!this.strokes.length && this.frame) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = 0.75;
      context.drawImage(this.seen, 0, 0, width, height);
      context.globalAlpha = 1;
    }
    context.strokeStyle = theme.ink;
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = width * 0.085;
    for (const stroke of this.strokes) {
      context.beginPath();
      for (const [x, y] of stroke) context.lineTo(x * width, y * height);
      if (stroke.length === 1) context.lineTo(stroke[0][0] * width + 0.01, stroke[0][1] * height);
      context.stroke();
    }
  }
}

export default mounted((component) => new DrawPad(component));
