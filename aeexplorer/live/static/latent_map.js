// A map of codes: points to hover, pick, draw around, turn and magnify; maps of one group share what a hand does on them.

import { drawn, make, calm, mounted, number, settled, statusLight } from "./dom.js";
import { boundsOf, eased, insidePolygon, nearestFew, nearestTo, nearestTowards, Plane, rectangle, Space, spread } from "./map_geometry.js";
import { combined, group } from "./map_link.js";
import { contours } from "./map_density.js";
import { byDepth, hex, maskOf, PAD, ramp, sheetOf, shuffled, stamp, word } from "./map_marks.js";
import { save } from "./map_save.js";
import { drawSample, growSpan, sharp, themeOf, tileCanvas } from "./paint.js";
import { channel } from "./socket.js";

const TRAVEL_MS = 400;
const REACH = 14; // pixels from a pointer to the point it means
const AHEAD = 16; // points whose pictures are fetched with the one under the pointer
const KEPT = 4000; // pictures of samples that are kept
const TINY = 44; // pixels of a picture that stands for a point
const NAME = 18; // letters of a name on a map; all of it is in the legend's tooltip
const MOST_NAMES = 40;
const SHOWN = 0, GREY = 1, HIDDEN = 2;
const TOOLS = { move: "Move", lasso: "Lasso", box: "Box" };

const floats = (text) => text && new Float32Array(bytes(text));
const places = (text) => new Int32Array(bytes(text));

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

