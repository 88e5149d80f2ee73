// A small line chart that follows a control: lines, a dot on each, and marked places. SVG, no library.

import { make } from "./dom.js";
import { formatNumber, niceTicks } from "./numbers.js";
import { svg } from "./svg.js";

/** @import { Arrays, ChartSpec, LineSpec, Readouts, Span } from "./types.d.ts" */

const WIDTH = 380;
const BOX = { left: 44, right: WIDTH - 14, top: 14, bottom: 38 };
/** Names that suit light and dark pages; any other colour is taken as it is. @type {{ [name: string]: string }} */
const COLOURS = {
  accent: "var(--st-link-color)",
  mark: "var(--live-mark)",
  quiet: "var(--st-gray-text-color)",
  ink: "var(--st-text-color)",
};

export class Chart {
  /** @type {LineSpec[]} */
  lines = [];
  /** Whether the axes have ends: not before there is something to draw. */
  #scaled = false;
  /** @type {Span} */
  #x = [0, 1];
  /** @type {Span} */
  #y = [0, 1];
  /** The values that are drawn, as text: the same lines are not drawn again. */
  #drawn = "";
  #dots = svg("g");
  /** The names of lines and spots: beside the title, where they cover no line. */
  #names = make("span", { class: "live-names" });

  /** @param {ChartSpec} spec */
  constructor(spec) {
    this.spec = spec;
    const { height, title } = spec;
    this.bottom = height - BOX.bottom;
    this.picture = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: "img",
      "aria-label": title,
      class: "live-chart",
    });
    const caption = make("figcaption", { class: "live-caption" }, make("span", { text: title }), this.#names);
    this.element = make("figure", { class: "live-card" }, caption, this.picture);
  }

  /**
   * Draw lines, scaled so that all of them and the marked spots are seen. Lines without any value leave the chart as
   * it is.
   *
   * @param {LineSpec[]} lines
   */
  draw(lines) {
    const key = JSON.stringify(lines.map((line) => [line.name, line.colour, Array.from(line.x), Array.from(line.y)]));
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.lines = lines.map((line) => ({ ...line, colour: COLOURS[line.colour] ?? line.colour }));
    if (!this.#scale()) return;
    this.picture.replaceChildren(
      ...this.#axes(),
      ...this.spec.marks.flatMap((mark) => this.#mark(mark.x, mark.label)),
      ...this.lines.map((line) => this.#curve(line)),
      ...this.#spots(),
      this.#dots,
    );
    const { spots, spot_name } = this.spec;
    const named = this.lines.filter(({ name }) => name).map(({ name, colour }) => nameOf(`━ ${name}`, colour));
    this.#names.replaceChildren(...named, ...(spots.length && spot_name ? [nameOf(`◆ ${spot_name}`, COLOURS.mark)] : []));
  }

  /**
   * Move the dots to x, or each to its own place in `places`; a line whose value is missing has none.
   *
   * @param {number} x
   * @param {(number | null | undefined)[]} values
   * @param {number | null} mark where the moving mark stands
   * @param {(number | null | undefined)[]} places
   */
  moveDots(x, values, mark = null, places = []) {
    if (!this.#scaled) return;
    const marked = mark !== null && mark >= this.#x[0] && mark <= this.#x[1];
    const dots = this.lines.flatMap((line, i) => {
      const value = values[i];
      if (value === undefined || value === null) return [];
      const place = { cx: this.#across(places[i] ?? x), cy: this.#up(value), r: 6 };
      return [svg("circle", { ...place, class: "live-dot", style: `fill: ${line.colour}` })];
    });
    this.#dots.replaceChildren(...(marked ? this.#mark(mark, this.spec.mark_label) : []), ...dots);
    const texts = this.lines.map((line, i) => `${line.name || this.spec.y_label} ${formatNumber(values[i], 3)}`);
    this.picture.setAttribute("aria-label", `${this.spec.title}. At ${formatNumber(x)}: ${texts.join(", ")}`);
  }

  /** Choose the ends of both axes. Returns false where there is nothing to draw. */
  #scale() {
    const { spots, from_zero } = this.spec;
    const xs = this.lines.flatMap((line) => Array.from(line.x));
    const ys = this.lines.flatMap((line) => Array.from(line.y)).filter(Number.isFinite);
    if (!xs.length || !ys.length) return false;
    xs.push(...spots.map((spot) => spot.x));
    ys.push(...spots.map((spot) => spot.y));
    const [least, most] = [Math.min(...ys), Math.max(...ys)];
    const low = from_zero ? Math.min(0, least) : least - 0.15 * (most - least || 1);
    this.#x = [Math.min(...xs), Math.max(...xs)];
    this.#y = [low, most + 0.08 * (most - low || 1)];
    this.#scaled = true;
    return true;
  }

  #axes() {
    const { x_label, y_label } = this.spec;
    const { bottom } = this;
    const written = (/** @type {number} */ value) => String(value).replace("-", "−");
    const across = niceTicks(...this.#x).map((value) =>
      svg("text", { x: this.#across(value), y: bottom + 16, "text-anchor": "middle" }, written(value)),
    );
    const up = niceTicks(...this.#y, this.spec.height < 200 ? 2 : 4).flatMap((value) => [
      svg("text", { x: BOX.left - 6, y: this.#up(value) + 4, "text-anchor": "end" }, written(value)),
      svg("path", { class: "live-grid", d: `M${BOX.left} ${this.#up(value)}H${BOX.right}` }),
    ]);
    const middle = { x: (BOX.left + BOX.right) / 2, y: this.spec.height - 4, "text-anchor": "middle" };
    return [
      svg("path", { class: "live-axis", d: `M${BOX.left} ${BOX.top}V${bottom}H${BOX.right}` }),
      ...across,
      ...up,
      svg("text", middle, x_label),
      ...(y_label ? [svg("text", { x: BOX.left + 8, y: BOX.top + 8 }, y_label)] : []),
    ];
  }

  /** @param {LineSpec} line */
  #curve({ x, y, colour }) {
    const points = Array.from(x, (value, i) => `${this.#across(value).toFixed(1)},${this.#up(y[i]).toFixed(1)}`);
    return svg("polyline", { points: points.join(" "), class: "live-line", style: `stroke: ${colour}` });
  }

  #spots() {
    return this.spec.spots.map(({ x, y, label }) => {
      const [px, py] = [this.#across(x), this.#up(y)];
      const d = `M${px} ${py - 7}L${px + 7} ${py}L${px} ${py + 7}L${px - 7} ${py}Z`;
      return svg("path", { class: "live-spot", d }, svg("title", {}, label));
    });
  }

  /** A dashed line with its label at that side where there is room. @param {number} x @param {string} label */
  #mark(x, label) {
    const at = this.#across(x);
    const [by, anchor] = at > WIDTH * 0.6 ? [-5, "end"] : [5, "start"];
    return [
      svg("path", { class: "live-mark", d: `M${at} ${BOX.top}V${this.bottom}` }),
      svg("text", { x: at + by, y: this.bottom - 6, "text-anchor": anchor }, label),
    ];
  }

  /** @param {number} x */
  #across(x) {
    const [low, high] = this.#x;
    return BOX.left + ((x - low) / (high - low || 1)) * (BOX.right - BOX.left);
  }

  /** @param {number} y */
  #up(y) {
    const [low, high] = this.#y;
    return this.bottom - ((y - low) / (high - low || 1)) * (this.bottom - BOX.top);
  }
}

/** @param {string} text @param {string} colour */
function nameOf(text, colour) {
  const name = make("b", { text });
  name.style.color = colour;
  return name;
}

/**
 * The lines whose points are among the arrays of a frame.
 *
 * @param {LineSpec[]} lines
 * @param {Arrays} arrays
 * @returns {LineSpec[]}
 */
export function linesOf(lines, arrays) {
  return lines
    .filter((line) => arrays[line.y_array] && arrays[line.x_array])
    .map((line) => ({ ...line, x: arrays[line.x_array].data, y: arrays[line.y_array].data }));
}

/**
 * Where the dot of each line stands by the readouts of a frame.
 *
 * @param {LineSpec[]} lines
 * @param {Readouts} readouts
 */
export function dotValues(lines, readouts) {
  return lines.map(({ readout }) => /** @type {number | null | undefined} */ (readouts[readout]));
}
