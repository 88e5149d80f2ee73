// What moves with the controls of a panel beside its rows. A view has {element, still(frame), show(readouts, arrays, params),
// redraw(theme)}: what stays the same comes once, the rest with every frame.

import { Chart, showElements, svg } from "../shared/chart.js";
import { make, number } from "../shared/dom.js";
import { classCentres, interpolated } from "../shared/plane_geometry.js";
import { sharp } from "../shared/samples.js";

export function makeView(spec) {
  const Kind = { chart: ChartView, cloud: Cloud, dimensions: Dimensions, heat: Heat }[spec.type];
  return new Kind(spec);
}

function card(title, ...content) {
  return make("figure", { class: "live-card live-view" }, make("figcaption", { text: title, class: "live-caption" }), ...content);
}

/** The size of a canvas as the layout last gave it: to ask for it with every frame would have the page laid out each time. */
function followed(canvas, changed) {
  const size = { width: 0, height: 0 };
  new ResizeObserver(([{ contentRect: { width, height } }]) => {
    Object.assign(size, { width, height });
    changed();
  }).observe(canvas);
  return size;
}

/** Lines of the scene that stays, with dots at a control or at a readout. */
class ChartView {
  constructor(spec) {
    this.spec = spec;
    this.chart = new Chart(spec);
    this.element = this.chart.element;
    this.element.classList.add("live-view");
  }

  still(frame) {
    this.kept = frame.arrays;
    this.key = null;
  }

