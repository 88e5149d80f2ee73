// A table of errors as colours on a logarithmic scale, with a ring where the controls stand.

import { clearedContext, contextOf, pixelRatio, strokeRing } from "../shared/canvas.js";
import { mix } from "../shared/colours.js";
import { make } from "../shared/dom.js";
import { clamp, formatNumber, interpolate } from "../shared/numbers.js";
import { CanvasView } from "./canvas_view.js";
import { columnAt } from "./line_view.js";

/** @import { Arrays, Frame, Numbers, Params, Point, Readouts, Size, Span, Theme } from "../shared/types.d.ts" */
/** @import { HeatSpec } from "./types.d.ts" */
/** @typedef {{ values: Numbers, rows: Numbers, columns: Numbers }} Table */
/** @typedef {{ left: number, top: number, right: number, bottom: number }} Box */

/**
 * Edges of cells whose middles are at `values`, from one place to another; the outer cells begin at their values.
 *
 * @param {Numbers} values
 * @param {number} from
 * @param {number} to
 */
export function cellEdges(values, from, to) {
  const last = values.length - 1;
  const edges = [values[0], ...Array.from({ length: last }, (_, i) => (values[i] + values[i + 1]) / 2), values[last]];
  return edges.map((value) => from + ((value - values[0]) / (values[last] - values[0] || 1)) * (to - from));
}

export class ErrorHeatmap extends CanvasView {
  /** @type {Table | null} */
  #table = null;
  /** @type {Point | null} */
  #at = null;
  /**
   * The coloured cells, and what they were drawn for.
   *
   * @type {{ table: Table, key: string, sheet: HTMLCanvasElement } | null}
   */
  #cells = null;

  /** @param {HeatSpec} spec */
  constructor(spec) {
    super(spec.title, "live-heat");
    this.spec = spec;
  }

  /** @param {Frame} frame */
  keep({ arrays }) {
    const { array, rows, columns } = this.spec;
    this.#table = { values: arrays[array].data, rows: arrays[rows].data, columns: arrays[columns].data };
    this.draw();
  }

  /** @param {Readouts} readouts @param {Arrays} arrays @param {Params} params */
  show(readouts, arrays, params) {
    this.#at = [Number(params[this.spec.x]), Number(params[this.spec.y])];
    this.draw();
  }

  /** @param {Theme} theme @param {Size} size */
  paint(theme, size) {
    const [table, at] = [this.#table, this.#at];
    if (!table || !at) return;
    const { width, height } = size;
    const context = clearedContext(this.canvas, size);
    const box = { left: 46, top: 4, right: width - 14, bottom: height - 36 };
    context.drawImage(this.#cellsOf(table, box, theme, size), 0, 0, width, height);
    const x = along(at[0], table.columns, box.left, box.right);
    const y = along(at[1], table.rows, box.top, box.bottom);
    strokeRing(context, [x, y], 7, theme.dark ? theme.mark : "#ff5e02", theme);
    this.#drawAxes(context, table, box, theme);
    const [low, high] = logSpan(table.values).map((value) => Math.exp(value).toPrecision(2));
    const meaning = `${theme.dark ? "lighter" : "darker"} = larger error, ${low} to ${high} (log scale)`;
    context.textAlign = "left";
    context.fillText(meaning, 4, height - 7, width - 8);
    const column = columnAt(table.values, table.columns, at[0]);
    const error = formatNumber(interpolate(table.rows, column, at[1]), 4);
    const [x_label, y_label] = [this.spec.x_label, this.spec.y_label];
    const place = `${y_label} ${formatNumber(at[1])}, ${x_label} ${formatNumber(at[0])}`;
    this.canvas.setAttribute("aria-label", `${this.spec.title}: ${error} at ${place}`);
  }

  /** @param {CanvasRenderingContext2D} context @param {Table} table @param {Box} box @param {Theme} theme */
  #drawAxes(context, { rows, columns }, box, theme) {
    const ends = (/** @type {Numbers} */ values) => [values[0], values[values.length - 1]];
    context.fillStyle = theme.quiet;
    context.font = `12px ${theme.font}`;
    context.textAlign = "center";
    for (const value of ends(columns)) {
      context.fillText(edgeText(value), along(value, columns, box.left, box.right), box.bottom + 15);
    }
    context.fillText(this.spec.x_label, (box.left + box.right) / 2, box.bottom + 15);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of ends(rows)) {
      context.fillText(edgeText(value), box.left - 6, along(value, rows, box.top + 5, box.bottom - 5));
    }
    context.save();
    context.translate(12, (box.top + box.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(this.spec.y_label, 0, 0);
    context.restore();
  }

  /**
   * The coloured cells, drawn anew only when something but the ring has changed.
   *
   * @param {Table} table
   * @param {Box} box
   * @param {Theme} theme
   * @param {Size} size
   */
  #cellsOf(table, box, theme, size) {
    const key = [size.width, size.height, theme.dark, pixelRatio()].join();
    if (this.#cells?.table !== table || this.#cells.key !== key) {
      this.#cells = { table, key, sheet: drawCells(table, box, theme, size) };
    }
    return this.#cells.sheet;
  }
}

/** @param {Table} table @param {Box} box @param {Theme} theme @param {Size} size */
function drawCells({ values, rows, columns }, box, theme, { width, height }) {
  const ratio = pixelRatio();
  const sheet = make("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const context = contextOf(sheet);
  context.scale(ratio, ratio);
  const [xs, ys] = [cellEdges(columns, box.left, box.right), cellEdges(rows, box.top, box.bottom)];
  const [low, high] = logSpan(values);
  const [paper, ink] = theme.dark ? [[30, 38, 50], [125, 184, 238]] : [[233, 241, 249], [16, 62, 107]];
  for (let r = 0; r < rows.length; r++) {
    for (let c = 0; c < columns.length; c++) {
      const t = (Math.log(values[r * columns.length + c]) - low) / (high - low || 1);
      context.fillStyle = `rgb(${mix(paper, ink, t).join()})`;
      // half a pixel over, so that no seam shows
      context.fillRect(xs[c], ys[r], xs[c + 1] - xs[c] + 0.5, ys[r + 1] - ys[r] + 0.5);
    }
  }
  return sheet;
}

/** A value at the end of an axis, with as many of two decimals as it needs. @param {number} value */
export function edgeText(value) {
  return String(Number(value.toFixed(2)));
}

/** Lowest and highest logarithm. @param {Numbers} values @returns {Span} */
function logSpan(values) {
  const logs = Array.from(values, Math.log);
  return [Math.min(...logs), Math.max(...logs)];
}

/**
 * The place of a value on an axis whose ends are the first and last of `values`.
 *
 * @param {number} value
 * @param {Numbers} values
 * @param {number} from
 * @param {number} to
 */
function along(value, values, from, to) {
  const [first, last] = [values[0], values[values.length - 1]];
  return from + clamp((value - first) / (last - first || 1), 0, 1) * (to - from);
}
