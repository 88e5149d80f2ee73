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
  for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
    const [ax, ay] = polygon[a];
    const [bx, by] = polygon[b];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
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
