// Rows of samples: a grid of tiles for each array of a frame, with captions, labels and a frame around the marked one.

import { isStatus, make, statusLight } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";
import { playNotes, stopNotes } from "../shared/sound.js";
import { notesOf } from "../shared/tokens.js";
import { drawSample, growSpan, sameValues, tileCanvas } from "../shared/samples.js";

/** @import { Frame, FrameArray, Params, Span, Theme, Tokens } from "../shared/types.d.ts" */
/** @import { RowSpec } from "./types.d.ts" */
/** @typedef {{ element: HTMLElement, canvas: HTMLCanvasElement, caption: HTMLElement }} Cell */
/** @typedef {{ cells: Cell[], array: FrameArray | null, style: string }} DrawnRow */

export class SampleRows {
  element = make("div", { class: "live-rows", role: "group", "aria-label": "samples" });
  /** The rows that stand at the side. */
  aside = make("div", { class: "live-rows", role: "group", "aria-label": "samples at the slider's position" });
  /** @type {Map<string, DrawnRow>} */
  #rows = new Map();
  #layout = "";
  /** @type {Span | null} */
  #span = null;
  /** @type {Tokens | null} */
  #tokens = null;

  /**
   * @param {RowSpec[]} specs
   * @param {string} label the panel's, which names samples of rows without one
   * @param {(row: string, column: number) => void} picked
   */
  constructor(specs, label, picked) {
    this.specs = specs;
    this.label = label;
    this.picked = picked;
    const resized = new ResizeObserver((entries) => entries.forEach(({ target }) => letScroll(target)));
    for (const place of [this.element, this.aside]) resized.observe(place);
  }

  /** @param {Frame} frame @param {Params} params where markers stand @param {Theme} theme */
  show(frame, params, theme) {
    const { arrays, kind, readouts } = frame;
    const specs = this.specs.filter(({ array }) => arrays[array]?.shape[0]);
    this.#tokens = frame.tokens ?? null;
    this.#lay(specs, frame);
    if (kind !== "image") {
      const plain = specs.filter(({ signed }) => !signed).map(({ array }) => arrays[array]);
      this.#span = frame.range ?? plain.reduce(growSpan, this.#span);
    }
    for (const spec of specs) {
      const row = this.#rows.get(spec.array);
      if (!row) continue;
      this.#draw(row, spec, frame, theme);
      if (spec.caption) writeCaptions(row.cells, readouts[spec.caption]);
      if (spec.marker) markCell(row.cells, spec.marker, Number(params[spec.marker.control]));
    }
  }

