// Samples made of symbols: text with the probability of each symbol, and music as a piano roll.

import { contextOf, pixelRatio, resizeCanvas } from "./canvas.js";

/** @import { FrameArray, SampleStyle, Theme, Tokens } from "./types.d.ts" */
/** @typedef {{ voice: number, pitch: number, from: number, to: number, weight: number }} Note */

/** Symbols in a line of text at most. */
const LINE = 16;
/** Opacity of a symbol without any probability. */
const FAINT = 0.12;
const MASKED = "▯";

/**
 * The lines into which symbols are broken: how many symbols each has, and how many lines there are.
 *
 * @param {number} steps
 */
export function linesOf(steps) {
  const lines = Math.max(1, Math.ceil((steps - 4) / LINE));
  return { columns: Math.ceil(steps / lines), lines };
}

/** The MIDI number of a note such as "C#4"; null of a rest. @param {string} name */
export function pitchOf(name) {
  const found = /^([A-G])(#?)(-?\d+)$/.exec(name);
  if (!found) return null;
  return 12 * (Number(found[3]) + 1) + "C D EF G A B".indexOf(found[1]) + found[2].length;
}

/**
 * The notes of sample `i`: equal ones that follow each other in a voice become one.
 *
 * @param {FrameArray} array (n, steps, 2)
 * @param {number} i
 * @param {Tokens} tokens
 */
export function notesOf({ shape, data }, i, { vocabulary, voices }) {
  const steps = shape[1];
  /** @type {Note[]} */
  const notes = [];
  for (let voice = 0; voice < voices; voice++) {
    let last = /** @type {Note | null} */ (null);
    for (let step = voice; step < steps; step += voices) {
      const at = 2 * (i * steps + step);
      const [pitch, time] = [pitchOf(vocabulary[data[at]]), (step - voice) / voices];
      if (pitch === null || data[at + 1] === 0) last = null;
      else if (last !== null && last.pitch === pitch) extend(last, data[at + 1]);
      else {
        last = { voice, pitch, from: time, to: time + 1, weight: data[at + 1] };
        notes.push(last);
      }
    }
  }
  return notes;
}

/** Lengthen a note by a step of this probability. @param {Note} note @param {number} weight */
function extend(note, weight) {
  const steps = note.to - note.from;
  note.weight = (note.weight * steps + weight) / (steps + 1);
  note.to += 1;
}

/**
 * Draw sample `i` of symbols (n, steps, 2): indices and probabilities.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {FrameArray} array
 * @param {number} i
 * @param {SampleStyle & { tokens: Tokens }} style
 */
export function drawTokens(canvas, array, i, style) {
  const { columns, lines } = linesOf(array.shape[1]);
  const width = Math.round((canvas.clientWidth || 160) * pixelRatio());
  const height = Math.round(style.tokens.voices ? width * 0.6 : (width / Math.max(columns, 8)) * 2 * lines);
  if (canvas.width !== width || canvas.height !== height) canvas.style.aspectRatio = `${width} / ${height}`;
  resizeCanvas(canvas, width, height);
  contextOf(canvas).clearRect(0, 0, width, height);
  if (style.tokens.voices) drawRoll(canvas, notesOf(array, i, style.tokens), array.shape[1] / style.tokens.voices, style);
  else drawText(canvas, array, i, style);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {FrameArray} array
 * @param {number} i
 * @param {SampleStyle & { tokens: Tokens }} style
 */
function drawText(canvas, { shape, data }, i, { theme, tokens: { vocabulary }, signed = false }) {
  const { columns, lines } = linesOf(shape[1]);
  const context = contextOf(canvas);
  const [wide, high] = [canvas.width / Math.max(columns, 8), canvas.height / lines];
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `600 ${Math.round(Math.min(wide * 1.45, high * 0.7))}px ui-monospace, monospace`;
  for (let step = 0; step < shape[1]; step++) {
    const [symbol, weight] = data.subarray(2 * (i * shape[1] + step));
    const masked = weight === 0 && !signed;
    context.fillStyle = masked ? theme.quiet : signed ? theme.mark : theme.ink;
    context.globalAlpha = masked ? 1 : Math.max(signed ? 0 : FAINT, weight);
    const [x, y] = [wide * ((step % columns) + 0.5), high * (Math.floor(step / columns) + 0.5)];
    context.fillText(masked ? MASKED : vocabulary[symbol], x, y);
  }
  context.globalAlpha = 1;
  canvas.dataset.text = canvas.title = textOf({ shape, dtype: "float32", data }, i, vocabulary);
}

/**
 * The text of sample `i`: its symbols up to the first that is empty.
 *
 * @param {FrameArray} array (n, steps, 2)
 * @param {number} i
 * @param {string[]} vocabulary
 */
export function textOf({ shape, data }, i, vocabulary) {
  const steps = Array.from({ length: shape[1] }, (_, step) => 2 * (i * shape[1] + step));
  const symbols = steps.map((at) => (data[at + 1] === 0 ? MASKED : vocabulary[data[at]]));
  const end = symbols.indexOf("");
  return symbols.slice(0, end < 0 ? symbols.length : end).join("");
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Note[]} notes
 * @param {number} times
 * @param {SampleStyle & { tokens: Tokens }} style
 */
function drawRoll(canvas, notes, times, { theme, tokens: { vocabulary } }) {
  const context = contextOf(canvas);
  const pitches = vocabulary.map(pitchOf).filter((pitch) => pitch !== null);
  const [low, high] = [Math.min(...pitches) - 1, Math.max(...pitches) + 2];
  const [wide, tall] = [canvas.width / times, canvas.height / (high - low)];
  const colours = voiceColours(theme);
  for (const { voice, pitch, from, to, weight } of notes) {
    context.fillStyle = colours[voice % colours.length];
    context.globalAlpha = Math.max(FAINT, weight);
    context.fillRect(from * wide + 1, (high - pitch - 1) * tall, (to - from) * wide - 2, Math.max(2 * tall, 2));
  }
  context.globalAlpha = 1;
}

/** The colours of voices, from the highest to the lowest. @param {Theme} theme */
function voiceColours(theme) {
  return [theme.mark, theme.accent, theme.learned, theme.quiet];
}
