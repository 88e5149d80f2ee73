// The controls of a panel, in the order of their specs.

import { makeSegmented } from "../shared/segmented.js";
import { makeSlider } from "../shared/slider.js";
import { makeButton, makePlay } from "./buttons.js";

/** @import { Control, ControlEvents, Params, SliderSpec } from "../shared/types.d.ts" */
/** @import { ControlSpec } from "./types.d.ts" */

export class ControlSet {
  /** Controls with a value, by their param. @type {Map<string, Control>} */
  #valued = new Map();
  /** @type {Control[]} */
  #all;
  #specs;

  /** @param {ControlSpec[]} specs @param {ControlEvents} on */
  constructor(specs, on) {
    this.#specs = specs;
    /** @type {Map<string, { control: Control<number>, spec: SliderSpec }>} */
    const sliders = new Map();
    for (const spec of specs) {
      if (spec.type === "play") continue;
      if (spec.type === "slider") {
        const control = makeSlider(spec, () => this.values(), on);
        sliders.set(spec.param, { control, spec });
        this.#valued.set(spec.param, control);
      } else this.#valued.set(spec.param, spec.type === "button" ? makeButton(spec, on) : makeSegmented(spec, on));
    }
    this.#all = specs.flatMap((spec) => {
      if (spec.type !== "play") return this.#valued.get(spec.param) ?? [];
      const slider = sliders.get(spec.param);
      return slider ? [makePlay(spec, on, slider.control, slider.spec)] : [];
    });
    this.refresh();
  }

  /** The elements of sliders, or those of all other controls. @param {boolean} sliders */
  elements(sliders) {
    return this.#all.filter((_, i) => (this.#specs[i].type === "slider") === sliders).map(({ element }) => element);
  }

  /** @returns {Params} */
  values() {
    return Object.fromEntries([...this.#valued].map(([param, control]) => [param, control.value]));
  }

  refresh() {
    for (const control of this.#all) control.refresh();
  }

  stop() {
    for (const control of this.#all) control.stop();
  }

  /**
   * Set those controls to which the page gives another value than before and which nobody is moving.
   *
   * @param {ControlSpec[]} specs
   */
  update(specs) {
    const before = startValues(this.#specs);
    for (const [param, value] of startValues(specs)) {
      const control = this.#valued.get(param);
      if (control && value !== before.get(param) && !control.held) control.set(value);
    }
    this.#specs = specs;
  }

  /**
   * Set controls to the values of other ones which they replace, where the page gives the same value as before.
   *
   * @param {ControlSet} replaced
   */
  takeOver(replaced) {
    const before = startValues(replaced.#specs);
    for (const [param, value] of startValues(this.#specs)) {
      const old = replaced.#valued.get(param);
      if (old && value === before.get(param)) this.#valued.get(param)?.set(old.value);
    }
  }
}

/** The value with which each control begins, by param. @param {ControlSpec[]} specs */
function startValues(specs) {
  /** @type {Map<string, unknown>} */
  const values = new Map();
  for (const spec of specs) if (spec.type !== "play") values.set(spec.param, spec.value);
  return values;
}
