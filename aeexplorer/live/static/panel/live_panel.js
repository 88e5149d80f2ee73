// Controls, rows of samples, numbers, a chart and views that all follow the same request.

import { openStream } from "../shared/channel.js";
import { ContentHost } from "../shared/content_host.js";
import { debounce, make, makeRoot, recordFrame, renderer, setText } from "../shared/dom.js";
import { publish } from "../shared/topics.js";
import { ControlSet } from "./control_set.js";
import { PanelChart } from "./panel_chart.js";
import { withParam } from "./params.js";
import { ReadoutList } from "./readout_list.js";
import { SampleRows } from "./sample_rows.js";
import { Views } from "./views.js";

/** @import { Child, Component, Frame, Host, SceneRequest } from "../shared/types.d.ts" */
/** @import { PanelData } from "./types.d.ts" */

const WAITING = [
  { after: 500, sentence: "Computing …" },
  { after: 10_000, sentence: "The server is busy: the first pictures are still being computed." },
];

class PanelContent {
  /** @type {Frame | null} */
  #frame = null;
  /** What is told, and asked again, while the first frame is awaited. @type {number[]} */
  #timers = [];
  #requested = "";
  status = make("p", { class: "live-said", role: "status" });

  /** @param {Host<PanelData>} panel @param {PanelData} data */
  constructor(panel, data) {
    this.panel = panel;
    this.data = data;
    const report = (/** @type {string} */ sentence) => this.#report(sentence);
    // opened before those of chart and views: what is computed once for them takes longest, and pictures come first
    this.stream = openStream(data.scene, {
      frame: (frame, request) => this.#show(frame, request),
      error: report,
      state: report,
    });
    const released = debounce(() => panel.component.setStateValue("settings", this.controls.values()));
    this.controls = new ControlSet(data.controls, { changed: () => this.#moved(), released });
    this.rows = new SampleRows(data.rows, data.label, (row, column) =>
      panel.component.setTriggerValue("picked", { row, column }),
    );
    this.readouts = new ReadoutList(data.readouts);
    this.chart = data.chart ? new PanelChart(data.chart, report) : null;
    this.views = new Views(data.views, report);
    this.views.redraw(panel.theme);
    panel.root.setAttribute("aria-label", data.label);
    this.#timers = WAITING.map(({ after, sentence }) => setTimeout(() => this.#wait(sentence), after));
  }

  layout() {
    const { controls, rows, readouts, views, data } = this;
    const [line, sliders] = [controls.elements(false), controls.elements(true)];
    const [above, column] = [views.elements("above"), views.elements("aside")];
    const aside = [
      data.rows.some((row) => row.beside) ? make("div", { class: "live-card" }, rows.aside) : null,
      // with a plane the chart stands at the plane's side
      data.plane ? null : this.chart?.element,
      ...column,
    ];
    const group = (/** @type {string} */ name, /** @type {Child[]} */ children) =>
      children.some(Boolean) ? make("div", { class: name }, ...children) : null;
    const side = group("live-aside", aside);
    const numbers = data.readouts.length ? readouts.element : null;
    const main = make("div", { class: "live-card live-main" }, rows.element, numbers);
    this.panel.root.classList.toggle("live-tall-aside", column.length > 0);
    // without samples there are only numbers, which stand beside the views
    const alone = above.length > 0 && !data.rows.length && !side;
    return [
      group("live-line-of-controls", line),
      group("live-sliders", sliders),
      this.status,
      group("live-views", alone ? [...above, main] : above),
      alone ? null : make("div", { class: `live-body${side ? " live-with-aside" : ""}` }, main, side),
    ].filter((element) => element !== null);
  }

  /** @param {PanelData} data */
  update(data) {
    const same = JSON.stringify(this.data) === JSON.stringify(data);
    this.data = data;
    if (same) return this.#redraw();
    this.controls.update(data.controls);
    this.#requested = "";
    this.request();
  }

  request() {
    const params = this.#params();
    const key = JSON.stringify(params);
    if (key !== this.#requested) this.stream.request(params);
    this.#requested = key;
    this.views.request(params);
    this.chart?.request(params);
  }

  close() {
    this.#timers.forEach(clearTimeout);
    this.controls.stop();
    this.stream.close();
    this.views.close();
    this.chart?.close();
  }

  /** Show the last frame anew, in the theme of the page as it is now. */
  #redraw() {
    const { theme } = this.panel;
    if (this.#frame) this.rows.show(this.#frame, this.#params(), theme);
    this.views.redraw(theme);
  }

  #params() {
    let { params } = this.data;
    for (const [path, value] of Object.entries(this.controls.values())) params = withParam(params, path, value);
    return params;
  }

  #moved() {
    this.controls.refresh();
    this.request();
  }

  /** Say that the first frame is awaited, and ask for it again. @param {string} sentence */
  #wait(sentence) {
    if (this.#frame || this.status.textContent && this.status.textContent !== WAITING[0].sentence) return;
    this.#report(sentence);
    this.#requested = "";
    this.request();
  }

  /** @param {string} sentence */
  #report(sentence) {
    setText(this.status, sentence);
  }

  /** @param {Frame} frame @param {SceneRequest} request */
  #show(frame, request) {
    this.#frame = frame;
    this.#report("");
    const params = this.#params();
    this.rows.show(frame, params, this.panel.theme);
    this.readouts.show(frame.readouts);
    this.chart?.show(frame.readouts, params);
    this.views.show(frame, params);
    if (this.data.plane) this.#publishPaths(this.data.plane, frame);
    recordFrame(this.panel.root, request);
  }

  /**
   * Show the frame's paths on a latent pad, in the colours of the chart's lines.
   *
   * @param {string} plane
   * @param {Frame} frame
   */
  #publishPaths(plane, { arrays }) {
    const { paths: names, chart } = this.data;
    const colour = (/** @type {string} */ name) =>
      chart?.lines.find((line) => line.y_array === `${name}_change`)?.colour ?? "ink";
    const paths = names
      .filter((name) => arrays[`${name}_path`])
      .map((name) => ({ points: arrays[`${name}_path`].data, at: arrays[`${name}_point`].data, colour: colour(name) }));
    publish(plane, { paths, guest: this.chart?.element });
  }
}

/**
 * The specs of a panel without what can change in place: fixed params and where controls begin.
 *
 * @param {PanelData} data
 */
function shapeOf({ params, controls, ...rest }) {
  return JSON.stringify([rest, controls.map((spec) => ({ ...spec, value: null }))]);
}

export default renderer((/** @type {Component<PanelData>} */ component) => {
  const root = makeRoot("live-panel", "live-panel");
  /** @type {(host: Host<PanelData>, data: PanelData, before: PanelContent | null) => PanelContent} */
  const create = (host, data, before) => {
    const content = new PanelContent(host, data);
    if (before) content.controls.takeOver(before.controls);
    return content;
  };
  return new ContentHost(component, root, create, shapeOf);
});
