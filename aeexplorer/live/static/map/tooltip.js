// The box at the pointer: a sample with its reconstruction, or what a place of the map decodes to.

import { make, statusLight } from "../shared/dom.js";
import { clamp, formatNumber } from "../shared/numbers.js";
import { drawSample, styleOf, tileCanvas } from "../shared/samples.js";

/** @import { FrameOf, Point, Size, Theme } from "../shared/types.d.ts" */
/** @import { StoredSample } from "./sample_store.js" */

const GAP = 16; // pixels from the place that it belongs to

export class Tooltip {
  element = make("div", { class: "live-map-tip", "aria-hidden": "true", hidden: true });

  hide() {
    this.element.hidden = true;
  }

  /**
   * @param {StoredSample} stored
   * @param {number} place of the sample in the dataset
   * @param {string} label
   * @param {Theme} theme
   */
  showSample({ frame, i }, place, label, theme) {
    const { samples, reconstructions } = frame.arrays;
    const [sample, reconstruction] = [tileCanvas("sample"), tileCanvas("reconstruction")];
    const text = make("span", { text: `#${place}${label ? ` · ${label}` : ""}` });
    this.element.dataset.index = String(place);
    this.#fill("pair", [sample, reconstruction, text]);
    const style = styleOf(frame, [samples, reconstructions], theme);
    drawSample(sample, samples, i, style);
    drawSample(reconstruction, reconstructions, i, style);
  }

  /** @param {FrameOf<"lift">} frame @param {Theme} theme */
  showDecoded(frame, theme) {
    const { picture, nearest } = frame.arrays;
    const { status, distance, approximate } = frame.readouts;
    const canvas = tileCanvas("decoded sample");
    const tiles = Array.from({ length: nearest.shape[0] }, (_, i) => tileCanvas(`nearest sample ${i + 1}`));
    const text = make("span", { text: `${approximate ? "≈ " : ""}distance to nearest code: ${formatNumber(distance)}` });
    this.#fill("decoded", [canvas, make("div", { class: "live-map-near" }, ...tiles), statusLight(status), text]);
    const style = styleOf(frame, [picture, nearest], theme);
    drawSample(canvas, picture, 0, style);
    tiles.forEach((tile, i) => drawSample(tile, nearest, i, style));
  }

  /** Move next to a pixel of the map. @param {Point} at @param {Size} size */
  moveTo([x, y], { width, height }) {
    const { offsetWidth: wide, offsetHeight: tall } = this.element;
    const left = x > width / 2 ? x - wide - GAP : x + GAP;
    this.element.style.left = `${clamp(left, 2, Math.max(width - wide - 2, 2))}px`;
    this.element.style.top = `${clamp(y - tall / 2, 2, Math.max(height - tall - 2, 2))}px`;
  }

  /** @param {"pair" | "decoded"} kind @param {HTMLElement[]} children */
  #fill(kind, children) {
    this.element.dataset.kind = kind;
    this.element.hidden = false;
    this.element.replaceChildren(...children);
  }
}
