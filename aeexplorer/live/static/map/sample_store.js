// The samples behind points, with their reconstructions: requested, fetched ahead, and kept.

import { openStream } from "../shared/channel.js";
import { debounce } from "../shared/dom.js";
import { drawSample, styleOf, tileCanvas } from "../shared/samples.js";

/** @import { FrameOf, SceneRequest, Theme } from "../shared/types.d.ts" */
/**
 * Sample i of a frame.
 *
 * @typedef {{ frame: FrameOf<"map_samples">, i: number, thumbnail?: HTMLCanvasElement }} StoredSample
 */

const KEPT = 4000;
const WAIT_MS = 120; // of requests for pictures that nobody points at

export class SampleStore {
  /** By place in the dataset, the oldest first. @type {Map<number, StoredSample>} */
  #samples = new Map();
  /** @type {number[]} */
  #wanted = [];

  /**
   * @param {string} run
   * @param {(request: SceneRequest | null) => void} arrived with the request of `request`, or null after `prefetch`
   * @param {(sentence: string) => void} report
   */
  constructor(run, arrived, report) {
    this.run = run;
    const on = { error: report, state: report };
    /** @type {(arrived: (request: SceneRequest) => void) => ReturnType<typeof openStream<"map_samples">>} */
    const stream = (then) => openStream("map_samples", {
      ...on,
      frame: (frame, request) => {
        if (request.params.run !== this.run) return;
        this.#keep(frame);
        then(request);
      },
    });
    this.pointed = stream(arrived);
    this.ahead = stream(() => arrived(null));
    this.fetch = debounce(() => this.ahead.request({ run: this.run, index: this.#wanted }), WAIT_MS);
  }

  close() {
    this.pointed.close();
    this.ahead.close();
  }

  /** Change to the samples of another run. @param {string} run */
  setRun(run) {
    if (run !== this.run) this.#samples.clear();
    this.run = run;
  }

  /** @param {number} place */
  has(place) {
    return this.#samples.has(place);
  }

  /** @param {number} place */
  get(place) {
    return this.#samples.get(place);
  }

  /** A small picture of a sample; undefined where it is not here. @param {number} place @param {Theme} theme */
  thumbnail(place, theme) {
    const stored = this.#samples.get(place);
    if (!stored || stored.thumbnail) return stored?.thumbnail;
    const { frame, i } = stored;
    stored.thumbnail = tileCanvas("");
    drawSample(stored.thumbnail, frame.arrays.samples, i, styleOf(frame, [frame.arrays.samples], theme));
    return stored.thumbnail;
  }

  /** Request samples at once; a newer request takes the place of one that waits. @param {number[]} index */
  request(index) {
    this.pointed.request({ run: this.run, index });
  }

  /** Request those samples that are not here, a little later. @param {number[]} places */
  prefetch(places) {
    this.#wanted = places.filter((place) => !this.has(place));
    if (this.#wanted.length) this.fetch();
  }

  /** @param {FrameOf<"map_samples">} frame */
  #keep(frame) {
    frame.readouts.index.forEach((place, i) => this.#samples.set(place, { frame, i }));
    for (const place of this.#samples.keys()) {
      if (this.#samples.size <= KEPT) break;
      this.#samples.delete(place);
    }
  }
}
