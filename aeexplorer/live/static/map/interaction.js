// What a hand does on a map with pointer, fingers, wheel and keys: move, magnify, turn, point, pick, lasso, decode.

import { insidePolygon, nearestTo, nearestTowards, rectangle } from "./camera.js";
import { combined } from "./linking.js";

const REACH = 14; // pixels from a pointer to the point it means
const FINGER = 10; // pixels more for a finger
const FAR = 4; // pixels after which a press is a drag

export class Hands {
  constructor(map) {
    this.map = map;
    this.fingers = new Map();
    this.path = null; // the lasso or box that is being drawn
    this.at = null; // the place of the screen that was decoded last
  }

  /** What the stage listens to. */
  get events() {
    return {
      pointermove: (event) => this.#move(event), pointerdown: (event) => this.#press(event),
      pointerup: (event) => this.#release(event), pointercancel: (event) => this.#cancel(event),
      pointerleave: () => this.#leave(), wheel: (event) => this.#wheel(event), keydown: (event) => this.#key(event),
      dblclick: () => this.map.showAll(),
    };
  }

  get #decodes() {
    return this.map.data.mode === "decode" && !this.map.solid;
  }

  #where(event) {
    const { stage } = this.map;
    const box = stage.getBoundingClientRect();
    return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
  }

  #rowAt(at, reach) {
    const { x, y } = this.map.drawing;
    return nearestTo(x, y, ...at, reach, this.map.shut);
  }

  #press(event) {
    if (event.button) return;
    const { map } = this;
    map.stage.focus({ preventScroll: true });
    map.stage.setPointerCapture(event.pointerId);
    const at = this.#where(event);
    this.fingers.set(event.pointerId, at);
    if (this.fingers.size === 2) {
      this.path = this.drag = null;
      return;
    }
    const tool = this.#decodes ? "decode" : event.shiftKey ? "lasso" : map.tool;
    this.drag = { start: at, last: at, far: false, tool, more: event.ctrlKey || event.metaKey };
    if (tool === "decode") this.#decode(at);
  }

  #move(event) {
    const at = this.#where(event);
    if (this.fingers.size === 2 && this.fingers.has(event.pointerId)) return this.#pinch(event.pointerId, at);
    const { drag, map } = this;
    if (!drag) {
      if (event.pointerType !== "touch") this.#point(at);
      return;
    }
    if (Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > FAR) drag.far = true;
    if (drag.tool === "decode") this.#decode(at);
    else if (drag.far && drag.tool === "move") {
      map.view.drag(at[0] - drag.last[0], at[1] - drag.last[1]);
      map.gesture();
    } else if (drag.far) {
      map.hover(-1);
      this.path = drag.tool === "box" ? rectangle(drag.start, at) : [...(this.path ?? [drag.start]), at];
      map.drawing.overlay();
    }
    drag.last = at;
  }

  #pinch(id, at) {
    const { view } = this.map;
    const [a, b] = [...this.fingers.keys()];
    const before = [this.fingers.get(a), this.fingers.get(b)];
    this.fingers.set(id, at);
    const after = [this.fingers.get(a), this.fingers.get(b)];
    const apart = ([p, q]) => Math.hypot(p[0] - q[0], p[1] - q[1]) || 1;
    const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    const [from, to] = [middle(before), middle(after)];
    view.zoom(apart(after) / apart(before), ...to);
    view.shift(to[0] - from[0], to[1] - from[1]);
    this.map.gesture();
  }

  #release(event) {
    this.fingers.delete(event.pointerId);
    const { drag, map } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.tool === "decode") {
      map.commit({ at: this.place });
    } else if (!drag.far) {
      const row = this.#rowAt(drag.start, REACH + (event.pointerType === "touch" ? FINGER : 0));
      if (row >= 0) map.pick(row);
      else if (map.group.selected) map.select(null);
    } else if (this.path) {
      const { x, y } = map.drawing;
      const caught = insidePolygon(x, y, this.path, map.shut).map((row) => map.index[row]);
      this.path = null;
      map.select(combined(map.group.selected, caught, drag.more));
    }
    map.drawing.overlay();
  }

  /** The browser took the gesture over, to scroll the page: nothing was meant. */
  #cancel(event) {
    this.fingers.delete(event.pointerId);
    this.drag = this.path = null;
    this.map.drawing.overlay();
  }

  #wheel(event) {
    // a map that shows everything lets the page scroll on
    if (event.deltaY > 0 && !event.ctrlKey && this.map.view.magnification <= 1) return;
    event.preventDefault();
    this.map.view.zoom(Math.exp(-event.deltaY * 0.0016), ...this.#where(event));
    this.map.gesture();
  }

  #key(event) {
    const { map } = this;
    const { x, y } = map.drawing;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const here = map.row.get(map.group.hover ?? map.group.picked ?? map.index[0]) ?? 0;
    if (way) {
      const row = nearestTowards(x, y, here, way, map.shut);
      if (row >= 0) {
        map.hover(row);
        map.describe(row);
      }
    } else if (event.key === "Enter" || event.key === " ") map.pick(here);
    else if (event.key === "Escape") map.select(null);
    else if (event.key === "+" || event.key === "-") {
      map.view.zoom(event.key === "+" ? 1.3 : 1 / 1.3, map.width / 2, map.height / 2);
      map.gesture();
    } else return;
    event.preventDefault();
  }

  #point(at) {
    if (this.#decodes) this.#decode(at);
    else this.map.hover(this.#rowAt(at, REACH));
  }

  #leave() {
    if (!this.drag) this.map.hover(-1);
  }

  #decode(at) {
    const { map } = this;
    if (!map.data.map_id) return map.say("This map decodes places when it is finished.");
    this.at = at;
    this.place = map.view.toValue(...at);
    map.pictures.decode(this.place, at);
    map.drawing.overlay();
  }
}
