// What moves with the frames of the screen.

export class FrameLoop {
  /** @type {number | null} */
  #request = null;

  get running() {
    return this.#request !== null;
  }

  /**
   * Call `step` with the milliseconds since now at each frame of the screen, until it returns false; what was under way
   * ends.
   *
   * @param {(elapsed: number) => boolean} step
   */
  start(step) {
    this.stop();
    const begun = performance.now();
    const next = (/** @type {number} */ now) => {
      this.#request = requestAnimationFrame(next);
      if (!step(Math.max(0, now - begun))) this.stop();
    };
    this.#request = requestAnimationFrame(next);
  }

  stop() {
    if (this.#request !== null) cancelAnimationFrame(this.#request);
    this.#request = null;
  }
}
