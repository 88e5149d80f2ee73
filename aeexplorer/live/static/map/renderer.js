// The picture of a map on two canvases: points, density, names and pictures below, the overlay above.

import { clearedContext, contextOf, drawLabel, styleLabels, tracePath } from "../shared/canvas.js";
import { toHex } from "../shared/colours.js";
import { debounce, make } from "../shared/dom.js";
import { placeAxes } from "./axes.js";
import { ClassNames, NAME_SIZE } from "./class_names.js";
import { contours } from "./density.js";
import { drawOverlay } from "./overlay.js";
import { spread } from "./picking.js";
import { FADED, PointLayer } from "./point_layer.js";
import { GREY } from "./stamping.js";

/** @import { MapState } from "./map_state.js" */

const REST_MS = 140; // without a move, after which all points are drawn again
const PICTURE = 44; // pixels of a picture that stands for a point
const MOST_PICTURES = 150;
const CROWDED = 400; // points, of more than which pictures show only when magnified
const MAGNIFIED = 1.5;

export class Renderer {
  points = new PointLayer();
  over = make("canvas", { "aria-hidden": "true" });
  names = new ClassNames();
  #moving = false;
  /** Whether the overlay waits to be drawn with the points. */
  #overlaid = false;
  #destroyed = false;
  /** @type {number | null} */
  #scheduled = null;

  /**
   * @param {MapState} state
   * @param {HTMLElement} root whose attributes count the pictures
   * @param {(rows: number[]) => [number, HTMLCanvasElement][]} thumbnails of those rows whose pictures are here
   */
  constructor(state, root, thumbnails) {
    this.state = state;
    this.root = root;
    this.thumbnails = thumbnails;
    this.rested = debounce(() => {
      this.#moving = false;
      this.paint();
    }, REST_MS);
  }

  destroy() {
    this.#destroyed = true;
    if (this.#scheduled !== null) cancelAnimationFrame(this.#scheduled);
  }

  /** The points, their colours or the camera are others: draw them with the next frame of the screen. */
  refresh() {
    this.points.invalidate();
    this.points.place(this.state);
    this.names.invalidate();
    this.paint();
  }

  /** The camera moves: as many points are drawn as leave that smooth, and all of them when it rests. */
  moved() {
    this.#moving = true;
    this.points.invalidate();
    this.paint();
    this.rested();
  }

  /** Draw with the next frame of the screen, the overlay too unless it stays as it is. @param {boolean} overlay */
  paint(overlay = true) {
    this.#overlaid ||= overlay;
    if (this.#scheduled !== null || this.#destroyed || !this.state.size.width) return;
    this.#scheduled = requestAnimationFrame(() => {
      this.#scheduled = null;
      this.#draw();
    });
  }

  #draw() {
    const begun = performance.now();
    const { state, root } = this;
    const count = this.points.draw(state, this.#moving);
    const context = contextOf(this.points.canvas);
    if (state.data.density && !state.solid) this.#drawDensity(context);
    if (state.data.pictures) this.#drawPictures(context);
    if (state.solid) this.#drawAxes(context);
    this.#drawNames(context);
    if (this.#overlaid) this.drawOverlay();
    this.#overlaid = false;
    root.dataset.frames = String(Number(root.dataset.frames ?? 0) + 1);
    root.dataset.drawMs = (performance.now() - begun).toFixed(2);
    root.dataset.drawn = String(count);
  }

  drawOverlay() {
    if (!this.state.size.width) return;
    this.points.place(this.state);
    drawOverlay(clearedContext(this.over, this.state.size), this.state, this.points.x, this.points.y);
  }

  /** @param {CanvasRenderingContext2D} context */
  #drawDensity(context) {
    const { state: { theme, hidden, size }, points: { x, y } } = this;
    context.strokeStyle = theme.ink;
    context.globalAlpha = 0.4;
    context.lineWidth = 1;
    context.beginPath();
    for (const [x0, y0, x1, y1] of contours(x, y, hidden, size)) {
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} context */
  #drawNames(context) {
    styleLabels(context, this.state.theme, `700 ${NAME_SIZE}px`);
    const placed = this.names.placed(this.state, (text) => context.measureText(text).width);
    for (const { text, x, y } of placed) drawLabel(context, text, x, y);
  }

  /** @param {CanvasRenderingContext2D} context */
  #drawAxes(context) {
    const { camera, bounds, data, theme } = this.state;
    const axes = placeAxes(camera, bounds, data.axes);
    context.strokeStyle = theme.ink;
    context.globalAlpha = 0.5;
    context.lineWidth = 1;
    for (const { from, to } of axes) {
      tracePath(context, [from, to]);
      context.stroke();
    }
    context.globalAlpha = 1;
    styleLabels(context, theme, "12px");
    for (const { text, at: [x, y] } of axes) drawLabel(context, text, x, y);
  }

  /** Samples in place of points, where there is room. @param {CanvasRenderingContext2D} context */
  #drawPictures(context) {
    const { state: { camera, hidden, states, colours }, points: { x, y } } = this;
    if (camera.magnification < MAGNIFIED && x.length > CROWDED) return;
    const rows = spread(camera, x, y, { cell: PICTURE + 4, limit: MOST_PICTURES, hidden });
    context.imageSmoothingEnabled = false;
    context.lineWidth = 2;
    for (const [row, picture] of this.thumbnails(rows)) {
      const [left, top] = [x[row] - PICTURE / 2, y[row] - PICTURE / 2];
      context.globalAlpha = states[row] === GREY ? FADED : 1;
      context.drawImage(picture, left, top, PICTURE, (PICTURE * picture.height) / picture.width);
      context.strokeStyle = toHex(colours.words[row]);
      context.strokeRect(left, top, PICTURE, PICTURE);
    }
    context.globalAlpha = 1;
  }
}
