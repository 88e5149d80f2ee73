// A latent plane under a pointer: the decoded sample, where it lies, and the nearest real ones.
//
// A code of two values is a point of the plane. Of more values the plane is a map spanned by two directions through a
// code `z`: the pointer moves that code along them, and the rest of it stays.

import { openStream } from "../shared/channel.js";
import { debounce, make, makeRoot, recordFrame, renderer, setText } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { classCentres, nearestPoint, squareBounds } from "../shared/plane_geometry.js";
import { themeOf } from "../shared/theme.js";
import { subscribe } from "../shared/topics.js";
import { DecodedCard } from "./decoded_card.js";
import {
  drawClassNames, drawCodes, drawCrosshair, drawMarkedCode, drawPaths, drawPosterior, drawRings, openLayer,
} from "./latent_layers.js";
import { PlaneControl } from "./plane_control.js";

/** @import { Bounds, Component, FrameOf, PlaneMessage, PlanePath, Point, SceneRequest } from "../shared/types.d.ts" */
/** @import { PlacedName } from "../shared/plane_geometry.js" */
/** @import { Codes, MarkedCode } from "./latent_layers.js" */
/** @import { LatentPadData } from "./types.d.ts" */

class LatentPad {
  /** The stored codes, and the bounds in which they are shown. @type {Codes & { bounds: Bounds } | null} */
  #codes = null;
  /** @type {FrameOf<"plane"> | null} */
  #frame = null;
  /** @type {MarkedCode | null} */
  #marked = null;
  /** @type {PlanePath[]} */
  #paths = [];
  /** @type {PlacedName[]} */
  #names = [];
  /** The code that the pointer moves on a map; null where the plane's points are codes. @type {number[] | null} */
  #code = null;
  /** The point that is shown: the chosen one, or the one under a mouse that hovers. @type {Point | null} */
  #at = null;
  /** The point that was chosen last, which the page knows. @type {Point | null} */
  #chosen = null;

  root = makeRoot("latent-pad", "live-pad");
  card = new DecodedCard();
  status = make("p", { class: "live-said", role: "status" });
  guest = make("div", { class: "live-guest" });

