// What lies above the points of a map and changes without them: placed codes, rings, the lasso, the crosshair.

import { drawDiamond, drawLabel, strokeCircle, strokeRing, tracePath } from "../shared/canvas.js";
import { pixelsOf } from "./camera.js";
import { LONGEST } from "./class_names.js";
import { HIDDEN } from "./stamping.js";

/** @import { Numbers, Point, Theme } from "../shared/types.d.ts" */
/** @import { MapState } from "./map_state.js" */
/** @import { PlacedCode, Polygon } from "./types.d.ts" */

/**
 * @param {CanvasRenderingContext2D} context cleared
 * @param {MapState} state
 * @param {Numbers} x of the points
 * @param {Numbers} y
 */
export function drawOverlay(context, state, x, y) {
  const { group, theme, data, camera } = state;
  if (data.placed.length) {
    const pixels = pixelsOf(camera, data.placed.flatMap(({ point }) => point), data.placed.length);
    drawPlaced(context, data.placed, pixels, theme);
  }
  const ring = (/** @type {number | null} */ place, /** @type {number} */ radius, /** @type {string} */ colour) => {
    const row = place === null ? undefined : state.rowOf.get(place);
    if (row === undefined || state.states[row] === HIDDEN) return;
    strokeRing(context, [x[row], y[row]], radius, colour, theme);
  };
  ring(group.picked, 9, theme.mark);
  if (group.hover !== group.picked) ring(group.hover, 7, theme.ink);
  if (state.outline) drawOutline(context, state.outline, theme);
  if (state.decodedAt) drawCross(context, pixelsOf(camera, state.decodedAt, 1)[0], theme);
}

/**
 * Codes that were placed on the map, joined by a line; approximate ones are open and their line is dashed.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {PlacedCode[]} placed
 * @param {Point[]} pixels
 * @param {Theme} theme
 */
function drawPlaced(context, placed, pixels, theme) {
  context.strokeStyle = theme.mark;
  context.lineWidth = 2;
  context.setLineDash(placed[0].approximate ? [4, 3] : []);
  tracePath(context, pixels);
  context.stroke();
  context.setLineDash([]);
  context.font = `600 13px ${theme.font}`;
  context.textAlign = "left";
  placed.forEach(({ label, approximate }, i) => {
    const [x, y] = pixels[i];
    context.strokeStyle = theme.mark;
    context.lineWidth = 2;
    context.fillStyle = approximate ? theme.panel : theme.mark;
    drawDiamond(context, x, y, label ? 7 : 4);
    if (!label) return;
    context.strokeStyle = theme.panel;
    context.lineWidth = 4;
    context.fillStyle = theme.ink;
    drawLabel(context, `${label.slice(0, LONGEST)}${approximate ? " ≈" : ""}`, x + 10, y - 8);
  });
}

/** @param {CanvasRenderingContext2D} context @param {Polygon} outline @param {Theme} theme */
function drawOutline(context, outline, theme) {
  tracePath(context, outline);
  context.closePath();
  context.strokeStyle = context.fillStyle = theme.accent;
  context.globalAlpha = 0.1;
  context.fill();
  context.globalAlpha = 1;
  context.setLineDash([5, 4]);
  context.lineWidth = 1.5;
  context.stroke();
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {Point} centre @param {Theme} theme */
function drawCross(context, [x, y], theme) {
  context.strokeStyle = theme.ink;
  context.lineWidth = 2;
  strokeCircle(context, x, y, 10);
  context.beginPath();
  context.moveTo(x - 15, y);
  context.lineTo(x + 15, y);
  context.moveTo(x, y - 15);
  context.lineTo(x, y + 15);
  context.stroke();
}
