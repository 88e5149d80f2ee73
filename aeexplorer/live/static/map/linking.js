// Linked maps: the maps of one group share the sample under the pointer, the picked one, the selection, and the
// classes that the legend hides. Samples are named by their place in the dataset, so that maps of different runs can
// be linked too.

/** @import { MapData } from "./types.d.ts" */
/**
 * @typedef {object} Shared
 * @property {number | null} hover
 * @property {number | null} picked
 * @property {Set<number> | null} selected
 * @property {Set<number>} hidden classes
 */
/** @typedef {(change: keyof Shared) => void} ChangeListener */

/** @type {Map<string, MapGroup>} */
const groups = new Map();

export class MapGroup {
  /** @type {Shared} */
  #shared = { hover: null, picked: null, selected: null, hidden: new Set() };
  /** @type {Set<ChangeListener>} */
  #listeners = new Set();
  #serial = 0;

  get hover() {
    return this.#shared.hover;
  }

  get picked() {
    return this.#shared.picked;
  }

  get selected() {
    return this.#shared.selected;
  }

  get hidden() {
    return this.#shared.hidden;
  }

  /**
   * Call a function after every change, with the name of what changed. Returns a function that ends it.
   *
   * @param {ChangeListener} listener
   */
  join(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Change what is shared and notify every map at once. An empty selection is none.
   *
   * @template {keyof Shared} K
   * @param {K} what
   * @param {Shared[K]} value
   */
  set(what, value) {
    if (sameValue(this.#shared[what], value)) return;
    this.#shared[what] = value;
    for (const listener of this.#listeners) listener(what);
  }

  /** Select samples, or none. @param {Set<number> | null} places */
  select(places) {
    this.set("selected", places?.size ? places : null);
  }

  /** Show all classes, because they are others now; maps are drawn anew anyway. */
  showAllClasses() {
    this.#shared.hidden = new Set();
  }

  /** A serial number for an action of a person; later ones are greater. */
  nextSerial() {
    this.#serial = Math.max(this.#serial + 1, Date.now());
    return this.#serial;
  }

  /**
   * Take over what the page says, where that has changed and the page already knows the last action of a person: what
   * it said before that is old.
   *
   * @param {Pick<MapData, "picked" | "selected"> | null} before
   * @param {Pick<MapData, "picked" | "selected" | "heard">} now
   */
  adopt(before, now) {
    if (now.heard < this.#serial) return;
    if (!before || before.picked !== now.picked) this.set("picked", now.picked);
    if (!before || before.selected.join() !== now.selected.join()) this.select(new Set(now.selected));
  }
}

/** @param {unknown} a @param {unknown} b */
function sameValue(a, b) {
  if (a === b) return true;
  return a instanceof Set && b instanceof Set && a.size === b.size && [...a].every((value) => b.has(value));
}

/** The group of this name on the page. @param {string} name */
export function mapGroup(name) {
  const group = groups.get(name) ?? new MapGroup();
  groups.set(name, group);
  return group;
}

/**
 * A selection after some samples were caught: they are added to it with `more`, and else take its place.
 *
 * @param {Set<number> | null} selected
 * @param {number[]} caught
 * @param {boolean} more
 */
export function combined(selected, caught, more) {
  return more && selected ? new Set([...selected, ...caught]) : new Set(caught);
}
