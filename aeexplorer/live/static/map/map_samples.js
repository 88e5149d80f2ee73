// The samples behind a map: that under the pointer in the tooltip, thumbnails in place of points, and what a place of
// the map decodes to.

import { openStream } from "../shared/channel.js";
import { recordFrame } from "../shared/dom.js";
import { pixelsOf } from "./camera.js";
import { nearestFew } from "./picking.js";
import { SampleStore } from "./sample_store.js";
import { Tooltip } from "./tooltip.js";

/** @import { FrameOf, SceneRequest } from "../shared/types.d.ts" */
/** @import { MapState } from "./map_state.js" */
/** @import { Renderer } from "./renderer.js" */

const AHEAD = 16; // points whose samples are requested with the one under the pointer

export class MapSamples {
  tooltip = new Tooltip();
  /** The sample under the pointer, by its place in the dataset; not set by a linked map. @type {number | null} */
  place = null;

  /**
   * @param {MapState} state
   * @param {Renderer} renderer
   * @param {HTMLElement} root whose attributes count the frames
   * @param {(sentence: string) => void} report
   */
  constructor(state, renderer, root, report) {
    this.state = state;
    this.renderer = renderer;
    this.root = root;
    this.store = new SampleStore(state.data.run, (request) => this.#arrived(request), report);
    const frame = this.#showDecoded.bind(this);
    this.lift = openStream("lift", { frame, error: report, state: report });
  }

  /** Take over the run of new data. */
  update() {
    this.store.setRun(this.state.data.run);
  }

  close() {
    this.store.close();
    this.lift.close();
  }

  hide() {
    this.place = null;
    this.tooltip.hide();
  }

  /** Show a sample at its point; if it is not here, request it with those around it. @param {number | null} place */
  show(place) {
    const { state, store, renderer } = this;
    const row = place === null ? undefined : state.rowOf.get(place);
    if (place === null || row === undefined) return this.hide();
    this.place = place;
    const { x, y } = renderer.points;
    const stored = store.get(place);
    if (stored) {
      this.tooltip.showSample(stored, place, state.labelOf(row), state.theme);
      return this.tooltip.moveTo([x[row], y[row]], state.size);
    }
    const unknown = (/** @type {number} */ i) => !store.has(state.index[i]) && !state.hidden?.[i];
    const around = nearestFew(x, y, x[row], y[row], AHEAD, unknown).map((i) => state.index[i]);
    store.request([...new Set([place, ...around])]);
  }

  /** Thumbnails of those rows whose samples are here; the others are fetched. @param {number[]} rows */
  thumbnails(rows) {
    const { index, theme } = this.state;
    this.store.prefetch(rows.map((row) => index[row]));
    return rows.flatMap((row) => {
      const picture = this.store.thumbnail(index[row], theme);
      /** @type {[number, HTMLCanvasElement][]} */
      const pair = picture ? [[row, picture]] : [];
      return pair;
    });
  }

  /** Decode a place of the map. @param {number[]} at */
  decode(at) {
    const { run, map_id } = this.state.data;
    if (map_id) this.lift.request({ run, map_id, at });
  }

  /** @param {SceneRequest | null} request null for thumbnails */
  #arrived(request) {
    if (this.state.data.pictures) this.renderer.paint();
    if (!request) return;
    recordFrame(this.root, request);
    if (this.place !== null) this.show(this.place);
  }

  /**
   * Show a decoded place, unless the map or the mode is another one by now.
   *
   * @param {FrameOf<"lift">} frame
   * @param {SceneRequest<"lift">} request
   */
  #showDecoded(frame, request) {
    const { state, tooltip } = this;
    const { at, map_id } = request.params;
    if (!state.decodedAt || map_id !== state.data.map_id) return;
    tooltip.showDecoded(frame, state.theme);
    tooltip.moveTo(pixelsOf(state.camera, at, 1)[0], state.size);
    recordFrame(this.root, request);
  }
}