class LatentMap {
  constructor(component) {
    this.pictures = new Map();
    this.hands = new Map();
    this.span = null;
    this.#build(component.parentElement);
    const on = { error: (sentence) => this.#say(sentence), state: (sentence) => this.#say(sentence) };
    this.under = channel().stream({ ...on, frame: (frame, request) => this.#received(frame, request) });
    this.ahead = channel().stream({ ...on, frame: (frame) => this.#keep(frame) });
    this.lifted = channel().stream({ ...on, frame: (frame, request) => this.#decoded(frame, request) });
    this.fetchTiny = settled(() => this.#fetchTiny(), 120);
    this.watch = new ResizeObserver(() => this.#resize());
    this.watch.observe(this.stage);
    this.update(component);
  }

  update(component) {
    const before = this.data;
    this.component = component;
    const data = (this.data = component.data);
    this.theme = themeOf(this.root);
    if (!before || before.group !== data.group) {
      this.leave?.();
      this.group = group(data.group);
      this.leave = this.group.join((what) => this.#heard(what));
    }
    if (before?.run !== data.run) this.pictures.clear();
    if (before?.index !== data.index) {
      this.index = places(data.index);
      this.row = new Map([...this.index].map((place, row) => [place, row]));
    }
    if (before?.points !== data.points || before?.index !== data.index) this.#points(before);
    this.ghost = floats(data.ghost);
    this.title.textContent = data.title.slice(0, 120);
    this.stage.style.height = `${data.height}px`;
    this.stage.setAttribute("aria-label", data.label);
    this.#colours(before);
    this.group.adopt(before, data);
    if (before?.mode !== data.mode) this.#tool(data.mode === "decode" ? "move" : this.solid ? "move" : "lasso");
    this.#states();
    this.#paint();
  }

  destroy() {
    this.leave();
    this.watch.disconnect();
    for (const stream of [this.under, this.ahead, this.lifted]) stream.close();
    cancelAnimationFrame(this.frame);
    this.root.remove();
  }

  get solid() {
    return this.data.components === 3;
  }

  #build(place) {
    this.base = make("canvas", { "aria-hidden": "true" });
    this.over = make("canvas", { "aria-hidden": "true" });
    this.tip = make("div", { class: "live-map-tip", "aria-hidden": "true", hidden: true });
    const on = {
      pointermove: (event) => this.#pointer(event), pointerdown: (event) => this.#press(event),
      pointerup: (event) => this.#release(event), pointercancel: (event) => this.#release(event),
      pointerleave: () => this.#away(), wheel: (event) => this.#wheel(event), keydown: (event) => this.#key(event),
      dblclick: () => this.#reset(),
    };
    this.stage = make("div", { class: "live-map-stage", role: "application", tabindex: "0", "aria-roledescription": "map", on }, this.base, this.over, this.tip);
    this.title = make("strong");
    this.tools = make("div", { class: "live-map-tools", role: "toolbar", "aria-label": "Tools of the map" });
    for (const [name, text] of Object.entries(TOOLS)) {
      this.tools.append(make("button", { type: "button", "data-tool": name, text, on: { click: () => this.#tool(name) } }));
    }
    this.tools.append(
      make("button", { type: "button", title: "Show everything", "aria-label": "Show everything", text: "⤢", on: { click: () => this.#reset() } }),
      make("button", { type: "button", title: "Save as PNG", "aria-label": "Save as PNG", text: "PNG", on: { click: () => save(this.#scene(), "png") } }),
      make("button", { type: "button", title: "Save as SVG", "aria-label": "Save as SVG", text: "SVG", on: { click: () => save(this.#scene(), "svg") } }),
    );
    this.legend = make("div", { class: "live-map-legend" });
    this.said = make("p", { class: "live-said", role: "status", "aria-live": "polite" });
    this.root = make(
      "section",
      { class: "live-root live-map", "data-testid": "latent-map", role: "group", "data-frames": "0", "data-latency-ms": "" },
      make("div", { class: "live-map-head" }, this.title, this.tools), this.stage, this.legend, this.said,
    );
    place.append(this.root);
  }

  // what is shown

  #points(before) {
    const next = floats(this.data.points);
    const same = before && before.components === this.data.components && before.index === this.data.index;
    const bounds = boundsOf(next, this.data.components);
    if (same && !calm() && this.width) {
      const [from, to] = [this.bounds, bounds];
      const centre = (b, axis) => (b.low[axis] + b.high[axis]) / 2;
      const size = (b) => Math.max(...b.high.map((high, axis) => high - b.low[axis]), 1e-9);
      const scale = size(to) / size(from);
      const c = this.data.components;
      this.from = this.points.map((value, i) => (value - centre(from, i % c)) * scale + centre(to, i % c));
      this.to = next;
      this.begun = performance.now();
      this.points = Float32Array.from(this.from);
    } else {
      [this.points, this.to] = [next, null];
    }
    const view = this.view;
    this.bounds = bounds;
    const Kind = this.solid ? Space : Plane;
    this.view = new Kind(bounds, this.width || 1, this.height || 1);
    if (same && this.solid && view instanceof Space) [this.view.yaw, this.view.pitch] = [view.yaw, view.pitch];
    const n = this.index.length;
    if (this.x?.length !== n) {
      [this.x, this.y, this.depth] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
      this.rows = shuffled(n);
      this.states = new Uint8Array(n);
    }
    this.moved = true;
    this.middles = null;
    if (this.to) this.#travel();
  }

  #travel() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame((now) => {
      const t = eased((now - this.begun) / TRAVEL_MS);
      for (let i = 0; i < this.points.length; i++) this.points[i] = this.from[i] + (this.to[i] - this.from[i]) * t;
      this.moved = true;
      this.middles = null;
      this.#draw();
      if (t < 1) this.#travel();
      else this.to = null;
    });
  }

  #colours(before) {
    const { data, theme } = this;
    const n = this.index.length;
    const values = (this.values = floats(data.values));
    this.words = new Uint32Array(n).fill(word(theme.accent));
    this.shapes = null;
    const quiet = word(data.muted);
    if (values && data.categories.length) {
      this.shapes = new Uint8Array(n);
      const colours = data.colours.map(word);
      for (let i = 0; i < n; i++) {
        const c = values[i];
        this.words[i] = c >= 0 ? colours[c % colours.length] : quiet;
        this.shapes[i] = c >= 0 ? c % 10 : 0;
      }
    } else if (values) {
      const known = values.filter((value) => Number.isFinite(value));
      const sorted = Float32Array.from(known).sort();
      const [low, high] = sorted.length ? [sorted[Math.floor(0.01 * (sorted.length - 1))], sorted[Math.ceil(0.99 * (sorted.length - 1))]] : [0, 1];
      const table = ramp(theme.dark);
      for (let i = 0; i < n; i++) {
        const t = (values[i] - low) / (high - low || 1);
        this.words[i] = Number.isFinite(t) ? table[Math.min(Math.max(Math.round(255 * t), 0), 255)] : quiet;
      }
      this.scale = [low, high];
    }
    if (before?.colour_label !== data.colour_label || before?.categories.join() !== data.categories.join()) this.group.hidden = new Set();
    this.#legend();
    this.masks = this.middles = null;
  }

  #legend() {
    const { data } = this;
    this.legend.replaceChildren();
    if (!this.values) return;
    if (!data.categories.length) {
      const stops = [...ramp(this.theme.dark)].filter((_, i) => i % 15 === 0).map(hex);
      const bar = make("span", { class: "live-map-bar", "aria-hidden": "true" });
      bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`;
      const digits = Math.max(...this.scale.map(Math.abs)) < 0.1 ? 4 : 2;
      this.legend.append(make("span", { text: number(this.scale[0], digits) }), bar, make("span", { text: number(this.scale[1], digits) }), make("span", { class: "live-quiet", text: data.colour_label }));
      return;
    }
    const present = new Set(this.values);
    data.categories.forEach((name, c) => {
      if (!present.has(c)) return;
      const shown = !this.group.hidden.has(c);
      const dot = make("i", { "aria-hidden": "true" });
      dot.style.background = data.colours[c % data.colours.length];
      this.legend.append(make("button", { type: "button", title: name.slice(0, 300), "aria-pressed": String(shown), on: { click: () => this.#toggle(c) } }, dot, make("span", { text: name })));
    });
  }

  #toggle(c) {
    const hidden = new Set(this.group.hidden);
    if (!hidden.delete(c)) hidden.add(c);
    this.group.set("hidden", hidden, this);
  }

  #states() {
    const { hidden, selected } = this.group;
    const categories = this.data.categories.length > 0;
    for (let i = 0; i < this.states.length; i++) {
      if (categories && this.values && hidden.has(this.values[i])) this.states[i] = HIDDEN;
      else this.states[i] = selected && !selected.has(this.index[i]) ? GREY : SHOWN;
    }
    this.shut = hidden.size && categories ? this.states.map((state) => (state === HIDDEN ? 1 : 0)) : null;
  }

  #heard(what) {
    if (what === "hidden") this.#legend();
    if (what === "hidden" || what === "selected") {
      this.#states();
      this.#paint();
    } else this.#overlay();
  }

  // drawing

  #resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || (clientWidth === this.width && clientHeight === this.height)) return;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.view?.resize(clientWidth, clientHeight);
    this.view?.components === 2 && this.view.magnification <= 1 && this.view.reset();
    this.sheet = this.masks = null;
    this.moved = true;
    this.#paint();
  }

  #paint() {
    if (this.asked || !this.width || !this.view) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.#draw();
    });
  }

  #draw() {
    const begun = performance.now();
    const ratio = globalThis.devicePixelRatio || 1;
    const { view, x, y, depth, theme } = this;
    if (!this.width) return;
    if (this.view.width !== this.width) view.resize(this.width, this.height);
    const n = x.length;
    if (this.moved) {
      view.project(this.points, x, y, this.solid ? depth : undefined);
      if (this.solid) byDepth(depth, this.rows);
      this.moved = false;
    }
    const context = this.base.getContext("2d");
    const [width, height] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.base.width !== width || this.base.height !== height) [this.base.width, this.base.height] = [width, height];
    if (!this.sheet || this.sheet.width !== width || this.sheet.height !== height) {
      this.sheet = sheetOf(context.createImageData(width + 2 * PAD, height + 2 * PAD));
      this.masks = null;
    }
    const { sheet } = this;
    const near = Math.min(Math.sqrt(view.magnification), 2.2);
    const radius = (n > 20000 ? 1.3 : n > 4000 ? 1.8 : n > 800 ? 2.4 : 3.4) * near * ratio;
    if (!this.masks || this.radius !== radius) {
      const shapes = this.shapes ? 10 : 1;
      this.masks = [0.78, 0.3].map((opacity) => Array.from({ length: shapes }, (_, s) => maskOf(s, radius, sheet.stride, opacity)));
      this.radius = radius;
    }
    sheet.pixels.fill(word(theme.panel));
    const look = { x, y, ratio, rows: this.rows, count: n, words: this.words, shapes: this.shapes, tiers: null, states: this.states };
    if (this.ghost) this.#drawGhost(sheet, ratio);
    stamp(sheet, { ...look, word: word(this.data.muted), masks: [this.masks[1]], state: GREY });
    stamp(sheet, { ...look, masks: [this.masks[0]], state: SHOWN });
    context.putImageData(sheet.picture, -PAD, -PAD);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.data.density && !this.solid) this.#density(context);
    if (this.data.pictures) this.#tiny(context);
    if (!this.solid && this.data.categories.length && !this.data.pictures) this.#names(context);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.#overlay();
    this.root.dataset.frames = String(Number(this.root.dataset.frames) + 1);
    this.root.dataset.drawMs = (performance.now() - begun).toFixed(2);
  }

  #drawGhost(sheet, ratio) {
    const n = this.x.length;
    this.gx ??= new Float32Array(n);
    this.gy ??= new Float32Array(n);
    if (this.gx.length !== n) [this.gx, this.gy] = [new Float32Array(n), new Float32Array(n)];
    this.view.project(this.ghost, this.gx, this.gy);
    stamp(sheet, { x: this.gx, y: this.gy, ratio, rows: this.rows, count: n, words: this.words, shapes: this.shapes, tiers: null, masks: [this.masks[1]], states: new Uint8Array(n), state: 0 });
  }

  #density(context) {
    context.strokeStyle = this.theme.ink;
    context.globalAlpha = 0.4;
    context.lineWidth = 1;
    context.beginPath();
    for (const [a, b, c, d] of contours(this.x, this.y, this.shut, this.width, this.height)) {
      context.moveTo(a, b);
      context.lineTo(c, d);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** The class names at the medians of their points, which are taken anew only when points or classes have changed. */
  #names(context) {
    const { theme } = this;
    this.middles ??= this.#medians();
    const { classes, points } = this.middles;
    const [x, y] = [new Float32Array(classes.length), new Float32Array(classes.length)];
    this.view.project(points, x, y);
    context.font = `700 15px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = theme.panel;
    context.fillStyle = theme.ink;
    classes.forEach((c, i) => {
      if (this.group.hidden.has(c)) return;
      const name = this.data.categories[c] ?? String(c);
      const text = name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name;
      context.strokeText(text, x[i], y[i]);
      context.fillText(text, x[i], y[i]);
    });
  }

  #medians() {
    const { values, points } = this;
    const members = new Map();
    values.forEach((c, i) => c >= 0 && (members.get(c) ?? members.set(c, []).get(c)).push(i));
    if (members.size > MOST_NAMES) members.clear();
    const classes = [...members.keys()];
    const median = (rows, axis) => Float32Array.from(rows, (row) => points[2 * row + axis]).sort()[rows.length >> 1];
    return { classes, points: Float32Array.from(classes.flatMap((c) => [0, 1].map((axis) => median(members.get(c), axis)))) };
  }

  #tiny(context) {
    if (this.view.magnification < 1.5 && this.x.length > 400) return;
    const { places: rows } = spread(this.view, this.x, this.y, { cell: TINY + 4, limit: 150, hidden: this.shut });
    this.wanted = rows.map((row) => this.index[row]).filter((place) => !this.pictures.has(place));
    if (this.wanted.length) this.fetchTiny();
    for (const row of rows) {
      const pair = this.pictures.get(this.index[row]);
      if (!pair) continue;
      pair.canvas ??= this.#canvasOf(pair, "samples");
      context.imageSmoothingEnabled = false;
      context.globalAlpha = this.states[row] === GREY ? 0.3 : 1;
      context.drawImage(pair.canvas, this.x[row] - TINY / 2, this.y[row] - TINY / 2, TINY, (TINY * pair.canvas.height) / pair.canvas.width);
      context.strokeStyle = hex(this.words[row]);
      context.lineWidth = 2;
      context.strokeRect(this.x[row] - TINY / 2, this.y[row] - TINY / 2, TINY, TINY);
      context.globalAlpha = 1;
    }
  }

  #fetchTiny() {
    this.ahead.ask("map_samples", { run: this.data.run, index: this.wanted });
  }

  #canvasOf({ frame, i }, name) {
    const canvas = tileCanvas("");
    const array = frame.arrays[name];
    drawSample(canvas, array, i, { kind: frame.kind, theme: this.theme, span: frame.kind === "image" ? null : growSpan(null, array) });
    return canvas;
  }

  #overlay() {
    if (!this.width || !this.x) return;
    const { context } = sharp(this.over);
    const { theme } = this;
    const mark = theme.dark ? "#ff8742" : "#d94e00";
    const ring = (place, radius, colour) => {
      const row = this.row.get(place);
      if (row === undefined || this.states[row] === HIDDEN) return;
      for (const [width, style] of [[5, theme.panel], [2.5, colour]]) {
        context.beginPath();
        context.arc(this.x[row], this.y[row], radius, 0, 7);
        context.lineWidth = width;
        context.strokeStyle = style;
        context.stroke();
      }
    };
    this.#drawPlaced(context, mark);
    if (this.group.picked !== null) ring(this.group.picked, 9, mark);
    if (this.group.hover !== null && this.group.hover !== this.group.picked) ring(this.group.hover, 7, theme.ink);
    if (this.path) {
      context.beginPath();
      for (const corner of this.path) context.lineTo(...corner);
      context.closePath();
      context.globalAlpha = 0.1;
      context.fillStyle = theme.accent;
      context.fill();
      context.globalAlpha = 1;
      context.setLineDash([5, 4]);
      context.lineWidth = 1.5;
      context.strokeStyle = theme.accent;
      context.stroke();
      context.setLineDash([]);
    }
    if (this.at) {
      const [x, y] = this.at;
      context.strokeStyle = theme.ink;
      context.lineWidth = 2;
      context.beginPath();
      context.arc(x, y, 10, 0, 7);
      context.moveTo(x - 15, y);
      context.lineTo(x + 15, y);
      context.moveTo(x, y - 15);
      context.lineTo(x, y + 15);
      context.stroke();
    }
  }

  #drawPlaced(context, mark) {
    const { placed } = this.data;
    if (!placed.length) return;
    const n = placed.length;
    const [x, y] = [new Float32Array(n), new Float32Array(n)];
    this.view.project(Float32Array.from(placed.flatMap((place) => place.point)), x, y);
    context.strokeStyle = mark;
    context.lineWidth = 2;
    context.setLineDash(placed[0].approximate ? [4, 3] : []);
    context.beginPath();
    for (let i = 0; i < n; i++) context.lineTo(x[i], y[i]);
    context.stroke();
    context.setLineDash([]);
    context.font = `600 13px ${this.theme.font}`;
    context.textAlign = "left";
    for (let i = 0; i < n; i++) {
      const r = placed[i].label ? 7 : 4;
      context.beginPath();
      for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) context.lineTo(x[i] + dx, y[i] + dy);
      context.closePath();
      context.fillStyle = placed[i].approximate ? this.theme.panel : mark;
      context.fill();
      context.stroke();
      if (!placed[i].label) continue;
      const text = `${placed[i].label.slice(0, NAME)}${placed[i].approximate ? " ≈" : ""}`;
      context.strokeStyle = this.theme.panel;
      context.lineWidth = 4;
      context.strokeText(text, x[i] + 10, y[i] - 8);
      context.fillStyle = this.theme.ink;
      context.fillText(text, x[i] + 10, y[i] - 8);
      context.strokeStyle = mark;
      context.lineWidth = 2;
    }
  }

  // what a hand does

  #tool(name) {
    this.tool = name;
    for (const button of this.tools.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }

  #reset() {
    this.view.reset();
    this.moved = true;
    this.#paint();
  }

  #where(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - this.stage.clientLeft, event.clientY - box.top - this.stage.clientTop];
  }

  #press(event) {
    if (event.button) return;
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    const at = this.#where(event);
    this.hands.set(event.pointerId, at);
    if (this.hands.size === 2) {
      this.path = null;
      this.drag = null;
      return;
    }
    const tool = event.shiftKey ? "lasso" : this.tool;
    this.drag = { start: at, last: at, far: false, tool: this.data.mode === "decode" && !this.solid ? "decode" : tool, more: event.ctrlKey || event.metaKey };
    if (this.drag.tool === "decode") this.#decode(at);
  }

  #pointer(event) {
    const at = this.#where(event);
    if (this.hands.size === 2 && this.hands.has(event.pointerId)) return this.#pinch(event.pointerId, at);
    const { drag } = this;
    if (!drag) {
      if (event.pointerType !== "touch") this.#point(at);
      return;
    }
    if (Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > 4) drag.far = true;
    if (drag.tool === "decode") this.#decode(at);
    else if (drag.far && drag.tool === "move") {
      this.view.drag(at[0] - drag.last[0], at[1] - drag.last[1]);
      this.moved = true;
      this.#paint();
    } else if (drag.far) {
      this.path = drag.tool === "box" ? rectangle(drag.start, at) : [...(this.path ?? [drag.start]), at];
      this.#overlay();
    }
    drag.last = at;
  }

  #pinch(id, at) {
    const [a, b] = [...this.hands.keys()];
    const before = [this.hands.get(a), this.hands.get(b)];
    this.hands.set(id, at);
    const after = [this.hands.get(a), this.hands.get(b)];
    const apart = ([p, q]) => Math.hypot(p[0] - q[0], p[1] - q[1]) || 1;
    const middle = ([p, q]) => [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
    const [from, to] = [middle(before), middle(after)];
    this.view.zoom(apart(after) / apart(before), ...to);
    this.view.shift(to[0] - from[0], to[1] - from[1]);
    this.moved = true;
    this.#paint();
  }

  #release(event) {
    this.hands.delete(event.pointerId);
    const { drag } = this;
    this.drag = null;
    if (!drag) return;
    if (drag.tool === "decode") {
      this.#commit({ at: this.place });
    } else if (!drag.far) {
      const row = nearestTo(this.x, this.y, ...drag.start, REACH + (event.pointerType === "touch" ? 10 : 0), this.shut);
      if (row >= 0) this.#pick(row);
      else if (this.group.selected) this.#select(null);
    } else if (this.path) {
      const caught = insidePolygon(this.x, this.y, this.path, this.shut).map((row) => this.index[row]);
      this.path = null;
      this.#select(combined(this.group.selected, caught, drag.more));
    }
    this.#overlay();
  }

  #wheel(event) {
    event.preventDefault();
    this.view.zoom(Math.exp(-event.deltaY * 0.0016), ...this.#where(event));
    this.moved = true;
    this.#paint();
  }

  #pick(row) {
    this.group.set("picked", this.index[row], this);
    this.#describe(row, "picked ");
    this.#commit({});
  }

  #select(chosen) {
    this.group.set("selected", chosen, this);
    this.#say(chosen?.size ? `${chosen.size} samples selected` : "Nothing is selected");
    this.#commit({});
  }

  #commit(more) {
    const { picked, selected } = this.group;
    this.component.setStateValue("touch", { picked, selected: selected ? [...selected] : [], at: null, ...more, serial: this.group.act() });
  }

  #key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const here = this.row.get(this.group.hover ?? this.group.picked ?? this.index[0]) ?? 0;
    if (way) {
      const row = nearestTowards(this.x, this.y, here, way, this.shut);
      if (row >= 0) {
        this.group.set("hover", this.index[row], this);
        this.#describe(row);
        this.#show(row);
      }
    } else if (event.key === "Enter" || event.key === " ") this.#pick(here);
    else if (event.key === "Escape") this.#select(null);
    else if (event.key === "+" || event.key === "-") {
      this.view.zoom(event.key === "+" ? 1.3 : 1 / 1.3, this.width / 2, this.height / 2);
      this.moved = true;
      this.#paint();
    } else return;
    event.preventDefault();
  }

  #describe(row, before = "") {
    this.#say(`${before}sample ${this.index[row]}${this.#label(row) ? `, ${this.#label(row)}` : ""}`);
  }

  #label(row) {
    if (!this.values) return "";
    const value = this.values[row];
    if (!this.data.categories.length) return number(value, 3);
    return value >= 0 ? (this.data.categories[value] ?? "").slice(0, 60) : "";
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  // pictures under the pointer

  #point(at) {
    if (this.data.mode === "decode" && !this.solid) return this.#decode(at);
    const row = nearestTo(this.x, this.y, ...at, REACH, this.shut);
    const place = row < 0 ? null : this.index[row];
    if (place === this.group.hover) return;
    this.group.set("hover", place, this);
    if (row < 0) this.tip.hidden = true;
    else this.#show(row);
  }

  #away() {
    if (this.drag) return;
    this.group.set("hover", null, this);
    this.tip.hidden = true;
  }

