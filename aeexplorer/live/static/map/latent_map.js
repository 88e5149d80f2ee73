// A map of codes: points to hover, pick, draw around, turn and magnify; maps of one group are linked.

import { FrameLoop } from "../shared/frame_loop.js";
import { make, makeRoot, prefersReducedMotion, renderer } from "../shared/dom.js";
import { themeOf } from "../shared/theme.js";
import { saveMap } from "./export.js";
import { Interaction } from "./interaction.js";
import { Legend } from "./legend.js";
import { mapGroup } from "./linking.js";
import { MapSamples } from "./map_samples.js";
import { MapState } from "./map_state.js";
import { Renderer } from "./renderer.js";
import { travel } from "./transition.js";

/** @import { Component, Point } from "../shared/types.d.ts" */
/** @import { Tool } from "./interaction.js" */
/** @import { MapData } from "./types.d.ts" */

const TITLE = 120; // letters
const HOW_TO_TURN = "Drag to turn, scroll to zoom";
const TOOLS = /** @type {[Tool, string][]} */ ([["move", "Move"], ["lasso", "Lasso"], ["box", "Box"]]);

export class LatentMap {
  /** @type {Tool} */
  tool = "lasso";
  root = makeRoot("latent-map", "live-map");
  transition = new FrameLoop();
  interaction = new Interaction(this);
  legend = new Legend((c) => this.#toggleClass(c));
  title = make("strong");
  hint = make("span", { class: "live-map-hint live-quiet" });
  status = make("p", { class: "live-said", role: "status", "aria-live": "polite" });

  /** @param {Component<MapData>} component */
  constructor(component) {
    const { data, parentElement } = component;
    this.component = component;
    parentElement.append(this.root);
    const group = mapGroup(data.group);
    this.state = new MapState(data, group, themeOf(this.root));
    this.renderer = new Renderer(this.state, this.root, (rows) => this.samples.thumbnails(rows));
    this.samples = new MapSamples(this.state, this.renderer, this.root, (sentence) => this.say(sentence));
    this.toolbar = this.#makeToolbar();
    this.stage = this.#makeStage();
    const head = make("div", { class: "live-map-head" }, this.title, this.toolbar);
    this.root.append(head, this.stage, this.legend.element, this.status);
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(this.stage);
    this.leave = group.join((change) => this.#groupChanged(change));
    group.adopt(null, data);
    this.#chooseTool();
    this.#refresh();
  }

  /** @param {Component<MapData>} component */
  update(component) {
    const { state } = this;
    const { data: before, group: oldGroup, decodedAt } = state;
    const { data } = component;
    this.component = component;
    const group = mapGroup(data.group);
    const { moved, from } = state.update(data, group, themeOf(this.root));
    if (group !== oldGroup) {
      this.leave();
      this.leave = group.join((change) => this.#groupChanged(change));
    }
    this.samples.update();
    if (moved) this.#showLayout(from);
    if (decodedAt && !state.decodedAt) this.samples.hide();
    group.adopt(group === oldGroup ? before : null, data);
    if (before.mode !== data.mode || before.components !== data.components) this.#chooseTool();
    this.#refresh();
  }

  destroy() {
    this.leave();
    this.observer.disconnect();
    this.transition.stop();
    this.renderer.destroy();
    this.samples.close();
    this.root.remove();
  }

  #makeToolbar() {
    const save = (/** @type {"png" | "svg"} */ kind) => () => saveMap(this.state, this.renderer, kind);
    const button = (/** @type {string} */ title, /** @type {string} */ text, /** @type {() => void} */ click) =>
      make("button", { type: "button", title, "aria-label": title, text, on: { click } });
    return make(
      "div",
      { class: "live-map-tools", role: "toolbar", "aria-label": "Map tools" },
      ...TOOLS.map(([tool, text]) =>
        make("button", { type: "button", "data-tool": tool, text, on: { click: () => this.#setTool(tool) } }),
      ),
      button("Show all points", "⤢", () => this.showAll()),
      button("Save as PNG", "PNG", save("png")),
      button("Save as SVG", "SVG", save("svg")),
    );
  }

  #makeStage() {
    const aria = { role: "application", tabindex: "0", "aria-roledescription": "map" };
    const attributes = { class: "live-map-stage", ...aria, on: this.interaction.listeners };
    return make("div", attributes, this.renderer.points.canvas, this.renderer.over, this.hint, this.samples.tooltip.element);
  }

  // what is shown

  #refresh() {
    const { title, height, label } = this.state.data;
    this.title.textContent = title.slice(0, TITLE);
    this.hint.textContent = this.state.solid ? HOW_TO_TURN : "";
    this.stage.style.height = `${height}px`;
    this.stage.setAttribute("aria-label", label);
    this.legend.show(this.state.legend);
    this.#letPageScroll();
    this.#updateStates();
    this.renderer.refresh();
  }

  /** Show another layout: the same samples travel there from where they were. @param {Float32Array | null} from */
  #showLayout(from) {
    const { state, transition, renderer } = this;
    if (!from || prefersReducedMotion() || !state.size.width) return transition.stop();
    travel(transition, from, state.points, (points) => {
      state.points = points;
      renderer.refresh();
    });
    state.points = from;
  }

  #updateStates() {
    this.state.updateStates();
    this.root.dataset.marked = this.state.selectionKey;
  }

  /** @param {"hover" | "picked" | "selected" | "hidden"} change */
  #groupChanged(change) {
    if (change === "hidden") this.legend.show(this.state.legend);
    if (change === "hover" || change === "picked") return this.renderer.drawOverlay();
    this.#updateStates();
    this.renderer.paint(change === "hidden");
  }

