// Pure geometry of maps: how points come to the screen in two and three dimensions, and which of them a pointer, a lasso
// or an arrow key means. Screen positions are arrays x and y in CSS pixels with one entry per point.

const MARGIN = 0.06;
const EYE = 4; // distance of the eye from the middle of a cloud, in radii: far enough that nothing looks bent

/** Bounds {low, high} of points [a0, b0, (c0), a1, ...] with `components` values each. */
export function boundsOf(points, components) {
  const low = new Array(components).fill(Infinity);
  const high = new Array(components).fill(-Infinity);
  for (let i = 0; i < points.length; i++) {
    const axis = i % components;
    if (points[i] < low[axis]) low[axis] = points[i];
    if (points[i] > high[axis]) high[axis] = points[i];
  }
  return points.length ? { low, high } : { low: low.fill(-1), high: high.fill(1) };
}

/** A flat map: a unit is as long across as it is up, and can be moved and magnified. */
export class Plane {
  components = 2;

  constructor(bounds, width, height) {
    this.bounds = bounds;
    [this.width, this.height] = [width, height];
    this.reset();
  }

  /** Show everything. */
  reset() {
    const { low, high } = this.bounds;
    this.centre = [0, 1].map((axis) => (low[axis] + high[axis]) / 2);
    this.scale = this.fitting;
  }

  /** Pixels per unit at which everything is seen. */
  get fitting() {
    const { low, high } = this.bounds;
    const spans = [0, 1].map((axis) => Math.max(high[axis] - low[axis], 1e-9) * (1 + 2 * MARGIN));
    return Math.max(Math.min(this.width / spans[0], this.height / spans[1]), 1e-9);
  }

  get magnification() {
    return this.scale / this.fitting;
  }

  resize(width, height) {
    const magnified = this.magnification;
    [this.width, this.height] = [width, height];
    this.scale = this.fitting * magnified;
  }

  /** Fill x and y with where points lie on the screen. */
  project(points, x, y) {
    const { scale } = this;
    const left = this.width / 2 - this.centre[0] * scale;
    const top = this.height / 2 + this.centre[1] * scale;
    for (let i = 0; i < x.length; i++) {
      x[i] = left + points[2 * i] * scale;
      y[i] = top - points[2 * i + 1] * scale;
    }
  }

  toValue(px, py) {
    return [this.centre[0] + (px - this.width / 2) / this.scale, this.centre[1] - (py - this.height / 2) / this.scale];
  }

  drag(dx, dy) {
    this.shift(dx, dy);
  }

  shift(dx, dy) {
    this.centre = [this.centre[0] - dx / this.scale, this.centre[1] + dy / this.scale];
  }

  /** Magnify about a place of the screen, from everything to 200 times that. */
  zoom(factor, px, py) {
    const before = this.toValue(px, py);
    const fit = this.fitting;
    this.scale = Math.min(Math.max(this.scale * factor, fit), 200 * fit);
    const after = this.toValue(px, py);
    this.centre = this.centre.map((value, axis) => value + before[axis] - after[axis]);
    if (this.scale === fit) this.reset();
  }
}

/** A cloud in space: turned by dragging, seen from a little way off. */
export class Space {
  components = 3;

  constructor(bounds, width, height) {
    this.middle = bounds.low.map((low, axis) => (low + bounds.high[axis]) / 2);
    this.radius = Math.max(Math.hypot(...bounds.low.map((low, axis) => bounds.high[axis] - low)) / 2, 1e-9);
    this.bounds = bounds;
    [this.width, this.height] = [width, height];
    this.reset();
  }

  reset() {
    [this.yaw, this.pitch, this.magnification] = [0.6, 0.35, 1];
    this.offset = [0, 0];
  }

  resize(width, height) {
    [this.width, this.height] = [width, height];
  }

  /** Rows of the rotation: right, up, towards the eye. */
  get rotation() {
    const [a, b] = [this.yaw, this.pitch];
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    return [[ca, sa, 0], [-sa * sb, ca * sb, cb], [sa * cb, -ca * cb, sb]];
  }

  get unit() {
    return 0.62 * Math.min(this.width, this.height) * this.magnification;
  }

  /** Fill x, y and depth (1 nearest to the eye, -1 farthest). */
  project(points, x, y, depth) {
    const [right, up, near] = this.rotation;
    const [mx, my, mz] = this.middle;
    const unit = this.unit;
    const [left, top] = [this.width / 2 + this.offset[0], this.height / 2 + this.offset[1]];
    for (let i = 0; i < x.length; i++) {
      const a = (points[3 * i] - mx) / this.radius;
      const b = (points[3 * i + 1] - my) / this.radius;
      const c = (points[3 * i + 2] - mz) / this.radius;
      const z = near[0] * a + near[1] * b + near[2] * c;
      const scale = unit / (1 - z / EYE);
      x[i] = left + (right[0] * a + right[1] * b + right[2] * c) * scale;
      y[i] = top - (up[0] * a + up[1] * b + up[2] * c) * scale;
      if (depth) depth[i] = z;
    }
  }

  /** The point behind a place of the screen at a depth. */
  toValue(px, py, depth = 0) {
    const scale = this.unit / (1 - depth / EYE);
    const seen = [(px - this.width / 2 - this.offset[0]) / scale, (this.height / 2 + this.offset[1] - py) / scale, depth];
    const rows = this.rotation;
    return this.middle.map((m, axis) => m + this.radius * seen.reduce((sum, value, row) => sum + value * rows[row][axis], 0));
  }

