import assert from "node:assert/strict";
import test from "node:test";
import { linesOf, notesOf, pitchOf, textOf } from "../../aeexplorer/live/static/shared/tokens.js";

/** Symbols with their probabilities as a frame's array. */
function symbols(...rows) {
  const data = new Float32Array(rows.flat(2));
  return { shape: [rows.length, rows[0].length, 2], dtype: "float32", data };
}

test("a text ends at the first empty symbol, and a masked one is seen", () => {
  const words = symbols([[1, 0.9], [2, 0.8], [0, 1], [1, 1]], [[1, 1], [2, 0], [1, 1], [1, 1]]);
  assert.deepEqual([textOf(words, 0, ["", "a", "b"]), textOf(words, 1, ["", "a", "b"])], ["ab", "a▯aa"]);
});

test("notes are MIDI numbers", () => {
  assert.deepEqual(["A4", "C4", "B4", "C#5", "C-1", "rest"].map(pitchOf), [69, 60, 71, 73, 0, null]);
});

test("equal notes of a voice that follow each other are one", () => {
  const vocabulary = ["rest", "C4", "E4"];
  // two voices: C C E and rest E E
  const music = symbols([[1, 1], [0, 1], [1, 0.5], [2, 1], [2, 1], [2, 1]]);
  const notes = notesOf(music, 0, { vocabulary, voices: 2 });
  assert.deepEqual(notes, [
    { voice: 0, pitch: 60, from: 0, to: 2, weight: 0.75 },
    { voice: 0, pitch: 64, from: 2, to: 3, weight: 1 },
    { voice: 1, pitch: 64, from: 1, to: 3, weight: 1 },
  ]);
});

test("names stand in one line, molecules in two", () => {
  assert.deepEqual([linesOf(16), linesOf(24)], [{ columns: 16, lines: 1 }, { columns: 12, lines: 2 }]);
});
