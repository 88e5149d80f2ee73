// Codes that move on a plane, the prior as a dashed circle and the aggregate posterior as an ellipse.

import { clearedContext, drawLabel, styleLabels } from "../shared/canvas.js";
import { make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { classCentres } from "../shared/plane_geometry.js";
import { CanvasView } from "./canvas_view.js";

/** @import { Arrays, Frame, Numbers, Point, Readouts, Size, Theme } from "../shared/types.d.ts" */
/** @import { CloudSpec } from "./types.d.ts" */
/** @typedef {{ reach: number, prior: Point, ellipse: { centre: Point, radii: Point, angle: number } }} MapReadouts */

const DOT = 2.6;
const NAME_DISTANCE = 13; // between the middles of two names, of which the second would cover the first

export class PointCloud extends CanvasView {
  /** @type {Numbers | null} */
  #labels = null;
  /** @type {{ points: Numbers, map: MapReadouts } | null} */
  #shown = null;

  /** @param {CloudSpec} spec */
  constructor(spec) {
    const legend = make("p", { class: "live-quiet", text: "2-σ ellipses: prior (dashed), all encoded data (solid)" });
    super(spec.title, "live-cloud", legend);
    this.spec = spec;
  }

  /** @param {Frame} frame */
  keep(frame) {
    this.#labels = frame.arrays.labels.data;
    this.draw();
  }

  /** @param {Readouts} readouts @param {Arrays} arrays */
  show(readouts, arrays) {
    this.element.hidden = !arrays.map;
    if (!arrays.map) return;
    const map = /** @type {MapReadouts} */ (/** @type {unknown} */ (readouts));
    this.#shown = { points: arrays.map.data, map };
    const { centre, radii } = map.ellipse;
    const [mean, sd] = [centre, radii.map((r) => r / 2)].map((values) => values.map((v) => formatNumber(v)).join(", "));
    const posterior = `aggregate posterior of mean ${mean} and standard deviations ${sd}`;
    const label = `${this.spec.title}: ${arrays.map.data.length / 2} points, ${posterior}`;
    this.canvas.setAttribute("aria-label", label);
    this.draw();
  }

  /** @param {Theme} theme @param {Size} size */
  paint(theme, size) {
    if (!this.#shown || !this.#labels) return;
    const { points, map: { reach, prior, ellipse } } = this.#shown;
    const context = clearedContext(this.canvas, size);
    const unit = Math.min(size.width, size.height) / (2 * reach);
    /** @type {(point: Point) => Point} */
    const place = ([x, y]) => [size.width / 2 + (x - prior[0]) * unit, size.height / 2 - (y - prior[1]) * unit];
    this.#drawPoints(context, points, this.#labels, theme, place);
    context.lineWidth = 1.4;
    drawEllipse(context, place(prior), [2 * unit, 2 * unit], 0, theme.quiet, [5, 4]);
    const [a, b] = ellipse.radii;
    drawEllipse(context, place(ellipse.centre), [a * unit, b * unit], -ellipse.angle, theme.ink, []);
    if (this.spec.names.length) this.#drawNames(context, classCentres(points, this.#labels), theme, place);
  }

  /**
   * One colour after the other: to change it is slow.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Numbers} points
   * @param {Numbers} labels
   * @param {Theme} theme
   * @param {(point: Point) => Point} place
   */
  #drawPoints(context, points, labels, theme, place) {
    const { colours } = this.spec;
    context.globalAlpha = 0.72;
    for (let label = 0; label <= colours.length; label++) {
      const rest = label === colours.length;
      context.fillStyle = rest ? theme.quiet : colours[label];
      for (let i = 0; i < labels.length; i++) {
        if (rest ? labels[i] < label : labels[i] !== label) continue;
        const [x, y] = place([points[2 * i], points[2 * i + 1]]);
        context.fillRect(x - DOT / 2, y - DOT / 2, DOT, DOT);
      }
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Map<number, Point>} centres
   * @param {Theme} theme
   * @param {(point: Point) => Point} place
   */
  #drawNames(context, centres, theme, place) {
    styleLabels(context, theme, "650 12px");
    context.lineWidth = 3.5;
    /** @type {Point[]} */
    const taken = [];
    for (const [label, centre] of centres) {
      const [x, y] = place(centre);
      if (taken.some(([a, b]) => Math.hypot(a - x, b - y) < NAME_DISTANCE)) continue;
      taken.push([x, y]);
      drawLabel(context, this.spec.names[label] ?? String(label), x, y);
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Point} centre
 * @param {Point} radii
 * @param {number} angle
 * @param {string} colour
 * @param {number[]} dash
 */
function drawEllipse(context, [x, y], [a, b], angle, colour, dash) {
  context.strokeStyle = colour;
  context.setLineDash(dash);
  context.beginPath();
  context.ellipse(x, y, a, b, angle, 0, 2 * Math.PI);
  context.stroke();
  context.setLineDash([]);
}
