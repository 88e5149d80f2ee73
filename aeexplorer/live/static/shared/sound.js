// Music from the browser's own oscillators.

/** @import { Note } from "./tokens.js" */

/** Seconds of one time step. */
export const STEP = 0.3;
const LOUDNESS = 0.09;

/** @type {{ context: AudioContext, ended: () => void } | null} */
let playing = null;

/**
 * Play notes from the beginning; what played before ends.
 *
 * @param {Note[]} notes
 * @param {() => void} ended
 */
export function playNotes(notes, ended) {
  stopNotes();
  const context = new AudioContext();
  const mine = (playing = { context, ended });
  const begin = context.currentTime + 0.05;
  for (const { pitch, from, to } of notes) {
    const oscillator = context.createOscillator();
    const volume = context.createGain();
    const [start, end] = [begin + from * STEP, begin + to * STEP];
    oscillator.type = "triangle";
    oscillator.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.setValueAtTime(LOUDNESS, Math.max(end - 0.08, start + 0.02));
    volume.gain.linearRampToValueAtTime(0, end);
    oscillator.connect(volume).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(end);
  }
  const last = Math.max(0, ...notes.map(({ to }) => to));
  setTimeout(() => playing === mine && stopNotes(), 1000 * (last * STEP + 0.2));
}

/** Stop what plays. */
export function stopNotes() {
  playing?.context.close();
  playing?.ended();
  playing = null;
}
