// A small line chart that moves with a control: lines, a dot on each, marks at places that matter. SVG, no library.

import { make, number } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 380;
// names that suit both light and dark pages; any other colour is taken as it is
const COLOURS = { accent: "var(--st-link-color)", mark: "var(--live-mark)", quiet: "var(--st-gray-text-color)", ink: "var(--st-text-color)" };
const BOX = { left: 44, right: 14, top: 14, bottom: 38 };

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * Shows these elements, [tag, attributes, text], and no others. Those that stand there are changed rather than made anew,
 * which would cost the page a new layout of each with every frame.
 */
export function showElements(parent, wanted) {
  wanted.forEach(([tag, attributes, text = ""], i) => {
    if (parent.children[i]?.tagName !== tag) {
      parent.children[i]?.remove();
      parent.insertBefore(svg(tag), parent.children[i] ?? null);
    }
    const element = parent.children[i];
    for (const [key, value] of Object.entries(attributes)) if (element.getAttribute(key) !== String(value)) element.setAttribute(key, value);
    if (element.textContent !== text) element.textContent = text;
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

/** Round numbers that divide [low, high] into about `count` parts. */
export function niceTicks(low, high, count = 4) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

export class Chart {
  constructor(spec) {
    this.spec = spec;
    this.lines = [];
    this.height = spec.height ?? 250;
    this.picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${this.height}`, role: "img", "aria-label": spec.title, class: "live-chart" });
    this.dots = svg("g");
    this.element = make("figure", { class: "live-card" }, make("figcaption", { text: spec.title, class: "live-caption" }), this.picture);
  }

  /** Draw the lines: [{name, colour, x: [], y: []}, ...]. */
  draw(lines) {
    this.lines = lines = lines.map((line) => ({ ...line, colour: COLOURS[line.colour] ?? line.colour }));
    const xs = lines.flatMap((l) => [...l.x]);
    const ys = lines.flatMap((l) => [...l.y]).filter(Number.isFinite);
    if (!xs.length || !ys.length) return;
    const spots = this.spec.spots ?? [];
    ys.push(...spots.map((spot) => spot.y));
    xs.push(...spots.map((spot) => spot.x));
    const [least, top] = [Math.min(...ys), Math.max(...ys)];
    const low = this.spec.from_zero === false ? least - 0.15 * (top - least || 1) : Math.min(0, least);
    this.x = [Math.min(...xs), Math.max(...xs)];
    this.y = [low, top + 0.08 * (top - low || 1)];
    const HEIGHT = this.height;
    const parts = [
      svg("path", { class: "live-axis", d: `M${BOX.left} ${BOX.top}V${HEIGHT - BOX.bottom}H${WIDTH - BOX.right}` }),
    ];
    for (const value of niceTicks(...this.x)) {
      const text = svg("text", { x: this.#across(value), y: HEIGHT - BOX.bottom + 16, "text-anchor": "middle" });
      text.textContent = String(value).replace("-", "−");
      parts.push(text);
    }
    for (const value of niceTicks(...this.y, HEIGHT < 200 ? 2 : 4)) {
      const text = svg("text", { x: BOX.left - 6, y: this.#up(value) + 4, "text-anchor": "end" });
      text.textContent = String(value).replace("-", "−");
      parts.push(text, svg("path", { class: "live-grid", d: `M${BOX.left} ${this.#up(value)}H${WIDTH - BOX.right}` }));
    }
    const under = svg("text", { x: (BOX.left + WIDTH - BOX.right) / 2, y: HEIGHT - 4, "text-anchor": "middle" });
    under.textContent = this.spec.x_label;
    parts.push(under);
    if (this.spec.y_label) {
      const beside = svg("text", { x: BOX.left + 8, y: BOX.top + 8 });
      beside.textContent = this.spec.y_label;
      parts.push(beside);
    }
    for (const mark of this.spec.marks) {
      const at = this.#across(mark.x);
      const end = at > WIDTH * 0.6;
      const text = svg("text", { x: at + (end ? -5 : 5), y: HEIGHT - BOX.bottom - 6, "text-anchor": end ? "end" : "start" });
      text.textContent = mark.label;
      parts.push(svg("path", { class: "live-mark", d: `M${at} ${BOX.top}V${HEIGHT - BOX.bottom}` }), text);
    }
    const taken = [];
    for (const line of lines) {
      const points = [...line.x].map((x, i) => `${this.#across(x).toFixed(1)},${this.#up(line.y[i]).toFixed(1)}`);
      parts.push(svg("polyline", { points: points.join(" "), class: "live-line", style: `stroke: ${line.colour}` }));
      let at = this.#up(line.y[line.y.length - 1]) - 8;
      while (taken.some((y) => Math.abs(y - at) < 15)) at += 15;
      taken.push(at);
      if (!line.name) continue;
      const name = svg("text", { x: WIDTH - BOX.right, y: Math.max(at, 12), "text-anchor": "end", class: "live-name", style: `fill: ${line.colour}` });
      name.textContent = line.name;
      parts.push(name);
    }
    for (const { x, y, label } of spots) {
      const [px, py] = [this.#across(x), this.#up(y)];
      const title = svg("title");
      title.textContent = label;
      parts.push(svg("path", { class: "live-spot", d: `M${px} ${py - 7}L${px + 7} ${py}L${px} ${py + 7}L${px - 7} ${py}Z` }, title));
    }
    if (spots.length && this.spec.spot_name) {
      const name = svg("text", { x: WIDTH - BOX.right, y: BOX.top + 8, "text-anchor": "end", class: "live-name live-spot-name" });
      name.textContent = `◆ ${this.spec.spot_name}`;
      parts.push(name);
    }
    this.picture.replaceChildren(...parts, this.dots);
  }

  /** Move the dots: x, and for each line the value there or undefined; `mark` is where a mark stands that moves too. */
  point(x, values, mark = null, places = []) {
    if (!this.x) return;
    const moving = [];
    if (mark !== null && mark >= this.x[0] && mark <= this.x[1]) {
      const at = this.#across(mark);
      const end = at > WIDTH * 0.6;
      const text = svg("text", { x: at + (end ? -5 : 5), y: this.height - BOX.bottom - 6, "text-anchor": end ? "end" : "start" });
      text.textContent = this.spec.mark_label;
      moving.push(svg("path", { class: "live-mark", d: `M${at} ${BOX.top}V${this.height - BOX.bottom}` }), text);
    }
    const dots = this.lines.map((line, i) =>
      values[i] === undefined || values[i] === null
        ? null
        : svg("circle", { cx: this.#across(places[i] ?? x), cy: this.#up(values[i]), r: 6, class: "live-dot", style: `fill: ${line.colour}` }),
    );
    this.dots.replaceChildren(...moving, ...dots.filter(Boolean));
    const said = this.lines.map((line, i) => `${line.name || this.spec.y_label} ${number(values[i], 3)}`);
    this.picture.setAttribute("aria-label", `${this.spec.title}. At ${number(x)}: ${said.join(", ")}`);
  }

  #across(x) {
    return BOX.left + ((x - this.x[0]) / (this.x[1] - this.x[0] || 1)) * (WIDTH - BOX.left - BOX.right);
  }

  #up(y) {
    return this.height - BOX.bottom - ((y - this.y[0]) / (this.y[1] - this.y[0] || 1)) * (this.height - BOX.top - BOX.bottom);
  }
}
