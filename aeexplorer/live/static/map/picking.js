// Which points a pointer, a lasso or an arrow key means. Positions are arrays x and y in pixels with one entry per
// point; points whose entry in `hidden` is not 0 are left out.

import { contains } from "./polygon.js";

/** @import { Numbers, Point } from "../shared/types.d.ts" */
/** @import { Camera, Polygon } from "./types.d.ts" */

/**
 * Place of the point nearest to (px, py) within `radius`, or -1.
 *
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {number} px
 * @param {number} py
 * @param {number} radius
 * @param {Numbers | null} hidden
 */
export function nearestTo(x, y, px, py, radius, hidden = null) {
  let best = -1;
  let least = radius * radius;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - px;
    if (dx > radius || dx < -radius || hidden?.[i]) continue;
    const distance = dx * dx + (y[i] - py) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

/**
 * Places of the `count` points nearest to (px, py) for which `wanted(place)` holds, the nearest first.
 *
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {number} px
 * @param {number} py
 * @param {number} count
 * @param {(place: number) => boolean} wanted
 */
export function nearestFew(x, y, px, py, count, wanted) {
  /** @type {[number, number][]} */
  const nearest = [];
  let worst = Infinity;
  for (let i = 0; i < x.length; i++) {
    const distance = (x[i] - px) ** 2 + (y[i] - py) ** 2;
    if (distance >= worst || !wanted(i)) continue;
    let at = nearest.length;
    while (at > 0 && nearest[at - 1][0] > distance) at--;
    nearest.splice(at, 0, [distance, i]);
    if (nearest.length > count) nearest.pop();
    if (nearest.length === count) worst = nearest[count - 1][0];
  }
  return nearest.map(([, i]) => i);
}

/**
 * Place of the point that an arrow key means: the nearest one within 45 degrees of the direction [dx, dy] (y down), and
 * where there is none the one that lies most in that direction; -1 where none does.
 *
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {number} from
 * @param {Point} direction
 * @param {Numbers | null} hidden
 */
export function nearestTowards(x, y, from, [dx, dy], hidden = null) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    if (i === from || hidden?.[i]) continue;
    const [a, b] = [x[i] - x[from], y[i] - y[from]];
    const along = a * dx + b * dy;
    if (along <= 1e-6) continue;
    const aside = Math.abs(a * dy - b * dx);
    const cost = Math.hypot(along, aside) * (aside <= along ? 1 : 8 * (aside / along));
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}

/**
 * Places of the points inside a polygon.
 *
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {Polygon} polygon
 * @param {Numbers | null} hidden
 */
export function pointsInside(x, y, polygon, hidden = null) {
  if (polygon.length < 3) return [];
  const [xs, ys] = [polygon.map((corner) => corner[0]), polygon.map((corner) => corner[1])];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const inside = [];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < left || x[i] > right || y[i] < top || y[i] > bottom || hidden?.[i]) continue;
    if (contains(polygon, x[i], y[i])) inside.push(i);
  }
  return inside;
}

/**
 * Places of points that may carry a picture without covering each other: at most one in each cell of a grid, and at
 * most `limit`.
 *
 * @param {Camera} camera
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {{ cell: number, limit: number, hidden?: Numbers | null }} options `cell`: pixels of a cell at least
 */
export function spread(camera, x, y, { cell, limit, hidden = null }) {
  const { size: first, left, top } = camera.grid(cell);
  for (let size = first; ; size *= 2) {
    /** @type {Map<string, number>} */
    const cells = new Map();
    for (let i = 0; i < x.length; i++) {
      if (x[i] < 0 || y[i] < 0 || x[i] > camera.width || y[i] > camera.height || hidden?.[i]) continue;
      const key = `${Math.floor((x[i] - left) / size)},${Math.floor((y[i] - top) / size)}`;
      if (!cells.has(key)) cells.set(key, i);
    }
    if (cells.size <= limit) return [...cells.values()];
  }
}
