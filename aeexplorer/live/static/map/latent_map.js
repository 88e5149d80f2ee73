// A map of codes: points to hover, pick, draw around, turn and magnify; maps of one group share what a hand does on them.

import { calm, make, mounted, number } from "../shared/dom.js";
import { Drawing } from "./renderer.js";
import { boundsOf, eased, Plane, Space } from "./camera.js";
import { Hands } from "./interaction.js";
import { group } from "./linking.js";
import { GREY, HIDDEN, hex, outline, ramp, SHOWN, word } from "./markers.js";
import { Pictures } from "./tooltip.js";
import { save } from "./export.js";
import { themeOf } from "../shared/samples.js";

const TRAVEL_MS = 400;
const FNV_OFFSET = 2166136261, FNV_PRIME = 16777619; // Fowler, Noll & Vo: `data-marked` names the marked rows for who compares maps
const TOOLS = { move: "Move", lasso: "Lasso", box: "Box" };

const floats = (text) => text && new Float32Array(bytes(text));
const places = (text) => new Int32Array(bytes(text));

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

/** The mark of a class as the legend shows it. */
function markOf(shape, colour) {
  const [picture, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of [["viewBox", "-6 -6 12 12"], ["aria-hidden", "true"]]) picture.setAttribute(name, value);
  for (const [name, value] of [["d", outline(shape, 0, 0, 4.4)], ["fill", colour]]) path.setAttribute(name, value);
  picture.append(path);
  return picture;
}

class LatentMap {
  constructor(component) {
    this.drawing = new Drawing(this);
    this.pictures = new Pictures(this);
    this.hands = new Hands(this);
    this.#build(component.parentElement);
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
    if (before?.run !== data.run) this.pictures.forget();
    if (before?.index !== data.index) {
      this.index = places(data.index);
      this.row = new Map([...this.index].map((place, row) => [place, row]));
    }
    if (before?.points !== data.points || before?.index !== data.index) this.#points(before);
    this.ghost = floats(data.ghost);
    this.title.textContent = data.title.slice(0, 120);
    this.stage.style.height = `${data.height}px`;
    this.stage.setAttribute("aria-label", data.label);
    const look = [data.values, data.index, data.colour_label, data.categories.join(), data.colours.join(), JSON.stringify(this.theme)];
    if (look.some((part, i) => part !== this.coloured?.[i])) this.#colours(before);
    this.coloured = look;
    this.group.adopt(before, data);
    if (before?.mode !== data.mode || before?.components !== data.components) {
      this.#tool(data.mode === "decode" || this.solid || matchMedia("(pointer: coarse)").matches ? "move" : "lasso");
    } else this.#yields();
    this.#states();
    this.drawing.paint();
  }

  destroy() {
    this.leave();
    this.watch.disconnect();
    this.pictures.destroy();
    this.drawing.destroy();
    cancelAnimationFrame(this.frame);
    this.root.remove();
  }

  get solid() {
    return this.data.components === 3;
  }

