// How points of a map come to the screen, in two and in three dimensions.

import { clamp } from "../shared/numbers.js";

/** @import { Bounds, Numbers, Point } from "../shared/types.d.ts" */
/** @import { Camera } from "./types.d.ts" */

const MARGIN = 0.06;
const MOST_FLAT = 200; // largest magnification
const MOST_SPACE = 60;
const EYE = 4; // distance of the eye from the middle of a cloud, in radii: far enough that nothing looks bent
const FITTING = 0.47; // share of the shorter side that the radius of a cloud takes: long clouds stay in sight too
const TURN = 0.008; // radians per pixel of dragging
const STEEPEST = 1.55; // radians

/**
 * Bounds of points [a0, b0, (c0), a1, ...] with `components` values each.
 *
 * @param {Numbers} points
 * @param {number} components
 * @returns {Bounds}
 */
export function boundsOf(points, components) {
  /** @type {number[]} */
  const low = new Array(components).fill(points.length ? Infinity : -1);
  /** @type {number[]} */
  const high = new Array(components).fill(points.length ? -Infinity : 1);
  for (let i = 0; i < points.length; i++) {
    const axis = i % components;
    if (points[i] < low[axis]) low[axis] = points[i];
    if (points[i] > high[axis]) high[axis] = points[i];
  }
  return { low, high };
}

/** The middle of bounds. @param {Bounds} bounds */
export function middleOf({ low, high }) {
  return low.map((value, axis) => (value + high[axis]) / 2);
}

/** A flat map: a unit is as long across as it is up. @implements {Camera} */
export class FlatCamera {
  /** @param {Bounds} bounds @param {number} width @param {number} height */
  constructor(bounds, width, height) {
    this.bounds = bounds;
    this.width = width;
    this.height = height;
    this.centre = middleOf(bounds);
    this.scale = this.fitting;
  }

  /** Show everything. */
  reset() {
    this.centre = middleOf(this.bounds);
    this.scale = this.fitting;
  }

  /** Pixels per unit at which everything is shown. */
  get fitting() {
    const { low, high } = this.bounds;
    const [wide, tall] = low.map((value, axis) => Math.max(high[axis] - value, 1e-9) * (1 + 2 * MARGIN));
    return Math.max(Math.min(this.width / wide, this.height / tall), 1e-9);
  }

  get magnification() {
    return this.scale / this.fitting;
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    const { magnification } = this;
    [this.width, this.height] = [width, height];
    this.scale = this.fitting * magnification;
    if (magnification <= 1) this.reset();
  }

  /** The pixel of the origin. @returns {Point} */
  get origin() {
    return [this.width / 2 - this.centre[0] * this.scale, this.height / 2 + this.centre[1] * this.scale];
  }

  /** @param {Float32Array} points @param {Float32Array} x @param {Float32Array} y */
  project(points, x, y) {
    const { scale, origin: [left, top] } = this;
    for (let i = 0; i < x.length; i++) {
      x[i] = left + points[2 * i] * scale;
      y[i] = top - points[2 * i + 1] * scale;
    }
  }

  /** @param {number} px @param {number} py */
  toValue(px, py) {
    return [this.centre[0] + (px - this.width / 2) / this.scale, this.centre[1] - (py - this.height / 2) / this.scale];
  }

  drag = this.shift;

  /** @param {number} dx @param {number} dy */
  shift(dx, dy) {
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] + dy / this.scale];
  }

  /** @param {number} factor @param {number} px @param {number} py */
  zoom(factor, px, py) {
    const before = this.toValue(px, py);
    const { fitting } = this;
    this.scale = clamp(this.scale * factor, fitting, MOST_FLAT * fitting);
    const after = this.toValue(px, py);
    this.centre = this.centre.map((value, axis) => value + before[axis] - after[axis]);
    if (this.scale === fitting) this.reset();
  }

  /**
   * Cells are fixed to the map and double in size as it shrinks, so that panning does not move them.
   *
   * @param {number} cell
   */
  grid(cell) {
    const [left, top] = this.origin;
    return { size: 2 ** Math.ceil(Math.log2(cell / this.scale)) * this.scale, left, top };
  }
}

