// The numbers of a vector field: how well each run's arrows agree with the exact ones, and where the walks end.

import { make, statusLight } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";

/** @import { Readouts, Span } from "../shared/types.d.ts" */

/** Prefix of the readouts and arrays of the second run. */
export const COMPARED = "compare_";

export class FieldReadouts {
  legend = make("div", { class: "live-legend" });
  between = make("p", { class: "live-quiet live-between" });
  ends = make("div", { class: "live-ends" });

  /** @param {string[]} names of the runs */
  constructor(names) {
    this.names = names;
  }

  /**
   * @param {Readouts & { between?: Span | null }} readouts
   * @param {string} drawn prefix of the run whose arrows are drawn
   */
  showAgreement(readouts, drawn) {
    const runs = this.names.map((name, i) => {
      const prefix = i ? COMPARED : "";
      const figure = (/** @type {string} */ key, /** @type {number} */ digits) => {
        const text = formatNumber(/** @type {number | null} */ (readouts[prefix + key]), digits);
        return make("b", { text, "data-figure": prefix + key });
      };
      return [key(prefix === drawn ? "learned" : "none"), name, figure("cosine", 3), figure("relative_error", 2)];
    });
    const title = (/** @type {string} */ text) => make("span", { class: "live-caption", text });
    const rows = [
      ["", title("on noisy test samples"), title("cosine"), title("relative error")],
      [key("exact"), "exact score", "1", "0"],
      ...runs,
    ];
    const cells = rows.flat().map((cell) => (typeof cell === "string" ? make("span", { text: cell }) : cell));
    this.legend.replaceChildren(...cells);
    this.between.textContent = describeWeights(readouts.between);
  }

  /** @param {Readouts} readouts @param {string} drawn */
  showEnds(readouts, drawn) {
    const name = drawn ? this.names[1] : this.names[0];
    const rows = [["exact", "exact score"], [`${drawn}learned`, name]].map(([walk, label]) => {
      const steps = readouts[`${walk}_steps`];
      const length = make("span", { class: "live-quiet", text: ` in ${steps} step${steps === 1 ? "" : "s"}` });
      const status = statusLight(String(readouts[`${walk}_status`]));
      return make("div", {}, make("span", { text: `${label}: ` }), status, length);
    });
    this.ends.replaceChildren(...rows);
  }
}

/** The line that stands for arrows of a kind. @param {"exact" | "learned" | "none"} kind */
function key(kind) {
  return make("span", { class: `live-key live-key-${kind}`, "aria-hidden": "true" });
}

/** @param {Span | null | undefined} between snapshots of a dial */
function describeWeights(between) {
  if (!between) return "";
  const [low, high] = between;
  return low === high ? `Trained at exactly σ = ${low}.` : `Interpolated between σ = ${low} and ${high}.`;
}
