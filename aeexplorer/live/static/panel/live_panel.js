// Controls, rows of samples, numbers and a chart that all follow the same finger.

import { tell } from "../shared/topics.js";
import { Chart } from "../shared/chart.js";
import { makeControl } from "../shared/controls.js";
import { drawn, isStatus, make, mounted, number, settled, statusLight } from "../shared/dom.js";
import { drawSample, growSpan, same, themeOf, tileCanvas } from "../shared/samples.js";
import { channel } from "../shared/channel.js";
import { makeView } from "./views.js";

/** Put `value` at a path like "z.3" or "samples" into params, without touching the original. */
export function place(params, path, value) {
  const [head, ...rest] = path.split(".");
  const copy = Array.isArray(params) ? [...params] : { ...params };
  copy[head] = rest.length ? place(copy[head] ?? {}, rest.join("."), value) : value;
  return copy;
}

class LivePanel {
  constructor(component) {
    this.root = make("section", { class: "live-root live-panel", "data-testid": "live-panel", role: "group", "data-frames": "0", "data-latency-ms": "" });
    component.parentElement.append(this.root);
    this.theme = themeOf(this.root);
    this.build(component);
    this.stream = channel().stream({
      frame: (frame, request) => this.show(frame, request),
      error: (sentence) => this.say(sentence),
      state: (sentence) => this.say(sentence),
    });
    this.curves = channel().stream({ frame: (frame) => this.curve(frame), error: (s) => this.say(s), state() {} });
    this.ask();
  }

  update(component) {
    const before = this.data;
    this.component = component;
    this.theme = themeOf(this.root);
    if (JSON.stringify(before) === JSON.stringify(component.data)) {
      if (this.last) this.paint(this.last);
      this.views.forEach((view) => view.redraw(this.theme));
      return;
    }
    const shape = ({ params, controls, ...rest }) => JSON.stringify([rest, controls.map((c) => ({ ...c, value: null }))]);
    if (shape(before) !== shape(component.data)) {
      const kept = new Map(before.controls.map((c, i) => [c.param, [c.value, this.controls[i].value]]));
      this.build(component);
      // a control that the page did not set anew stays where the hand left it
      component.data.controls.forEach((c, i) => kept.has(c.param) && kept.get(c.param)[0] === c.value && this.controls[i].set(kept.get(c.param)[1]));
    } else {
      this.data = component.data;
      component.data.controls.forEach((c, i) => {
        if (c.value !== before.controls[i].value && !this.controls[i].held) this.controls[i].set(c.value);
      });
    }
    this.asked = null;
    this.ask();
  }

  destroy() {
    this.controls.forEach((c) => c.stop?.());
    this.stream.close();
    this.curves.close();
    this.quiet.forEach((scene) => scene.stream.close());
    this.chart?.element.remove();
    this.root.remove();
  }

  build(component) {
    this.controls?.forEach((c) => c.stop?.());
    this.quiet?.forEach((scene) => scene.stream.close());
    this.component = component;
    const data = (this.data = component.data);
    this.root.setAttribute("aria-label", data.label);
    const values = () => this.values();
    const commit = settled(() => this.component.setStateValue("settings", this.values()));
    this.controls = [];
    this.controls = data.controls.map((spec) => makeControl(spec, values, () => this.moved(), commit));
    data.controls.forEach((spec, i) => {
      if (spec.type !== "play") return;
      const at = data.controls.findIndex((c) => c.param === spec.param && c.type === "slider");
      this.controls[i].attach(this.controls[at], data.controls[at]);
    });
    const of = (wanted) => this.controls.filter((_, i) => (data.controls[i].type === "slider") === wanted).map((c) => c.element);
    const [line, sliders] = [of(false), of(true)];
    this.status = make("p", { class: "live-said", role: "status" });
    this.rows = make("div", { class: "live-rows", role: "group", "aria-label": "samples" });
    this.side = make("div", { class: "live-rows", role: "group", "aria-label": "samples at the control" });
    this.numbers = make("dl", { class: "live-numbers" });
    this.chart = data.chart ? new Chart(data.chart) : null;
    this.views = data.views.map(makeView);
    this.views.forEach((view) => view.redraw(this.theme));
    this.quiet = this.still();
    this.cells = new Map();
    this.span = null;
    this.curveAsked = null;
    const main = make("div", { class: "live-card live-main" }, this.rows, data.readouts.length ? this.numbers : null);
    const side = data.rows.some((row) => row.beside) ? make("div", { class: "live-card" }, this.side) : null;
    // beside a plane the chart is the plane's guest
    const chart = data.plane ? null : this.chart?.element;
    const placed = (where) => this.views.filter((_, i) => data.views[i].place === where).map((view) => view.element);
    const [above, column] = [placed("above"), placed("aside")];
    const aside = side || chart || column.length ? make("div", { class: "live-aside" }, side, chart, ...column) : null;
    this.root.classList.toggle("live-tall-aside", column.length > 0);
    this.root.replaceChildren(
      ...[
        line.length ? make("div", { class: "live-line-of-controls" }, ...line) : null,
        sliders.length ? make("div", { class: "live-sliders" }, ...sliders) : null,
        this.status,
        above.length ? make("div", { class: "live-views" }, ...above) : null,
        make("div", { class: `live-body${aside ? " live-with-aside" : ""}` }, main, aside),
      ].filter(Boolean),
    );
    this.controls.forEach((c) => c.say());
  }

