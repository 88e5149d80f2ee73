import assert from "node:assert/strict";
import test from "node:test";
import { centreOfMass, rasterise } from "../../aeexplorer/live/static/pads/strokes.js";

const close = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

const SEVEN = [[[10, 10], [90, 12], [55, 95]]];

function box(picture, height, width) {
  const rows = [], columns = [];
  picture.forEach((ink, i) => ink > 20 && (rows.push(Math.floor(i / width)), columns.push(i % width)));
  return { top: Math.min(...rows), bottom: Math.max(...rows), left: Math.min(...columns), right: Math.max(...columns) };
}

test("strokes are scaled into 20 x 20 of 28 x 28 and centred by their mass, as MNIST is", () => {
  const picture = rasterise(SEVEN, 28, 28);
  const [x, y] = centreOfMass(picture, 28, 28);
  close(x, 14, 0.15);
  close(y, 14, 0.15);
  const { top, bottom } = box(picture, 28, 28);
  assert.ok(Math.abs(bottom - top + 1 - 20) <= 1);
});

test("where and how large people draw does not matter", () => {
  const moved = SEVEN.map((s) => s.map(([x, y]) => [300 + 3 * x, 40 + 3 * y]));
  const [a, b] = [rasterise(SEVEN, 28, 28), rasterise(moved, 28, 28)];
  assert.ok(a.every((ink, i) => Math.abs(ink - b[i]) <= 1));
});

test("strokes of small digits fill the picture, centred by their box", () => {
  const picture = rasterise(SEVEN, 8, 8, { box: 1, centre: "box", pen: 1.5 });
  const { top, bottom } = box(picture, 8, 8);
  assert.equal(top, 0);
  assert.equal(bottom, 7);
});

test("a dot, a line and nothing are drawn without a NaN", () => {
  assert.equal(rasterise([], 28, 28), null);
  const dot = rasterise([[[5, 5]]], 28, 28);
  assert.ok(dot.reduce((a, b) => a + b) > 255 && centreOfMass(dot, 28, 28).every((c) => Math.abs(c - 14) < 0.1));
  const { top, bottom, left, right } = box(rasterise([[[5, 0], [5, 60]]], 28, 28), 28, 28);
  assert.ok(bottom - top >= 18 && right - left <= 4);
});