  show(readouts, arrays, params) {
    if (!this.kept) return;
    const { lines } = this.spec;
    const key = lines.map((l) => (l.column ? params[l.column] : "")).join();
    if (key !== this.key) {
      this.drawn = lines.filter((l) => l.y_array in this.kept).map((l) => ({ ...l, x: this.kept[l.x_array].data, y: this.#column(l, params) }));
      this.chart.draw(this.drawn);
      this.element.hidden = !this.drawn.length;
      this.key = key;
    }
    const x = this.spec.x_readout ? readouts[this.spec.x_readout] : params[this.spec.x];
    this.chart.point(x, this.drawn.map((l) => (l.readout ? readouts[l.readout] : interpolated(l.x, l.y, x))), null, this.drawn.map((l) => readouts[l.x_readout]));
  }

  #column(line, params) {
    const table = this.kept[line.y_array];
    if (!line.column) return table.data;
    const columns = this.kept[line.columns].data;
    return Float32Array.from({ length: table.shape[0] }, (_, i) => interpolated(columns, table.data.subarray(i * columns.length, (i + 1) * columns.length), params[line.column]));
  }

  redraw() {}
}

/** Points that travel, the prior as a dashed circle and the aggregate posterior as an ellipse. */
class Cloud {
  constructor(spec) {
    this.spec = spec;
    this.canvas = make("canvas", { class: "live-cloud", role: "img", "aria-label": spec.title });
    this.element = card(spec.title, this.canvas, make("p", { class: "live-quiet", text: "2 sd: prior dashed, aggregate posterior solid" }));
    this.size = followed(this.canvas, () => this.#draw());
  }

  still(frame) {
    this.labels = frame.arrays.labels.data;
    this.#draw();
  }

  show(readouts, arrays) {
    this.element.hidden = !arrays.map;
    if (!arrays.map) return;
    [this.points, this.readouts] = [arrays.map.data, readouts];
    const { centre, radii } = readouts.ellipse;
    this.canvas.setAttribute("aria-label", `${this.spec.title}: ${this.points.length / 2} points, aggregate posterior of mean ${centre.map((v) => number(v)).join(", ")} and standard deviations ${radii.map((v) => number(v / 2)).join(", ")}`);
    this.#draw();
  }

  redraw(theme) {
    this.theme = theme;
    this.#draw();
  }

  #draw() {
    if (!this.points || !this.labels || !this.theme || !this.size.width) return;
    const { context, width, height } = sharp(this.canvas, this.size);
    const { reach, prior, ellipse } = this.readouts;
    const unit = Math.min(width, height) / (2 * reach);
    const place = (x, y) => [width / 2 + (x - prior[0]) * unit, height / 2 - (y - prior[1]) * unit];
    const { points, labels, theme } = this;
    const { colours, names } = this.spec;
    context.globalAlpha = 0.72;
    // one colour after the other: changing it is what costs
    for (let label = 0; label <= colours.length; label++) {
      const rest = label === colours.length;
      context.fillStyle = rest ? theme.quiet : colours[label];
      for (let i = 0; i < labels.length; i++) {
        if (rest ? labels[i] < label : labels[i] !== label) continue;
        const [x, y] = place(points[2 * i], points[2 * i + 1]);
        context.fillRect(x - 1.3, y - 1.3, 2.6, 2.6);
      }
    }
    context.globalAlpha = 1;
    context.lineWidth = 1.4;
    this.#ring(context, place(...prior), [2 * unit, 2 * unit], 0, theme.quiet, [5, 4]);
    this.#ring(context, place(...ellipse.centre), ellipse.radii.map((r) => r * unit), -ellipse.angle, theme.ink, []);
    context.font = `650 12px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 3.5;
    const taken = [];
    for (const [label, centre] of names.length ? classCentres(points, labels) : []) {
      const [x, y] = place(...centre);
      if (taken.some(([a, b]) => Math.hypot(a - x, b - y) < 13)) continue;
      taken.push([x, y]);
      context.strokeStyle = theme.panel;
      context.fillStyle = theme.ink;
      context.strokeText(names[label] ?? label, x, y);
      context.fillText(names[label] ?? label, x, y);
    }
  }

  #ring(context, [x, y], [a, b], angle, colour, dash) {
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.beginPath();
    context.ellipse(x, y, a, b, angle, 0, 7);
    context.stroke();
    context.setLineDash([]);
  }
}

const COLLAPSED = 0.1; // nats of a whole sample, less than which a code says nothing
const [WIDE, BARS, SPREADS] = [380, 104, 66];

/** KL per dimension as bars, the aggregate posterior of each as mean ± standard deviation on the prior's band. */
class Dimensions {
  constructor(spec) {
    this.count = make("b", { class: "live-count" });
    this.bars = svg("svg", { viewBox: `0 0 ${WIDE} ${BARS}`, role: "img", class: "live-chart" });
    this.spreads = svg("svg", { viewBox: `0 0 ${WIDE} ${SPREADS}`, role: "img", class: "live-chart" });
    this.said = make("p", { class: "live-stand" });
    this.element = make(
      "figure",
      { class: "live-card live-view live-dimensions" },
      make("figcaption", { class: "live-caption" }, `${spec.title}: `, this.count),
      this.bars,
      make("p", { class: "live-caption", text: "Aggregate posterior, mean ± sd; prior shaded" }),
      this.spreads,
      this.said,
    );
    this.spec = spec;
  }

  still(frame) {
    this.top = frame.readouts.kl_max;
  }

  show(readouts, arrays) {
    if (!this.top) return;
    const { active_units: active, units, between, rate } = readouts;
    this.count.textContent = `${active} of ${units} active`;
    const kl = arrays.kl.data;
    const wide = Math.min((WIDE - 40) / units, 44);
    const x = (i) => 34 + i * wide;
    const on = arrays.active.data;
    // square roots: both what is spent at a small β and what is left at a large one can be seen
    const up = (value) => (BARS - 12) * Math.sqrt(Math.max(value, 0) / this.top);
    const ticks = [0, 1, 4, 9, 16, 25].filter((tick) => tick <= this.top);
    const text = (at, y, said) => ["text", { x: at, y, "text-anchor": "end" }, said];
    this.bars.setAttribute("aria-label", `KL per dimension in nats, the largest first: ${[...kl].map((v) => number(v, 2)).join(", ")}`);
    showElements(this.bars, [
      ...ticks.map((tick) => text(28, BARS - up(tick) + 2, String(tick))),
      ...ticks.slice(1).map((tick) => ["path", { class: "live-grid", d: `M34 ${BARS - 2 - up(tick)}H${x(units)}` }]),
      ...[...kl].map((v, i) => ["rect", { x: x(i) + wide * 0.1, width: wide * 0.8, y: BARS - 2 - up(v), height: Math.max(up(v), 0.5), class: on[i] ? "live-bar" : "live-bar live-idle" }]),
      ["path", { class: "live-axis", d: `M34 ${BARS - 2}H${x(units)}` }],
    ]);
    const { mean, variance } = arrays;
    // squeezed at the ends: a spread far beyond the prior's shows that it is, not by how much
    const y = (v) => SPREADS / 2 - (SPREADS / 2 - 3) * Math.tanh(v / 2.2);
    const spread = Array.from(mean.data, (m, i) => [m, Math.sqrt(Math.max(variance.data[i], 0))]);
    this.spreads.setAttribute("aria-label", `Aggregate posterior per dimension, mean and standard deviation: ${spread.map(([m, s]) => `${number(m)} ± ${number(s)}`).join(", ")}`);
    showElements(this.spreads, [
      ["rect", { x: 34, width: units * wide, y: y(1), height: y(-1) - y(1), class: "live-prior" }],
      ...[1, 0, -1].map((v) => text(28, y(v) + 4, number(v, 0))),
      ...spread.flatMap(([m, s], i) => [
        ["path", { class: on[i] ? "live-spread" : "live-spread live-idle", d: `M${x(i) + wide / 2} ${y(m + s)}V${y(m - s)}` }],
        ["circle", { cx: x(i) + wide / 2, cy: y(m), r: 3, class: on[i] ? "live-bar" : "live-bar live-idle" }],
      ]),
    ]);
    const [low, high] = between;
    const stand = low === high ? `At the snapshot β = ${low}` : `Between snapshots β = ${low} and β = ${high}`;
    const collapsed = active === 0 || rate < COLLAPSED ? `Posterior collapse: ${active} of ${units} units active, R = ${number(rate, 2)} nats. ` : "";
    this.said.replaceChildren(collapsed ? make("b", { class: "live-beyond", text: collapsed }) : "", `${stand}, warm-started.`);
  }

  redraw() {}
}

/** A table of errors as colours on a logarithmic scale, a ring where the controls stand. */
class Heat {
  constructor(spec) {
    this.spec = spec;
    this.canvas = make("canvas", { class: "live-heat", role: "img", "aria-label": spec.title });
    this.element = card(spec.title, this.canvas);
    this.size = followed(this.canvas, () => this.#draw());
  }

  still(frame) {
    this.kept = frame.arrays;
    this.#draw();
  }

  show(readouts, arrays, params) {
    this.at = [params[this.spec.x], params[this.spec.y]];
    this.#draw();
  }

  redraw(theme) {
    this.theme = theme;
    this.#draw();
  }

  #draw() {
    if (!this.kept || !this.at || !this.theme || !this.size.width) return;
    const { context, width, height } = sharp(this.canvas, this.size);
    const { spec, theme } = this;
    const [table, rows, columns] = [spec.array, spec.rows, spec.columns].map((name) => this.kept[name].data);
    const box = { left: 46, top: 4, right: width - 14, bottom: height - 36 };
    const [low, high] = this.#cells(width, height, table, rows, columns, box);
    context.drawImage(this.sheet, 0, 0, width, height);
    const along = (v, values, from, to) => from + (Math.min(Math.max((v - values[0]) / (values[values.length - 1] - values[0] || 1), 0), 1)) * (to - from);
    const [x, y] = [along(this.at[0], columns, box.left, box.right), along(this.at[1], rows, box.top, box.bottom)];
    for (const [colour, wide] of [[theme.panel, 5], [theme.dark ? "#ff8742" : "#ff5e02", 2.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = wide;
      context.beginPath();
      context.arc(x, y, 7, 0, 7);
      context.stroke();
    }
    context.fillStyle = theme.quiet;
    context.font = `12px ${theme.font}`;
    context.textAlign = "center";
    for (const v of [columns[0], columns[columns.length - 1]]) context.fillText(number(v, 1), along(v, columns, box.left, box.right), box.bottom + 15);
    context.fillText(spec.x_label, (box.left + box.right) / 2, box.bottom + 15);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const v of [rows[0], rows[rows.length - 1]]) context.fillText(number(v, 1), box.left - 6, along(v, rows, box.top + 5, box.bottom - 5));
    context.textAlign = "left";
    context.fillText(`${theme.dark ? "lighter" : "darker"}: a larger error, ${Math.exp(low).toPrecision(2)} to ${Math.exp(high).toPrecision(2)}, log`, box.left, height - 7);
    context.save();
    context.translate(12, (box.top + box.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(spec.y_label, 0, 0);
    context.restore();
    const lines = Array.from(rows, (_, r) => interpolated(columns, table.subarray(r * columns.length, (r + 1) * columns.length), this.at[0]));
    this.canvas.setAttribute("aria-label", `${spec.title}: ${number(interpolated(rows, lines, this.at[1]), 4)} trained at ${number(this.at[1])}, tested at ${number(this.at[0])}`);
  }

  /** The coloured cells, drawn anew only when something but the ring has changed; returns the ends of the log scale. */
  #cells(width, height, table, rows, columns, box) {
    const key = [width, height, this.theme.dark, globalThis.devicePixelRatio].join();
    if (this.painted === table && this.key === key) return this.ends;
    [this.painted, this.key] = [table, key];
    const logs = Array.from(table, Math.log);
    const [low, high] = (this.ends = [Math.min(...logs), Math.max(...logs)]);
    const edges = (values, from, to) => {
      const middles = Array.from(values.slice(1), (v, i) => (v + values[i]) / 2);
      const all = [values[0], ...middles, values[values.length - 1]];
      return all.map((v) => from + ((v - all[0]) / (all[all.length - 1] - all[0] || 1)) * (to - from));
    };
    const [xs, ys] = [edges(columns, box.left, box.right), edges(rows, box.top, box.bottom)];
    const ratio = globalThis.devicePixelRatio || 1;
    this.sheet = make("canvas", { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = this.sheet.getContext("2d");
    context.scale(ratio, ratio);
    const [paper, ink] = this.theme.dark ? [[30, 38, 50], [125, 184, 238]] : [[233, 241, 249], [16, 62, 107]];
    rows.forEach((_, r) =>
      columns.forEach((_, c) => {
        const t = (logs[r * columns.length + c] - low) / (high - low || 1);
        context.fillStyle = `rgb(${paper.map((p, k) => Math.round(p + t * (ink[k] - p))).join()})`;
        // half a pixel over, so that no seam shows
        context.fillRect(xs[c], ys[r], xs[c + 1] - xs[c] + 0.5, ys[r + 1] - ys[r] + 0.5);
      }),
    );
    return this.ends;
  }
}