  /**
   * Draw a row; one that did not change, such as the clean samples, is not drawn again.
   *
   * @param {DrawnRow} row
   * @param {RowSpec} spec
   * @param {Frame} frame
   * @param {Theme} theme
   */
  #draw(row, { array: name, signed }, { arrays, kind, tokens }, theme) {
    const array = arrays[name];
    /** @type {Span | null} */
    const span = signed && this.#span ? [this.#span[0] - this.#span[1], this.#span[1] - this.#span[0]] : this.#span;
    const style = JSON.stringify([theme.dark, span]);
    if (row.style !== style || !sameValues(row.array, array)) {
      row.cells.forEach(({ canvas }, i) => drawSample(canvas, array, i, { kind, tokens, theme, signed, span }));
    }
    Object.assign(row, { array, style });
  }

  /**
   * Make the cells, where the rows or the number of samples are others than before.
   *
   * @param {RowSpec[]} specs
   * @param {Frame} frame
   */
  #lay(specs, { arrays }) {
    const aligned = specs.filter(({ columns, beside }) => !columns && !beside);
    const columns = Math.max(1, ...aligned.map(({ array }) => arrays[array].shape[0]));
    const layout = JSON.stringify(specs.map(({ array }) => [array, arrays[array].shape[0], columns]));
    if (layout === this.#layout) return;
    this.#layout = layout;
    this.#rows.clear();
    this.#layIn(this.element, specs.filter(({ beside }) => !beside), arrays, columns);
    this.#layIn(this.aside, specs.filter(({ beside }) => beside), arrays, 1);
  }

  /** @param {HTMLElement} place @param {RowSpec[]} specs @param {Frame["arrays"]} arrays @param {number} columns */
  #layIn(place, specs, arrays, columns) {
    const labelled = specs.some(({ label }) => label);
    place.classList.toggle("live-named", labelled);
    place.replaceChildren();
    for (const spec of specs) {
      const count = arrays[spec.array].shape[0];
      const cells = Array.from({ length: count }, (_, i) => this.#makeCell(spec, i, count));
      const grid = make("div", { class: "live-cells" }, ...cells.map(({ element }) => element));
      grid.style.setProperty("--live-columns", String(spec.columns || columns));
      grid.style.setProperty("--live-tile", `${spec.tile}px`);
      if (labelled) place.append(make("div", { class: "live-row-label", text: spec.label }));
      place.append(grid);
      this.#rows.set(spec.array, { cells, array: null, style: "" });
    }
    letScroll(place);
  }

  /** @param {RowSpec} spec @param {number} i @param {number} count @returns {Cell} */
  #makeCell(spec, i, count) {
    const canvas = tileCanvas(`${spec.label || this.label}, ${i + 1} of ${count}`);
    const caption = make("span", { class: "live-under", text: spec.captions[i] ?? "" });
    const children = [canvas, spec.caption || spec.captions.length ? caption : null];
    const player = this.#tokens?.voices && !spec.signed ? this.#makePlayer(spec.array, i) : null;
    if (!spec.pick) return { element: make("div", { class: "live-cell" }, ...children, player), canvas, caption };
    // without a label of its own a button is named by its content: the picture's name and the caption
    const click = () => this.picked(spec.array, i);
    const attributes = { type: "button", title: "Pick this sample", class: "live-cell live-pick", on: { click } };
    const button = make("button", attributes, ...children);
    return { element: player ? make("div", { class: "live-cell" }, button, player) : button, canvas, caption };
  }

  /** A button that plays a sample of music as it is drawn. @param {string} row @param {number} i */
  #makePlayer(row, i) {
    const label = (/** @type {boolean} */ plays) => (plays ? "■ Stop" : "▶ Play");
    const shown = (/** @type {boolean} */ plays) => {
      button.textContent = label(plays);
      button.setAttribute("aria-pressed", String(plays));
    };
    const click = () => {
      const plays = button.getAttribute("aria-pressed") === "true";
      const array = this.#rows.get(row)?.array;
      stopNotes();
      if (plays || !array || !this.#tokens) return;
      playNotes(notesOf(array, i, this.#tokens), () => shown(false));
      shown(true);
    };
    const attributes = { type: "button", class: "live-play", "aria-pressed": "false", on: { click } };
    const button = make("button", { ...attributes, "aria-label": `Play sample ${i + 1}`, text: label(false) });
    return button;
  }
}

/** Rows that scroll sideways on a narrow page must be reachable by keyboard. @param {Element} place */
function letScroll(place) {
  if (place.scrollWidth > place.clientWidth) place.setAttribute("tabindex", "0");
  else place.removeAttribute("tabindex");
}

/** A text, a status or a number below each sample, or several of them. @param {Cell[]} cells @param {unknown} texts */
function writeCaptions(cells, texts) {
  cells.forEach(({ caption }, i) => {
    /** @type {unknown[]} */
    const parts = [Array.isArray(texts) ? (texts[i] ?? "") : ""].flat();
    if (caption.dataset.text === String(parts)) return;
    caption.dataset.text = String(parts);
    caption.classList.toggle("live-many", parts.length > 1);
    const written = parts.map((part) => {
      if (isStatus(part)) return statusLight(part);
      return typeof part === "number" ? formatNumber(part, 3) : String(part);
    });
    caption.replaceChildren(...written.flatMap((part, at) => (at ? [" ", part] : [part])));
  });
}

/**
 * Frame the sample at which a control stands; the row covers `low` to `high` of the control.
 *
 * @param {Cell[]} cells
 * @param {{ low: number, high: number }} marker
 * @param {number} value
 */
function markCell(cells, { low, high }, value) {
  const at = Math.round(((value - low) / (high - low)) * (cells.length - 1));
  cells.forEach(({ element }, i) => element.classList.toggle("live-marked", i === at));
}
