// Buttons among a panel's controls: one that counts, one that plays.

import { FrameLoop } from "../shared/frame_loop.js";
import { make, prefersReducedMotion } from "../shared/dom.js";

/** @import { Control, ControlEvents, SliderSpec } from "../shared/types.d.ts" */
/** @import { ButtonSpec, PlaySpec } from "./types.d.ts" */

const REDUCED_MS = 700; // between two steps where less motion is preferred

/**
 * A button that counts: its value is a seed, and each press takes the next one.
 *
 * @param {ButtonSpec} spec
 * @param {ControlEvents} on
 * @returns {Control<number>}
 */
export function makeButton(spec, on) {
  let value = spec.value;
  const click = () => {
    value += 1;
    on.changed();
    on.released();
  };
  const element = make("button", { type: "button", class: "live-button", text: spec.label, on: { click } });
  const set = (/** @type {number} */ next) => (value = next);
  return { element, set, refresh() {}, stop() {}, held: false, get value() { return value; } };
}

/**
 * Where a slider that is played stands after some time, as a share of its way from low to high: to and fro, `seconds`
 * each.
 *
 * @param {number} elapsed in milliseconds
 * @param {number} seconds
 */
export function playedShare(elapsed, seconds) {
  const phase = (elapsed / (1000 * seconds)) % 2;
  return phase <= 1 ? phase : 2 - phase;
}

/**
 * A button that moves a slider to and fro; with reduced motion in few steps. It has no value of its own.
 *
 * @param {PlaySpec} spec
 * @param {ControlEvents} on
 * @param {Control<number>} slider
 * @param {SliderSpec} sliderSpec
 * @returns {Control<undefined>}
 */
export function makePlay(spec, on, slider, sliderSpec) {
  const animation = new FrameLoop();
  const [low, high] = [spec.low ?? sliderSpec.low, spec.high ?? sliderSpec.high];
  const refresh = () => {
    const playing = animation.running;
    element.setAttribute("aria-pressed", String(playing));
    const symbol = make("span", { text: playing ? "❚❚" : "▶", "aria-hidden": "true" });
    element.replaceChildren(symbol, playing ? "Pause" : spec.label);
  };
  const play = () => {
    const begun = (1000 * spec.seconds * (slider.value - low)) / (high - low);
    let last = -Infinity;
    animation.start((elapsed) => {
      if (prefersReducedMotion() && elapsed - last < REDUCED_MS) return true;
      last = elapsed;
      slider.set(low + (high - low) * playedShare(begun + elapsed, spec.seconds));
      on.changed();
      return true;
    });
    refresh();
  };
  const stop = () => {
    animation.stop();
    refresh();
  };
  const click = () => {
    if (!animation.running) return play();
    stop();
    on.released();
  };
  const attributes = { type: "button", class: "live-button live-play", "aria-pressed": "false", on: { click } };
  const element = make("button", attributes);
  refresh();
  return { element, refresh() {}, stop, set() {}, held: false, value: undefined };
}
