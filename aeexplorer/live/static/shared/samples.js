// Samples on canvases, in the colours of the page.

/** The page's colours as the browser resolves them at an element. */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const read = (name, otherwise) => style.getPropertyValue(`--st-${name}`).trim() || otherwise;
  const ground = read("background-color", "#fcfbf8");
  return {
    dark: luminance(ground) < 0.4,
    ground,
    panel: read("secondary-background-color", "#ffffff"),
    ink: read("text-color", "#1c2430"),
    quiet: read("gray-text-color", "#626b78"),
    hairline: read("border-color", "#e6e2d9"),
    accent: read("primary-color", "#1c5d99"),
    font: read("font", "sans-serif"),
  };
}

/** Brightness 0..1 of #rrggbb or rgb(r, g, b). */
export function luminance(colour) {
  const parts = colour.startsWith("#")
    ? [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16))
    : (colour.match(/[\d.]+/g) ?? [255, 255, 255]).slice(0, 3).map(Number);
  return (0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]) / 255;
}

/** A canvas for a sample, with its name for those who cannot see it. */
export function tileCanvas(name) {
  const canvas = document.createElement("canvas");
  canvas.className = "live-tile";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", name);
  return canvas;
}

/**
 * Draw sample `i` of an array (n, ...) into a canvas.
 *
 * `look`: kind of the samples, theme, `signed` for differences, and `span` [low, high] of values that are no picture.
 */
export function drawSample(canvas, array, i, look) {
  if (array.dtype === "uint8" && array.shape.length >= 3) drawPicture(canvas, array, i, look);
  else drawSeries(canvas, array, i, look);
}

const sheets = new WeakMap();

function drawPicture(canvas, { shape, data }, i, { theme, signed }) {
  const [, height, width] = shape;
  const channels = shape[3] ?? 1;
  const context = sized(canvas, width, height);
  let sheet = sheets.get(canvas);
  if (sheet?.picture.width !== width || sheet?.picture.height !== height) {
    const picture = context.createImageData(width, height);
    sheet = { picture, words: new Uint32Array(picture.data.buffer) };
    sheets.set(canvas, sheet);
  }
  const { picture, words } = sheet;
  const from = i * height * width * channels;
  const table = channels === 1 ? shades(theme.dark, signed) : null;
  for (let p = 0; p < words.length; p++) {
    const at = from + p * channels;
    if (table) words[p] = table[data[at]];
    else if (signed) words[p] = shades(theme.dark, true)[Math.round((data[at] + data[at + 1] + data[at + 2]) / 3)];
    else words[p] = word(data[at], data[at + 1], data[at + 2]);
  }
  context.putImageData(picture, 0, 0);
}

/** Red, green and blue as one little-endian word of opaque pixels. */
function word(red, green, blue) {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

const tables = new Map();

/** The colour of each of 256 bytes: ink on paper, light on a dark page; differences as blue and red around 128. */
function shades(dark, signed) {
  const key = `${dark}${Boolean(signed)}`;
  if (!tables.has(key)) {
    const shade = (v) => (signed ? diverging(v, dark) : dark ? [v, v, v] : [255 - v, 255 - v, 255 - v]);
    tables.set(key, Uint32Array.from({ length: 256 }, (_, v) => word(...shade(v))));
  }
  return tables.get(key);
}

/** 128 is none; blue where there is too little, red where there is too much. */
function diverging(value, dark) {
  const t = Math.max(-1, Math.min(1, (value - 128) / 127));
  const paper = dark ? [28, 34, 43] : [255, 255, 255];
  const full = t < 0 ? (dark ? [90, 160, 255] : [0, 92, 190]) : dark ? [255, 120, 90] : [200, 30, 20];
  return paper.map((p, c) => Math.round(p + Math.sqrt(Math.abs(t)) * (full[c] - p)));
}

function drawSeries(canvas, { shape, data }, i, { kind, theme, span }) {
  const length = shape[1];
  const channels = shape[2] ?? 1;
  const ratio = globalThis.devicePixelRatio || 1;
  const width = Math.round((canvas.clientWidth || 96) * ratio);
  const height = Math.round(width * 0.6);
  const context = sized(canvas, width, height);
  context.clearRect(0, 0, width, height);
  const [low, high] = span;
  const up = (value) => height * (0.94 - 0.88 * ((value - low) / (high - low || 1)));
  const at = (step) => data[(i * length + step) * channels];
  context.strokeStyle = context.fillStyle = theme.accent;
  if (kind === "sequence") {
    context.lineWidth = 1.6 * ratio;
    context.beginPath();
    for (let step = 0; step < length; step++) context.lineTo((step / (length - 1)) * width, up(at(step)));
    context.stroke();
  } else if (length === 2) {
    context.beginPath();
    context.arc(width * (0.04 + (0.92 * (at(0) - low)) / (high - low || 1)), up(at(1)), 4 * ratio, 0, 7);
    context.fill();
  } else {
    const zero = up(Math.min(Math.max(0, low), high));
    const wide = width / length;
    for (let step = 0; step < length; step++) {
      const y = up(at(step));
      context.fillRect(step * wide + wide * 0.1, Math.min(y, zero), wide * 0.8, Math.max(Math.abs(y - zero), 1));
    }
  }
}

/** The context of a canvas that has exactly this many pixels. */
function sized(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
    canvas.style.aspectRatio = `${width} / ${height}`;
  }
  return canvas.getContext("2d");
}

/** Whether two arrays of a frame hold the same. */
export function same(a, b) {
  if (!a || a.data.length !== b.data.length) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
}

/** A span [low, high] that covers an array; grows and never shrinks, so that a live picture does not jump. */
export function growSpan(span, array) {
  let [low, high] = span ?? [Infinity, -Infinity];
  for (const value of array.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** The context of a canvas that fills its element, in CSS pixels. */
export function sharp(canvas, { width, height } = { width: canvas.clientWidth, height: canvas.clientHeight }) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
