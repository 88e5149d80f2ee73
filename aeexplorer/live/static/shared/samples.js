// Samples on canvases, in the colours of the page.

import { contextOf, fillCircle, pixelRatio, resizeCanvas } from "./canvas.js";
import { mix, packChannels } from "./colours.js";
import { make } from "./dom.js";
import { clamp } from "./numbers.js";
import { drawTokens } from "./tokens.js";

/** @import { FrameArray, SampleKind, SampleStyle, Span, Theme, Tokens } from "./types.d.ts" */

/** A canvas for a sample, with its name for those who cannot see it. @param {string} name */
export function tileCanvas(name) {
  return make("canvas", { class: "live-tile", role: "img", "aria-label": name });
}

/**
 * Draw sample `i` of an array (n, ...) into a canvas: pictures as uint8, symbols as pairs, others as float32.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {FrameArray} array
 * @param {number} i
 * @param {SampleStyle} style
 */
export function drawSample(canvas, array, i, style) {
  const { tokens } = style;
  if (tokens) drawTokens(canvas, array, i, { ...style, tokens });
  else if (array.dtype === "uint8" && array.shape.length >= 3) drawPicture(canvas, array, i, style);
  else drawSeries(canvas, array, i, style);
}

/** The pixels of each canvas, kept between frames. @type {WeakMap<HTMLCanvasElement, ImageData>} */
const kept = new WeakMap();

/** @param {HTMLCanvasElement} canvas @param {FrameArray} array @param {number} i @param {SampleStyle} style */
function drawPicture(canvas, { shape, data }, i, { theme, signed = false }) {
  const [, height, width] = shape;
  const channels = shape[3] ?? 1;
  const context = sizedContext(canvas, width, height);
  let picture = kept.get(canvas);
  if (picture?.width !== width || picture.height !== height) {
    picture = context.createImageData(width, height);
    kept.set(canvas, picture);
  }
  const words = new Uint32Array(picture.data.buffer);
  const from = i * height * width * channels;
  const table = byteColours(theme.dark, signed);
  for (let p = 0; p < words.length; p++) {
    const at = from + p * channels;
    if (channels === 1) words[p] = table[data[at]];
    else if (signed) words[p] = table[Math.round((data[at] + data[at + 1] + data[at + 2]) / 3)];
    else words[p] = packChannels([data[at], data[at + 1], data[at + 2]]);
  }
  context.putImageData(picture, 0, 0);
}

/** @type {Map<string, Uint32Array>} */
const tables = new Map();

/**
 * The colour of each of 256 bytes: ink on paper, light on a dark page; differences as blue and red around 128.
 *
 * @param {boolean} dark
 * @param {boolean} signed
 */
function byteColours(dark, signed) {
  const key = `${dark} ${signed}`;
  let table = tables.get(key);
  if (!table) {
    const grey = (/** @type {number} */ v) => Array(3).fill(dark ? v : 255 - v);
    table = Uint32Array.from({ length: 256 }, (_, v) => packChannels(signed ? diverging(v, dark) : grey(v)));
    tables.set(key, table);
  }
  return table;
}

/** The colour of a difference: none at 128, blue below, red above. @param {number} value @param {boolean} dark */
function diverging(value, dark) {
  const t = clamp((value - 128) / 127, -1, 1);
  const paper = dark ? [28, 34, 43] : [255, 255, 255];
  const blue = dark ? [90, 160, 255] : [0, 92, 190];
  const red = dark ? [255, 120, 90] : [200, 30, 20];
  return mix(paper, t < 0 ? blue : red, Math.sqrt(Math.abs(t)));
}

// a sequence as a line, two values as a point, more values as bars
/** @param {HTMLCanvasElement} canvas @param {FrameArray} array @param {number} i @param {SampleStyle} style */
function drawSeries(canvas, { shape, data }, i, { kind, theme, span }) {
  const length = shape[1];
  const channels = shape[2] ?? 1;
  const ratio = pixelRatio();
  const width = Math.round((canvas.clientWidth || 96) * ratio);
  const height = Math.round(width * 0.6);
  const context = sizedContext(canvas, width, height);
  context.clearRect(0, 0, width, height);
  const [low, high] = span ?? [0, 1];
  const up = (/** @type {number} */ value) => height * (0.94 - 0.88 * ((value - low) / (high - low || 1)));
  const at = (/** @type {number} */ step) => data[(i * length + step) * channels];
  context.strokeStyle = context.fillStyle = theme.accent;
  if (kind === "sequence") {
    context.lineWidth = 1.6 * ratio;
    context.beginPath();
    for (let step = 0; step < length; step++) context.lineTo((step / (length - 1)) * width, up(at(step)));
    context.stroke();
  } else if (length === 2) {
    fillCircle(context, width * (0.04 + (0.92 * (at(0) - low)) / (high - low || 1)), up(at(1)), 4 * ratio);
  } else {
    const zero = up(clamp(0, low, high));
    const wide = width / length;
    for (let step = 0; step < length; step++) {
      const y = up(at(step));
      context.fillRect((step + 0.1) * wide, Math.min(y, zero), wide * 0.8, Math.max(Math.abs(y - zero), 1));
    }
  }
}

/**
 * The context of a canvas that has exactly this many pixels and is shown in their proportion.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 */
function sizedContext(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) canvas.style.aspectRatio = `${width} / ${height}`;
  resizeCanvas(canvas, width, height);
  return contextOf(canvas);
}

/**
 * Whether two arrays of a frame hold the same values.
 *
 * @param {FrameArray | null | undefined} a
 * @param {FrameArray} b
 */
export function sameValues(a, b) {
  return Boolean(a) && a?.data.length === b.data.length && a.data.every((value, i) => value === b.data[i]);
}

/**
 * A span that covers an array too; it never shrinks, so that the scale of a live picture does not jump.
 *
 * @param {Span | null} span
 * @param {FrameArray} array
 * @returns {Span}
 */
export function growSpan(span, array) {
  let [low, high] = span ?? [Infinity, -Infinity];
  for (const value of array.data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/**
 * How samples of a frame are drawn on their own: those that are no pictures within the span of these arrays.
 *
 * @param {{ kind: SampleKind | null, tokens?: Tokens | null }} frame
 * @param {FrameArray[]} arrays
 * @param {Theme} theme
 * @returns {SampleStyle}
 */
export function styleOf({ kind, tokens }, arrays, theme) {
  /** @type {Span | null} */
  let span = null;
  if (kind !== "image") for (const array of arrays) span = growSpan(span, array);
  return { kind, tokens, theme, span };
}
