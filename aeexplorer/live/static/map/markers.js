// The markers of classes.

import { areaOf } from "./polygon.js";

/** @import { Point } from "../shared/types.d.ts" */
/** @import { Polygon } from "./types.d.ts" */

/** @param {number} sides @returns {Polygon} */
const regular = (sides, phase = 0) => Array.from({ length: sides }, (_, i) => {
  const angle = (2 * Math.PI * i) / sides + phase;
  return [Math.sin(angle), -Math.cos(angle)];
});
/** @param {number} points @param {number} inner @returns {Polygon} */
const star = (points, inner) => regular(2 * points).map(([x, y], i) => (i % 2 ? [x * inner, y * inner] : [x, y]));
/** @param {number} w half the width of a bar @returns {Polygon} */
const cross = (w) => [
  [-w, -1], [w, -1], [w, -w], [1, -w], [1, w], [w, w], [w, 1], [-w, 1], [-w, w], [-1, w], [-1, -w], [-w, -w],
];
/** @param {Polygon} polygon @param {number} angle @returns {Polygon} */
const turned = (polygon, angle) => polygon.map(([x, y]) => [
  x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle),
]);
/** @type {Polygon} */
const BAR = [[-1.2, -0.62], [1.2, -0.62], [1.2, 0.62], [-1.2, 0.62]];

/**
 * Outlines of the markers, all of the area of a circle of radius 1, so that all classes weigh the same.
 *
 * @type {Polygon[]}
 */
export const MARKERS = [
  regular(32), regular(4, Math.PI / 4), regular(4), regular(3), cross(0.36), star(5, 0.45),
  turned(cross(0.36), Math.PI / 4), regular(3, Math.PI), regular(6), BAR,
].map((polygon) => {
  const scale = Math.sqrt(Math.PI / areaOf(polygon));
  return polygon.map(([x, y]) => [x * scale, y * scale]);
});

/**
 * The outline of a marker as an SVG path around (x, y).
 *
 * @param {number} marker
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function markerPath(marker, x, y, radius) {
  const rounded = (/** @type {number} */ value) => Number(value.toFixed(2));
  const corner = (/** @type {Point} */ [a, b]) => `${rounded(x + a * radius)} ${rounded(y + b * radius)}`;
  const corners = MARKERS[marker % MARKERS.length].map(corner);
  return `M${corners.join("L")}Z`;
}
