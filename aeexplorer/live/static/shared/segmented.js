// One of a few options, side by side.

import { make } from "./dom.js";

/** @import { Control, ControlEvents, SegmentedSpec } from "./types.d.ts" */

/** @type {{ [key: string]: number }} */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** @param {SegmentedSpec} spec @param {ControlEvents} on @returns {Control<string>} */
export function makeSegmented(spec, on) {
  let value = spec.value;
  const set = (/** @type {string} */ next) => {
    value = next;
    for (const button of buttons) {
      const chosen = button.dataset.value === value;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  };
  const choose = (/** @type {number} */ i) => {
    set(spec.options[i][0]);
    on.changed();
    on.released();
  };
  const buttons = spec.options.map(([option, text], i) => {
    const attributes = { type: "button", role: "radio", text, "data-value": option };
    return make("button", { ...attributes, on: { click: () => choose(i) } });
  });
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const at = spec.options.findIndex(([option]) => option === value);
    const next = (at + step + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  };
  const group = { class: "live-segments", role: "radiogroup", "aria-label": spec.label, on: { keydown } };
  set(value);
  const element = make("div", group, ...buttons);
  return { element, set, refresh() {}, stop() {}, held: false, get value() { return value; } };
}