/** A cloud in space: turned by dragging, seen from a little way off. @implements {Camera} */
export class SpaceCamera {
  yaw = 0.6;
  pitch = 0.35;
  magnification = 1;
  offset = [0, 0];

  /** @param {Bounds} bounds @param {number} width @param {number} height */
  constructor(bounds, width, height) {
    this.middle = middleOf(bounds);
    this.radius = Math.max(Math.hypot(...bounds.low.map((low, axis) => bounds.high[axis] - low)) / 2, 1e-9);
    this.width = width;
    this.height = height;
  }

  reset() {
    [this.yaw, this.pitch, this.magnification] = [0.6, 0.35, 1];
    this.offset = [0, 0];
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    [this.width, this.height] = [width, height];
  }

  /** Rows of the rotation: right, up, towards the eye. */
  get rotation() {
    const [ca, sa, cb, sb] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
    return [[ca, sa, 0], [-sa * sb, ca * sb, cb], [sa * cb, -ca * cb, sb]];
  }

  /** Pixels of the cloud's radius. */
  get unit() {
    return FITTING * Math.min(this.width, this.height) * this.magnification;
  }

  /** @param {Float32Array} points @param {Float32Array} x @param {Float32Array} y @param {Float32Array} [depth] */
  project(points, x, y, depth) {
    const [right, up, near] = this.rotation;
    const [mx, my, mz] = this.middle;
    const { unit, radius } = this;
    const [left, top] = [this.width / 2 + this.offset[0], this.height / 2 + this.offset[1]];
    for (let i = 0; i < x.length; i++) {
      const a = (points[3 * i] - mx) / radius;
      const b = (points[3 * i + 1] - my) / radius;
      const c = (points[3 * i + 2] - mz) / radius;
      const z = near[0] * a + near[1] * b + near[2] * c;
      const scale = unit / (1 - z / EYE);
      x[i] = left + (right[0] * a + right[1] * b + right[2] * c) * scale;
      y[i] = top - (up[0] * a + up[1] * b + up[2] * c) * scale;
      if (depth) depth[i] = z;
    }
  }

  /** @param {number} px @param {number} py */
  toValue(px, py, depth = 0) {
    const scale = this.unit / (1 - depth / EYE);
    const [dx, dy] = [px - this.width / 2 - this.offset[0], this.height / 2 + this.offset[1] - py];
    const turned = [dx / scale, dy / scale, depth];
    const { rotation } = this;
    return this.middle.map((middle, axis) =>
      turned.reduce((sum, value, row) => sum + this.radius * value * rotation[row][axis], middle),
    );
  }

  /** @param {number} dx @param {number} dy */
  drag(dx, dy) {
    this.yaw += dx * TURN;
    this.pitch = clamp(this.pitch + dy * TURN, -STEEPEST, STEEPEST);
  }

  /** @param {number} dx @param {number} dy */
  shift(dx, dy) {
    this.offset = [this.offset[0] + dx, this.offset[1] + dy];
  }

  /** @param {number} factor @param {number} px @param {number} py */
  zoom(factor, px, py) {
    const before = this.magnification;
    this.magnification = clamp(before * factor, 1, MOST_SPACE);
    const ratio = this.magnification / before;
    const from = [px - this.width / 2, py - this.height / 2];
    this.offset = this.offset.map((value, axis) => from[axis] + (value - from[axis]) * ratio);
    if (this.magnification === 1) this.offset = [0, 0];
  }

  /** @param {number} cell */
  grid(cell) {
    return { size: cell, left: 0, top: 0 };
  }
}

/**
 * Pixels [x, y] of a few points [a0, b0, (c0), a1, ...].
 *
 * @param {Camera} camera
 * @param {Numbers} points
 * @param {number} count
 * @returns {Point[]}
 */
export function pixelsOf(camera, points, count) {
  const [x, y] = [new Float32Array(count), new Float32Array(count)];
  camera.project(Float32Array.from(points), x, y);
  return Array.from(x, (value, i) => [value, y[i]]);
}
