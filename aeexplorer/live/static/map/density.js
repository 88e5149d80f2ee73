// Lines of equal density of points on the screen, as line segments.

/** @import { Numbers, Size } from "../shared/types.d.ts" */

const CELLS = 56; // along the longer side
const LEVELS = [0.12, 0.3, 0.55, 0.8]; // shares of the largest density
const SMOOTHED = 3; // times

/**
 * Segments [x0, y0, x1, y1] around the densest places; points whose entry in `hidden` is not 0 do not count.
 *
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {Numbers | null} hidden
 * @param {Size} size
 */
export function contours(x, y, hidden, { width, height }) {
  const cell = Math.max(width, height) / CELLS;
  const [columns, rows] = [Math.ceil(width / cell) + 3, Math.ceil(height / cell) + 3];
  let grid = new Float32Array(columns * rows);
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [Math.round(x[i] / cell) + 1, Math.round(y[i] / cell) + 1];
    if (a >= 0 && b >= 0 && a < columns && b < rows && !hidden?.[i]) grid[b * columns + a] += 1;
  }
  for (let pass = 0; pass < SMOOTHED; pass++) grid = smoothed(grid, columns, rows);
  const most = grid.reduce((a, b) => Math.max(a, b), 0);
  if (!most) return [];
  const segments = LEVELS.flatMap((share) => isolines(grid, columns, rows, share * most));
  return segments.map((segment) => segment.map((place) => (place - 1) * cell));
}

/**
 * Each cell averaged with its neighbours, weights 1 2 1 along both axes.
 *
 * @param {Float32Array} grid
 * @param {number} columns
 * @param {number} rows
 */
export function smoothed(grid, columns, rows) {
  const along = (/** @type {Float32Array} */ from, /** @type {number} */ step, /** @type {number} */ count) => {
    const out = new Float32Array(from.length);
    for (let i = 0; i < from.length; i++) {
      const at = Math.floor(i / step) % count;
      const before = at > 0 ? from[i - step] : 0;
      const after = at < count - 1 ? from[i + step] : 0;
      out[i] = (before + 2 * from[i] + after) / 4;
    }
    return out;
  };
  return along(along(grid, 1, columns), columns, rows);
}

/**
 * Marching squares (Lorensen & Cline 1987, in two dimensions): segments [x0, y0, x1, y1] in units of cells.
 *
 * @param {Numbers} grid
 * @param {number} columns
 * @param {number} rows
 * @param {number} level
 */
export function isolines(grid, columns, rows, level) {
  /** @type {number[][]} */
  const segments = [];
  for (let b = 0; b + 1 < rows; b++) {
    for (let a = 0; a + 1 < columns; a++) {
      const at = b * columns + a;
      const values = [grid[at], grid[at + 1], grid[at + columns + 1], grid[at + columns]];
      if (Math.min(...values) >= level || Math.max(...values) < level) continue;
      const corners = [[a, b], [a + 1, b], [a + 1, b + 1], [a, b + 1]];
      const cuts = corners.flatMap(([x0, y0], i) => {
        const next = (i + 1) % 4;
        if (values[i] >= level === values[next] >= level) return [];
        const t = (level - values[i]) / (values[next] - values[i]);
        return [[x0 + t * (corners[next][0] - x0), y0 + t * (corners[next][1] - y0)]];
      });
      for (let i = 0; i + 1 < cuts.length; i += 2) segments.push([...cuts[i], ...cuts[i + 1]]);
    }
  }
  return segments;
}
