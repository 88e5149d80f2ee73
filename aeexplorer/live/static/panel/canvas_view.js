// A view on one canvas, drawn anew when its data, its size or the theme changes.

import { make } from "../shared/dom.js";

/** @import { Child, Size, Theme } from "../shared/types.d.ts" */

export class CanvasView {
  /** @type {Theme | null} */
  theme = null;
  /**
   * The canvas's size as the layout gave it last: to read it with every frame would have the page laid out each time.
   */
  size = { width: 0, height: 0 };

  /** @param {string} title @param {string} canvasClass @param {...Child} below */
  constructor(title, canvasClass, ...below) {
    this.canvas = make("canvas", { class: canvasClass, role: "img", "aria-label": title });
    const caption = make("figcaption", { text: title, class: "live-caption" });
    this.element = make("figure", { class: "live-card live-view" }, caption, this.canvas, ...below);
    this.observer = new ResizeObserver(([{ contentRect: { width, height } }]) => {
      this.size = { width, height };
      this.draw();
    });
    this.observer.observe(this.canvas);
  }

  /** @param {Theme} theme */
  redraw(theme) {
    this.theme = theme;
    this.draw();
  }

  destroy() {
    this.observer.disconnect();
  }

  draw() {
    if (this.theme && this.size.width) this.paint(this.theme, this.size);
  }

  /**
   * Draw what is known so far.
   *
   * @abstract
   * @param {Theme} theme
   * @param {Size} size
   */
  paint(theme, size) {
    throw new Error("paint is not implemented");
  }
}