  /** One stream for each scene of what stays, with the views that show it. */
  still() {
    const names = [...new Set(this.data.views.map((view) => view.scene).filter(Boolean))];
    return names.map((scene) => {
      const mine = this.views.filter((_, i) => this.data.views[i].scene === scene);
      const { fields } = this.data.views.find((view) => view.scene === scene);
      const frame = (found) => {
        mine.forEach((view) => view.still(found));
        this.look();
      };
      return { scene, fields, asked: null, stream: channel().stream({ frame, error: (s) => this.say(s), state() {} }) };
    });
  }

  look() {
    if (this.last) this.views.forEach((view) => view.show(this.last.readouts, this.last.arrays, this.shownParams));
  }

  values() {
    return Object.fromEntries(this.data.controls.map((c, i) => [c.param, this.controls[i]?.value]).filter(([, v]) => v !== undefined));
  }

  moved() {
    this.controls.forEach((c) => c.say());
    this.ask();
  }

  params(fields = null) {
    let params = this.data.params;
    for (const [path, value] of Object.entries(this.values())) params = place(params, path, value);
    return fields ? Object.fromEntries(fields.filter((f) => f in params).map((f) => [f, params[f]])) : params;
  }

  ask() {
    const params = this.params();
    const text = JSON.stringify(params);
    if (text !== this.asked) this.stream.ask(this.data.scene, params);
    this.asked = text;
    for (const quiet of this.quiet) {
      const wanted = this.params(quiet.fields);
      if (JSON.stringify(wanted) !== quiet.asked) quiet.stream.ask(quiet.scene, wanted);
      quiet.asked = JSON.stringify(wanted);
    }
    const chart = this.data.chart;
    if (!chart) return;
    if (!chart.scene) return this.lines(chart.lines.filter((l) => Object.entries(l.when).every(([k, v]) => params[k] === v)));
    const wanted = this.params(chart.fields);
    if (JSON.stringify(wanted) === this.curveAsked) return;
    this.curveAsked = JSON.stringify(wanted);
    this.curves.ask(chart.scene, wanted);
  }

  curve(frame) {
    const chart = this.data.chart;
    const shown = chart.lines.filter((l) => l.y_array in frame.arrays);
    this.lines(shown.map((l) => ({ ...l, x: frame.arrays[l.x_array].data, y: frame.arrays[l.y_array].data })));
  }

  lines(lines) {
    const key = JSON.stringify(lines.map((l) => [l.name, [...l.x], [...l.y]]));
    if (key !== this.drawnLines) this.chart.draw(lines);
    this.drawnLines = key;
    this.dots();
  }

  dots() {
    const said = this.last?.readouts;
    if (said) this.chart.point(this.params()[this.data.chart.x], this.chart.lines.map((l) => said[l.readout]), this.params()[this.data.chart.mark_at] ?? null);
  }

  say(sentence) {
    this.status.textContent = sentence;
  }

  show(frame, request) {
    this.last = frame;
    if (this.status.textContent) this.say("");
    this.paint(frame);
    this.tellNumbers(frame.readouts);
    if (this.chart) this.dots();
    this.shownParams = this.params();
    this.look();
    if (this.data.plane) {
      const there = this.data.paths.filter((name) => `${name}_path` in frame.arrays);
      const points = (name, of) => frame.arrays[`${name}_${of}`].data;
      const colour = (name) => this.data.chart?.lines.find((line) => line.y_array === `${name}_change`)?.colour ?? "ink";
      const ways = there.map((name) => ({ points: points(name, "path"), at: points(name, "point"), colour: colour(name) }));
      tell(this.data.plane, { ways, guest: this.chart?.element });
    }
    drawn(this.root, request);
  }

