// Marks of points, and how many of them are stamped into a picture at once. The browser's own 2-d canvas needs ten times
// as long for 60,000 of them, and WebGL without a graphics card twice as long.

/** How a point is shown: as it is, faintly because it is not selected, or not at all because its class is switched off. */
export const SHOWN = 0, GREY = 1, HIDDEN = 2;

const round = (sides, phase = 0) => Array.from({ length: sides }, (_, i) => {
  const angle = (2 * Math.PI * i) / sides + phase;
  return [Math.sin(angle), -Math.cos(angle)];
});
const star = (points, inner) => round(2 * points).map(([x, y], i) => (i % 2 ? [x * inner, y * inner] : [x, y]));
const cross = (w) => [[-w, -1], [w, -1], [w, -w], [1, -w], [1, w], [w, w], [w, 1], [-w, 1], [-w, w], [-1, w], [-1, -w], [-w, -w]];
const turned = (polygon, angle) => polygon.map(([x, y]) => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)]);

/** Outlines of the marks, all of the area of a circle of radius 1, so that no class weighs more than another. */
export const SHAPES = [
  round(32), round(4, Math.PI / 4), round(4), round(3), cross(0.36), star(5, 0.45), turned(cross(0.36), Math.PI / 4),
  round(3, Math.PI), round(6), [[-1.2, -0.62], [1.2, -0.62], [1.2, 0.62], [-1.2, 0.62]],
].map((polygon) => {
  const scale = Math.sqrt(Math.PI / Math.abs(areaOf(polygon)));
  return polygon.map(([x, y]) => [x * scale, y * scale]);
});

function areaOf(polygon) {
  return polygon.reduce((sum, [x, y], i) => {
    const [a, b] = polygon[(i + 1) % polygon.length];
    return sum + (x * b - a * y) / 2;
  }, 0);
}

/** The outline of a mark as an SVG path around (x, y). */
export function outline(shape, x, y, radius) {
  const digits = (value) => Number(value.toFixed(2));
  return `M${SHAPES[shape % SHAPES.length].map(([a, b]) => `${digits(x + a * radius)} ${digits(y + b * radius)}`).join("L")}Z`;
}

export const PAD = 40; // pixels around a sheet, so that marks at its edge need no clipping
const PHASES = 2; // a mark may begin at half a pixel: without that, slow zooming looks like trembling
const SAMPLES = 4;

/** Where and how much a mark covers: for each phase, offsets into a sheet of this stride and weights 0..256. */
export function maskOf(shape, radius, stride, opacity) {
  const polygon = SHAPES[shape % SHAPES.length];
  const reach = Math.min(Math.ceil(radius * 1.7) + 1, PAD - 2);
  const masks = [];
  for (let phase = 0; phase < PHASES * PHASES; phase++) {
    const [cx, cy] = [((phase % PHASES) + 0.5) / PHASES, (Math.floor(phase / PHASES) + 0.5) / PHASES];
    const [offsets, weights] = [[], []];
    for (let row = -reach; row <= reach; row++) {
      for (let column = -reach; column <= reach; column++) {
        let inside = 0;
        for (let s = 0; s < SAMPLES * SAMPLES; s++) {
          const px = (column + ((s % SAMPLES) + 0.5) / SAMPLES - cx) / radius;
          const py = (row + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES - cy) / radius;
          inside += contains(polygon, px, py);
        }
        const weight = Math.round((256 * opacity * inside) / SAMPLES ** 2);
        if (weight > 3) {
          offsets.push(row * stride + column);
          weights.push(weight);
        }
      }
    }
    masks.push({ offsets: Int32Array.from(offsets), weights: Int32Array.from(weights) });
  }
  return masks;
}

function contains(polygon, px, py) {
  let inside = 0;
  for (let a = 0, b = polygon.length - 1; a < polygon.length; b = a++) {
    const [[ax, ay], [bx, by]] = [polygon[a], polygon[b]];
    if (ay > py !== by > py && px < ((bx - ax) * (py - ay)) / (by - ay) + ax) inside ^= 1;
  }
  return inside;
}

