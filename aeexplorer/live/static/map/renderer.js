// The picture of a map on two canvases: points, density, names and pictures below; rings, ways and what a hand draws above.

import { make, settled } from "../shared/dom.js";
import { contours } from "./density.js";
import { spread } from "./camera.js";
import { byDepth, GREY, HIDDEN, hex, maskOf, PAD, sheetOf, SHOWN, shuffled, stamp, word } from "./markers.js";
import { sharp } from "../shared/samples.js";

const OPACITIES = [0.78, 0.3]; // of points, and of those outside a selection
const SIZES_PER_DOUBLING = 6; // steps in which marks grow with the magnification: their masks are made once for each
const MOST_SIZES = 24; // of which the masks are kept
const GESTURE_MS = 14; // what the points of one picture may take while a hand moves the map
const FEWEST = 6000; // points that are drawn of it in any case
const REST_MS = 140; // without a move, after which all points are drawn again
const TINY = 44; // pixels of a picture that stands for a point
const MOST_TINY = 150;
const NAME = 18; // letters of a name on a map; all of it is in the legend's tooltip
const MOST_NAMES = 40;

export class Drawing {
  constructor(map) {
    this.map = map;
    this.base = make("canvas", { "aria-hidden": "true" });
    this.over = make("canvas", { "aria-hidden": "true" });
    this.masks = new Map();
    this.x = this.y = this.depth = new Float32Array(0);
    this.rested = settled(() => {
      this.moving = false;
      this.paint();
    }, REST_MS);
  }

  destroy() {
    cancelAnimationFrame(this.asked);
    this.gone = true;
  }

  /** Make room for n points, in an order in which no class lies on top of another. */
  hold(n) {
    if (this.x.length === n) return;
    [this.x, this.y, this.depth] = [new Float32Array(n), new Float32Array(n), new Float32Array(n)];
    [this.ghostX, this.ghostY, this.unmarked] = [new Float32Array(n), new Float32Array(n), new Uint8Array(n)];
    this.shuffled = shuffled(n);
    this.rows = this.shuffled.slice();
    this.each = 0;
  }

  /** The points lie elsewhere on the screen. */
  moved() {
    this.away = true;
  }

  /** The points themselves are others. */
  changed() {
    this.away = true;
    this.middles = null;
  }

  /** A hand moves the map: as many points are drawn as leave the movement smooth, and all of them when it rests. */
  gesture() {
    this.away = this.moving = true;
    this.paint();
    this.rested();
  }

  resize() {
    this.sheet = null;
    this.masks.clear();
    this.away = true;
    this.paint();
  }

  /** Draw with the next frame of the screen. */
  paint() {
    if (this.asked || this.gone || !this.map.width || !this.map.view) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  draw() {
    const begun = performance.now();
    const ratio = globalThis.devicePixelRatio || 1;
    const { map, x, y } = this;
    const { view, data, theme, root } = map;
    if (!map.width) return;
    if (view.width !== map.width) view.resize(map.width, map.height);
    const count = this.#howMany();
    if (this.away) {
      view.project(map.points, x, y, map.solid ? this.depth : undefined);
      this.away = false;
    }
    if (map.solid) byDepth(this.depth, this.shuffled, count, this.rows);
    const context = this.base.getContext("2d");
    const sheet = this.#sheetOf(context, Math.round(map.width * ratio), Math.round(map.height * ratio));
    const masks = this.#masksOf(sheet, ratio);
    sheet.pixels.fill(word(theme.panel));
    const rows = map.solid ? this.rows : this.shuffled;
    const look = { x, y, ratio, rows, count, words: map.words, shapes: map.shapes, states: map.states };
    const stamping = performance.now();
    if (map.ghost) this.#ghost(sheet, look, masks[1]);
    stamp(sheet, { ...look, word: word(data.muted), masks: masks[1], state: GREY });
    stamp(sheet, { ...look, masks: masks[0], state: SHOWN });
    if (count) this.each = (performance.now() - stamping) / count;
    context.putImageData(sheet.picture, -PAD, -PAD);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (data.density && !map.solid) this.#density(context);
    if (data.pictures) this.#tiny(context);
    this.#names(context);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.overlay();
    root.dataset.frames = String(Number(root.dataset.frames) + 1);
    root.dataset.drawMs = (performance.now() - begun).toFixed(2);
    root.dataset.drawn = String(count);
  }

  /** Points to draw: all, or while a hand moves them those that there is time for. Of shuffled ones any first part will do. */
  #howMany() {
    const n = this.x.length;
    if (!this.moving || !this.each) return n;
    const affordable = Math.max(FEWEST, Math.floor(GESTURE_MS / this.each));
    return affordable > 0.8 * n ? n : affordable;
  }

