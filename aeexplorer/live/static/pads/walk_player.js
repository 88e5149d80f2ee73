// Plays a walk step by step.

import { prefersReducedMotion } from "../shared/dom.js";

const STEP_MS = 90;
const WALK_MS = 3000; // of a whole walk at most

/** Milliseconds of a step of a walk. @param {number} steps */
export function stepDuration(steps) {
  return Math.min(STEP_MS, WALK_MS / Math.max(steps, 1));
}

export class WalkPlayer {
  /** @type {number | null} */
  #animation = null;

  /** @param {(step: number) => void} draw the walk up to a step, which may lie between two; Infinity is all of it */
  constructor(draw) {
    this.draw = draw;
  }

  get playing() {
    return this.#animation !== null;
  }

  /** Play a walk; where less motion is preferred, show all of it. @param {number} steps */
  play(steps) {
    this.stop();
    if (prefersReducedMotion()) return this.draw(Infinity);
    const begun = performance.now();
    const advance = (/** @type {number} */ now) => {
      const at = Math.max(0, now - begun) / stepDuration(steps);
      this.#animation = at < steps ? requestAnimationFrame(advance) : null;
      this.draw(at < steps ? at : Infinity);
    };
    this.#animation = requestAnimationFrame(advance);
  }

  stop() {
    if (this.#animation !== null) cancelAnimationFrame(this.#animation);
    this.#animation = null;
  }
}
