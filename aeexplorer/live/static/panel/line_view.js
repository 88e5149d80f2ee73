// Lines of a scene that stays, with dots at a control or at a readout.

import { Chart } from "../shared/chart.js";
import { interpolate } from "../shared/numbers.js";

/** @import { Arrays, ChartSpec, Frame, LineSpec, Numbers, Params, Readouts } from "../shared/types.d.ts" */

/**
 * A column of a table (points, m) at a value between those of its columns, interpolated linearly.
 *
 * @param {Numbers} table
 * @param {Numbers} columns
 * @param {number} value
 */
export function columnAt(table, columns, value) {
  const m = columns.length;
  return Float32Array.from({ length: table.length / m }, (_, i) => {
    const row = Array.from(columns, (_, j) => table[i * m + j]);
    return interpolate(columns, row, value);
  });
}

export class LineView {
  /** @type {Arrays | null} */
  #kept = null;
  /** The values of the controls that choose columns, as text. @type {string | null} */
  #columns = null;
  /** @type {LineSpec[]} */
  #lines = [];

  /** @param {ChartSpec} spec */
  constructor(spec) {
    this.spec = spec;
    this.chart = new Chart(spec);
    this.element = this.chart.element;
    this.element.classList.add("live-view");
  }

  /** @param {Frame} frame */
  keep(frame) {
    this.#kept = frame.arrays;
    this.#columns = null;
  }

  /** @param {Readouts} readouts @param {Arrays} arrays @param {Params} params */
  show(readouts, arrays, params) {
    if (!this.#kept) return;
    const columns = this.spec.lines.map(({ column }) => (column ? params[column] : "")).join();
    if (columns !== this.#columns) {
      this.#columns = columns;
      this.#lines = this.#linesAt(this.#kept, params);
      this.chart.draw(this.#lines);
      this.element.hidden = !this.#lines.length;
    }
    const number = (/** @type {unknown} */ value) => /** @type {number | undefined} */ (value);
    const x = Number(this.spec.x_readout ? readouts[this.spec.x_readout] : params[this.spec.x]);
    const values = this.#lines.map((l) => (l.readout ? number(readouts[l.readout]) : interpolate(l.x, l.y, x)));
    const mark = this.spec.mark_at ? number(params[this.spec.mark_at]) ?? null : null;
    this.chart.moveDots(x, values, mark, this.#lines.map((line) => number(readouts[line.x_readout])));
  }

  /** @param {Arrays} kept @param {Params} params @returns {LineSpec[]} */
  #linesAt(kept, params) {
    return this.spec.lines
      .filter((line) => kept[line.y_array])
      .map((line) => {
        const table = kept[line.y_array].data;
        const y = line.column ? columnAt(table, kept[line.columns].data, Number(params[line.column])) : table;
        return { ...line, x: kept[line.x_array].data, y };
      });
  }
}
