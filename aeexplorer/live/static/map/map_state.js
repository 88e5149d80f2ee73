// What a map shows: its points, their colours and states, and from where they are seen.

import { formatNumber } from "../shared/numbers.js";
import { decodeBase64 } from "../shared/protocol.js";
import { boundsOf, FlatCamera, SpaceCamera } from "./camera.js";
import { colourPoints, legendOf } from "./point_colours.js";
import { GREY, HIDDEN, SHOWN } from "./stamping.js";
import { rescaled } from "./transition.js";

/** @import { Theme } from "../shared/types.d.ts" */
/** @import { MapGroup } from "./linking.js" */
/** @import { MapData, Polygon } from "./types.d.ts" */

const [FNV_OFFSET, FNV_PRIME] = [2166136261, 16777619]; // of the hash by Fowler, Noll & Vo
const LABEL = 60; // letters of a class's name at a picture

/** @param {string | null} text @returns {Float32Array | null} */
const floats = (text) => (text ? new Float32Array(decodeBase64(text)) : null);

export class MapState {
  size = { width: 0, height: 0 };
  /** The lasso or box that is being drawn. @type {Polygon | null} */
  outline = null;
  /** The place of the map that was decoded last. @type {number[] | null} */
  decodedAt = null;

  /** @param {MapData} data @param {MapGroup} group @param {Theme} theme */
  constructor(data, group, theme) {
    this.data = data;
    this.group = group;
    this.theme = theme;
    this.index = new Int32Array(decodeBase64(data.index));
    this.rowOf = rowsByPlace(this.index);
    /** @type {Float32Array} */
    this.points = floats(data.points) ?? new Float32Array();
    this.bounds = boundsOf(this.points, data.components);
    /** @type {FlatCamera | SpaceCamera} */
    this.camera = this.#makeCamera();
    this.ghost = floats(data.ghost);
    this.values = floats(data.values);
    group.showAllClasses();
    this.colours = colourPoints(this.index.length, this.values, data, theme);
    this.states = new Uint8Array(this.index.length);
    /** 1 for each point of a class that is switched off; null where there is none. @type {Uint8Array | null} */
    this.hidden = null;
    this.updateStates();
  }

  get solid() {
    return this.data.components === 3;
  }

  /** Whether a pointer decodes the place under it. */
  get decodes() {
    return this.data.mode === "decode" && !this.solid;
  }

  /**
   * Take over new data. Returns whether the layout is another one, and the old points on its scale, from which the same
   * samples can travel; null where there are none.
   *
   * @param {MapData} data
   * @param {MapGroup} group
   * @param {Theme} theme
   */
  update(data, group, theme) {
    const before = this.data;
    const sameSamples = before.index === data.index && before.components === data.components;
    const sameMap = sameSamples && before.run === data.run && before.map_id === data.map_id;
    [this.data, this.group, this.theme] = [data, group, theme];
    if (!sameMap || !this.decodes) this.decodedAt = null;
    if (before.index !== data.index) {
      this.index = new Int32Array(decodeBase64(data.index));
      this.rowOf = rowsByPlace(this.index);
    }
    if (before.values !== data.values) this.values = floats(data.values);
    if (before.ghost !== data.ghost) this.ghost = floats(data.ghost);
    const moved = before.points !== data.points || !sameSamples;
    const from = moved ? this.#setPoints(sameSamples) : null;
    const sameLegend = before.colour_label === data.colour_label && before.categories.join() === data.categories.join();
    if (!sameLegend) group.showAllClasses();
    this.colours = colourPoints(this.index.length, this.values, data, theme);
    return { moved, from };
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    this.size = { width, height };
    this.camera.resize(width, height);
  }

  /** Note which points are shown, by the group's selection and hidden classes. */
  updateStates() {
    const { index, values, data } = this;
    const { hidden, selected } = this.group;
    const classes = data.categories.length ? values : null;
    this.states = Uint8Array.from(index, (place, row) => {
      if (classes && hidden.has(classes[row])) return HIDDEN;
      return !selected || selected.has(place) ? SHOWN : GREY;
    });
    this.hidden = classes && hidden.size ? this.states.map((state) => (state === HIDDEN ? 1 : 0)) : null;
  }

  /**
   * Number of the selected points and a hash of their rows, by which maps can be compared; empty without a selection.
   */
  get selectionKey() {
    const { selected } = this.group;
    if (!selected) return "";
    let [count, hash] = [0, FNV_OFFSET];
    this.index.forEach((place, row) => {
      if (selected.has(place)) [count, hash] = [count + 1, Math.imul(hash ^ row, FNV_PRIME) >>> 0];
    });
    return `${count} ${hash}`;
  }

  get legend() {
    return legendOf(this.values, this.colours, this.data, this.group.hidden, this.theme.dark);
  }

  /** The class or the number that gives a point its colour, as text. @param {number} row */
  labelOf(row) {
    if (!this.values) return "";
    const { categories } = this.data;
    const value = this.values[row];
    if (!categories.length) return formatNumber(value, 3);
    return value >= 0 ? (categories[value] ?? "").slice(0, LABEL) : "";
  }

  #makeCamera() {
    const { bounds, size } = this;
    const Camera = this.solid ? SpaceCamera : FlatCamera;
    return new Camera(bounds, size.width || 1, size.height || 1);
  }

  /** @param {boolean} sameSamples */
  #setPoints(sameSamples) {
    const { points, bounds, camera, data } = this;
    this.points = floats(data.points) ?? new Float32Array();
    this.bounds = boundsOf(this.points, data.components);
    this.camera = this.#makeCamera();
    if (!sameSamples) return null;
    if (camera instanceof SpaceCamera && this.camera instanceof SpaceCamera) {
      [this.camera.yaw, this.camera.pitch] = [camera.yaw, camera.pitch];
    }
    return rescaled(points, bounds, this.bounds);
  }
}

/** The row of each sample by its place in the dataset. @param {Int32Array} index */
function rowsByPlace(index) {
  return new Map(Array.from(index, (place, row) => [place, row]));
}
