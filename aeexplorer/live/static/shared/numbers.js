// Numbers: bounds, interpolation, grids, and how they are written.

/** @import { Numbers } from "./types.d.ts" */

/** A number with a true minus sign; a dash stands for a missing one. @param {number | null | undefined} value */
export function formatNumber(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(digits).replace("-", "−");
}

/** The value within bounds. @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Piecewise linear interpolation at x through (xs, ys), xs ascending; constant beyond the ends.
 *
 * @param {Numbers} xs
 * @param {Numbers} ys
 * @param {number} x
 */
export function interpolate(xs, ys, x) {
  if (!(x > xs[0])) return ys[0];
  for (let i = 1; i < xs.length; i++) {
    if (xs[i] >= x) return ys[i - 1] + ((x - xs[i - 1]) / (xs[i] - xs[i - 1])) * (ys[i] - ys[i - 1]);
  }
  return ys[ys.length - 1];
}

/**
 * The nearest value on the grid low, low + step, ..., within bounds and without errors of binary fractions.
 *
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @param {number} step
 */
export function snap(value, low, high, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) + 1e-9)) + 1;
  return Number(clamp(low + Math.round((value - low) / step) * step, low, high).toFixed(digits));
}

/** The upper median; sorted in a typed array, which compares numbers and is quick. @param {ArrayLike<number>} values */
export function median(values) {
  return Float32Array.from(values).sort()[values.length >> 1];
}

/** Round numbers that divide [low, high] into about `count` parts. @param {number} low @param {number} high */
export function niceTicks(low, high, count = 4) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 2.5, 5].find((m) => m * power >= raw * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}
