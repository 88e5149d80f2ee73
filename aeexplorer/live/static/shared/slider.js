// A slider with its value above the thumb, marks below and zones behind.

import { make } from "./dom.js";
import { clamp, formatNumber, interpolate, snap } from "./numbers.js";

/** @import { Control, ControlEvents, Params, SliderSpec } from "./types.d.ts" */

const SNAPPED_DIGITS = 3; // of values between the steps of a logarithmic or bent slider
const WRITTEN_DIGITS = 4;

/**
 * How values lie along the slider's travel: evenly, evenly in the logarithm, or bent through given points.
 * `low`, `high` and `step` are those of the travel; `position(value)` and `valueAt(position)` convert.
 *
 * @param {SliderSpec} spec
 */
export function sliderScale(spec) {
  const log = spec.scale === "log";
  const bent = spec.bend.length > 0;
  const even = (/** @type {number} */ value) => (log ? Math.log10(value) : value);
  const [knots, shares] = [spec.bend.map(([value]) => even(value)), spec.bend.map(([, share]) => share)];
  const position = (/** @type {number} */ value) => (bent ? interpolate(knots, shares, even(value)) : even(value));
  const [low, high] = [position(spec.low), position(spec.high)];
  const exact = !log && !bent;
  const step = bent ? 1 / 400 : log ? (high - low) / 200 : spec.step;
  const valueAt = (/** @type {number} */ at) => {
    const marked = bent && spec.marks.find((mark) => Math.abs(position(mark.x) - at) < step / 2);
    if (marked) return marked.x;
    if (exact) return snap(at, low, high, spec.step);
    const place = bent ? interpolate(shares, knots, at) : at;
    return clamp(Number((log ? 10 ** place : place).toPrecision(SNAPPED_DIGITS)), spec.low, spec.high);
  };
  return { low, high, step, exact, position, valueAt };
}

/**
 * The zone that a value lies in; an end that is shared with the rest of the slider is outside.
 *
 * @param {SliderSpec} spec
 * @param {number} value
 */
export function zoneOf({ zones, low, high }, value) {
  return zones.find(
    (zone) => (value > zone.low || (value === zone.low && low === zone.low)) &&
      (value < zone.high || (value === zone.high && high === zone.high)),
  );
}

/**
 * A slider; `values` are those of all controls, on which its symbol may depend.
 *
 * @param {SliderSpec} spec
 * @param {() => Params} values
 * @param {ControlEvents} on
 * @returns {Control<number>}
 */
export function makeSlider(spec, values, on) {
  const scale = sliderScale(spec);
  const { low, high, step, position } = scale;
  const digits = spec.digits ?? Math.max(0, Math.ceil(-Math.log10(spec.step) - 1e-9));
  const part = (/** @type {number} */ value) => (position(value) - low) / (high - low);
  const input = make("input", { type: "range", min: low, max: high, step, class: "live-range" });
  const bubble = make("span", { class: "live-bubble", "aria-hidden": "true" });
  const rail = make("div", { class: "live-rail" }, ...zoneBoxes(spec, part), bubble, input, tickRow(spec, part));
  const label = make("span", { class: "live-label", text: spec.label });
  let held = false;
  // a value that was set stays exactly what it is, although the thumb stands on its nearest step
  let given = { position: "", value: spec.value };

  const value = () => (input.value === given.position ? given.value : scale.valueAt(Number(input.value)));
  const refresh = () => {
    const now = value();
    const written = scale.exact ? formatNumber(now, digits) : String(Number(now.toPrecision(WRITTEN_DIGITS)));
    const symbol = symbolOf(spec, values());
    const text = `${symbol ? `${symbol} = ` : ""}${written}${spec.unit ? ` ${spec.unit}` : ""}`;
    const zone = zoneOf(spec, now);
    bubble.textContent = text;
    bubble.classList.toggle("live-beyond", Boolean(zone));
    bubble.style.setProperty("--live-at", String(part(now)));
    rail.style.setProperty("--live-part", across(part(now)));
    input.setAttribute("aria-valuetext", zone ? `${text}, ${zone.label}` : text);
  };
  const set = (/** @type {number} */ next) => {
    input.value = String(position(next));
    given = { position: scale.exact ? "" : input.value, value: next };
    refresh();
  };
  input.addEventListener("input", () => {
    held = true;
    refresh();
    on.changed();
  });
  input.addEventListener("change", () => {
    held = false;
    on.released();
  });
  set(spec.value);
  const element = make("label", { class: "live-slider" }, label, rail);
  return { element, set, refresh, stop() {}, get value() { return value(); }, get held() { return held; } };
}

/**
 * The CSS place of a share of the travel: the middle of the thumb never reaches the ends of the rail.
 *
 * @param {number} part
 */
function across(part) {
  return `calc(${part} * (100% - var(--live-thumb)) + var(--live-thumb) / 2)`;
}

/** @param {SliderSpec} spec @param {(value: number) => number} part */
function zoneBoxes(spec, part) {
  return spec.zones.map((zone) => {
    const box = make("span", { class: "live-zone", title: zone.label });
    box.style.left = across(part(Math.max(zone.low, spec.low)));
    box.style.right = `calc(100% - ${across(part(Math.min(zone.high, spec.high)))})`;
    return box;
  });
}

/** @param {SliderSpec} spec @param {(value: number) => number} part */
function tickRow(spec, part) {
  if (!spec.marks.length) return null;
  const ticks = spec.marks.map((mark) => {
    const tick = make("span", { text: mark.label });
    tick.style.setProperty("--live-at", String(part(mark.x)));
    return tick;
  });
  return make("div", { class: "live-ticks", "aria-hidden": "true" }, ...ticks);
}

/** @param {SliderSpec} spec @param {Params} values */
function symbolOf(spec, values) {
  const [dependence] = Object.entries(spec.symbol_by);
  return (dependence && dependence[1][String(values[dependence[0]])]) || spec.symbol;
}
