// Strokes that become a picture like those of the dataset.

import { clamp } from "../shared/numbers.js";

/** @import { Point } from "../shared/types.d.ts" */
/** @import { DrawingStyle, Stroke } from "./types.d.ts" */

const AXES = /** @type {const} */ ([0, 1]);

/**
 * Strokes in any unit as a height x width picture of bytes, or null where there are none.
 *
 * The drawing is scaled, in proportion, so that its longer side with the pen's width fills `box` of the picture, then
 * moved so that its centre lies in the middle: the centre of mass as in MNIST (LeCun, Cortes & Burges: 20 x 20 pixels
 * of 28, centred by mass), or the centre of its box. `pen` is the width of a stroke in pixels of the picture.
 *
 * @param {Stroke[]} strokes
 * @param {number} height
 * @param {number} width
 * @param {Partial<DrawingStyle>} style
 */
export function rasterise(strokes, height, width, { box = 20 / 28, centre = "mass", pen = 2.4 } = {}) {
  const points = strokes.flat();
  if (!points.length) return null;
  const low = AXES.map((axis) => Math.min(...points.map((p) => p[axis])));
  const high = AXES.map((axis) => Math.max(...points.map((p) => p[axis])));
  const room = [box * width - pen, box * height - pen];
  // a dot has no size: it keeps the pen's
  const scale = Math.min(...AXES.map((axis) => room[axis] / Math.max(high[axis] - low[axis], 1e-9)));
  const fits = Number.isFinite(scale) && scale < 1e6 ? scale : 0;
  const shift = AXES.map((axis) => [width, height][axis] / 2 - (fits * (low[axis] + high[axis])) / 2);
  const painted = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    /** @type {(point: Point) => Point} */
    const moved = ([x, y]) => [fits * x + shift[0] + dx, fits * y + shift[1] + dy];
    return paint(strokes.map((stroke) => stroke.map(moved)), height, width, pen / 2);
  };
  const picture = painted(0, 0);
  const mass = centre === "mass" ? centreOfMass(picture, height, width) : null;
  return mass ? painted(width / 2 - mass[0], height / 2 - mass[1]) : picture;
}

/**
 * Centre of mass [x, y] of a picture in pixels from its top left corner, or null for a black one.
 *
 * @param {Uint8Array} picture
 * @param {number} height
 * @param {number} width
 * @returns {Point | null}
 */
export function centreOfMass(picture, height, width) {
  let [total, x, y] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const weight = picture[row * width + column];
      total += weight;
      x += weight * (column + 0.5);
      y += weight * (row + 0.5);
    }
  }
  return total ? [x / total, y / total] : null;
}

/**
 * Round strokes with soft edges: a pixel's ink falls from full to none within a pixel of the pen's rim.
 *
 * @param {Stroke[]} strokes
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 */
function paint(strokes, height, width, radius) {
  const picture = new Uint8Array(height * width);
  const reach = radius + 0.5;
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      const [a, b] = [stroke[Math.max(i - 1, 0)], stroke[i]];
      const [left, right] = [Math.min(a[0], b[0]) - reach, Math.max(a[0], b[0]) + reach];
      const [top, bottom] = [Math.min(a[1], b[1]) - reach, Math.max(a[1], b[1]) + reach];
      for (let row = Math.max(0, Math.floor(top)); row < Math.min(height, bottom); row++) {
        for (let column = Math.max(0, Math.floor(left)); column < Math.min(width, right); column++) {
          const ink = Math.round(255 * clamp(reach - distanceToSegment(column + 0.5, row + 0.5, a, b), 0, 1));
          const at = row * width + column;
          if (ink > picture[at]) picture[at] = ink;
        }
      }
    }
  }
  return picture;
}

/** @param {number} x @param {number} y @param {Point} a @param {Point} b */
function distanceToSegment(x, y, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length ? clamp(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0, 1) : 0;
  return Math.hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}
