// The names of classes on a map.

import { median } from "../shared/numbers.js";
import { placeNames } from "../shared/plane_geometry.js";
import { pixelsOf } from "./camera.js";

/** @import { Numbers } from "../shared/types.d.ts" */
/** @import { MapState } from "./map_state.js" */
/** @import { PlacedText } from "./types.d.ts" */

export const LONGEST = 18; // letters of a placed code's name
export const NAME_SIZE = 15; // pixels of the letters
const MOST = 40; // classes that are named

/**
 * The median point of each class, with the class: nothing where there are too many classes.
 *
 * @param {Numbers} points (n, components)
 * @param {Numbers} values the class of each point, below 0 for none
 * @param {number} components
 * @returns {{ classes: number[], points: number[] }}
 */
export function classMedians(points, values, components) {
  /** @type {Map<number, number[]>} */
  const rowsOf = new Map();
  for (let row = 0; row < values.length; row++) {
    if (values[row] < 0) continue;
    const rows = rowsOf.get(values[row]);
    if (rows) rows.push(row);
    else rowsOf.set(values[row], [row]);
  }
  if (rowsOf.size > MOST) return { classes: [], points: [] };
  const medianOf = (/** @type {number[]} */ rows, /** @type {number} */ axis) =>
    median(rows.map((row) => points[components * row + axis]));
  const axes = Array.from({ length: components }, (_, axis) => axis);
  const medians = [...rowsOf.values()].flatMap((rows) => axes.map((axis) => medianOf(rows, axis)));
  return { classes: [...rowsOf.keys()], points: medians };
}

export class ClassNames {
  /** @type {ReturnType<typeof classMedians> | null} */
  #medians = null;

  /** The points or their classes are others: the medians must be taken anew. */
  invalidate() {
    this.#medians = null;
  }

  /**
   * The names that are shown, at the medians of their points: none over the edge and none over another.
   *
   * @param {MapState} state
   * @param {(text: string) => number} measure
   * @returns {PlacedText[]}
   */
  placed({ camera, group, data, points, values, size }, measure) {
    if (!values || !data.categories.length || data.pictures) return [];
    this.#medians ??= classMedians(points, values, data.components);
    const { classes, points: medians } = this.#medians;
    const pixels = pixelsOf(camera, medians, classes.length);
    const names = classes.flatMap((c, i) => {
      const [x, y] = pixels[i];
      if (group.hidden.has(c) || x < 0 || y < 0 || x > size.width || y > size.height) return [];
      return [{ whole: data.categories[c] ?? String(c), x, y }];
    });
    return placeNames(names, size, NAME_SIZE, measure);
  }
}
