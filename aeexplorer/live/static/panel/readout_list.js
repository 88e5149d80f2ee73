// The numbers and words of a frame, as a list of terms.

import { isStatus, make, setText, statusLight } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";

/** @import { Readouts } from "../shared/types.d.ts" */
/** @import { ReadoutSpec } from "./types.d.ts" */

/** A readout as text; a dash stands for a missing one. @param {unknown} value @param {number} digits */
export function formatReadout(value, digits) {
  const text = (/** @type {unknown} */ part) =>
    typeof part === "number" ? formatNumber(part, digits) : String(part ?? "–");
  return Array.isArray(value) ? value.map(text).join(", ") : text(value);
}

export class ReadoutList {
  element = make("dl", { class: "live-numbers" });
  #names = "";

  /** @param {ReadoutSpec[]} specs */
  constructor(specs) {
    this.specs = specs;
  }

  /** @param {Readouts} readouts */
  show(readouts) {
    const shown = this.specs.filter(({ name }) => name in readouts);
    const names = shown.map(({ name }) => name).join();
    if (names !== this.#names) {
      const rows = shown.map(({ label }) => make("div", {}, make("dt", { text: label }), make("dd")));
      this.element.replaceChildren(...rows);
    }
    this.#names = names;
    this.element.querySelectorAll("dd").forEach((place, i) => {
      const { name, digits, unit } = shown[i];
      const text = formatReadout(readouts[name], digits);
      if (isStatus(text)) return place.replaceChildren(statusLight(text));
      const body = unit && readouts[name] !== null ? `${text} ${unit}` : text;
      setText(place, body);
    });
  }
}
