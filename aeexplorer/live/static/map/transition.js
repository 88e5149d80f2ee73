// Points that travel from one layout to the next.

import { middleOf } from "./camera.js";

/** @import { FrameLoop } from "../shared/frame_loop.js" */
/** @import { Bounds } from "../shared/types.d.ts" */

const TRAVEL_MS = 400;

/** The progress of a movement at t = 0..1, slow at both ends. @param {number} t */
export function eased(t) {
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}

/**
 * Points moved and scaled from some bounds to others of the same number of axes, so that a layout fills the same part
 * of the screen.
 *
 * @param {Float32Array} points
 * @param {Bounds} from
 * @param {Bounds} to
 */
export function rescaled(points, from, to) {
  const axes = from.low.length;
  const size = ({ low, high } = from) => Math.max(...high.map((value, axis) => value - low[axis]), 1e-9);
  const scale = size(to) / size(from);
  const [before, after] = [middleOf(from), middleOf(to)];
  return points.map((value, i) => (value - before[i % axes]) * scale + after[i % axes]);
}

/**
 * Move points to others of the same number; `moved` receives them after every step.
 *
 * @param {FrameLoop} animation
 * @param {Float32Array} from
 * @param {Float32Array} to
 * @param {(points: Float32Array) => void} moved
 */
export function travel(animation, from, to, moved) {
  animation.start((elapsed) => {
    const t = eased(elapsed / TRAVEL_MS);
    moved(from.map((value, i) => value + (to[i] - value) * t));
    return t < 1;
  });
}
