// The points of a map on a canvas: projected, and stamped as markers.

import { contextOf, pixelRatio, resizeCanvas } from "../shared/canvas.js";
import { pack } from "../shared/colours.js";
import { make } from "../shared/dom.js";
import { MARKERS } from "./markers.js";
import { GREY, maskOf, PAD, sheetOf, SHOWN, shuffled, sortByDepth, stamp } from "./stamping.js";

/** @import { MapState } from "./map_state.js" */
/** @import { Stamps } from "./stamping.js" */
/** @import { MarkerMask, Sheet } from "./types.d.ts" */

export const [OPACITY, FADED] = [0.78, 0.3]; // of points, and of those outside a selection
const SIZES_PER_DOUBLING = 6; // steps in which markers grow with the magnification: their masks are made once for each
const LARGEST = 2.2; // how many times they grow
const MOST_SIZES = 24; // of which the masks are kept
const GESTURE_MS = 14; // the time for the points of one picture while the map is moved
const FEWEST = 6000; // points that are drawn of it in any case

/**
 * Radius of markers in CSS pixels: smaller of more points, and larger in steps as the map is magnified.
 *
 * @param {number} n
 * @param {number} magnification
 */
export function markerRadius(n, magnification) {
  const step = Math.round(SIZES_PER_DOUBLING * Math.log2(Math.min(Math.sqrt(magnification), LARGEST)));
  return (n > 20000 ? 1.3 : n > 4000 ? 1.8 : n > 800 ? 2.4 : 3.4) * 2 ** (step / SIZES_PER_DOUBLING);
}

export class PointLayer {
  canvas = make("canvas", { "aria-hidden": "true" });
  x = new Float32Array();
  y = new Float32Array();
  /** The order in which points are drawn. */
  rows = new Uint32Array();
  radius = 1;
  #depth = new Float32Array();
  #shuffled = new Uint32Array();
  #placed = false;
  /** Milliseconds that a point took in the last picture. */
  #cost = 0;
  /** @type {Sheet | null} */
  #sheet = null;
  /** For each size, the masks of all markers at both opacities. @type {Map<string, MarkerMask[][][]>} */
  #masks = new Map();

  /** Make room for n points. @param {number} n */
  #allocate(n) {
    if (this.#shuffled.length === n) return;
    [this.x, this.y, this.#depth] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
    this.#shuffled = shuffled(n);
    this.rows = this.#shuffled.slice();
    this.#cost = 0;
    this.#placed = false;
  }

  /** The points lie elsewhere on the screen than where they were drawn. */
  invalidate() {
    this.#placed = false;
  }

  /**
   * Draw the points; returns how many. While the map is moved, as many are drawn as leave the movement smooth.
   *
   * @param {MapState} state
   * @param {boolean} moving
   */
  draw(state, moving) {
    this.#allocate(state.index.length);
    this.place(state);
    const count = moving ? this.#affordable() : this.x.length;
    if (state.solid) sortByDepth(this.#depth, this.#shuffled, count, this.rows);
    else this.rows = this.#shuffled;
    const ratio = pixelRatio();
    const context = contextOf(this.canvas);
    const sheet = this.#sheetFor(context, Math.round(state.size.width * ratio), Math.round(state.size.height * ratio));
    sheet.pixels.fill(pack(state.theme.panel));
    const begun = performance.now();
    this.#stamp(sheet, state, count, ratio);
    if (count) this.#cost = (performance.now() - begun) / count;
    context.putImageData(sheet.picture, -PAD, -PAD);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return count;
  }

  /** Project the points, where they are not already. @param {MapState} state */
  place(state) {
    this.#allocate(state.index.length);
    if (this.#placed) return;
    state.camera.project(state.points, this.x, this.y, this.#depth);
    this.#placed = true;
  }

  /** @param {Sheet} sheet @param {MapState} state @param {number} count @param {number} ratio */
  #stamp(sheet, state, count, ratio) {
    const { x, y, rows } = this;
    const { words, shapes } = state.colours;
    const [shown, faded] = this.#masksFor(state, sheet.stride, ratio);
    const muted = { word: pack(state.data.muted), masks: faded };
    /** @type {Omit<Stamps, "masks" | "state">} */
    const stamps = { x, y, ratio, rows, count, words, shapes, states: state.states };
    if (state.ghost) {
      const [gx, gy] = [new Float32Array(x.length), new Float32Array(x.length)];
      state.camera.project(state.ghost, gx, gy);
      stamp(sheet, { ...stamps, masks: faded, x: gx, y: gy, states: new Uint8Array(x.length), state: SHOWN });
    }
    stamp(sheet, { ...stamps, ...muted, state: GREY });
    stamp(sheet, { ...stamps, masks: shown, state: SHOWN });
  }

  /** Points that there is time for. Of shuffled ones any first part will do. */
  #affordable() {
    const n = this.x.length;
    if (!this.#cost) return n;
    const count = Math.max(FEWEST, Math.floor(GESTURE_MS / this.#cost));
    return count > 0.8 * n ? n : count;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  #sheetFor(context, width, height) {
    resizeCanvas(this.canvas, width, height);
    if (this.#sheet?.width !== width || this.#sheet.height !== height) {
      this.#sheet = sheetOf(context.createImageData(width + 2 * PAD, height + 2 * PAD));
      this.#masks.clear();
    }
    return this.#sheet;
  }

  /**
   * The masks of all markers at the size that fits number and magnification: opaque ones and faded ones.
   *
   * @param {MapState} state
   * @param {number} stride
   * @param {number} ratio
   */
  #masksFor(state, stride, ratio) {
    this.radius = markerRadius(this.x.length, state.camera.magnification);
    const markers = state.colours.shapes ? MARKERS.length : 1;
    const key = `${markers} ${this.radius}`;
    let masks = this.#masks.get(key);
    if (!masks) {
      const made = (/** @type {number} */ opacity) =>
        Array.from({ length: markers }, (_, marker) => maskOf(marker, this.radius * ratio, stride, opacity));
      masks = [OPACITY, FADED].map(made);
      this.#masks.set(key, masks);
      for (const old of this.#masks.keys()) if (this.#masks.size > MOST_SIZES) this.#masks.delete(old);
    }
    return masks;
  }
}
