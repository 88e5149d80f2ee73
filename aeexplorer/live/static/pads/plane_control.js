// A plane on which pointer, finger or arrow keys move a point: canvases over each other, and the scale between values
// and pixels.

import { make, pixelOf } from "../shared/dom.js";
import { clamp } from "../shared/numbers.js";
import { fitBounds, planeScale } from "../shared/plane_geometry.js";

/** @import { Bounds, Point } from "../shared/types.d.ts" */
/** @import { PlaneScale } from "../shared/plane_geometry.js" */

/** @type {{ [key: string]: Point }} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const KEY_STEP = 1 / 100; // of the width, ten times that with Shift

/**
 * The point to which an arrow key moves another one, within bounds; null for other keys.
 *
 * @param {{ key: string, shiftKey: boolean }} event
 * @param {Point} from
 * @param {Bounds} bounds
 * @returns {Point | null}
 */
export function movedByKey({ key, shiftKey }, from, { low, high }) {
  const direction = DIRECTIONS[key];
  if (!direction) return null;
  const step = (high[0] - low[0]) * KEY_STEP * (shiftKey ? 10 : 1);
  const along = (/** @type {0 | 1} */ axis) => clamp(from[axis] + direction[axis] * step, low[axis], high[axis]);
  return [along(0), along(1)];
}

/**
 * @typedef {object} PlaneEvents
 * @property {() => Point | null} position where the point stands, from which keys move it
 * @property {(point: Point) => void} moved
 * @property {(by: "pointer" | "key") => void} released
 * @property {() => void} [left] the mouse went off without pressing
 * @property {() => void} restyled the focus came or went
 * @property {() => void} resized
 */

export class PlaneControl {
  /** @type {PlaneScale | null} */
  scale = null;
  size = { width: 0, height: 0 };
  /** Whether a pointer presses on it. */
  held = false;
  /** @type {Bounds | null} */
  #limits = null;

  /**
   * @param {string} label
   * @param {number} layers canvases
   * @param {boolean} hovers whether a mouse moves the point without a press
   * @param {PlaneEvents} on
   */
  constructor(label, layers, hovers, on) {
    this.on = on;
    this.canvases = Array.from({ length: layers }, () => make("canvas", { "aria-hidden": "true" }));
    const listeners = {
      pointermove: (/** @type {PointerEvent} */ event) => {
        if (this.held || (hovers && event.pointerType === "mouse")) this.#point(event);
      },
      pointerleave: (/** @type {PointerEvent} */ event) => {
        if (!this.held && event.pointerType === "mouse") on.left?.();
      },
      pointerdown: (/** @type {PointerEvent} */ event) => this.#press(event),
      pointerup: () => this.#release(),
      pointercancel: () => this.#release(),
      keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      focus: on.restyled,
      blur: on.restyled,
    };
    const aria = { role: "slider", tabindex: "0", "aria-label": label, "aria-roledescription": "plane" };
    const value = { "aria-valuenow": "0", "aria-valuetext": "" };
    this.element = make("div", { class: "live-plane", ...aria, ...value, on: listeners }, ...this.canvases);
    this.observer = new ResizeObserver(on.resized);
    this.observer.observe(this.element);
  }

  get focused() {
    return this.element.matches(":focus-visible");
  }

  /**
   * Show these bounds, widened to the shape of the plane. Keys move the point within `limits`, or all that is shown.
   * Returns null while the plane has no size.
   *
   * @param {Bounds} bounds
   * @param {Bounds} [limits]
   */
  fit(bounds, limits) {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width) return null;
    this.size = { width, height };
    const shown = fitBounds(bounds, this.size);
    this.#limits = limits ?? shown;
    this.element.setAttribute("aria-valuemin", shown.low[0].toFixed(2));
    this.element.setAttribute("aria-valuemax", shown.high[0].toFixed(2));
    return (this.scale = planeScale(shown, this.size));
  }

  /** Tell those who cannot see it where the point stands. @param {number} x @param {string} text */
  setValue(x, text) {
    this.element.setAttribute("aria-valuenow", x.toFixed(2));
    this.element.setAttribute("aria-valuetext", text);
  }

  destroy() {
    this.observer.disconnect();
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const [x, y] = pixelOf(this.element, event);
    const { width, height } = this.size;
    if (this.scale) this.on.moved(this.scale.toValue(clamp(x, 0, width), clamp(y, 0, height)));
  }

  /** @param {PointerEvent} event */
  #press(event) {
    this.element.focus({ preventScroll: true });
    this.element.setPointerCapture(event.pointerId);
    this.held = true;
    this.#point(event);
  }

  #release() {
    if (!this.held) return;
    this.held = false;
    this.on.released("pointer");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from = this.on.position();
    const to = from && this.#limits && movedByKey(event, from, this.#limits);
    if (!to) return;
    event.preventDefault();
    this.on.moved(to);
    this.on.released("key");
  }
}