  #show(row) {
    const place = this.index[row];
    const known = this.pictures.get(place);
    if (known) this.#tip(row, known);
    else {
      const rows = nearestFew(this.x, this.y, this.x[row], this.y[row], AHEAD, (i) => !this.pictures.has(this.index[i]) && !(this.shut && this.shut[i]));
      this.under.ask("map_samples", { run: this.data.run, index: [...new Set([place, ...rows.map((i) => this.index[i])])] });
    }
  }

  #received(frame, request) {
    this.#keep(frame);
    drawn(this.root, request);
    const row = this.row.get(this.group.hover);
    const known = this.pictures.get(this.group.hover);
    if (row !== undefined && known) this.#tip(row, known);
    else if (row !== undefined) this.#show(row);
  }

  #keep(frame) {
    frame.readouts.index.forEach((place, i) => this.pictures.set(place, { frame, i }));
    while (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value);
    if (this.data.pictures) this.#paint();
  }

  #tip(row, pair) {
    if (this.tip.childElementCount !== 3 || this.tip.dataset.kind !== "pair") {
      this.tip.dataset.kind = "pair";
      this.tip.replaceChildren(tileCanvas("sample"), tileCanvas("reconstruction"), make("span"));
    }
    const [sample, restored, text] = this.tip.children;
    const { arrays, kind } = pair.frame;
    const span = kind === "image" ? null : growSpan(growSpan(null, arrays.samples), arrays.reconstructions);
    const look = { kind, theme: this.theme, span };
    drawSample(sample, arrays.samples, pair.i, look);
    drawSample(restored, arrays.reconstructions, pair.i, look);
    text.textContent = `#${this.index[row]}${this.#label(row) ? ` · ${this.#label(row)}` : ""}`;
    this.tip.dataset.index = String(this.index[row]);
    this.#put(this.x[row], this.y[row]);
  }

  #put(x, y) {
    this.tip.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = this.tip;
    this.tip.style.left = `${Math.min(Math.max(x > this.width / 2 ? x - w - 16 : x + 16, 2), Math.max(this.width - w - 2, 2))}px`;
    this.tip.style.top = `${Math.min(Math.max(y - h / 2, 2), Math.max(this.height - h - 2, 2))}px`;
  }

  // any place, decoded

  #decode(at) {
    if (!this.data.map_id) return this.#say("This map decodes places when it is finished.");
    this.at = at;
    this.place = this.view.toValue(...at);
    this.lifted.ask("lift", { run: this.data.run, map_id: this.data.map_id, at: this.place });
    this.#overlay();
  }

  #decoded(frame, request) {
    const { status, distance, approximate } = frame.readouts;
    const canvas = tileCanvas("decoded sample");
    const near = make("div", { class: "live-map-near" });
    const count = frame.arrays.nearest.shape[0];
    const span = frame.kind === "image" ? null : [frame.arrays.picture, frame.arrays.nearest].reduce(growSpan, null);
    const look = { kind: frame.kind, theme: this.theme, span };
    for (let i = 0; i < count; i++) near.append(tileCanvas(`near sample ${i + 1}`));
    const text = make("span", { text: `${approximate ? "≈ " : ""}nearest ${number(distance)} away` });
    this.tip.dataset.kind = "decoded";
    this.tip.replaceChildren(canvas, near, statusLight(status), text);
    this.tip.hidden = false;
    drawSample(canvas, frame.arrays.picture, 0, look);
    [...near.children].forEach((tile, i) => drawSample(tile, frame.arrays.nearest, i, look));
    if (this.at) this.#put(...this.at);
    drawn(this.root, request);
  }

  /** What a saved picture needs to know. */
  #scene() {
    const { x, y, words, shapes, states, width, height, theme, data, rows, radius } = this;
    return { x, y, words, shapes, states, width, height, theme, rows, data, canvas: this.base, over: this.over, muted: data.muted, radius: radius / (globalThis.devicePixelRatio || 1) };
  }
}

export default mounted((component) => new LatentMap(component));
