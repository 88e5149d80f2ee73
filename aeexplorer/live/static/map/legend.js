// The legend of a map: a colour bar, or buttons that switch classes on and off.

import { make } from "../shared/dom.js";
import { svg } from "../shared/svg.js";
import { markerPath } from "./markers.js";

/** @import { ClassEntry, LegendEntry, ScaleEntry } from "./types.d.ts" */

export class Legend {
  element = make("div", { class: "live-map-legend" });
  #shown = "";

  /** @param {(c: number) => void} toggle */
  constructor(toggle) {
    this.toggle = toggle;
  }

  /** Show entries; the same ones stay, with the focus on them. @param {LegendEntry[]} entries */
  show(entries) {
    const key = JSON.stringify(entries);
    if (key === this.#shown) return;
    this.#shown = key;
    this.element.replaceChildren(
      ...entries.flatMap((entry) => ("scale" in entry ? colourBar(entry) : [this.#button(entry)])),
    );
  }

  /** @param {ClassEntry} entry */
  #button({ c, text, colour, shape, count, shown }) {
    const marker = svg("path", { d: markerPath(shape, 0, 0, 4.4), fill: colour });
    const picture = svg("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, marker);
    const on = { click: () => this.toggle(c) };
    const title = `${text.slice(0, 300)}: ${count.toLocaleString("en")} points`;
    const attributes = { type: "button", title, "aria-pressed": String(shown), on };
    const number = make("span", { class: "live-quiet", text: count.toLocaleString("en") });
    return make("button", attributes, picture, make("span", { text }), number);
  }
}

/** @param {ScaleEntry} entry */
function colourBar({ scale, ends, text }) {
  const bar = make("span", { class: "live-map-bar", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(90deg, ${scale.join(", ")})`;
  const label = make("span", { class: "live-quiet", text });
  return [make("span", { text: ends[0] }), bar, make("span", { text: ends[1] }), label];
}
