// Pictures of samples on a map: fetched ahead, kept, shown beside the point under the pointer or in place of points; and what
// any place of a map decodes to.

import { drawn, make, number, settled, statusLight } from "../shared/dom.js";
import { nearestFew } from "./camera.js";
import { drawSample, growSpan, tileCanvas } from "../shared/samples.js";
import { channel } from "../shared/channel.js";

const AHEAD = 16; // points whose pictures are fetched with the one under the pointer
const KEPT = 4000; // pictures that are kept

export class Pictures {
  constructor(map) {
    this.map = map;
    this.known = new Map();
    this.wanted = [];
    this.tip = make("div", { class: "live-map-tip", "aria-hidden": "true", hidden: true });
    const say = (sentence) => map.say(sentence);
    this.under = channel().stream({ error: say, state: say, frame: (frame, request) => this.#received(frame, request) });
    this.ahead = channel().stream({ error: say, state: say, frame: (frame) => this.#keep(frame) });
    this.lifted = channel().stream({ error: say, state: say, frame: (frame, request) => this.#decoded(frame, request) });
    this.fetchWanted = settled(() => this.ahead.ask("map_samples", { run: map.data.run, index: this.wanted }), 120);
  }

  destroy() {
    for (const stream of [this.under, this.ahead, this.lifted]) stream.close();
  }

  forget() {
    this.known.clear();
  }

  hide() {
    this.tip.hidden = true;
  }

  /** Show the sample of a row beside its point; if it is not here, fetch it and those around it. */
  show(row) {
    const { map } = this;
    const { x, y } = map.drawing;
    const place = map.index[row];
    const pair = this.known.get(place);
    if (pair) return this.#pair(row, pair);
    const unknown = (i) => !this.known.has(map.index[i]) && !(map.shut && map.shut[i]);
    const rows = nearestFew(x, y, x[row], y[row], AHEAD, unknown);
    this.under.ask("map_samples", { run: map.data.run, index: [...new Set([place, ...rows.map((i) => map.index[i])])] });
  }

  /** Pairs of row and picture of those that are here; the others are fetched. */
  thumbnails(rows) {
    const { index } = this.map;
    this.wanted = rows.map((row) => index[row]).filter((place) => !this.known.has(place));
    if (this.wanted.length) this.fetchWanted();
    return rows.filter((row) => this.known.has(index[row])).map((row) => [row, this.#thumbnail(this.known.get(index[row]))]);
  }

  #thumbnail(pair) {
    if (!pair.canvas) {
      const { frame, i } = pair;
      pair.canvas = tileCanvas("");
      drawSample(pair.canvas, frame.arrays.samples, i, this.#look(frame, ["samples"]));
    }
    return pair.canvas;
  }

  /** How samples of a frame are drawn: where they are no pictures, within the span of these arrays. */
  #look({ kind, arrays }, names) {
    const span = kind === "image" ? null : names.map((name) => arrays[name]).reduce(growSpan, null);
    return { kind, theme: this.map.theme, span };
  }

  #received(frame, request) {
    const { map } = this;
    this.#keep(frame);
    drawn(map.root, request);
    const row = map.row.get(map.group.hover);
    if (row !== undefined && map.hovering) this.show(row);
  }

  #keep(frame) {
    frame.readouts.index.forEach((place, i) => this.known.set(place, { frame, i }));
    while (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    if (this.map.data.pictures) this.map.drawing.paint();
  }

  #pair(row, { frame, i }) {
    const { map, tip } = this;
    if (tip.childElementCount !== 3 || tip.dataset.kind !== "pair") {
      tip.dataset.kind = "pair";
      tip.replaceChildren(tileCanvas("sample"), tileCanvas("reconstruction"), make("span"));
    }
    const [sample, restored, text] = tip.children;
    const look = this.#look(frame, ["samples", "reconstructions"]);
    drawSample(sample, frame.arrays.samples, i, look);
    drawSample(restored, frame.arrays.reconstructions, i, look);
    const label = map.label(row);
    text.textContent = `#${map.index[row]}${label ? ` · ${label}` : ""}`;
    tip.dataset.index = String(map.index[row]);
    this.#put(map.drawing.x[row], map.drawing.y[row]);
  }

  /** Decode a place of the map and show it at a place of the screen. */
  decode(place, at) {
    const { data } = this.map;
    this.at = at;
    this.lifted.ask("lift", { run: data.run, map_id: data.map_id, at: place });
  }

  #decoded(frame, request) {
    const { status, distance, approximate } = frame.readouts;
    const { tip } = this;
    const { picture, nearest } = frame.arrays;
    const tiles = Array.from({ length: nearest.shape[0] }, (_, i) => tileCanvas(`near sample ${i + 1}`));
    const canvas = tileCanvas("decoded sample");
    const text = make("span", { text: `${approximate ? "≈ " : ""}nearest ${number(distance)} away` });
    tip.dataset.kind = "decoded";
    tip.replaceChildren(canvas, make("div", { class: "live-map-near" }, ...tiles), statusLight(status), text);
    tip.hidden = false;
    const look = this.#look(frame, ["picture", "nearest"]);
    drawSample(canvas, picture, 0, look);
    tiles.forEach((tile, i) => drawSample(tile, nearest, i, look));
    this.#put(...this.at);
    drawn(this.map.root, request);
  }

  /** Beside a place of the screen, within the map. */
  #put(x, y) {
    const { tip } = this;
    const { width, height } = this.map;
    tip.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = tip;
    tip.style.left = `${Math.min(Math.max(x > width / 2 ? x - w - 16 : x + 16, 2), Math.max(width - w - 2, 2))}px`;
    tip.style.top = `${Math.min(Math.max(y - h / 2, 2), Math.max(height - h - 2, 2))}px`;
  }
}
