// The colours and markers of points, and the legend that explains them.

import { pack, toHex, viridis } from "../shared/colours.js";
import { clamp, formatNumber } from "../shared/numbers.js";
import { MARKERS } from "./markers.js";

/** @import { Numbers, Span, Theme } from "../shared/types.d.ts" */
/** @import { LegendEntry, MapData, PointColours } from "./types.d.ts" */

const TAILS = 0.01; // share of the values at either end that lie beyond the colour scale
const STOPS = 15; // every 15th of the 256 colours of a scale is a stop of the bar in the legend

/**
 * Colours of n points: of their classes, of a number on a continuous scale, or one for all.
 *
 * @param {number} n
 * @param {Float32Array | null} values
 * @param {Pick<MapData, "categories" | "colours" | "muted">} data
 * @param {Pick<Theme, "accent" | "dark">} theme
 * @returns {PointColours}
 */
export function colourPoints(n, values, { categories, colours, muted }, theme) {
  const words = new Uint32Array(n).fill(pack(theme.accent));
  if (!values) return { words, shapes: null, range: null };
  const quiet = pack(muted);
  if (categories.length) {
    const palette = colours.map(pack);
    const shapes = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      const c = values[i];
      words[i] = c >= 0 ? palette[c % palette.length] : quiet;
      shapes[i] = c >= 0 ? c % MARKERS.length : 0;
    }
    return { words, shapes, range: null };
  }
  const range = rangeOf(values);
  const [low, high] = range;
  const scale = viridis(theme.dark);
  for (let i = 0; i < n; i++) {
    const t = (values[i] - low) / (high - low || 1);
    words[i] = Number.isFinite(t) ? scale[clamp(Math.round(255 * t), 0, 255)] : quiet;
  }
  return { words, shapes: null, range };
}

/** The span of the finite values without the tails. @param {Float32Array} values @returns {Span} */
function rangeOf(values) {
  const sorted = values.filter(Number.isFinite).sort();
  const last = sorted.length - 1;
  return last < 0 ? [0, 1] : [sorted[Math.floor(TAILS * last)], sorted[Math.ceil((1 - TAILS) * last)]];
}

/**
 * What the colours mean: a scale, or the classes that occur.
 *
 * @param {Numbers | null} values
 * @param {PointColours} pointColours
 * @param {Pick<MapData, "categories" | "colours" | "colour_label">} data
 * @param {Set<number>} hidden classes
 * @param {boolean} dark
 * @returns {LegendEntry[]}
 */
export function legendOf(values, { range }, { categories, colours, colour_label }, hidden, dark) {
  if (!values) return [];
  if (range) {
    const digits = Math.max(...range.map(Math.abs)) < 0.1 ? 4 : 2;
    const scale = Array.from(viridis(dark)).filter((_, i) => i % STOPS === 0).map(toHex);
    return [{ scale, ends: [formatNumber(range[0], digits), formatNumber(range[1], digits)], text: colour_label }];
  }
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const c of Array.from(values)) counts.set(c, (counts.get(c) ?? 0) + 1);
  return categories.flatMap((text, c) => {
    const count = counts.get(c);
    if (!count) return [];
    return [{ c, text, colour: colours[c % colours.length], shape: c % MARKERS.length, count, shown: !hidden.has(c) }];
  });
}
