// Lines of equal density of points on the screen, as line segments.

const CELLS = 56;
const LEVELS = [0.12, 0.3, 0.55, 0.8];

/** Segments [x0, y0, x1, y1] around the densest places: levels are shares of the largest density. */
export function contours(x, y, hidden, width, height) {
  const size = Math.max(width, height) / CELLS;
  const [columns, rows] = [Math.ceil(width / size) + 3, Math.ceil(height / size) + 3];
  let grid = new Float32Array(columns * rows);
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [Math.round(x[i] / size) + 1, Math.round(y[i] / size) + 1];
    if (a >= 0 && b >= 0 && a < columns && b < rows && !(hidden && hidden[i])) grid[b * columns + a] += 1;
  }
  for (let pass = 0; pass < 3; pass++) grid = smoothed(grid, columns, rows);
  const most = grid.reduce((a, b) => Math.max(a, b), 0);
  if (!most) return [];
  const found = [];
  for (const share of LEVELS) march(grid, columns, rows, share * most, (a, b, c, d) => found.push([(a - 1) * size, (b - 1) * size, (c - 1) * size, (d - 1) * size]));
  return found;
}

/** Each cell averaged with its neighbours, weights 1 2 1 along both axes. */
export function smoothed(grid, columns, rows) {
  const along = (from, step, count, size) => {
    const out = new Float32Array(from.length);
    for (let i = 0; i < from.length; i++) {
      const at = Math.floor(i / step) % count;
      const before = at > 0 ? from[i - step] : 0;
      const after = at < count - 1 ? from[i + step] : 0;
      out[i] = (before + 2 * from[i] + after) / size;
    }
    return out;
  };
  return along(along(grid, 1, columns, 4), columns, rows, 4);
}

/** Marching squares (Lorensen & Cline 1987 in two dimensions): `line(x0, y0, x1, y1)` for each piece in units of cells. */
export function march(grid, columns, rows, level, line) {
  for (let b = 0; b + 1 < rows; b++) {
    for (let a = 0; a + 1 < columns; a++) {
      const [p, q, r, s] = [grid[b * columns + a], grid[b * columns + a + 1], grid[(b + 1) * columns + a + 1], grid[(b + 1) * columns + a]];
      const cuts = [];
      const cut = (v, w, x0, y0, x1, y1) => {
        if (v >= level === w >= level) return;
        const t = (level - v) / (w - v);
        cuts.push([x0 + t * (x1 - x0), y0 + t * (y1 - y0)]);
      };
      cut(p, q, a, b, a + 1, b);
      cut(q, r, a + 1, b, a + 1, b + 1);
      cut(r, s, a + 1, b + 1, a, b + 1);
      cut(s, p, a, b + 1, a, b);
      for (let i = 0; i + 1 < cuts.length; i += 2) line(...cuts[i], ...cuts[i + 1]);
    }
  }
}
