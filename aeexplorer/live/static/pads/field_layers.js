// What a vector field draws: density and samples, arrows, and the walks of a point.

import { clearedContext, contextOf, fillCircle, strokeCircle, tracePath } from "../shared/canvas.js";
import { channels, packChannels } from "../shared/colours.js";
import { make } from "../shared/dom.js";

/** @import { Bounds, FrameArray, Numbers, Point, Size, Theme } from "../shared/types.d.ts" */
/** @import { PlaneScale } from "../shared/plane_geometry.js" */
/** @typedef {{ scale: PlaneScale, size: Size, theme: Theme }} Surface */

const DENSEST = 70; // opacity of the highest density, of 255
const DOT = 1.6; // pixels of a sample
const HEAD = 5; // pixels of the longest arrow head
const LONGEST = 1.25; // of an arrow, in cells

/**
 * The smoothed density, faint, and the samples that it is made of.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Surface} surface
 * @param {Numbers} points
 * @param {Bounds} bounds of the density
 * @param {FrameArray | null | undefined} density
 */
export function drawGround(canvas, { scale, size, theme }, points, bounds, density) {
  const context = clearedContext(canvas, size);
  if (density) {
    const [left, top] = scale.toPixel(bounds.low[0], bounds.high[1]);
    const [right, bottom] = scale.toPixel(bounds.high[0], bounds.low[1]);
    context.drawImage(densityPicture(density, theme.learned), left, top, right - left, bottom - top);
  }
  context.fillStyle = theme.quiet;
  context.globalAlpha = theme.dark ? 0.45 : 0.35;
  context.beginPath();
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = scale.toPixel(points[i], points[i + 1]);
    context.rect(x - DOT / 2, y - DOT / 2, DOT, DOT);
  }
  context.fill();
  context.globalAlpha = 1;
}

/** @param {FrameArray} density @param {string} colour */
function densityPicture({ shape: [rows, columns], data }, colour) {
  const canvas = make("canvas", { width: columns, height: rows });
  const context = contextOf(canvas);
  const picture = context.createImageData(columns, rows);
  const words = new Uint32Array(picture.data.buffer);
  const opaque = packChannels(channels(colour)) & 0xffffff;
  for (let i = 0; i < words.length; i++) words[i] = ((Math.sqrt(data[i] / 255) * DENSEST) << 24) | opaque;
  context.putImageData(picture, 0, 0);
  return canvas;
}

/**
 * Arrows of a field, in one colour, as parts of a layer that is cleared already.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Surface} surface
 * @param {Numbers} at
 * @param {Numbers} field
 * @param {{ colour: string, width: number, cell: number, unit: number }} style `cell` and `unit`: pixels of a cell, and
 *   of an arrow of length 1
 */
export function drawArrows(context, { scale }, at, field, { colour, width, cell, unit }) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (let i = 0; i < at.length; i += 2) {
    traceArrow(context, scale.toPixel(at[i], at[i + 1]), field[i] * unit, -field[i + 1] * unit, LONGEST * cell);
  }
  context.stroke();
}

/**
 * An arrow from its tail, cut to `longest`, as part of the path.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Point} tail
 * @param {number} dx
 * @param {number} dy
 * @param {number} longest
 */
function traceArrow(context, [x, y], dx, dy, longest) {
  const length = Math.hypot(dx, dy);
  if (length < 0.5) return;
  const cut = Math.min(1, longest / length);
  const [tipX, tipY] = [x + dx * cut, y + dy * cut];
  const head = Math.min(HEAD, 0.45 * length * cut);
  const [ux, uy] = [dx / length, dy / length];
  context.moveTo(x, y);
  context.lineTo(tipX, tipY);
  context.moveTo(tipX - head * (ux + 0.6 * uy), tipY - head * (uy - 0.6 * ux));
  context.lineTo(tipX, tipY);
  context.lineTo(tipX - head * (ux - 0.6 * uy), tipY - head * (uy + 0.6 * ux));
}

/**
 * The points of a walk up to a step, which may lie between two of them.
 *
 * @param {Numbers} walk [x0, y0, x1, y1, ...]
 * @param {number} step
 */
export function walkUpTo(walk, step) {
  const last = walk.length / 2 - 1;
  const whole = Math.min(Math.floor(step), last);
  const part = Math.min(step, last) - whole;
  /** @type {Point[]} */
  const points = Array.from({ length: whole + 1 }, (_, i) => [walk[2 * i], walk[2 * i + 1]]);
  if (part > 0) {
    const between = (/** @type {number} */ i) => walk[i] + part * (walk[i + 2] - walk[i]);
    points.push([between(2 * whole), between(2 * whole + 1)]);
  }
  return points;
}

/**
 * A walk as a line with a dot at each step and a larger one at its end.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Surface} surface
 * @param {Point[]} walk
 * @param {string} colour
 * @param {number} width
 */
export function drawWalk(context, { scale, theme }, walk, colour, width) {
  const pixels = walk.map(([x, y]) => scale.toPixel(x, y));
  context.lineJoin = context.lineCap = "round";
  // a rim in the panel's colour sets the line off from the arrows
  for (const [stroke, wide] of /** @type {[string, number][]} */ ([[theme.panel, width + 3], [colour, width]])) {
    context.strokeStyle = stroke;
    context.lineWidth = wide;
    tracePath(context, pixels);
    context.stroke();
  }
  context.fillStyle = colour;
  for (const [x, y] of pixels.slice(1, -1)) fillCircle(context, x, y, width / 2 + 1);
  const [x, y] = pixels[pixels.length - 1];
  fillCircle(context, x, y, width / 2 + 4);
  context.strokeStyle = theme.panel;
  context.lineWidth = 2;
  context.stroke();
}

/**
 * The ring from which walks start.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Surface} surface
 * @param {Point} start
 * @param {boolean} focused
 */
export function drawStart(context, { scale, theme }, start, focused) {
  context.lineWidth = focused ? 3.5 : 2;
  context.strokeStyle = theme.ink;
  strokeCircle(context, ...scale.toPixel(...start), 9);
}
