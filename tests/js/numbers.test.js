import assert from "node:assert/strict";
import test from "node:test";
import { formatNumber, interpolate, median, niceTicks, snap } from "../../aeexplorer/live/static/shared/numbers.js";

const close = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("slider values lie on their grid without the dust of binary fractions", () => {
  assert.equal(snap(0.30000000000000004, 0, 1, 0.1), 0.3);
  assert.equal(snap(0.456, 0, 1, 0.01), 0.46);
  assert.equal(snap(9, -0.5, 1.5, 0.01), 1.5);
  assert.equal(snap(-0.449, -0.5, 1.5, 0.05), -0.45);
});

test("ticks are round numbers inside the axis", () => {
  assert.deepEqual(niceTicks(0, 1), [0, 0.25, 0.5, 0.75, 1]);
  assert.ok(niceTicks(0.013, 0.068).every((t) => t >= 0.013 && t <= 0.068));
  assert.deepEqual(niceTicks(-0.5, 1.5), [-0.5, 0, 0.5, 1, 1.5]);
});

test("between the points of a curve it is straight, beyond them level", () => {
  const [xs, ys] = [[-2, 0, 1], [0, 0.25, 1]];
  const points = [[-9, 0], [-2, 0], [-1, 0.125], [0, 0.25], [0.5, 0.625], [1, 1], [7, 1]];
  for (const [x, y] of points) close(interpolate(xs, ys, x), y);
  close(interpolate(Float32Array.from(xs), Float32Array.from(ys), 0.5), 0.625);
});

test("numbers are written with a true minus, missing ones as a dash", () => {
  assert.deepEqual([-1.5, 0, null, undefined].map((value) => formatNumber(value, 1)), ["−1.5", "0.0", "–", "–"]);
});

test("the upper median, sorted as numbers", () => {
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([1, 2, 3, 20]), 3);
});
