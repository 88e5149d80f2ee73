// Geometry of planes: bounds, scales between values and pixels, and where names stand.

import { clamp, median } from "./numbers.js";

/** @import { Bounds, Numbers, Point, Size } from "./types.d.ts" */
/** @typedef {ReturnType<typeof planeScale>} PlaneScale */
/** @typedef {{ whole: string, x: number, y: number }} Name a text, and the place that it names */
/** @typedef {Name & { text: string, cut: boolean, width: number, size: number }} PlacedName */

const NO_CLASS = 255;

/**
 * Bounds of points [x0, y0, x1, y1, ...]: a square around them with a margin, without the outermost `cut` of each side.
 *
 * @param {Numbers} points
 * @returns {Bounds}
 */
export function squareBounds(points, cut = 0.002, margin = 0.06) {
  if (points.length < 2) return { low: [-1, -1], high: [1, 1] };
  const sides = [0, 1].map((axis) => {
    const values = Float64Array.from({ length: points.length / 2 }, (_, i) => points[2 * i + axis]).sort();
    const out = Math.floor(cut * values.length);
    return [values[out], values[values.length - 1 - out]];
  });
  const half = (Math.max(...sides.map(([low, high]) => high - low), 1e-6) / 2) * (1 + 2 * margin);
  const middle = sides.map(([low, high]) => (low + high) / 2);
  return { low: middle.map((m) => m - half), high: middle.map((m) => m + half) };
}

/**
 * Bounds widened along one axis, so that a unit is as long across as it is up.
 *
 * @param {Bounds} bounds
 * @param {Size} size
 * @returns {Bounds}
 */
export function fitBounds({ low, high }, { width, height }) {
  const spans = [high[0] - low[0], high[1] - low[1]];
  const unit = Math.max(spans[0] / width, spans[1] / height);
  const grow = [(unit * width - spans[0]) / 2, (unit * height - spans[1]) / 2];
  return { low: [low[0] - grow[0], low[1] - grow[1]], high: [high[0] + grow[0], high[1] + grow[1]] };
}

/**
 * Conversions between a plane and a canvas, whose y axis points down; `perPixel` are units per pixel.
 *
 * @param {Bounds} bounds
 * @param {Size} size
 */
export function planeScale({ low, high }, { width, height }) {
  const perPixel = [(high[0] - low[0]) / width, (high[1] - low[1]) / height];
  return {
    /** @type {(x: number, y: number) => Point} */
    toPixel: (x, y) => [(x - low[0]) / perPixel[0], (high[1] - y) / perPixel[1]],
    /** @type {(px: number, py: number) => Point} */
    toValue: (px, py) => [low[0] + px * perPixel[0], high[1] - py * perPixel[1]],
    perPixel,
  };
}

/**
 * Median [x, y] of the points of each class, by label in ascending order; 255 stands for no class.
 *
 * @param {Numbers} points
 * @param {Numbers} labels
 */
export function classCentres(points, labels) {
  /** @type {Map<number, [number[], number[]]>} */
  const groups = new Map();
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === NO_CLASS) continue;
    const group = groups.get(labels[i]) ?? [[], []];
    group[0].push(points[2 * i]);
    group[1].push(points[2 * i + 1]);
    groups.set(labels[i], group);
  }
  /** @type {Map<number, Point>} */
  const centres = new Map();
  for (const [label, [xs, ys]] of [...groups].sort(([a], [b]) => a - b)) centres.set(label, [median(xs), median(ys)]);
  return centres;
}

/**
 * A text that is at most `room` wide, cut and ended by an ellipsis where it would be wider; `measure` gives a text's
 * width.
 *
 * @param {string} text
 * @param {number} room
 * @param {(text: string) => number} measure
 */
export function fitText(text, room, measure) {
  if (measure(text) <= room) return text;
  let end = text.length - 1;
  while (end > 1 && measure(`${text.slice(0, end).trimEnd()}…`) > room) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/**
 * Where names stand on a canvas, centred. No name is wider than `share` of it and none reaches beyond its edges; names
 * that would cover each other move apart, down or up.
 *
 * @param {Name[]} names
 * @param {Size} canvas
 * @param {number} size of the letters
 * @param {(text: string) => number} measure
 */
export function placeNames(names, { width, height }, size, measure, share = 0.45, margin = 4) {
  /** @type {PlacedName[]} */
  const placed = [];
  for (const { whole, x, y } of names) {
    const text = fitText(whole, share * width, measure);
    const long = measure(text);
    const [aside, above] = [margin + long / 2, margin + size / 2];
    const within = (/** @type {number} */ at) => clamp(at, above, height - above);
    const [left, middle] = [clamp(x, aside, width - aside), within(y)];
    const others = placed.filter((other) => Math.abs(other.x - left) < (other.width + long) / 2);
    const steps = Array.from({ length: 17 }, (_, i) => (i % 2 ? 1 : -1) * Math.ceil(i / 2) * size * 0.5);
    const isFree = (/** @type {number} */ at) => others.every((other) => Math.abs(other.y - at) >= size);
    const free = steps.map((step) => within(middle + step)).find(isFree) ?? middle;
    placed.push({ whole, text, cut: text !== whole, width: long, size, x: left, y: free });
  }
  return placed;
}

/**
 * Place of the point nearest to (x, y) within `radius`, or -1.
 *
 * @param {Numbers} points
 * @param {number} x
 * @param {number} y
 */
export function nearestPoint(points, x, y, radius = Infinity) {
  let best = -1;
  let least = radius * radius;
  for (let i = 0; 2 * i < points.length; i++) {
    const distance = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}
