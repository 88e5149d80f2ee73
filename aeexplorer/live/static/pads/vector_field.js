// A plane of arrows, exact and learned, that follows σ, and a point that walks along them.

import { Chart } from "../shared/chart.js";
import { makeControl } from "../shared/controls.js";
import { calm, drawn, make, mounted, number, settled, statusLight } from "../shared/dom.js";
import { clamp, fitBounds, planeScale } from "../shared/plane_geometry.js";
import { sharp, themeOf } from "../shared/samples.js";
import { channel } from "../shared/channel.js";

const MARK = { light: "#d94e00", dark: "#ff8742" };
const LEARNED = { light: "#1c5d99", dark: "#7db8ee" };
const [PACE, LONGEST] = [90, 3000]; // milliseconds of a step while a point walks, and of a whole walk at most
const FULL = 2.2; // an arrow is as long as a cell where the score is this many times 1/σ

class VectorField {
  constructor(component) {
    this.root = make("section", { class: "live-root live-field", "data-testid": "vector-field", role: "group", "data-frames": "0", "data-latency-ms": "" });
    component.parentElement.append(this.root);
    this.theme = themeOf(this.root);
    this.commit = settled(() => this.#commit());
    const on = { error: (sentence) => this.#say(sentence), state: (sentence) => this.#say(sentence) };
    const stream = (frame) => channel().stream({ ...on, frame });
    this.still = stream((frame) => this.#receive(frame));
    this.field = stream((frame, request) => this.#show(frame, request));
    this.walk = stream((frame, request) => this.#wander(frame, request));
    this.curve = stream((frame) => this.#curve(frame));
    this.watch = new ResizeObserver(() => this.#redraw());
    this.#begin(component);
  }

  update(component) {
    const before = this.data;
    this.theme = themeOf(this.root);
    const { sigma: s, start: a } = component.data;
    const { sigma: t, start: b } = before;
    const shape = ({ sigma, start, ...rest }) => JSON.stringify([rest, rest.slider && { ...rest.slider, value: null }], (key, v) => (key === "slider" ? null : v));
    if (shape(component.data) !== shape(before)) return this.#begin(component);
    this.component = component;
    this.data = component.data;
    if (s !== t && !this.slider?.held) this.slider?.set(s);
    if (JSON.stringify(a) !== JSON.stringify(b) && !this.held) this.start = a;
    if (s !== t || JSON.stringify(a) !== JSON.stringify(b)) this.#ask();
    this.#redraw();
  }

  destroy() {
    cancelAnimationFrame(this.turn);
    this.watch.disconnect();
    for (const stream of [this.still, this.field, this.walk, this.curve]) stream.close();
    this.root.remove();
  }

  #begin(component) {
    cancelAnimationFrame(this.turn);
    this.component = component;
    const data = (this.data = component.data);
    const kept = this.runs === `${data.run} ${data.compare_run}`;
    this.runs = `${data.run} ${data.compare_run}`;
    const left = kept ? this.slider?.value : null;
    if (!kept) {
      this.points = this.frame = this.gone = null;
      this.start = data.start;
    }
    this.prefix = "";
    this.#build();
    // what the hand did stays when the same runs are shown anew
    if (left && this.slider) this.slider.set(clamp(left, data.slider.low, data.slider.high));
    this.#ask();
    this.still.ask("score_data", { run: data.run });
    this.asked = false;
  }

  get sigma() {
    // the value above the thumb is rounded, at an end perhaps beyond it
    return this.slider ? clamp(this.slider.value, this.data.slider.low, this.data.slider.high) : this.data.sigma;
  }

  #params() {
    const { run, compare_run } = this.data;
    return { run, compare_run };
  }

  #build() {
    const { data } = this;
    this.root.setAttribute("aria-label", data.label);
    const controls = [];
    this.slider = this.which = null;
    if (data.slider) {
      this.slider = makeControl(data.slider, () => ({}), () => this.#moved(), this.commit);
      controls.push(make("div", { class: "live-sliders" }, this.slider.element));
    }
    if (data.names.length > 1) {
      const options = data.names.map((name, i) => [i ? "compare_" : "", name]);
      this.which = makeControl({ type: "segmented", param: "which", label: "Whose arrows are drawn", options, value: "" }, () => ({}), () => this.#chosen(), () => {});
    }
    this.base = make("canvas", { "aria-hidden": "true" });
    this.arrows = make("canvas", { "aria-hidden": "true" });
    this.over = make("canvas", { "aria-hidden": "true" });
    this.plane = make(
      "div",
      { class: "live-plane", role: "slider", tabindex: "0", "aria-label": `${data.label}: where the walk starts`, "aria-roledescription": "plane", "aria-valuenow": "0", "aria-valuetext": "",
        on: {
          pointerdown: (event) => this.#press(event),
          pointermove: (event) => this.held && this.#pointer(event),
          pointerup: () => this.#release(),
          pointercancel: () => this.#release(),
          keydown: (event) => this.#key(event),
          focus: () => this.#overlay(),
          blur: () => this.#overlay(),
        } },
      this.base,
      this.arrows,
      this.over,
    );
    this.legend = make("div", { class: "live-legend" });
    this.between = make("p", { class: "live-quiet live-between" });
    this.ends = make("div", { class: "live-ends" });
    this.again = make("button", { type: "button", class: "live-button", text: "Walk again", on: { click: () => this.#animate() } });
    this.said = make("p", { class: "live-said", role: "status" });
    this.chart = data.chart ? new Chart(data.chart) : null;
    this.watch.disconnect();
    this.root.replaceChildren(
      ...controls,
      make(
        "div",
        { class: "live-pad" },
        this.plane,
        make(
          "div",
          { class: "live-beside" },
          make("div", { class: "live-card" }, this.which?.element, this.legend, this.between),
          make("div", { class: "live-card live-walk" }, make("div", { class: "live-caption", text: "The walk x ← r(x) from the ring" }), this.again, this.ends),
          this.chart?.element,
          this.said,
        ),
      ),
    );
    this.slider?.say();
    this.which?.say?.();
    this.watch.observe(this.plane);
  }

  #ask() {
    const params = { ...this.#params(), sigma: this.sigma };
    this.field.ask("score_field", params);
    this.#stray();
  }

  #stray() {
    cancelAnimationFrame(this.turn);
    this.turn = null;
    this.walk.ask("score_walk", { ...this.#params(), sigma: this.sigma, start: this.start });
  }

  #moved() {
    this.slider.say();
    this.#ask();
  }

  #chosen() {
    this.prefix = this.which.value;
    this.which.say?.();
    if (this.frame) this.#numbers();
    if (this.gone) this.#tellEnds();
    this.#arrow();
    this.#overlay();
  }

  #commit() {
    this.component.setStateValue("view", { sigma: this.sigma, start: this.start });
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  #receive(frame) {
    this.points = frame.arrays.points.data;
    this.bounds = { low: frame.readouts.low, high: frame.readouts.high };
    this.cell = frame.readouts.cell;
    this.#redraw();
  }

  #show(frame, request) {
    this.frame = frame;
    if (this.said.textContent) this.#say("");
    this.#numbers();
    this.#ground();
    this.#arrow();
    // the curve takes longest and comes last
    if (this.chart && !this.asked) this.curve.ask("score_curve", this.#params());
    this.asked = true;
    drawn(this.root, request);
  }

  #wander(frame, request) {
    this.gone = frame;
    this.#tellEnds();
    const { distance } = frame.readouts;
    this.plane.setAttribute("aria-valuetext", `(${this.start.map((v) => number(v)).join(", ")}), ${number(distance)} from the nearest sample, walks to ${frame.readouts.learned_status}`);
    this.plane.setAttribute("aria-valuenow", this.start[0].toFixed(2));
    if (this.released) this.#animate();
    else this.#overlay();
    this.released = false;
    drawn(this.root, request);
  }

  #curve(frame) {
    const { lines } = this.data.chart;
    const { arrays } = frame;
    this.chart.draw(lines.filter((l) => l.y_array in arrays).map((l) => ({ ...l, x: arrays[l.x_array].data, y: arrays[l.y_array].data })));
    this.#dots();
  }

  #dots() {
    if (this.chart && this.frame) this.chart.point(this.frame.readouts.sigma, this.chart.lines.map((l) => this.frame.readouts[l.readout]));
  }

  #numbers() {
    const { names } = this.data;
    const { readouts } = this.frame;
    const rows = names.map((name, i) => {
      const prefix = i ? "compare_" : "";
      return [
        make("span", { class: `live-key live-key-${prefix === this.prefix ? "learned" : "none"}`, "aria-hidden": "true" }),
        make("span", { text: name }),
        make("b", { text: number(readouts[`${prefix}cosine`], 3), "data-figure": `${prefix}cosine` }),
        make("b", { text: number(readouts[`${prefix}relative_error`], 2), "data-figure": `${prefix}relative_error` }),
      ];
    });
    this.legend.replaceChildren(
      make("span"), make("span", { class: "live-caption", text: "over noisy test samples" }), make("span", { class: "live-caption", text: "cosine" }), make("span", { class: "live-caption", text: "rel. error" }),
      make("span", { class: "live-key live-key-exact", "aria-hidden": "true" }), make("span", { text: "exact score" }), make("span", { text: "1" }), make("span", { text: "0" }),
      ...rows.flat(),
    );
    const stand = readouts.between;
    this.between.textContent = !stand ? "" : stand[0] === stand[1] ? `The snapshot at σ = ${stand[0]}.` : `Weights between the snapshots at σ = ${stand[0]} and ${stand[1]}.`;
    this.#dots();
  }

  #tellEnds() {
    const { readouts } = this.gone;
    const name = this.prefix ? this.data.names[1] : this.data.names[0];
    const rows = [["exact", "exact score"], [`${this.prefix}learned`, name]].map(([key, label]) => {
      const steps = readouts[`${key}_steps`];
      return make("div", {}, make("span", { text: `${label}: ` }), statusLight(readouts[`${key}_status`]), make("span", { class: "live-quiet", text: ` in ${steps} step${steps === 1 ? "" : "s"}` }));
    });
    this.ends.replaceChildren(...rows);
  }

  #pointer(event) {
    if (!this.scale) return;
    const box = this.plane.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - this.plane.clientLeft, event.clientY - box.top - this.plane.clientTop];
    this.#put(this.scale.toValue(clamp(x, 0, this.width), clamp(y, 0, this.height)));
  }

