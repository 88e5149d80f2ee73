// The views of a panel: what stays the same comes once from a scene of their own, the rest with every frame.

import { openStream } from "../shared/channel.js";
import { DimensionBars } from "./dimension_bars.js";
import { ErrorHeatmap } from "./error_heatmap.js";
import { LineView } from "./line_view.js";
import { pickParams } from "./params.js";
import { PointCloud } from "./point_cloud.js";

/** @import { Frame, Params, Stream, Theme } from "../shared/types.d.ts" */
/** @import { View, ViewSpec } from "./types.d.ts" */
/** @typedef {{ fields: string[], stream: Stream, requested: string }} Background */

/** @param {ViewSpec} spec @returns {View} */
function makeView(spec) {
  switch (spec.type) {
    case "chart":
      return new LineView(spec);
    case "cloud":
      return new PointCloud(spec);
    case "dimensions":
      return new DimensionBars(spec);
    case "heat":
      return new ErrorHeatmap(spec);
  }
}

export class Views {
  /** @type {{ frame: Frame, params: Params } | null} */
  #shown = null;

  /** @param {ViewSpec[]} specs @param {(sentence: string) => void} report */
  constructor(specs, report) {
    this.views = specs.map((spec) => ({ spec, view: makeView(spec) }));
    for (const { spec, view } of this.views) view.element.ariaBusy = String(Boolean(spec.scene));
    const scenes = new Set(specs.map(({ scene }) => scene).filter(Boolean));
    this.backgrounds = [...scenes].map((scene) => this.#background(scene, report));
  }

  /** Elements of the views above the rows, or of those at the side. @param {"above" | "aside"} place */
  elements(place) {
    return this.views.filter(({ spec }) => spec.place === place).map(({ view }) => view.element);
  }

  /** Request what stays for these params of the panel. @param {Params} params */
  request(params) {
    for (const background of this.backgrounds) {
      const wanted = pickParams(params, background.fields);
      const key = JSON.stringify(wanted);
      if (key !== background.requested) background.stream.request(wanted);
      background.requested = key;
    }
  }

  /** @param {Frame} frame @param {Params} params */
  show(frame, params) {
    this.#shown = { frame, params };
    for (const { view } of this.views) view.show(frame.readouts, frame.arrays, params);
  }

  /** @param {Theme} theme */
  redraw(theme) {
    for (const { view } of this.views) view.redraw?.(theme);
  }

  close() {
    for (const { stream } of this.backgrounds) stream.close();
    for (const { view } of this.views) view.destroy?.();
  }

  /**
   * One stream for each scene of what stays, for all views that show it.
   *
   * @param {string} scene
   * @param {(sentence: string) => void} report
   * @returns {Background}
   */
  #background(scene, report) {
    const mine = this.views.filter(({ spec }) => spec.scene === scene);
    const frame = (/** @type {Frame} */ kept) => {
      for (const { view } of mine) {
        view.keep(kept);
        view.element.ariaBusy = "false";
      }
      if (this.#shown) this.show(this.#shown.frame, this.#shown.params);
    };
    return { fields: mine[0].spec.fields, stream: openStream(scene, { frame, error: report }), requested: "" };
  }
}
