// A sheet on which finger, mouse or keys scatter points: a distribution of one's own.

import { clearedContext, strokeCircle } from "../shared/canvas.js";
import { debounce, make, makeRoot, renderer, setText } from "../shared/dom.js";
import { themeOf } from "../shared/theme.js";
import { PlaneControl } from "./plane_control.js";

/** @import { Component, Point } from "../shared/types.d.ts" */
/** @import { PointPadData } from "./types.d.ts" */

const BOUNDS = { low: [-1, -1], high: [1, 1] };
const SPRAYED = 4; // points at each move
const SPREAD = 0.03; // their standard deviation, of a sheet from -1 to 1
const DOT = 2.2; // pixels of a point

/**
 * Points scattered around a place, within the sheet.
 *
 * @param {Point} place
 * @param {number} n
 * @param {() => number} chance in [0, 1)
 * @returns {Point[]}
 */
export function scattered([x, y], n, chance) {
  const within = (/** @type {number} */ v) => Number(Math.max(-1, Math.min(1, v)).toFixed(3));
  return Array.from({ length: n }, () => {
    const radius = SPREAD * Math.sqrt(-2 * Math.log(1 - chance()));
    const angle = 2 * Math.PI * chance();
    return /** @type {Point} */ ([within(x + radius * Math.cos(angle)), within(y + radius * Math.sin(angle))]);
  });
}

class PointPad {
  /** @type {Point[]} */
  #points = [];
  /** @type {Point} */
  #at = [0, 0];
  root = makeRoot("point-pad", "live-points live-card");
  said = make("div", { class: "live-caption", role: "status" });

  /** @param {Component<PointPadData>} component */
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.commit = debounce(() => this.component.setStateValue("points", this.#points.flat()));
    this.plane = new PlaneControl(this.data.label, 1, false, {
      position: () => this.#at,
      moved: (point) => this.#add(point),
      released: () => this.commit(),
      restyled: () => this.#draw(),
      resized: () => this.#draw(),
    });
    const clear = { type: "button", class: "live-button", text: "Clear", on: { click: () => this.#clear() } };
    const below = make("div", { class: "live-line-of-controls" }, make("button", clear), this.said);
    this.root.append(this.plane.element, below);
    component.parentElement.append(this.root);
    this.theme = themeOf(this.root);
    this.#draw();
  }

  /** @param {Component<PointPadData>} component */
  update(component) {
    this.component = component;
    this.data = component.data;
    this.theme = themeOf(this.root);
    this.#draw();
  }

  destroy() {
    this.plane.destroy();
  }

  /** @param {Point} point */
  #add(point) {
    this.#at = point;
    const room = this.data.most - this.#points.length;
    this.#points.push(...scattered(point, Math.min(SPRAYED, room), Math.random));
    this.#draw();
  }

  #clear() {
    this.#points = [];
    this.#draw();
    this.commit();
  }

  #draw() {
    const scale = this.plane.fit(BOUNDS);
    const { length } = this.#points;
    const full = length >= this.data.most ? ", the most there can be" : "";
    setText(this.said, length ? `${length} points${full}` : "Draw here, or move with the arrow keys.");
    this.plane.setValue(this.#at[0], `(${this.#at[0].toFixed(2)}, ${this.#at[1].toFixed(2)}), ${length} points`);
    this.root.dataset.points = String(length);
    if (!scale) return;
    const context = clearedContext(this.plane.canvases[0], this.plane.size);
    context.fillStyle = this.theme.learned;
    for (const [x, y] of this.#points) {
      const [left, top] = scale.toPixel(x, y);
      context.fillRect(left - DOT / 2, top - DOT / 2, DOT, DOT);
    }
    if (!this.plane.focused) return;
    context.strokeStyle = this.theme.ink;
    strokeCircle(context, ...scale.toPixel(...this.#at), 8);
  }
}

export default renderer((/** @type {Component<PointPadData>} */ component) => new PointPad(component));
