// Polygons [[x, y], ...].

/** @import { Point } from "../shared/types.d.ts" */
/** @import { Polygon } from "./types.d.ts" */

/** A rectangle between two corners. @param {Point} from @param {Point} to @returns {Polygon} */
export function rectangle([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/** Whether a point lies inside, by the even-odd rule. @param {Polygon} polygon @param {number} x @param {number} y */
export function contains(polygon, x, y) {
  let inside = false;
  let before = polygon[polygon.length - 1]; // plain places: this is asked of every point while a lasso is drawn
  for (const corner of polygon) {
    const ay = corner[1], by = before[1];
    if (ay > y !== by > y && x < ((before[0] - corner[0]) * (y - ay)) / (by - ay) + corner[0]) inside = !inside;
    before = corner;
  }
  return inside;
}

/** @param {Polygon} polygon */
export function areaOf(polygon) {
  const twice = polygon.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = polygon[(i + 1) % polygon.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}
