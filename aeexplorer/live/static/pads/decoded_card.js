// What a place of the plane decodes to: the sample, where it lies, and the nearest real samples.

import { make, statusLight } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { drawSample, growSpan, tileCanvas } from "../shared/samples.js";

/** @import { FrameOf, Span, Theme } from "../shared/types.d.ts" */

export class DecodedCard {
  picture = tileCanvas("decoded sample");
  status = make("div", { class: "live-where" });
  distance = make("span", { class: "live-quiet" });
  place = make("div", { class: "live-z" });
  near = make("div", { class: "live-near" });
  title = make("div", { class: "live-caption", text: "Nearest real samples" });
  decoded = make(
    "div",
    { class: "live-card live-decoded" },
    make("div", { class: "live-picture" }, this.picture),
    make("div", { class: "live-facts" }, this.status, this.place),
  );
  neighbours = make("div", { class: "live-card live-neighbours" }, this.title, this.near);
  /** @type {Span | null} */
  #span = null;

  /** @param {FrameOf<"plane">} frame @param {string} place as text @param {Theme} theme */
  show(frame, place, theme) {
    const { status, distance, nearest_are } = frame.readouts;
    if (this.status.dataset.status !== status) this.status.replaceChildren(statusLight(status), this.distance);
    this.status.dataset.status = status;
    this.distance.textContent = `distance to nearest code: ${formatNumber(distance)}`;
    this.place.textContent = place;
    this.title.textContent = nearest_are === "samples" ? "Nearest real samples" : "Nearest codes, decoded";
    this.draw(frame, theme);
  }

  /** @param {FrameOf<"plane">} frame @param {Theme} theme */
  draw({ kind, range, tokens, arrays: { picture, nearest }, readouts }, theme) {
    if (kind !== "image") {
      this.#span = range ?? growSpan(nearest ? growSpan(this.#span, nearest) : this.#span, picture);
    }
    const style = { kind, tokens, theme, span: this.#span };
    drawSample(this.picture, picture, 0, style);
    this.near.classList.toggle("live-near-text", Boolean(tokens)); // which has to be read
    const count = nearest?.shape[0] ?? 0;
    while (this.near.childElementCount > count) this.near.lastElementChild?.remove();
    while (this.near.childElementCount < count) this.near.append(tileCanvas(""));
    this.near.querySelectorAll("canvas").forEach((canvas, i) => {
      if (nearest) drawSample(canvas, nearest, i, style);
      const label = readouts.nearest_labels[i];
      canvas.setAttribute("aria-label", `nearest sample ${i + 1}${label ? `, ${label}` : ""}`);
    });
  }
}
