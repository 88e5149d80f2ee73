// Pure geometry: planes and their pixels, slider values, and strokes that become a sample like those of the dataset.

/** Bounds of points [x0, y0, x1, y1, ...] as a square around them with a margin, the loneliest `cut` of each side left out. */
export function squareBounds(points, cut = 0.002, margin = 0.06) {
  if (points.length < 2) return { low: [-1, -1], high: [1, 1] };
  const sides = [0, 1].map((axis) => {
    const values = Float64Array.from({ length: points.length / 2 }, (_, i) => points[2 * i + axis]).sort();
    const out = Math.floor(cut * values.length);
    return [values[out], values[values.length - 1 - out]];
  });
  const half = (Math.max(...sides.map(([low, high]) => high - low), 1e-6) / 2) * (1 + 2 * margin);
  const middle = sides.map(([low, high]) => (low + high) / 2);
  return { low: middle.map((m) => m - half), high: middle.map((m) => m + half) };
}

/** Bounds widened on one side so that a unit is as long across as it is up on a width x height canvas. */
export function fitBounds({ low, high }, width, height) {
  const spans = [high[0] - low[0], high[1] - low[1]];
  const unit = Math.max(spans[0] / width, spans[1] / height);
  const grow = [(unit * width - spans[0]) / 2, (unit * height - spans[1]) / 2];
  return { low: [low[0] - grow[0], low[1] - grow[1]], high: [high[0] + grow[0], high[1] + grow[1]] };
}

/** Ways between a plane and a width x height canvas whose y axis points down. */
export function planeScale({ low, high }, width, height) {
  const unit = [(high[0] - low[0]) / width, (high[1] - low[1]) / height];
  return {
    toPixel: (x, y) => [(x - low[0]) / unit[0], (high[1] - y) / unit[1]],
    toValue: (px, py) => [low[0] + px * unit[0], high[1] - py * unit[1]],
    perPixel: unit,
  };
}

/** A value within bounds. */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** The value at x of straight lines through (xs, ys), xs ascending; beyond an end that of the end. */
export function interpolated(xs, ys, x) {
  if (!(x > xs[0])) return ys[0];
  const i = Array.prototype.findIndex.call(xs, (v) => v >= x);
  if (i < 0) return ys[ys.length - 1];
  return ys[i - 1] + ((x - xs[i - 1]) / (xs[i] - xs[i - 1])) * (ys[i] - ys[i - 1]);
}

/** A slider's value on its grid of steps, within bounds and without the dust of binary fractions. */
export function snap(value, low, high, step) {
  const digits = Math.max(0, Math.ceil(-Math.log10(step) + 1e-9)) + 1;
  return Number(clamp(low + Math.round((value - low) / step) * step, low, high).toFixed(digits));
}

/** Where points of each class lie: Map of label to its median [x, y]; labels of 255 are none. */
export function classCentres(points, labels) {
  const groups = new Map();
  labels.forEach((label, i) => {
    if (label === 255) return;
    if (!groups.has(label)) groups.set(label, [[], []]);
    groups.get(label)[0].push(points[2 * i]);
    groups.get(label)[1].push(points[2 * i + 1]);
  });
  const median = (values) => Float32Array.from(values).sort()[values.length >> 1]; // sorted as numbers, and quickly
  return new Map([...groups].sort((a, b) => a[0] - b[0]).map(([label, axes]) => [label, axes.map(median)]));
}

/** A text that is at most `room` wide, cut and ended by an ellipsis where it would be wider; `wide` measures a text. */
export function fitText(text, room, wide) {
  if (wide(text) <= room) return text;
  let end = text.length - 1;
  while (end > 1 && wide(`${text.slice(0, end).trimEnd()}…`) > room) end--;
  return `${text.slice(0, end).trimEnd()}…`;
}

/**
 * Where names [{whole, x, y}, ...] stand, centred, on a width x height canvas: [{whole, text, cut, x, y, width, size}, ...].
 *
 * No name is wider than `share` of the canvas; none reaches beyond its edges; names that would cover each other move
 * apart, down or up.
 */