  #build(place) {
    const { drawing, pictures, hands } = this;
    const stage = { class: "live-map-stage", role: "application", tabindex: "0", "aria-roledescription": "map", on: hands.events };
    this.stage = make("div", stage, drawing.base, drawing.over, pictures.tip);
    this.title = make("strong");
    this.tools = make("div", { class: "live-map-tools", role: "toolbar", "aria-label": "Tools of the map" });
    for (const [name, text] of Object.entries(TOOLS)) {
      this.tools.append(make("button", { type: "button", "data-tool": name, text, on: { click: () => this.#tool(name) } }));
    }
    this.tools.append(
      make("button", { type: "button", title: "Show everything", "aria-label": "Show everything", text: "⤢", on: { click: () => this.showAll() } }),
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
    const c = this.data.components;
    const same = before && before.components === c && before.index === this.data.index;
    const bounds = boundsOf(next, c);
    if (same && !calm() && this.width) {
      const [from, to] = [this.bounds, bounds];
      const centre = (b, axis) => (b.low[axis] + b.high[axis]) / 2;
      const size = (b) => Math.max(...b.high.map((high, axis) => high - b.low[axis]), 1e-9);
      const scale = size(to) / size(from);
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
    if (this.states?.length !== n) this.states = new Uint8Array(n);
    this.drawing.hold(n);
    this.drawing.changed();
    if (this.to) this.#travel();
  }

  #travel() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame((now) => {
      const t = eased((now - this.begun) / TRAVEL_MS);
      for (let i = 0; i < this.points.length; i++) this.points[i] = this.from[i] + (this.to[i] - this.from[i]) * t;
      this.drawing.changed();
      this.drawing.draw();
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
    this.drawing.changed();
  }

  /** What the colours mean: a scale, or the classes that are there as {c, text, colour, shape, shown}. */
  #meaning() {
    const { data } = this;
    if (!this.values) return [];
    if (!data.categories.length) {
      const digits = Math.max(...this.scale.map(Math.abs)) < 0.1 ? 4 : 2;
      const scale = [...ramp(this.theme.dark)].filter((_, i) => i % 15 === 0).map(hex);
      return [{ scale, ends: this.scale.map((end) => number(end, digits)), label: data.colour_label }];
    }
    const present = new Set(this.values);
    return data.categories.flatMap((text, c) =>
      present.has(c) ? [{ c, text, colour: data.colours[c % data.colours.length], shape: c % 10, shown: !this.group.hidden.has(c) }] : [],
    );
  }

  #legend() {
    this.legend.replaceChildren(
      ...this.#meaning().flatMap(({ c, text, colour, shape, shown, scale, ends, label }) => {
        if (!scale) return [make("button", { type: "button", title: text.slice(0, 300), "aria-pressed": String(shown), on: { click: () => this.#toggle(c) } }, markOf(shape, colour), make("span", { text }))];
        const bar = make("span", { class: "live-map-bar", "aria-hidden": "true" });
        bar.style.background = `linear-gradient(90deg, ${scale.join(", ")})`;
        return [make("span", { text: ends[0] }), bar, make("span", { text: ends[1] }), make("span", { class: "live-quiet", text: label })];
      }),
    );
  }

  #toggle(c) {
    const hidden = new Set(this.group.hidden);
    if (!hidden.delete(c)) hidden.add(c);
    this.group.set("hidden", hidden, this);
  }

  #states() {
    const { hidden, selected } = this.group;
    const categories = this.data.categories.length > 0;
    let [count, mark] = [0, FNV_OFFSET];
    for (let i = 0; i < this.states.length; i++) {
      const chosen = !selected || selected.has(this.index[i]);
      if (selected && chosen) [count, mark] = [count + 1, Math.imul(mark ^ i, FNV_PRIME) >>> 0];
      if (categories && this.values && hidden.has(this.values[i])) this.states[i] = HIDDEN;
      else this.states[i] = chosen ? SHOWN : GREY;
    }
    this.root.dataset.marked = selected ? `${count} ${mark}` : "";
    this.shut = hidden.size && categories ? this.states.map((state) => (state === HIDDEN ? 1 : 0)) : null;
  }

  #heard(what) {
    if (what === "hidden") this.#legend();
    if (what === "hidden" || what === "selected") {
      this.#states();
      this.drawing.paint();
    } else this.drawing.overlay();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.stage;
    if (!clientWidth || (clientWidth === this.width && clientHeight === this.height)) return;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.view.resize(clientWidth, clientHeight);
    if (!this.solid && this.view.magnification <= 1) this.view.reset();
    this.drawing.resize();
  }

  // what a hand does, as `Hands` understands it

  #tool(name) {
    this.tool = name;
    for (const button of this.tools.querySelectorAll("[data-tool]")) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
    this.#yields();
  }

  /** A finger scrolls the page over a flat map that shows everything and has no other use for it. */
  #yields() {
    const idle = this.tool === "move" && !this.solid && this.data.mode === "select" && this.view.magnification <= 1;
    this.stage.style.touchAction = idle ? "pan-y" : "none";
  }

  showAll() {
    this.view.reset();
    this.#yields();
    this.drawing.moved();
    this.drawing.paint();
  }

  /** The view is being moved. */
  gesture() {
    this.hovering = false;
    this.pictures.hide();
    this.#yields();
    this.drawing.gesture();
  }

  /** Point at a row, or at none with -1. */
  hover(row) {
    const place = row < 0 ? null : this.index[row];
    if (place === this.group.hover && this.hovering === row >= 0) return;
    this.hovering = row >= 0;
    this.group.set("hover", place, this);
    if (row < 0) this.pictures.hide();
    else this.pictures.show(row);
  }

  pick(row) {
    this.group.set("picked", this.index[row], this);
    this.describe(row, "picked ");
    this.commit({});
  }

  /** Select a set of samples, or none with null. */
  select(chosen) {
    this.group.set("selected", chosen, this);
    this.say(chosen?.size ? `${chosen.size} samples selected` : "Nothing is selected");
    this.commit({});
  }

  /** Tell the page what a hand has done. */
  commit(more) {
    const { picked, selected } = this.group;
    this.component.setStateValue("touch", { picked, selected: selected ? [...selected] : [], at: null, ...more, serial: this.group.act() });
  }

  describe(row, before = "") {
    this.say(`${before}sample ${this.index[row]}${this.label(row) ? `, ${this.label(row)}` : ""}`);
  }

  /** What the colour says of a row, as text. */
  label(row) {
    if (!this.values) return "";
    const value = this.values[row];
    if (!this.data.categories.length) return number(value, 3);
    return value >= 0 ? (this.data.categories[value] ?? "").slice(0, 60) : "";
  }

  /** Say a sentence to those who cannot see the map. */
  say(sentence) {
    this.said.textContent = sentence;
  }

  /** What a saved picture needs to know. */
  #scene() {
    const { drawing, words, shapes, states, width, height, theme, data } = this;
    const { x, y, radius, base, over } = drawing;
    const rows = this.solid ? drawing.rows : drawing.shuffled;
    const meaning = this.#meaning().filter((entry) => entry.shown !== false);
    const legend = meaning.map((entry) => (entry.scale ? { ...entry, text: `${entry.ends.join(" to ")}, ${entry.label}` } : entry));
    return { x, y, words, shapes, states, width, height, theme, rows, canvas: base, over, muted: data.muted, radius, names: drawing.names(), legend };
  }
}

export default mounted((component) => new LatentMap(component));
