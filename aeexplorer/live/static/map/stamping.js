// Many markers stamped into a picture at once. The browser's own 2-d canvas takes ten times as long for 60,000 of
// them, and WebGL without a graphics card twice as long.

import { MARKERS } from "./markers.js";
import { contains } from "./polygon.js";

/** @import { Numbers } from "../shared/types.d.ts" */
/** @import { MarkerMask, Sheet } from "./types.d.ts" */

/**
 * How a point is shown: as it is, faintly because it is not selected, or not at all because its class is switched
 * off.
 */
export const SHOWN = 0, GREY = 1, HIDDEN = 2;

export const PAD = 40; // pixels around a sheet, so that markers at its edge need no clipping
const PHASES = 2; // a marker may begin at half a pixel: without that, slow zooming looks like trembling
const SAMPLES = 4; // along the side of a pixel, of which those inside a marker are counted
const BUCKETS = 512; // of depth

/**
 * What a marker covers, for each phase of half a pixel across and down.
 *
 * @param {number} marker
 * @param {number} radius in pixels
 * @param {number} stride pixels of a line of the sheet
 * @param {number} opacity
 */
export function maskOf(marker, radius, stride, opacity) {
  return Array.from({ length: PHASES * PHASES }, (_, phase) => {
    const x = ((phase % PHASES) + 0.5) / PHASES;
    const y = (Math.floor(phase / PHASES) + 0.5) / PHASES;
    return phaseMask(marker, radius, stride, opacity, x, y);
  });
}

/**
 * @param {number} marker
 * @param {number} radius
 * @param {number} stride
 * @param {number} opacity
 * @param {number} x of the marker's middle within a pixel
 * @param {number} y
 * @returns {MarkerMask}
 */
function phaseMask(marker, radius, stride, opacity, x, y) {
  const reach = Math.min(Math.ceil(radius * 1.7) + 1, PAD - 2);
  const polygon = MARKERS[marker % MARKERS.length];
  /** @type {[number[], number[]]} */
  const [offsets, weights] = [[], []];
  for (let row = -reach; row <= reach; row++) {
    for (let column = -reach; column <= reach; column++) {
      let inside = 0;
      for (let s = 0; s < SAMPLES * SAMPLES; s++) {
        const px = (column + ((s % SAMPLES) + 0.5) / SAMPLES - x) / radius;
        const py = (row + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES - y) / radius;
        if (contains(polygon, px, py)) inside += 1;
      }
      const weight = Math.round((256 * opacity * inside) / SAMPLES ** 2);
      if (weight > 3) {
        offsets.push(row * stride + column);
        weights.push(weight);
      }
    }
  }
  return { offsets: Int32Array.from(offsets), weights: Int32Array.from(weights) };
}

/**
 * A sheet of opaque pixels with a margin of `PAD`; `picture` goes to the canvas.
 *
 * @param {ImageData} picture
 * @returns {Sheet}
 */
export function sheetOf(picture) {
  const { width: stride, height } = picture;
  const pixels = new Uint32Array(picture.data.buffer);
  return { picture, pixels, stride, width: stride - 2 * PAD, height: height - 2 * PAD };
}

/**
 * @typedef {object} Stamps
 * @property {Numbers} x in CSS pixels
 * @property {Numbers} y
 * @property {number} ratio pixels of the sheet to one of those
 * @property {Numbers} rows the order in which points are drawn
 * @property {number} count how many of these are
 * @property {Numbers} words the colour of each point
 * @property {number} [word] one colour for all
 * @property {Numbers | null} shapes the marker of each point, null for circles
 * @property {MarkerMask[][]} masks of each marker
 * @property {Numbers} states
 * @property {number} state only points in this state are drawn
 */

/** Stamp points onto a sheet. @param {Sheet} sheet @param {Stamps} stamps */
export function stamp({ pixels, stride, width, height }, stamps) {
  const { x, y, ratio, rows, count, words, word, shapes, masks, states, state } = stamps;
  for (let k = 0; k < count; k++) {
    const i = rows[k];
    if (states[i] !== state) continue;
    const sx = x[i] * ratio;
    const sy = y[i] * ratio;
    if (!(sx > -PAD / 2 && sy > -PAD / 2 && sx < width + PAD / 2 && sy < height + PAD / 2)) continue;
    const left = Math.floor(sx);
    const top = Math.floor(sy);
    const phase = (sx - left >= 0.5 ? 1 : 0) + (sy - top >= 0.5 ? PHASES : 0);
    const { offsets, weights } = masks[shapes ? shapes[i] : 0][phase];
    const base = (top + PAD) * stride + left + PAD;
    const colour = word ?? words[i];
    const redBlue = colour & 0xff00ff;
    const green = colour & 0xff00;
    for (let m = 0; m < offsets.length; m++) {
      const at = base + offsets[m];
      const below = pixels[at];
      const over = weights[m];
      const under = 256 - over;
      pixels[at] =
        0xff000000 |
        ((((below & 0xff00ff) * under + redBlue * over) >>> 8) & 0xff00ff) |
        ((((below & 0xff00) * under + green * over) >>> 8) & 0xff00);
    }
  }
}

/**
 * Every place below n once, as if shuffled, the same each time: an order in which no class lies on top of another.
 *
 * @param {number} n
 */
export function shuffled(n) {
  const rows = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 12345;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows;
}

/**
 * Sort the first `count` places of `order` by depth, the farthest first, into `rows` (a counting sort).
 *
 * @param {Numbers} depth 1 nearest to the eye, -1 farthest
 * @param {Numbers} order
 * @param {number} count
 * @param {Uint32Array} rows
 */
export function sortByDepth(depth, order, count, rows) {
  const starts = new Uint32Array(BUCKETS + 1);
  const bucket = (/** @type {number} */ z) => Math.min(Math.max(Math.floor((z + 1) * (BUCKETS / 2)), 0), BUCKETS - 1);
  for (let k = 0; k < count; k++) starts[bucket(depth[order[k]]) + 1]++;
  for (let b = 1; b <= BUCKETS; b++) starts[b] += starts[b - 1];
  for (let k = 0; k < count; k++) rows[starts[bucket(depth[order[k]])]++] = order[k];
  return rows;
}