  paint(frame) {
    const rows = this.data.rows.filter((row) => row.array in frame.arrays && frame.arrays[row.array].shape[0]);
    const columns = Math.max(1, ...rows.filter((r) => !r.columns && !r.beside).map((r) => frame.arrays[r.array].shape[0]));
    const layout = JSON.stringify(rows.map((r) => [r.array, frame.arrays[r.array].shape[0], columns]));
    if (layout !== this.layout || !this.rows.childElementCount) this.lay(rows, frame, columns);
    this.layout = layout;
    if (frame.kind !== "image") {
      const plain = rows.filter((row) => !row.signed).map((row) => frame.arrays[row.array]);
      this.span = frame.range ?? plain.reduce(growSpan, this.span);
    }
    for (const row of rows) {
      const array = frame.arrays[row.array];
      const cells = this.cells.get(row.array);
      const span = row.signed && this.span ? [this.span[0] - this.span[1], this.span[1] - this.span[0]] : this.span;
      // a row that did not change, such as the clean samples, is not drawn again
      const look = JSON.stringify([this.theme.dark, span]);
      const { shownArray, shownLook } = cells;
      if (shownLook !== look || !same(shownArray, array)) {
        cells.forEach(({ canvas }, i) => drawSample(canvas, array, i, { kind: frame.kind, theme: this.theme, signed: row.signed, span }));
      }
      Object.assign(cells, { shownArray: array, shownLook: look });
      if (row.caption) this.caption(cells, frame.readouts[row.caption]);
      if (row.marker) this.mark(cells, row);
    }
  }

  lay(rows, frame, columns) {
    this.cells.clear();
    this.layIn(this.rows, rows.filter((row) => !row.beside), frame, columns);
    this.layIn(this.side, rows.filter((row) => row.beside), frame, 1);
  }

  layIn(place, rows, frame, columns) {
    const named = rows.some((row) => row.label);
    place.classList.toggle("live-named", named);
    place.replaceChildren();
    for (const row of rows) {
      const count = frame.arrays[row.array].shape[0];
      const cells = Array.from({ length: count }, (_, i) => {
        const canvas = tileCanvas(`${row.label || this.data.label}, ${i + 1} of ${count}`);
        const caption = make("span", { class: "live-under" });
        // a button is named by what it holds: the picture's name and the caption
        const picked = { type: "button", title: "Pick this one", on: { click: () => this.component.setTriggerValue("picked", { row: row.array, column: i }) } };
        const cell = make(row.pick ? "button" : "div", { class: `live-cell${row.pick ? " live-pick" : ""}`, ...(row.pick ? picked : {}) }, canvas, row.caption || row.captions.length ? caption : null);
        if (row.captions[i]) caption.textContent = row.captions[i];
        return { cell, canvas, caption };
      });
      const grid = make("div", { class: "live-cells" }, ...cells.map((c) => c.cell));
      grid.style.setProperty("--live-columns", row.columns || columns);
      grid.style.setProperty("--live-tile", `${row.tile}px`);
      if (named) place.append(make("div", { class: "live-row-label", text: row.label }));
      place.append(grid);
      this.cells.set(row.array, cells);
    }
    // what scrolls sideways on a narrow page must be reachable by keyboard
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  }

  caption(cells, texts) {
    cells.forEach(({ caption }, i) => {
      const parts = [texts?.[i] ?? ""].flat();
      if (caption.dataset.text === String(parts)) return;
      caption.dataset.text = parts;
      caption.classList.toggle("live-many", parts.length > 1);
      const said = parts.map((part) => (isStatus(part) ? statusLight(part) : typeof part === "number" ? number(part, 3) : part));
      caption.replaceChildren(...said.flatMap((part, at) => (at ? [" ", part] : [part])));
    });
  }

  mark(cells, { marker }) {
    const value = this.params()[marker.control];
    const at = Math.round(((value - marker.low) / (marker.high - marker.low)) * (cells.length - 1));
    cells.forEach(({ cell }, i) => cell.classList.toggle("live-marked", i === at));
  }

  tellNumbers(readouts) {
    const shown = this.data.readouts.filter((r) => r.name in readouts);
    const key = shown.map((r) => r.name).join();
    if (key !== this.told || !this.numbers.childElementCount) this.numbers.replaceChildren(...shown.map((r) => make("div", {}, make("dt", { text: r.label }), make("dd"))));
    this.told = key;
    shown.forEach((r, i) => {
      const value = readouts[r.name];
      const text = typeof value === "number" ? number(value, r.digits) : Array.isArray(value) ? value.map((v) => (typeof v === "number" ? number(v, r.digits) : v)).join(", ") : String(value ?? "–");
      const place = this.numbers.children[i].lastChild;
      const body = isStatus(text) ? statusLight(text) : `${text}${r.unit && value !== null ? " " + r.unit : ""}`;
      if (isStatus(text) || place.textContent !== body) place.replaceChildren(body);
    });
  }
}

export default mounted((component) => new LivePanel(component));