  #resize() {
    const { clientWidth, clientHeight } = this.stage;
    const { width, height } = this.state.size;
    if (!clientWidth || (clientWidth === width && clientHeight === height)) return;
    this.state.resize(clientWidth, clientHeight);
    this.renderer.refresh();
  }

  // what a person does: see `Interaction`

  #chooseTool() {
    const { data, solid } = this.state;
    this.#setTool(data.mode === "decode" || solid || matchMedia("(pointer: coarse)").matches ? "move" : "lasso");
  }

  /** @param {Tool} tool */
  #setTool(tool) {
    this.tool = tool;
    for (const button of this.toolbar.querySelectorAll("button[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-tool") === tool));
    }
    this.#letPageScroll();
  }

  /** A finger scrolls the page over a flat map that shows everything and has no other use for it. */
  #letPageScroll() {
    const { solid, data, camera } = this.state;
    const idle = this.tool === "move" && !solid && data.mode === "select" && camera.magnification <= 1;
    this.stage.style.touchAction = idle ? "pan-y" : "none";
  }

  showAll() {
    this.state.camera.reset();
    this.#letPageScroll();
    this.renderer.refresh();
  }

  cameraMoved() {
    this.samples.hide();
    this.#letPageScroll();
    this.renderer.moved();
  }

  /** Point at a row, or at none with -1. @param {number} row */
  hover(row) {
    const { group, index } = this.state;
    const place = row < 0 ? null : index[row];
    if (place === group.hover && place === this.samples.place) return;
    group.set("hover", place);
    this.samples.show(place);
  }

  /** @param {number} row */
  pick(row) {
    this.state.group.set("picked", this.state.index[row]);
    this.describe(row, "picked ");
    this.commit();
  }

  /** Select samples, or none. @param {Set<number> | null} places */
  select(places) {
    this.state.group.select(places);
    this.say(places?.size ? `${places.size} samples selected` : "Nothing is selected");
    this.commit();
  }

  /** Decode the place of the map under a pixel. @param {Point} pixel */
  decode(pixel) {
    const { state } = this;
    if (!state.data.map_id) return this.say("This map decodes places when it is finished.");
    state.decodedAt = state.camera.toValue(...pixel);
    this.samples.decode(state.decodedAt);
    this.renderer.drawOverlay();
  }

  /** Tell the page what is picked and selected, and which place was decoded. @param {number[] | null} at */
  commit(at = null) {
    const { group } = this.state;
    const selected = group.selected ? [...group.selected] : [];
    this.component.setStateValue("touch", { picked: group.picked, selected, at, serial: group.nextSerial() });
  }

  /** @param {number} row */
  describe(row, before = "") {
    const label = this.state.labelOf(row);
    this.say(`${before}sample ${this.state.index[row]}${label ? `, ${label}` : ""}`);
  }

  /** Tell a sentence to those who cannot see the map. @param {string} sentence */
  say(sentence) {
    this.status.textContent = sentence;
  }

  /** @param {number} c */
  #toggleClass(c) {
    const hidden = new Set(this.state.group.hidden);
    if (!hidden.delete(c)) hidden.add(c);
    this.state.group.set("hidden", hidden);
  }
}

export default renderer((component) => new LatentMap(component));