/** A sheet of opaque pixels with a margin of `PAD`; `picture` is what goes to the canvas. */
export function sheetOf(picture) {
  return { picture, pixels: new Uint32Array(picture.data.buffer), stride: picture.width, width: picture.width - 2 * PAD, height: picture.height - 2 * PAD };
}

/**
 * Stamp points onto a sheet.
 *
 * look: x, y in CSS pixels; `ratio` of pixels to those; `rows` the order to draw in, of which the first `count`; `words`
 * the colour of each, or one `word` for all; `shapes` of each, which choose among `masks`; `states` and `state`: only
 * points in this state are drawn.
 */
export function stamp({ pixels, stride, width, height }, { x, y, ratio, rows, count, words, word, shapes, masks, states, state }) {
  for (let k = 0; k < count; k++) {
    const i = rows[k];
    if (states[i] !== state) continue;
    const sx = x[i] * ratio;
    const sy = y[i] * ratio;
    if (!(sx > -PAD / 2 && sy > -PAD / 2 && sx < width + PAD / 2 && sy < height + PAD / 2)) continue;
    const [left, top] = [Math.floor(sx), Math.floor(sy)];
    const phase = (sx - left >= 0.5 ? 1 : 0) + (sy - top >= 0.5 ? PHASES : 0);
    const { offsets, weights } = masks[shapes ? shapes[i] : 0][phase];
    const base = (top + PAD) * stride + left + PAD;
    const colour = word ?? words[i];
    const [redBlue, green] = [colour & 0xff00ff, colour & 0xff00];
    for (let m = 0; m < offsets.length; m++) {
      const at = base + offsets[m];
      const below = pixels[at];
      const over = weights[m];
      const under = 256 - over;
      pixels[at] =
        0xff000000 |
        ((((below & 0xff00ff) * under + redBlue * over) >>> 8) & 0xff00ff) |
        ((((below & 0xff00) * under + green * over) >>> 8) & 0xff00);
    }
  }
}

/** An order in which no class lies on top of another: every place once, as if shuffled, the same each time. */
export function shuffled(n) {
  const rows = Uint32Array.from({ length: n }, (_, i) => i);
  let seed = 12345;
  for (let i = n - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const j = seed % (i + 1);
    [rows[i], rows[j]] = [rows[j], rows[i]];
  }
  return rows;
}

const BUCKETS = 512;

/** The first `count` places of `order` by depth, the farthest first, into `rows`. */
export function byDepth(depth, order, count, rows) {
  const starts = new Uint32Array(BUCKETS + 1);
  const bucket = (z) => Math.min(Math.max(Math.floor((z + 1) * (BUCKETS / 2)), 0), BUCKETS - 1);
  for (let k = 0; k < count; k++) starts[bucket(depth[order[k]]) + 1]++;
  for (let b = 1; b <= BUCKETS; b++) starts[b] += starts[b - 1];
  for (let k = 0; k < count; k++) rows[starts[bucket(depth[order[k]])]++] = order[k];
  return rows;
}

/** #rrggbb or rgb(r, g, b) as one little-endian word of an opaque pixel. */
export function word(colour) {
  const [r, g, b] = colour.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
    : (colour.match(/[\d.]+/g) ?? [128, 128, 128]).slice(0, 3).map(Number);
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}

/** A word as #rrggbb. */
export function hex(value) {
  return `#${[0, 8, 16].map((shift) => ((value >>> shift) & 255).toString(16).padStart(2, "0")).join("")}`;
}

// Viridis (Smith, van der Walt & Firing, matplotlib 2015), its palest end left out: it would vanish on paper.
const RAMP = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b"];

/** 256 words from one end of the ramp to the other; on a dark page it begins a step later. */
export function ramp(dark) {
  const stops = RAMP.slice(dark ? 1 : 0).map(word);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const [a, b, t] = [stops[Math.floor(at)], stops[Math.min(Math.floor(at) + 1, stops.length - 1)], at % 1];
    const mixed = [0, 8, 16].map((shift) => Math.round(((a >>> shift) & 255) * (1 - t) + ((b >>> shift) & 255) * t) << shift);
    return (0xff000000 | mixed[0] | mixed[1] | mixed[2]) >>> 0;
  });
}
