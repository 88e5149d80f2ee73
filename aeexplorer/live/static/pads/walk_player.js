// Plays a walk step by step.

import { prefersReducedMotion } from "../shared/dom.js";

/** @import { FrameLoop } from "../shared/frame_loop.js" */

const STEP_MS = 90;
const WALK_MS = 3000; // of a whole walk at most

/** Milliseconds of a step of a walk. @param {number} steps */
export function stepDuration(steps) {
  return Math.min(STEP_MS, WALK_MS / Math.max(steps, 1));
}

/**
 * Play a walk; where less motion is preferred, show all of it.
 *
 * @param {FrameLoop} animation
 * @param {number} steps
 * @param {(step: number) => void} draw the walk up to a step, which may lie between two; Infinity is all of it
 */
export function playWalk(animation, steps, draw) {
  if (prefersReducedMotion()) return draw(Infinity);
  animation.start((elapsed) => {
    const at = elapsed / stepDuration(steps);
    draw(at < steps ? at : Infinity);
    return at < steps;
  });
}
