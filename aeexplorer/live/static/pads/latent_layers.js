// What a latent plane draws: stored codes with the names of their classes, and above them paths, the posterior, marked
// codes and the crosshair.

import {
  clearedContext, drawDiamond, drawLabel, fillCircle, strokeCircle, styleLabels, tracePath,
} from "../shared/canvas.js";
import { clamp } from "../shared/numbers.js";
import { classCentres, placeNames } from "../shared/plane_geometry.js";

/** @import { Numbers, PlanePath, Point, Size, Theme } from "../shared/types.d.ts" */
/** @import { PlaneScale } from "../shared/plane_geometry.js" */
/** @typedef {{ points: Numbers, labels: Numbers, classes: string[] }} Codes */
/** @typedef {{ z: Point, label: string }} MarkedCode */
/** @typedef {{ context: CanvasRenderingContext2D, scale: PlaneScale, size: Size, theme: Theme }} Layer */

const NO_CLASS = 255;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {PlaneScale} scale
 * @param {Size} size
 * @param {Theme} theme
 * @returns {Layer}
 */
export function openLayer(canvas, scale, size, theme) {
  return { context: clearedContext(canvas, size), scale, size, theme };
}

/** @param {Layer} layer @param {Codes} codes @param {string[]} colours of the classes */
export function drawCodes({ context, scale, size, theme }, { points, labels }, colours) {
  const radius = clamp(size.width / 260, 1.6, 2.6);
  context.globalAlpha = labels.length > 600 ? 0.62 : 0.8;
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = scale.toPixel(points[2 * i], points[2 * i + 1]);
    context.fillStyle = labels[i] === NO_CLASS ? theme.quiet : colours[labels[i] % colours.length];
    fillCircle(context, x, y, radius);
  }
  context.globalAlpha = 1;
}

/**
 * Write the names of the classes at the medians of their codes; returns where they stand.
 *
 * @param {Layer} layer
 * @param {Codes} codes
 */
export function drawClassNames({ context, scale, size, theme }, { points, labels, classes }) {
  const letters = clamp(size.width / 28, 14, 22);
  styleLabels(context, theme, `700 ${letters}px`);
  const wanted = [...classCentres(points, labels)].map(([label, centre]) => {
    const [x, y] = scale.toPixel(...centre);
    return { whole: String(classes[label] ?? label), x, y };
  });
  const names = placeNames(wanted, size, letters, (text) => context.measureText(text).width);
  for (const { text, x, y } of names) drawLabel(context, text, x, y);
  return names;
}

/** @param {Layer} layer @param {PlanePath[]} paths */
export function drawPaths({ context, scale, theme }, paths) {
  paths.forEach(({ points, at, colour }, p) => {
    const count = points.length / 2;
    const pixels = Array.from({ length: count }, (_, i) => scale.toPixel(points[2 * i], points[2 * i + 1]));
    tracePath(context, pixels);
    // a rim in the panel's colour sets the line off from the codes
    context.strokeStyle = theme.panel;
    context.lineWidth = 5.5;
    context.setLineDash([]);
    context.stroke();
    context.strokeStyle = context.fillStyle = lineColour(colour, theme);
    context.lineWidth = 2.5;
    context.setLineDash(p ? [6, 4] : []);
    context.stroke();
    fillCircle(context, ...scale.toPixel(at[0], at[1]), 6);
  });
  context.setLineDash([]);
}

/**
 * A colour of a chart's line on a canvas: a name of the theme, or any of CSS.
 *
 * @param {string} colour
 * @param {Theme} theme
 */
function lineColour(colour, theme) {
  const { accent, mark, quiet, ink } = theme;
  return /** @type {{ [name: string]: string }} */ ({ accent, mark, quiet, ink })[colour] ?? colour;
}

/**
 * The posterior of the nearest sample as ellipses of one and two standard deviations.
 *
 * @param {Layer} layer
 * @param {Numbers} ellipse mean and standard deviation: [x, y, sd x, sd y]
 */
export function drawPosterior({ context, scale, theme }, ellipse) {
  const [x, y] = scale.toPixel(ellipse[0], ellipse[1]);
  context.strokeStyle = context.fillStyle = theme.accent;
  context.lineWidth = 1.2;
  for (const sigma of [2, 1]) {
    const [rx, ry] = [0, 1].map((axis) => (sigma * ellipse[2 + axis]) / scale.perPixel[axis]);
    context.beginPath();
    context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 0.8;
    context.stroke();
  }
  context.globalAlpha = 1;
}

/** Rings around stored codes. @param {Layer} layer @param {Numbers} points @param {number[]} places */
export function drawRings({ context, scale, theme }, points, places) {
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.4;
  for (const place of places) strokeCircle(context, ...scale.toPixel(points[2 * place], points[2 * place + 1]), 4.5);
}

/** @param {Layer} layer @param {MarkedCode} marked */
export function drawMarkedCode({ context, scale, size, theme }, { z, label }) {
  const [x, y] = scale.toPixel(...z);
  styleLabels(context, theme, "600 13px");
  context.textBaseline = "alphabetic";
  context.fillStyle = theme.mark;
  context.lineWidth = 2;
  drawDiamond(context, x, y, 9);
  context.lineWidth = 4;
  const right = x > size.width - 90;
  context.textAlign = right ? "right" : "left";
  drawLabel(context, label, x + (right ? -18 : 18), y - 14);
}

/** @param {Layer} layer @param {Point} z @param {boolean} focused */
export function drawCrosshair({ context, scale, theme }, z, focused) {
  const [x, y] = scale.toPixel(...z);
  context.strokeStyle = theme.ink;
  context.lineWidth = focused ? 3 : 2;
  strokeCircle(context, x, y, 12);
  context.lineWidth = 1;
  context.beginPath();
  for (const [from, to] of [[-17, -7], [7, 17]]) {
    context.moveTo(x + from, y);
    context.lineTo(x + to, y);
    context.moveTo(x, y + from);
    context.lineTo(x, y + to);
  }
  context.stroke();
}
