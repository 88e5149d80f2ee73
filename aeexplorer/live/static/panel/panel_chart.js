// The chart of a panel: its lines come with the page or from a scene of their own; its dots move with the controls.

import { openStream } from "../shared/channel.js";
import { Chart, dotValues, linesOf } from "../shared/chart.js";
import { pickParams } from "./params.js";

/** @import { ChartSpec, Frame, LineSpec, Params, Readouts } from "../shared/types.d.ts" */

export class PanelChart {
  /** @type {{ readouts: Readouts, params: Params } | null} */
  #shown = null;
  #requested = "";

  /** @param {ChartSpec} spec @param {(sentence: string) => void} report */
  constructor(spec, report) {
    this.spec = spec;
    this.chart = new Chart(spec);
    const frame = (/** @type {Frame} */ { arrays }) => this.#draw(linesOf(spec.lines, arrays));
    this.stream = spec.scene ? openStream(spec.scene, { frame, error: report }) : null;
    this.element.ariaBusy = String(Boolean(spec.scene));
  }

  get element() {
    return this.chart.element;
  }

  /** Show the lines for these params of the panel. @param {Params} params */
  request(params) {
    const { lines, fields } = this.spec;
    if (!this.stream) {
      return this.#draw(lines.filter(({ when }) => Object.entries(when).every(([k, v]) => params[k] === v)));
    }
    const wanted = pickParams(params, fields);
    const key = JSON.stringify(wanted);
    if (key !== this.#requested) this.stream.request(wanted);
    this.#requested = key;
  }

  /** @param {Readouts} readouts @param {Params} params */
  show(readouts, params) {
    this.#shown = { readouts, params };
    this.#moveDots();
  }

  close() {
    this.stream?.close();
    this.element.remove();
  }

  /** @param {LineSpec[]} lines */
  #draw(lines) {
    this.chart.draw(lines);
    this.element.ariaBusy = "false";
    this.#moveDots();
  }

  #moveDots() {
    if (!this.#shown) return;
    const { readouts, params } = this.#shown;
    const mark = /** @type {number | undefined} */ (params[this.spec.mark_at]);
    this.chart.moveDots(Number(params[this.spec.x]), dotValues(this.chart.lines, readouts), mark ?? null);
  }
}
