// What a person does on a map with pointer, fingers, wheel and keys: move, magnify, turn, point, pick, draw around,
// decode.

import { pixelOf } from "../shared/dom.js";
import { combined } from "./linking.js";
import { nearestTo, nearestTowards, pointsInside } from "./picking.js";
import { rectangle } from "./polygon.js";

/** @import { Listeners, Point } from "../shared/types.d.ts" */
/** @import { LatentMap } from "./latent_map.js" */
/** @import { Polygon } from "./types.d.ts" */
/** @typedef {"move" | "lasso" | "box" | "decode"} Tool */
/** @typedef {{ start: Point, last: Point, far: boolean, tool: Tool, more: boolean, before: Set<number> | null }} Drag */

const REACH = 14; // pixels from a pointer to the point it means
const FINGER = 10; // pixels more for a finger
const FAR = 4; // pixels after which a press is a drag
const WHEEL = 0.0016; // logarithm of the magnification per pixel of the wheel
const KEY_ZOOM = 1.3;
const BRUSHED = 5000; // points of a map, up to which all maps of its group follow a lasso while it is drawn

/** @type {{ [key: string]: Point }} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Interaction {
  /** Where each pressed finger is. @type {Map<number, Point>} */
  #fingers = new Map();
  /** @type {Drag | null} */
  #drag = null;
  /** @type {number | null} */
  #brushing = null;

  /** @param {LatentMap} map */
  constructor(map) {
    this.map = map;
  }

  /** What the stage listens to. @returns {Listeners} */
  get listeners() {
    return {
      pointermove: (event) => this.#move(event),
      pointerdown: (event) => this.#press(event),
      pointerup: (event) => this.#release(event),
      pointercancel: (event) => this.#cancel(event),
      pointerleave: () => this.#leave(),
      wheel: (event) => this.#wheel(event),
      keydown: (event) => this.#key(event),
      dblclick: () => this.map.showAll(),
    };
  }

  /** @param {Point} at @param {number} reach */
  #rowAt(at, reach) {
    const { x, y } = this.map.renderer.points;
    return nearestTo(x, y, ...at, reach, this.map.state.hidden);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button) return;
    const { map } = this;
    map.stage.focus({ preventScroll: true });
    map.stage.setPointerCapture(event.pointerId);
    const at = pixelOf(this.map.stage, event);
    this.#fingers.set(event.pointerId, at);
    if (this.#fingers.size === 2) return this.#giveUp();
    const tool = map.state.decodes ? "decode" : event.shiftKey ? "lasso" : map.tool;
    const more = event.ctrlKey || event.metaKey;
    this.#drag = { start: at, last: at, far: false, tool, more, before: map.state.group.selected };
    if (tool === "decode") map.decode(at);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = pixelOf(this.map.stage, event);
    if (this.#fingers.size === 2 && this.#fingers.has(event.pointerId)) return this.#pinch(event.pointerId, at);
    const { map } = this;
    const drag = this.#drag;
    if (!drag) {
      if (event.pointerType === "touch") return;
      if (map.state.decodes) map.decode(at);
      else map.hover(this.#rowAt(at, REACH));
      return;
    }
    if (Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > FAR) drag.far = true;
    if (drag.tool === "decode") map.decode(at);
    else if (drag.far && drag.tool === "move") {
      map.state.camera.drag(at[0] - drag.last[0], at[1] - drag.last[1]);
      map.cameraMoved();
    } else if (drag.far) {
      map.hover(-1);
      const outline = map.state.outline ?? [drag.start];
      map.state.outline = drag.tool === "box" ? rectangle(drag.start, at) : [...outline, at];
      map.renderer.drawOverlay();
      if (map.state.index.length <= BRUSHED) this.#brushing ??= requestAnimationFrame(() => this.#brush());
    }
    drag.last = at;
  }

  /** Mark what the outline encloses so far; the page hears of it on release. */
  #brush() {
    this.#brushing = null;
    const { group, outline } = this.map.state;
    if (this.#drag && outline) group.select(this.#caught(this.#drag, outline));
  }

  /** The selection with what an outline encloses. @param {Drag} drag @param {Polygon} outline */
  #caught(drag, outline) {
    const { renderer: { points: { x, y } }, state: { hidden, index } } = this.map;
    const caught = pointsInside(x, y, outline, hidden).map((row) => index[row]);
    return combined(drag.before, caught, drag.more);
  }

  /** End a drag that meant nothing. */
  #giveUp() {
    const { state } = this.map;
    if (this.#drag && state.outline) state.group.select(this.#drag.before);
    this.#drag = state.outline = null;
  }

  #leave() {
    if (!this.#drag) this.map.hover(-1);
  }

  /**
   * Two fingers magnify by how far they part, and move the map with their middle.
   *
   * @param {number} id
   * @param {Point} at
   */
  #pinch(id, at) {
    const before = [...this.#fingers.values()];
    this.#fingers.set(id, at);
    const after = [...this.#fingers.values()];
    const apart = (/** @type {Point[]} */ [p, q]) => Math.hypot(p[0] - q[0], p[1] - q[1]) || 1;
    const middle = (/** @type {Point[]} */ [p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    const [from, to] = [middle(before), middle(after)];
    const { camera } = this.map.state;
    camera.zoom(apart(after) / apart(before), to[0], to[1]);
    camera.shift(to[0] - from[0], to[1] - from[1]);
    this.map.cameraMoved();
  }

  /** @param {PointerEvent} event */
  #release(event) {
    this.#fingers.delete(event.pointerId);
    const { map } = this;
    const { state } = map;
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (drag.tool === "decode") map.commit(state.decodedAt);
    else if (!drag.far) {
      const row = this.#rowAt(drag.start, REACH + (event.pointerType === "touch" ? FINGER : 0));
      if (row >= 0) map.pick(row);
      else if (state.group.selected) map.select(null);
    } else if (state.outline) {
      const caught = this.#caught(drag, state.outline);
      state.outline = null;
      map.select(caught);
    }
    map.renderer.drawOverlay();
  }

  /** The browser took the gesture over, to scroll the page: nothing was meant. @param {PointerEvent} event */
  #cancel(event) {
    this.#fingers.delete(event.pointerId);
    this.#giveUp();
    this.map.renderer.drawOverlay();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    const { camera } = this.map.state;
    // a map that shows everything lets the page scroll on
    if (event.deltaY > 0 && !event.ctrlKey && camera.magnification <= 1) return;
    event.preventDefault();
    camera.zoom(Math.exp(-event.deltaY * WHEEL), ...pixelOf(this.map.stage, event));
    this.map.cameraMoved();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { map } = this;
    const { state, renderer } = map;
    const { group, size } = state;
    const direction = DIRECTIONS[event.key];
    const here = state.rowOf.get(group.hover ?? group.picked ?? state.index[0]) ?? 0;
    if (direction) {
      const row = nearestTowards(renderer.points.x, renderer.points.y, here, direction, state.hidden);
      if (row >= 0) {
        map.hover(row);
        map.describe(row);
      }
    } else if (event.key === "Enter" || event.key === " ") map.pick(here);
    else if (event.key === "Escape") map.select(null);
    else if (event.key === "+" || event.key === "-") {
      state.camera.zoom(event.key === "+" ? KEY_ZOOM : 1 / KEY_ZOOM, size.width / 2, size.height / 2);
      map.cameraMoved();
    } else return;
    event.preventDefault();
  }
}