export function namePlaces(names, width, height, size, wide, share = 0.45, margin = 4) {
  const placed = [];
  for (const { whole, x, y } of names) {
    const text = fitText(whole, share * width, wide);
    const long = wide(text);
    const room = [margin + long / 2, margin + size / 2];
    const name = { whole, text, cut: text !== whole, width: long, size, x: clamp(x, room[0], width - room[0]), y: clamp(y, room[1], height - room[1]) };
    const beside = placed.filter((other) => Math.abs(other.x - name.x) < (other.width + long) / 2);
    const steps = Array.from({ length: 17 }, (_, i) => clamp(name.y + (i % 2 ? 1 : -1) * Math.ceil(i / 2) * size * 0.5, room[1], height - room[1]));
    name.y = steps.find((at) => beside.every((other) => Math.abs(other.y - at) >= size)) ?? name.y;
    placed.push(name);
  }
  return placed;
}

/** Place of the point nearest to (x, y) within `radius`, or -1. */
export function hit(points, x, y, radius) {
  let best = -1;
  let least = radius * radius;
  for (let i = 0; 2 * i < points.length; i++) {
    const distance = (points[2 * i] - x) ** 2 + (points[2 * i + 1] - y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  }
  return best;
}

/**
 * Strokes [[[x, y], ...], ...] in any unit as a height x width picture of bytes, or null where there are none.
 *
 * The drawing is scaled, in proportion, so that its longer side with the pen's width fills `box` of the picture, then
 * moved so that its centre lies in the middle: the centre of mass as in MNIST (LeCun, Cortes & Burges: 20 x 20 pixels of
 * 28, centred by mass), or the centre of its box. `pen` is the stroke's width in pixels of the picture.
 */
export function rasterise(strokes, height, width, { box = 20 / 28, centre = "mass", pen = 2.4 } = {}) {
  const points = strokes.flat();
  if (!points.length) return null;
  const low = [0, 1].map((axis) => Math.min(...points.map((p) => p[axis])));
  const high = [0, 1].map((axis) => Math.max(...points.map((p) => p[axis])));
  const room = [box * width - pen, box * height - pen];
  // a dot has no size: it keeps the pen's
  const scale = Math.min(...[0, 1].map((axis) => room[axis] / Math.max(high[axis] - low[axis], 1e-9)));
  const fits = Number.isFinite(scale) && scale < 1e6 ? scale : 0;
  const shift = [0, 1].map((axis) => [width, height][axis] / 2 - (fits * (low[axis] + high[axis])) / 2);
  const placed = (by) => strokes.map((s) => s.map((p) => [fits * p[0] + shift[0] + by[0], fits * p[1] + shift[1] + by[1]]));
  let picture = paint(placed([0, 0]), height, width, pen / 2);
  if (centre === "mass") {
    const mass = centreOfMass(picture, height, width);
    if (mass) picture = paint(placed([width / 2 - mass[0], height / 2 - mass[1]]), height, width, pen / 2);
  }
  return picture;
}

/** Centre of mass [x, y] of a picture in pixels from its top left corner, or null for a black one. */
export function centreOfMass(picture, height, width) {
  let [total, x, y] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const weight = picture[row * width + column];
      total += weight;
      x += weight * (column + 0.5);
      y += weight * (row + 0.5);
    }
  }
  return total ? [x / total, y / total] : null;
}

/** Round strokes with soft edges: a pixel's ink falls from full to none within a pixel of the pen's rim. */
function paint(strokes, height, width, radius) {
  const picture = new Uint8Array(height * width);
  const reach = radius + 0.5;
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      const a = stroke[Math.max(i - 1, 0)];
      const b = stroke[i];
      const columns = [Math.min(a[0], b[0]) - reach, Math.max(a[0], b[0]) + reach];
      const rows = [Math.min(a[1], b[1]) - reach, Math.max(a[1], b[1]) + reach];
      for (let row = Math.max(0, Math.floor(rows[0])); row < Math.min(height, rows[1]); row++) {
        for (let column = Math.max(0, Math.floor(columns[0])); column < Math.min(width, columns[1]); column++) {
          const away = segmentDistance(column + 0.5, row + 0.5, a, b);
          const ink = Math.round(255 * clamp(reach - away, 0, 1));
          if (ink > picture[row * width + column]) picture[row * width + column] = ink;
        }
      }
    }
  }
  return picture;
}

function segmentDistance(x, y, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = dx * dx + dy * dy;
  const t = length ? clamp(((x - a[0]) * dx + (y - a[1]) * dy) / length, 0, 1) : 0;
  return Math.hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}
