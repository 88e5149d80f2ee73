// A plane of arrows, exact and learned, that follow σ, and the walk of a point along them.

import { FrameLoop } from "../shared/frame_loop.js";
import { clearedContext } from "../shared/canvas.js";
import { openStream } from "../shared/channel.js";
import { Chart, dotValues, linesOf } from "../shared/chart.js";
import { ContentHost } from "../shared/content_host.js";
import { debounce, make, makeRoot, recordFrame, renderer, setText } from "../shared/dom.js";
import { clamp, formatNumber } from "../shared/numbers.js";
import { makeSegmented } from "../shared/segmented.js";
import { makeSlider } from "../shared/slider.js";
import { drawArrows, drawGround, drawStart, drawWalk, walkUpTo } from "./field_layers.js";
import { COMPARED, FieldReadouts } from "./field_readouts.js";
import { ParticleFlow } from "./particle_flow.js";
import { PlaneControl } from "./plane_control.js";
import { playWalk } from "./walk_player.js";

/** @import { Component, FrameOf, Host, Point, SceneRequest } from "../shared/types.d.ts" */
/** @import { VectorFieldData } from "./types.d.ts" */

const FULL = 2.2; // an arrow is as long as a cell where the score is this many times 1/σ

/**
 * What is known of a pair of runs, and where a person left the controls: it stays when the same runs are shown anew.
 */
class FieldState {
  /** @type {FrameOf<"score_data"> | null} */
  data = null;
  /** @type {FrameOf<"score_field"> | null} */
  field = null;
  /** @type {FrameOf<"score_walk"> | null} */
  walks = null;
  /** @type {number | null} */
  sigma = null;

  /** @param {Point} start of the walk */
  constructor(start) {
    this.start = start;
  }
}

class FieldContent {
  /** Prefix of the run whose arrows are drawn. */
  #drawn = "";
  /** Whether the next walk to arrive is played. */
  #playNext = false;
  #curveRequested = false;
  status = make("p", { class: "live-said", role: "status" });
  player = new FrameLoop();

