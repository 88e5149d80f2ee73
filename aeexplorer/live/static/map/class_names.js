// The names of classes on a map.

import { median } from "../shared/numbers.js";
import { pixelsOf } from "./camera.js";

/** @import { Numbers } from "../shared/types.d.ts" */
/** @import { MapState } from "./map_state.js" */
/** @import { PlacedText } from "./types.d.ts" */

export const LONGEST = 18; // letters of a name on a map; all of it is in the legend's tooltip
const MOST = 40; // classes that are named

/**
 * The median point of each class, with the class: nothing where there are too many classes.
 *
 * @param {Numbers} points (n, 2)
 * @param {Numbers} values the class of each point, below 0 for none
 * @returns {{ classes: number[], points: number[] }}
 */
export function classMedians(points, values) {
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
    median(rows.map((row) => points[2 * row + axis]));
  const medians = [...rowsOf.values()].flatMap((rows) => [medianOf(rows, 0), medianOf(rows, 1)]);
  return { classes: [...rowsOf.keys()], points: medians };
}

export class ClassNames {
  /** @type {ReturnType<typeof classMedians> | null} */
  #medians = null;

  /** The points or their classes are others: the medians must be taken anew. */
  invalidate() {
    this.#medians = null;
  }

  /** The names that are shown, at the medians of their points. @param {MapState} state @returns {PlacedText[]} */
  placed({ camera, group, data, solid, points, values }) {
    if (solid || !values || !data.categories.length || data.pictures) return [];
    this.#medians ??= classMedians(points, values);
    const { classes, points: medians } = this.#medians;
    const pixels = pixelsOf(camera, medians, classes.length);
    return classes.flatMap((c, i) => {
      if (group.hidden.has(c)) return [];
      const name = data.categories[c] ?? String(c);
      const text = name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
      return [{ text, x: pixels[i][0], y: pixels[i][1] }];
    });
  }
}