  drag(dx, dy) {
    this.yaw += dx * 0.008;
    this.pitch = Math.min(Math.max(this.pitch + dy * 0.008, -1.55), 1.55);
  }

  shift(dx, dy) {
    this.offset = [this.offset[0] + dx, this.offset[1] + dy];
  }

  zoom(factor, px, py) {
    const before = this.magnification;
    this.magnification = Math.min(Math.max(before * factor, 1), 60);
    const ratio = this.magnification / before;
    const from = [px - this.width / 2, py - this.height / 2];
    this.offset = this.offset.map((value, axis) => from[axis] + (value - from[axis]) * ratio);
    if (this.magnification === 1) this.offset = [0, 0];
  }

  /** The twelve edges of the box around the cloud as a list of pairs of corners. */
  edges() {
    const { low, high } = this.bounds;
    const corner = (bits) => low.map((value, axis) => ((bits >> axis) & 1 ? high[axis] : value));
    const pairs = [];
    for (let bits = 0; bits < 8; bits++) {
      for (let axis = 0; axis < 3; axis++) if (!((bits >> axis) & 1)) pairs.push([corner(bits), corner(bits | (1 << axis))]);
    }
    return pairs;
  }
}

/** Place of the point nearest to (px, py) on the screen within `radius` that is not hidden, or -1. */
export function nearestTo(x, y, px, py, radius, hidden = null) {
  let best = -1;
  let least = radius * radius;
  for (let i = 0; i < x.length; i++) {
    const dx = x[i] - px;
    if (dx > radius || dx < -radius || (hidden && hidden[i])) continue;
    const away = dx * dx + (y[i] - py) ** 2;
    if (away <= least) [best, least] = [i, away];
  }
  return best;
}

/** Places of the `count` points nearest to (px, py) for which `wanted(place)` holds, the nearest first. */
export function nearestFew(x, y, px, py, count, wanted) {
  const found = [];
  let worst = Infinity;
  for (let i = 0; i < x.length; i++) {
    const away = (x[i] - px) ** 2 + (y[i] - py) ** 2;
    if (away >= worst || !wanted(i)) continue;
    let at = found.length;
    while (at > 0 && found[at - 1][0] > away) at--;
    found.splice(at, 0, [away, i]);
    if (found.length > count) found.pop();
    if (found.length === count) worst = found[count - 1][0];
  }
  return found.map(([, i]) => i);
}

/**
 * Place of the point that an arrow key means: the nearest one within 45 degrees of the direction [dx, dy] (y down), and
 * where there is none the one that lies most in that direction; -1 where nothing does.
 */
export function nearestTowards(x, y, from, [dx, dy], hidden = null) {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < x.length; i++) {
    if (i === from || (hidden && hidden[i])) continue;
    const [a, b] = [x[i] - x[from], y[i] - y[from]];
    const along = a * dx + b * dy;
    if (along <= 1e-6) continue;
    const aside = Math.abs(a * dy - b * dx);
    const cost = Math.hypot(along, aside) * (aside <= along ? 1 : 8 * (aside / along));
    if (cost < least) [best, least] = [i, cost];
  }
  return best;
}

/** Places of the points inside a polygon [[x, y], ...] by the even-odd rule. */
export function insidePolygon(x, y, polygon, hidden = null) {
  if (polygon.length < 3) return [];
  const xs = polygon.map((p) => p[0]);
  const ys = polygon.map((p) => p[1]);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const found = [];
  for (let i = 0; i < x.length; i++) {
    const [px, py] = [x[i], y[i]];
    if (px < left || px > right || py < top || py > bottom || (hidden && hidden[i])) continue;
    let inside = false;
    for (let a = 0, b = xs.length - 1; a < xs.length; b = a++) {
      if (ys[a] > py !== ys[b] > py && px < ((xs[b] - xs[a]) * (py - ys[a])) / (ys[b] - ys[a]) + xs[a]) inside = !inside;
    }
    if (inside) found.push(i);
  }
  return found;
}

/** A rectangle between two corners as a polygon. */
export function rectangle([x0, y0], [x1, y1]) {
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/**
 * Places of points that may carry a picture without covering each other: at most one in each cell of a grid, and at most
 * `limit`. Cells are fixed to the map and double in size as it shrinks, so that panning does not change the choice.
 */
export function spread(view, x, y, { cell = 46, limit = 150, hidden = null } = {}) {
  const flat = view.components === 2;
  for (let size = flat ? 2 ** Math.ceil(Math.log2(cell / view.scale)) * view.scale : cell; ; size *= 2) {
    const [left, top] = flat ? [view.width / 2 - view.centre[0] * view.scale, view.height / 2 + view.centre[1] * view.scale] : [0, 0];
    const cells = new Map();
    for (let i = 0; i < x.length; i++) {
      if (x[i] < 0 || y[i] < 0 || x[i] > view.width || y[i] > view.height || (hidden && hidden[i])) continue;
      const key = `${Math.floor((x[i] - left) / size)},${Math.floor((y[i] - top) / size)}`;
      if (!cells.has(key)) cells.set(key, i);
    }
    if (cells.size <= limit) return { places: [...cells.values()], size };
  }
}

/** How far a movement of 0..1 has come, slow at both ends. */
export function eased(t) {
  return t <= 0 ? 0 : t >= 1 ? 1 : t * t * (3 - 2 * t);
}