  /** @param {Component<LatentPadData>} component */
  constructor(component) {
    this.component = component;
    this.data = component.data;
    const { label, name } = this.data;
    this.plane = new PlaneControl(label, 2, true, {
      position: () => this.#at,
      moved: (point) => this.#point(point),
      released: () => {
        this.#chosen = this.#at;
        this.commit();
      },
      left: () => this.#return(),
      restyled: () => this.#drawOverlay(),
      resized: () => this.#draw(),
    });
    this.commit = debounce(() => this.#commit());
    this.root.setAttribute("aria-label", label);
    const { decoded, neighbours } = this.card;
    const aside = make("div", { class: "live-beside" }, decoded, neighbours, this.status, this.guest);
    this.root.append(this.plane.element, aside);
    component.parentElement.append(this.root);
    this.theme = themeOf(this.root);
    const report = (/** @type {string} */ sentence) => this.#report(sentence);
    const on = { error: report, state: report };
    this.stream = openStream("plane", { ...on, frame: (frame, request) => this.#show(frame, request) });
    this.codes = openStream("codes", { ...on, frame: (frame) => this.#receiveCodes(frame) });
    // a message from before this plane was there does not move it
    this.unsubscribe = subscribe(name, (message, old) => this.#receive(old ? { ...message, still: true } : message));
    this.#begin();
  }

  /** @param {Component<LatentPadData>} component */
  update(component) {
    const before = this.data;
    this.component = component;
    this.data = component.data;
    this.theme = themeOf(this.root);
    if (before.run !== this.data.run) {
      this.#codes = this.#frame = this.#marked = null;
      this.#paths = [];
      this.#begin();
    } else if (this.data.z && JSON.stringify(before.z) !== JSON.stringify(this.data.z) && !this.plane.held) {
      this.#setCode(this.data.z);
      this.#request();
    }
    this.#draw();
    if (this.#frame) this.card.draw(this.#frame, this.theme);
  }

  destroy() {
    this.unsubscribe();
    this.plane.destroy();
    this.stream.close();
    this.codes.close();
    this.root.remove();
  }

  #begin() {
    this.#code = this.#at = this.#chosen = null;
    if (this.data.z) this.#setCode(this.data.z);
    this.codes.request({ run: this.data.run });
  }

  /**
   * Take a code as the place; where the plane is a map, the server tells where the code stands on it.
   *
   * @param {number[]} z
   */
  #setCode(z) {
    [this.#code, this.#at] = z.length === 2 ? [null, [z[0], z[1]]] : [z, null];
    this.#chosen = this.#at;
  }

  /** @param {FrameOf<"codes">} frame */
  #receiveCodes({ arrays, readouts: { latent_dim: size, classes } }) {
    const fits = this.#code ? size === this.#code.length : size === 2;
    if (!arrays.points || !fits) return this.#report(`This model's code has ${size} values; a plane needs 2.`);
    const points = arrays.points.data;
    this.#codes = { points, labels: arrays.labels.data, classes, bounds: squareBounds(points) };
    if (!this.#code) this.#chosen = this.#at ??= firstPlace(this.#codes);
    this.#draw();
    this.#request();
  }

  /** @param {PlaneMessage} message */
  #receive({ paths, guest, z, run, label, still, clear }) {
    if (paths) this.#paths = paths;
    if (guest && guest !== this.guest.firstChild) this.guest.replaceChildren(guest);
    if (z && run === this.data.run) {
      /** @type {Point} */
      const place = [z[0], z[1]];
      this.#marked = label ? { z: place, label } : null;
      if (!still) this.#move((this.#chosen = place));
    }
    if (clear) this.#marked = null;
    this.#drawOverlay();
  }

  /** @param {Point} point */
  #point(point) {
    const pixel = this.plane.scale?.toPixel(...point) ?? [0, 0];
    const over = this.#names.find(({ cut, x, y, width, size }) =>
      cut && Math.abs(x - pixel[0]) <= width / 2 && Math.abs(y - pixel[1]) <= size / 2);
    this.plane.element.title = over?.whole ?? "";
    if (this.#at?.[0] !== point[0] || this.#at[1] !== point[1]) this.#move(point);
  }

  /** @param {Point} point */
  #move(point) {
    this.#at = point;
    this.#drawOverlay();
    this.#request();
  }

  #request() {
    const { run, neighbours } = this.data;
    const place = this.#code ? { z: this.#code, at: this.#at ?? undefined } : this.#at && { z: this.#at };
    if (place) this.stream.request({ run, neighbours, ...place });
  }

  /** Show the chosen point again, so that the page's numbers, link and files are those of what is shown. */
  #return() {
    if (this.#chosen && this.#at !== this.#chosen) this.#move(this.#chosen);
  }

  #commit() {
    const nearest = this.#nearest()[0] ?? null;
    this.component.setStateValue("point", { z: this.#chosen, nearest, status: this.#frame?.readouts.status ?? null });
  }

  /** The codes that are ringed: the nearest ones, on a map the one that stands nearest on it. */
  #nearest() {
    if (!this.#code) return this.#frame?.readouts.nearest ?? [];
    return this.#at && this.#codes ? [nearestPoint(this.#codes.points, ...this.#at)] : [];
  }

  /** @param {string} sentence */
  #report(sentence) {
    setText(this.status, sentence);
  }

  /** @param {FrameOf<"plane">} frame @param {SceneRequest<"plane">} request */
  #show(frame, request) {
    const { at, status } = frame.readouts;
    this.#frame = frame;
    this.#at ??= at;
    this.#chosen ??= this.#at;
    this.#report("");
    const place = `${this.#code ? "map" : "z ="} (${formatNumber(at[0])}, ${formatNumber(at[1])})`;
    this.card.show(frame, place, this.theme);
    this.plane.setValue(at[0], `${place}, ${status}`);
    this.#drawOverlay();
    recordFrame(this.root, request);
  }

  #draw() {
    if (!this.#codes) return;
    const scale = this.plane.fit(this.#codes.bounds);
    if (!scale) return;
    const layer = openLayer(this.plane.canvases[0], scale, this.plane.size, this.theme);
    drawCodes(layer, this.#codes, this.data.colours);
    this.#names = drawClassNames(layer, this.#codes);
    this.#drawOverlay();
  }

  #drawOverlay() {
    const { scale, size, canvases, focused } = this.plane;
    if (!scale || !this.#at || !this.#codes) return;
    const layer = openLayer(canvases[1], scale, size, this.theme);
    drawPaths(layer, this.#paths);
    const ellipse = this.#frame?.arrays.ellipse;
    if (ellipse && !this.#code) drawPosterior(layer, ellipse.data);
    drawRings(layer, this.#codes.points, this.#nearest());
    if (this.#marked) drawMarkedCode(layer, this.#marked);
    drawCrosshair(layer, this.#at, focused);
  }
}

/**
 * The code nearest to the middle of the first class, so that the first picture is a good one.
 *
 * @param {Codes} codes
 * @returns {Point}
 */
function firstPlace({ points, labels }) {
  const [x, y] = [...classCentres(points, labels).values()][0] ?? [0, 0];
  const best = nearestPoint(points, x, y);
  return best < 0 ? [x, y] : [points[2 * best], points[2 * best + 1]];
}

export default renderer((component) => new LatentPad(component));
