// KL per dimension as bars, and of each dimension the aggregate posterior, mean ± standard deviation, on the prior's
// band.

import { make } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { svg, updateElements } from "../shared/svg.js";

/** @import { Arrays, Frame, Readouts, Span, SvgSpec } from "../shared/types.d.ts" */
/** @import { DimensionsSpec } from "./types.d.ts" */
/** @typedef {{ active_units: number, units: number, between: Span, rate: number }} RateReadouts */

const COLLAPSED = 0.1; // nats for a whole sample, below which a code carries no information
const LEFT = 34; // of the bars: room for the numbers at the axis
const [WIDTH, BARS, SPREADS] = [380, 104, 66]; // of both drawings, and the height of each

/**
 * The sentence below the bars, in two parts: a warning, empty where there is none, and where the dial stands.
 *
 * @param {RateReadouts} readouts
 */
export function describeRate({ active_units: active, units, between: [low, high], rate }) {
  const collapsed = active === 0 || rate < COLLAPSED;
  const warning = `Posterior collapse: ${active} of ${units} units active, R = ${formatNumber(rate)} nats. `;
  return {
    warning: collapsed ? warning : "",
    place: low === high ? `Trained at exactly β = ${low}` : `Interpolated between β = ${low} and β = ${high}`,
  };
}

export class DimensionBars {
  count = make("b", { class: "live-count" });
  bars = svg("svg", { viewBox: `0 0 ${WIDTH} ${BARS}`, role: "img", class: "live-chart" });
  spreads = svg("svg", { viewBox: `0 0 ${WIDTH} ${SPREADS}`, role: "img", class: "live-chart" });
  status = make("p", { class: "live-stand" });
  /** The largest KL at any β, which the bars are scaled to. */
  #largest = 0;

  /** @param {DimensionsSpec} spec */
  constructor(spec) {
    this.element = make(
      "figure",
      { class: "live-card live-view live-dimensions" },
      make("figcaption", { class: "live-caption" }, `${spec.title}: `, this.count),
      this.bars,
      make("p", { class: "live-caption", text: "Aggregate posterior, mean ± sd; prior shaded" }),
      this.spreads,
      this.status,
    );
  }

  /** @param {Frame} frame */
  keep(frame) {
    this.#largest = Number(frame.readouts.kl_max);
  }

  /** @param {Readouts} readouts @param {Arrays} arrays */
  show(readouts, { kl, mean, variance, active }) {
    if (!this.#largest) return;
    const rates = /** @type {RateReadouts} */ (/** @type {unknown} */ (readouts));
    const { active_units, units } = rates;
    this.count.textContent = `${active_units} of ${units} active`;
    const on = Array.from(active.data, Boolean);
    this.#drawBars(Array.from(kl.data), on);
    this.#drawSpreads(Array.from(mean.data, (m, i) => [m, Math.sqrt(Math.max(variance.data[i], 0))]), on);
    const { warning, place } = describeRate(rates);
    const bold = warning ? make("b", { class: "live-beyond", text: warning }) : "";
    this.status.replaceChildren(bold, `${place}, warm-started.`);
  }

  /** @param {number[]} kl @param {boolean[]} active */
  #drawBars(kl, active) {
    const wide = barWidth(kl.length);
    const right = LEFT + kl.length * wide;
    // square roots show both what is spent at a small β and what is left at a large one
    const up = (/** @type {number} */ value) => (BARS - 12) * Math.sqrt(Math.max(value, 0) / this.#largest);
    const ticks = [0, 1, 4, 9, 16, 25].filter((tick) => tick <= this.#largest);
    const values = kl.map((value) => formatNumber(value)).join(", ");
    this.bars.setAttribute("aria-label", `KL per dimension in nats, the largest first: ${values}`);
    updateElements(this.bars, [
      ...ticks.map((tick) => axisText(BARS - up(tick) + 2, String(tick))),
      ...ticks.slice(1).map((tick) => path("live-grid", `M${LEFT} ${BARS - 2 - up(tick)}H${right}`)),
      ...kl.map((value, i) => {
        const place = { x: LEFT + (i + 0.1) * wide, width: wide * 0.8, y: BARS - 2 - up(value) };
        const height = Math.max(up(value), 0.5);
        return /** @type {SvgSpec} */ (["rect", { ...place, height, class: idle("live-bar", active[i]) }]);
      }),
      path("live-axis", `M${LEFT} ${BARS - 2}H${right}`),
    ]);
  }

  /** @param {number[][]} spreads mean and standard deviation of each dimension @param {boolean[]} active */
  #drawSpreads(spreads, active) {
    const wide = barWidth(spreads.length);
    // squeezed at the ends: a spread far beyond the prior's shows that it is so, not by how much
    const y = (/** @type {number} */ value) => SPREADS / 2 - (SPREADS / 2 - 3) * Math.tanh(value / 2.2);
    const values = spreads.map(([m, s]) => `${formatNumber(m)} ± ${formatNumber(s)}`).join(", ");
    this.spreads.setAttribute("aria-label", `Aggregate posterior per dimension, mean and standard deviation: ${values}`);
    updateElements(this.spreads, [
      ["rect", { x: LEFT, width: spreads.length * wide, y: y(1), height: y(-1) - y(1), class: "live-prior" }],
      ...[1, 0, -1].map((value) => axisText(y(value) + 4, formatNumber(value, 0))),
      ...spreads.flatMap(([m, s], i) => {
        const middle = LEFT + (i + 0.5) * wide;
        /** @type {SvgSpec} */
        const dot = ["circle", { cx: middle, cy: y(m), r: 3, class: idle("live-bar", active[i]) }];
        return [path(idle("live-spread", active[i]), `M${middle} ${y(m + s)}V${y(m - s)}`), dot];
      }),
    ]);
  }
}

/** @param {number} count */
function barWidth(count) {
  return Math.min((WIDTH - 40) / count, 44);
}

/** @param {string} name @param {boolean} active */
function idle(name, active) {
  return active ? name : `${name} live-idle`;
}

/** @param {string} name @param {string} d @returns {SvgSpec} */
function path(name, d) {
  return ["path", { class: name, d }];
}

/** @param {number} y @param {string} text @returns {SvgSpec} */
function axisText(y, text) {
  return ["text", { x: LEFT - 6, y, "text-anchor": "end" }, text];
}
