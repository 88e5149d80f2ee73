// Canvases in CSS pixels on screens of any density, and the marks that several components draw.

/** @import { Point, Size, Theme } from "./types.d.ts" */

const TURN = 2 * Math.PI;

export function pixelRatio() {
  return globalThis.devicePixelRatio || 1;
}

/** The 2-d context of a canvas. @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser offers no 2-d canvas");
  return context;
}

/**
 * Give a canvas this many pixels, which empties it; one that has them stays as it is.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
export function resizeCanvas(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
}

/**
 * Empty a canvas and scale its context to CSS pixels of its element.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Size} size
 */
export function clearedContext(canvas, { width, height } = { width: canvas.clientWidth, height: canvas.clientHeight }) {
  const ratio = pixelRatio();
  resizeCanvas(canvas, Math.round(width * ratio), Math.round(height * ratio));
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
export function strokeCircle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
export function fillCircle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, TURN);
  context.fill();
}

/**
 * A circle with a wider one in the panel's colour below it, which sets it off from what lies there.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Point} centre
 * @param {number} radius
 * @param {string} colour
 * @param {Theme} theme
 */
export function strokeRing(context, [x, y], radius, colour, theme) {
  for (const [width, style] of /** @type {[number, string][]} */ ([[5, theme.panel], [2.5, colour]])) {
    context.lineWidth = width;
    context.strokeStyle = style;
    strokeCircle(context, x, y, radius);
  }
}

/**
 * A diamond, filled and outlined in the colours of the context.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} radius
 */
export function drawDiamond(context, x, y, radius) {
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.closePath();
  context.fill();
  context.stroke();
}

/**
 * Lines through points, as the path of the context.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Iterable<Point>} points
 */
export function tracePath(context, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
}

/**
 * Set a context up for `drawLabel`: text in the page's ink with a rim in the panel's colour.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Theme} theme
 * @param {string} font weight and size, "700 15px"
 */
export function styleLabels(context, theme, font) {
  context.font = `${font} ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = theme.panel;
  context.fillStyle = theme.ink;
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y */
export function drawLabel(context, text, x, y) {
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}