  #put(start) {
    this.start = start.map((v) => Number(v.toFixed(4)));
    this.#stray();
  }

  #press(event) {
    this.plane.focus({ preventScroll: true });
    this.plane.setPointerCapture(event.pointerId);
    this.held = true;
    this.#pointer(event);
  }

  /** Let go: the point walks once the way from where it lies is here. */
  #release() {
    if (!this.held) return;
    this.held = false;
    this.released = true;
    this.#stray();
    this.commit();
  }

  #key(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.#animate();
    }
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || !this.bounds) return;
    event.preventDefault();
    const { low, high } = this.bounds;
    const step = ((high[0] - low[0]) / 100) * (event.shiftKey ? 10 : 1);
    this.#put([0, 1].map((axis) => clamp(this.start[axis] + by[axis] * step, low[axis], high[axis])));
    this.commit();
  }

  #animate() {
    cancelAnimationFrame(this.turn);
    this.turn = null;
    if (!this.gone || calm()) return this.#overlay();
    const steps = Math.max(this.gone.readouts.exact_steps, this.gone.readouts[`${this.prefix}learned_steps`]);
    const pace = Math.min(PACE, LONGEST / Math.max(steps, 1));
    const begun = performance.now();
    const on = (now) => {
      const at = Math.max(0, now - begun) / pace;
      this.turn = at < steps ? requestAnimationFrame(on) : null;
      this.#overlay(at < steps ? at : Infinity);
    };
    this.turn = requestAnimationFrame(on);
  }

  #redraw() {
    if (!this.points || !this.plane.clientWidth) return;
    const { clientWidth: width, clientHeight: height } = this.plane;
    [this.width, this.height] = [width, height];
    const shown = fitBounds(this.bounds, width, height);
    this.plane.setAttribute("aria-valuemin", shown.low[0].toFixed(2));
    this.plane.setAttribute("aria-valuemax", shown.high[0].toFixed(2));
    this.scale = planeScale(shown, width, height);
    this.#ground();
    this.#arrow();
    if (!this.turn) this.#overlay();
  }

  /** The smoothed density, faint, and the samples it is made of. */
  #ground() {
    if (!this.scale) return;
    const { context } = sharp(this.base);
    const { theme, points } = this;
    const density = this.frame?.arrays.density;
    if (density) {
      const [rows, columns] = density.shape;
      const sheet = make("canvas", { width: columns, height: rows });
      const ink = sheet.getContext("2d");
      const picture = ink.createImageData(columns, rows);
      const words = new Uint32Array(picture.data.buffer);
      const colour = theme.dark ? 0xeeb87d : 0x995d1c; // blue, green, red
      for (let i = 0; i < words.length; i++) words[i] = ((Math.sqrt(density.data[i] / 255) * 70) << 24) | colour;
      ink.putImageData(picture, 0, 0);
      const [left, top] = this.scale.toPixel(this.bounds.low[0], this.bounds.high[1]);
      const [right, bottom] = this.scale.toPixel(this.bounds.high[0], this.bounds.low[1]);
      context.drawImage(sheet, left, top, right - left, bottom - top);
    }
    context.fillStyle = theme.quiet;
    context.globalAlpha = theme.dark ? 0.45 : 0.35;
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = this.scale.toPixel(points[i], points[i + 1]);
      context.rect(x - 0.8, y - 0.8, 1.6, 1.6);
    }
    context.fill();
    context.globalAlpha = 1;
  }

  #arrow() {
    if (!this.scale || !this.frame) return;
    const { context } = sharp(this.arrows);
    const { arrays, readouts } = this.frame;
    const shade = this.theme.dark ? "dark" : "light";
    const cell = this.cell / this.scale.perPixel[0];
    const unit = (cell * readouts.sigma) / FULL;
    const draw = (field, colour, width) => {
      context.strokeStyle = context.fillStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (let i = 0; i < arrays.at.data.length; i += 2) {
        const [x, y] = this.scale.toPixel(arrays.at.data[i], arrays.at.data[i + 1]);
        arrow(context, x, y, field[i] * unit, -field[i + 1] * unit, 1.25 * cell);
      }
      context.stroke();
    };
    draw(arrays.exact.data, MARK[shade], 3.2);
    draw(arrays[`${this.prefix}learned`].data, LEARNED[shade], 1.3);
  }

  /** The ways, up to step `at` while a point walks, and the start. */
  #overlay(at = Infinity) {
    if (!this.scale) return;
    const { context } = sharp(this.over);
    const { theme } = this;
    const shade = theme.dark ? "dark" : "light";
    if (this.gone) {
      this.#way(context, this.gone.arrays.exact_way.data, MARK[shade], 4.5, at);
      this.#way(context, this.gone.arrays[`${this.prefix}learned_way`].data, LEARNED[shade], 2, at);
    }
    const [x, y] = this.scale.toPixel(...this.start);
    context.lineWidth = this.plane.matches(":focus-visible") ? 3.5 : 2;
    context.strokeStyle = theme.ink;
    context.beginPath();
    context.arc(x, y, 9, 0, 7);
    context.stroke();
  }

  #way(context, way, colour, width, at) {
    const last = way.length / 2 - 1;
    const whole = Math.min(Math.floor(at), last);
    const part = Math.min(at, last) - whole;
    const places = Array.from({ length: whole + 1 }, (_, i) => this.scale.toPixel(way[2 * i], way[2 * i + 1]));
    if (part > 0) {
      const [a, b] = [whole, whole + 1].map((i) => this.scale.toPixel(way[2 * i], way[2 * i + 1]));
      places.push([0, 1].map((axis) => a[axis] + part * (b[axis] - a[axis])));
    }
    const line = (stroke, thick) => {
      context.strokeStyle = stroke;
      context.lineWidth = thick;
      context.beginPath();
      for (const place of places) context.lineTo(...place);
      context.stroke();
    };
    context.lineJoin = context.lineCap = "round";
    // a rim in the ground's colour sets the line off from the arrows
    line(this.theme.panel, width + 3);
    line(colour, width);
    context.fillStyle = colour;
    for (const [x, y] of places.slice(1, -1)) {
      context.beginPath();
      context.arc(x, y, width / 2 + 1, 0, 7);
      context.fill();
    }
    context.strokeStyle = this.theme.panel;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(...places.at(-1), width / 2 + 4, 0, 7);
    context.fill();
    context.stroke();
  }
}

/** An arrow with its tail at (x, y), cut to `longest`, as part of a path. */
function arrow(context, x, y, dx, dy, longest) {
  const length = Math.hypot(dx, dy);
  if (length < 0.5) return;
  const cut = Math.min(1, longest / length);
  const [tipX, tipY] = [x + dx * cut, y + dy * cut];
  const head = Math.min(5, 0.45 * length * cut);
  const [ux, uy] = [dx / length, dy / length];
  context.moveTo(x, y);
  context.lineTo(tipX, tipY);
  context.moveTo(tipX - head * (ux + 0.6 * uy), tipY - head * (uy - 0.6 * ux));
  context.lineTo(tipX, tipY);
  context.lineTo(tipX - head * (ux - 0.6 * uy), tipY - head * (uy + 0.6 * ux));
}

export default mounted((component) => new VectorField(component));