  #sheetOf(context, width, height) {
    if (this.base.width !== width || this.base.height !== height) [this.base.width, this.base.height] = [width, height];
    if (this.sheet?.width !== width || this.sheet.height !== height) {
      this.sheet = sheetOf(context.createImageData(width + 2 * PAD, height + 2 * PAD));
      this.masks.clear();
    }
    return this.sheet;
  }

  /** The masks of all marks at the size that fits number and magnification, for points and for those not selected. */
  #masksOf(sheet, ratio) {
    const n = this.x.length;
    const near = Math.min(Math.sqrt(this.map.view.magnification), 2.2);
    const step = Math.round(SIZES_PER_DOUBLING * Math.log2(near));
    this.radius = (n > 20000 ? 1.3 : n > 4000 ? 1.8 : n > 800 ? 2.4 : 3.4) * 2 ** (step / SIZES_PER_DOUBLING);
    const shapes = this.map.shapes ? 10 : 1;
    const key = `${shapes} ${this.radius}`;
    if (!this.masks.has(key)) {
      const radius = this.radius * ratio;
      this.masks.set(key, OPACITIES.map((opacity) => Array.from({ length: shapes }, (_, s) => maskOf(s, radius, sheet.stride, opacity))));
      if (this.masks.size > MOST_SIZES) this.masks.delete(this.masks.keys().next().value);
    }
    return this.masks.get(key);
  }

  #ghost(sheet, look, masks) {
    const { ghostX: x, ghostY: y } = this;
    this.map.view.project(this.map.ghost, x, y);
    stamp(sheet, { ...look, x, y, masks, states: this.unmarked, state: SHOWN });
  }

  #density(context) {
    const { map } = this;
    context.strokeStyle = map.theme.ink;
    context.globalAlpha = 0.4;
    context.lineWidth = 1;
    context.beginPath();
    for (const [a, b, c, d] of contours(this.x, this.y, map.shut, map.width, map.height)) {
      context.moveTo(a, b);
      context.lineTo(c, d);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** The class names that are shown, {text, x, y}, at the medians of their points, which are taken anew only when points or
   * classes have changed. */
  names() {
    const { view, group, data, solid } = this.map;
    if (solid || !data.categories.length || data.pictures) return [];
    this.middles ??= this.#medians();
    const { classes, points } = this.middles;
    const [x, y] = [new Float32Array(classes.length), new Float32Array(classes.length)];
    view.project(points, x, y);
    return classes.flatMap((c, i) => {
      if (group.hidden.has(c)) return [];
      const name = data.categories[c] ?? String(c);
      return [{ text: name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name, x: x[i], y: y[i] }];
    });
  }

  #names(context) {
    const { theme } = this.map;
    context.font = `700 15px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = theme.panel;
    context.fillStyle = theme.ink;
    for (const { text, x, y } of this.names()) {
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  #medians() {
    const { values, points } = this.map;
    const members = new Map();
    values.forEach((c, i) => c >= 0 && (members.get(c) ?? members.set(c, []).get(c)).push(i));
    if (members.size > MOST_NAMES) members.clear();
    const classes = [...members.keys()];
    const median = (rows, axis) => Float32Array.from(rows, (row) => points[2 * row + axis]).sort()[rows.length >> 1];
    return { classes, points: Float32Array.from(classes.flatMap((c) => [0, 1].map((axis) => median(members.get(c), axis)))) };
  }

  #tiny(context) {
    const { map, x, y } = this;
    if (map.view.magnification < 1.5 && x.length > 400) return;
    const { places: rows } = spread(map.view, x, y, { cell: TINY + 4, limit: MOST_TINY, hidden: map.shut });
    for (const [row, picture] of map.pictures.thumbnails(rows)) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = map.states[row] === GREY ? OPACITIES[1] : 1;
      context.drawImage(picture, x[row] - TINY / 2, y[row] - TINY / 2, TINY, (TINY * picture.height) / picture.width);
      context.strokeStyle = hex(map.words[row]);
      context.lineWidth = 2;
      context.strokeRect(x[row] - TINY / 2, y[row] - TINY / 2, TINY, TINY);
      context.globalAlpha = 1;
    }
  }

  /** What lies above the points and changes without them. */
  overlay() {
    const { map } = this;
    const { group, theme, hands } = map;
    if (!map.width || !this.x.length) return;
    const { context } = sharp(this.over);
    const mark = theme.dark ? "#ff8742" : "#d94e00";
    this.#placed(context, mark);
    if (group.picked !== null) this.#ring(context, group.picked, 9, mark);
    if (group.hover !== null && group.hover !== group.picked) this.#ring(context, group.hover, 7, theme.ink);
    if (hands.path) this.#outline(context, hands.path);
    if (hands.at) this.#cross(context, ...hands.at);
  }

  #ring(context, place, radius, colour) {
    const row = this.map.row.get(place);
    if (row === undefined || this.map.states[row] === HIDDEN) return;
    for (const [width, style] of [[5, this.map.theme.panel], [2.5, colour]]) {
      context.beginPath();
      context.arc(this.x[row], this.y[row], radius, 0, 7);
      context.lineWidth = width;
      context.strokeStyle = style;
      context.stroke();
    }
  }

  #outline(context, path) {
    context.beginPath();
    for (const corner of path) context.lineTo(...corner);
    context.closePath();
    context.globalAlpha = 0.1;
    context.strokeStyle = context.fillStyle = this.map.theme.accent;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([5, 4]);
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }

  #cross(context, x, y) {
    context.strokeStyle = this.map.theme.ink;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 10, 0, 7);
    context.moveTo(x - 15, y);
    context.lineTo(x + 15, y);
    context.moveTo(x, y - 15);
    context.lineTo(x, y + 15);
    context.stroke();
  }

  #placed(context, mark) {
    const { data, view, theme } = this.map;
    const { placed } = data;
    if (!placed.length) return;
    const n = placed.length;
    const [x, y] = [new Float32Array(n), new Float32Array(n)];
    view.project(Float32Array.from(placed.flatMap((place) => place.point)), x, y);
    context.strokeStyle = mark;
    context.lineWidth = 2;
    context.setLineDash(placed[0].approximate ? [4, 3] : []);
    context.beginPath();
    for (let i = 0; i < n; i++) context.lineTo(x[i], y[i]);
    context.stroke();
    context.setLineDash([]);
    context.font = `600 13px ${theme.font}`;
    context.textAlign = "left";
    for (let i = 0; i < n; i++) {
      const r = placed[i].label ? 7 : 4;
      context.beginPath();
      for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) context.lineTo(x[i] + dx, y[i] + dy);
      context.closePath();
      context.fillStyle = placed[i].approximate ? theme.panel : mark;
      context.fill();
      context.stroke();
      if (!placed[i].label) continue;
      const text = `${placed[i].label.slice(0, NAME)}${placed[i].approximate ? " ≈" : ""}`;
      context.strokeStyle = theme.panel;
      context.lineWidth = 4;
      context.strokeText(text, x[i] + 10, y[i] - 8);
      context.fillStyle = theme.ink;
      context.fillText(text, x[i] + 10, y[i] - 8);
      context.strokeStyle = mark;
      context.lineWidth = 2;
    }
  }
}