  /** @param {Host<VectorFieldData>} host @param {VectorFieldData} data @param {FieldState} state */
  constructor(host, data, state) {
    this.host = host;
    this.data = data;
    this.runs = { run: data.run, compare_run: data.compare_run };
    this.state = state;
    this.commit = debounce(() => host.component.setStateValue("view", { sigma: this.sigma, start: this.state.start }));
    this.slider = this.#makeSlider(data.slider);
    this.plane = new PlaneControl(`${data.label}: starting point`, 3, false, {
      position: () => this.state.start,
      moved: (point) => this.#moveStart(point),
      released: (by) => this.#released(by),
      restyled: () => this.#drawOverlay(),
      resized: () => this.draw(),
    });
    host.root.setAttribute("aria-label", data.label);
    this.readouts = new FieldReadouts(data.names);
    this.chart = data.chart ? new Chart(data.chart) : null;
    const report = (/** @type {string} */ sentence) => (this.status.textContent = sentence);
    const on = { error: report, state: report };
    this.flow = new ParticleFlow(data.run, () => this.#drawOverlay(), report);
    this.streams = {
      data: openStream("score_data", { ...on, frame: (frame) => this.#receiveData(frame) }),
      field: openStream("score_field", { ...on, frame: (frame, request) => this.#receiveField(frame, request) }),
      walk: openStream("score_walk", { ...on, frame: (frame, request) => this.#receiveWalk(frame, request) }),
      curve: openStream("score_curve", { ...on, frame: (frame) => this.#receiveCurve(frame) }),
    };
  }

  get sigma() {
    const { slider, sigma } = this.data;
    // the value above the thumb is rounded, at an end perhaps beyond it
    return this.slider && slider ? clamp(this.slider.value, slider.low, slider.high) : sigma;
  }

  layout() {
    const { legend, between, ends } = this.readouts;
    const again = { type: "button", class: "live-button", text: "Play again", on: { click: () => this.#play() } };
    const title = make("div", { class: "live-caption", text: "Repeated denoising x ← r(x) from the circled point" });
    const aside = make(
      "div",
      { class: "live-beside" },
      make("div", { class: "live-card" }, this.#makeChoice(), legend, between),
      make("div", { class: "live-card live-walk" }, title, make("button", again), ends),
      this.flow.element,
      this.chart?.element,
      this.status,
    );
    const pad = make("div", { class: "live-pad" }, this.plane.element, aside);
    return this.slider ? [make("div", { class: "live-sliders" }, this.slider.element), pad] : [pad];
  }

  /** @param {VectorFieldData} data */
  update(data) {
    const { sigma, start } = this.data;
    this.data = data;
    const moved = JSON.stringify(data.start) !== JSON.stringify(start);
    if (data.sigma !== sigma && !this.slider?.held) this.slider?.set(data.sigma);
    if (moved && !this.plane.held) this.state.start = data.start;
    if (data.sigma !== sigma || moved) this.#request();
    this.draw();
  }

  request() {
    this.#request();
    this.streams.data.request({ run: this.data.run });
  }

  draw() {
    const { data, field, walks } = this.state;
    if (data) this.plane.fit(data.readouts, data.readouts);
    this.#drawGround();
    this.#drawArrows();
    if (!this.player.running) this.#drawOverlay();
    if (field) this.readouts.showAgreement(field.readouts, this.#drawn);
    if (walks) this.readouts.showEnds(walks.readouts, this.#drawn);
  }

  /** The state for a content that replaces this one; null for other runs. @param {VectorFieldData} data */
  leave({ run, compare_run }) {
    if (run !== this.data.run || compare_run !== this.data.compare_run) return null;
    this.state.sigma = this.slider?.value ?? null;
    return this.state;
  }

  close() {
    this.player.stop();
    this.flow.close();
    this.plane.destroy();
    for (const stream of Object.values(this.streams)) stream.close();
  }

  /** @param {VectorFieldData["slider"]} spec */
  #makeSlider(spec) {
    if (!spec) return null;
    const on = { changed: () => this.#request(), released: () => this.commit() };
    const slider = makeSlider(spec, () => ({}), on);
    if (this.state.sigma) slider.set(clamp(this.state.sigma, spec.low, spec.high));
    return slider;
  }

  /** The choice of the run whose arrows are drawn, where there are two. */
  #makeChoice() {
    const { names } = this.data;
    if (names.length < 2) return null;
    /** @type {[string, string][]} */
    const options = names.map((name, i) => [i ? COMPARED : "", name]);
    const changed = () => {
      this.#drawn = choice.value;
      this.draw();
    };
    const label = "Arrows shown";
    const spec = { type: /** @type {const} */ ("segmented"), param: "which", label, options, value: "" };
    const choice = makeSegmented(spec, { changed, released() {} });
    return choice.element;
  }

  #request() {
    this.streams.field.request({ ...this.runs, sigma: this.sigma });
    this.#requestWalk();
  }

  #requestWalk() {
    this.player.stop();
    this.flow.clear();
    this.streams.walk.request({ ...this.runs, sigma: this.sigma, start: this.state.start });
  }

  /** @param {Point} point */
  #moveStart([x, y]) {
    this.state.start = [Number(x.toFixed(4)), Number(y.toFixed(4))];
    this.#requestWalk();
  }

  /** After a press, play the walk as soon as that from the new start arrives. @param {"pointer" | "key"} by */
  #released(by) {
    if (by === "pointer") {
      this.#playNext = true;
      this.#requestWalk();
    }
    this.commit();
  }

  /** @param {FrameOf<"score_data">} frame */
  #receiveData(frame) {
    this.state.data = frame;
    this.draw();
  }

  /** @param {FrameOf<"score_field">} frame @param {SceneRequest<"score_field">} request */
  #receiveField(frame, request) {
    this.state.field = frame;
    setText(this.status, "");
    this.readouts.showAgreement(frame.readouts, this.#drawn);
    this.#moveDots();
    this.#drawGround();
    this.#drawArrows();
    // the curve takes longest and comes last
    if (this.chart && !this.#curveRequested) this.streams.curve.request(this.runs);
    this.#curveRequested = true;
    recordFrame(this.host.root, request);
  }

  /** @param {FrameOf<"score_walk">} frame @param {SceneRequest<"score_walk">} request */
  #receiveWalk(frame, request) {
    this.state.walks = frame;
    this.readouts.showEnds(frame.readouts, this.#drawn);
    const { distance, learned_status } = frame.readouts;
    const { start } = this.state;
    const place = `(${formatNumber(start[0])}, ${formatNumber(start[1])})`;
    const text = `${place}, ${formatNumber(distance)} from the nearest sample, ends ${learned_status}`;
    this.plane.setValue(start[0], text);
    if (this.#playNext) this.#play();
    else this.#drawOverlay();
    this.#playNext = false;
    recordFrame(this.host.root, request);
  }

  /** @param {FrameOf<"score_curve">} frame */
  #receiveCurve({ arrays }) {
    const { chart } = this;
    chart?.draw(linesOf(chart.spec.lines, arrays));
    this.#moveDots();
  }

  #moveDots() {
    const { field } = this.state;
    if (!this.chart || !field) return;
    const { readouts } = field;
    this.chart.moveDots(readouts.sigma, dotValues(this.chart.lines, readouts));
  }

  #play() {
    const { walks } = this.state;
    this.player.stop();
    if (!walks) return this.#drawOverlay();
    const steps = [walks.readouts.exact_steps, walks.readouts[`${this.#drawn}learned_steps`]];
    playWalk(this.player, Math.max(...steps.map(Number)), (step) => this.#drawOverlay(step));
  }

  #surface() {
    const { scale, size } = this.plane;
    return scale && { scale, size, theme: this.host.theme };
  }

  #drawGround() {
    const surface = this.#surface();
    const { data, field } = this.state;
    if (!surface || !data) return;
    drawGround(this.plane.canvases[0], surface, data.arrays.points.data, data.readouts, field?.arrays.density);
  }

  #drawArrows() {
    const surface = this.#surface();
    const { data, field } = this.state;
    if (!surface || !data || !field) return;
    const { scale, size, theme } = surface;
    const context = clearedContext(this.plane.canvases[1], size);
    const { at, exact, [`${this.#drawn}learned`]: learned } = field.arrays;
    const cell = data.readouts.cell / scale.perPixel[0];
    const unit = (cell * field.readouts.sigma) / FULL;
    drawArrows(context, surface, at.data, exact.data, { colour: theme.mark, width: 3.2, cell, unit });
    if (learned) drawArrows(context, surface, at.data, learned.data, { colour: theme.learned, width: 1.3, cell, unit });
  }

  /** The walks, up to a step while they are played, and where they start. */
  #drawOverlay(step = Infinity) {
    const surface = this.#surface();
    if (!surface) return;
    const context = clearedContext(this.plane.canvases[2], surface.size);
    const arrays = this.state.walks?.arrays ?? {};
    const { mark, learned } = surface.theme;
    /** @type {[string, string, number][]} */
    const walks = [["exact", mark, 4.5], [`${this.#drawn}learned`, learned, 2]];
    for (const [name, colour, width] of walks) {
      const walk = arrays[`${name}_way`];
      if (walk) drawWalk(context, surface, walkUpTo(walk.data, step), colour, width);
    }
    drawStart(context, surface, this.state.start, this.plane.focused);
    this.flow.paint(context, surface);
  }
}

/** The data without what can change in place: the values with which controls begin. @param {VectorFieldData} data */
function shapeOf({ sigma, start, slider, ...rest }) {
  return JSON.stringify([rest, slider && { ...slider, value: null }]);
}

export default renderer((/** @type {Component<VectorFieldData>} */ component) => {
  const root = makeRoot("vector-field", "live-field");
  /** @type {(host: Host<VectorFieldData>, data: VectorFieldData, before: FieldContent | null) => FieldContent} */
  const create = (host, data, before) => new FieldContent(host, data, before?.leave(data) ?? new FieldState(data.start));
  return new ContentHost(component, root, create, shapeOf);
});
