import assert from "node:assert/strict";
import test from "node:test";
import { niceTicks } from "../../aeexplorer/live/static/shared/chart.js";
import * as geometry from "../../aeexplorer/live/static/shared/plane_geometry.js";

const { centreOfMass, classCentres, fitBounds, fitText, hit, interpolated, namePlaces, planeScale, rasterise, snap, squareBounds } = geometry;
const close = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("a plane's scale goes there and back, with y upwards", () => {
  const scale = planeScale({ low: [-3, -1], high: [3, 5] }, 600, 300);
  assert.deepEqual(scale.toPixel(-3, 5), [0, 0]);
  assert.deepEqual(scale.toPixel(3, -1), [600, 300]);
  const [x, y] = scale.toValue(...scale.toPixel(0.7, 1.9));
  close(x, 0.7);
  close(y, 1.9);
});

test("bounds are square around the points, and units are equal on any canvas", () => {
  const points = Float32Array.from([-2, 0, 4, 1, 0, 3]);
  const bounds = squareBounds(points);
  close(bounds.high[0] - bounds.low[0], bounds.high[1] - bounds.low[1], 1e-5);
  assert.ok(bounds.low[0] < -2 && bounds.high[0] > 4 && bounds.low[1] < 0 && bounds.high[1] > 3);
  const { perPixel } = planeScale(fitBounds(bounds, 700, 300), 700, 300);
  close(perPixel[0], perPixel[1]);
});

test("one stray point in a thousand does not set the bounds", () => {
  const points = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i));
  points[0] = 1000;
  assert.ok(squareBounds(points).high[0] < 2);
});

test("the nearest point within reach is hit", () => {
  const points = [0, 0, 1, 0, 5, 5];
  assert.equal(hit(points, 0.9, 0.1, 0.5), 1);
  assert.equal(hit(points, 3, 3, 0.5), -1);
});

test("classes are named at their medians, points without a class nowhere", () => {
  const centres = classCentres([0, 0, 1, 1, 50, 50, 9, 9], [3, 3, 3, 255]);
  assert.deepEqual([...centres], [[3, [1, 1]]]);
});

const wide = (text) => 10 * text.length;

test("a text that has no room is cut at its end", () => {
  assert.equal(fitText("ankle boot", 100, wide), "ankle boot");
  assert.equal(fitText("ankle boot", 70, wide), "ankle…");
  assert.equal(fitText("ankle boot", 5, wide), "a…");
});

test("names stay inside the plane and do not cover each other", () => {
  const names = ["T-shirt or top", "trouser", "ankle boot of leather", "bag", "bag"].map((whole, i) => ({ whole, x: i < 3 ? -20 : 395, y: i < 3 ? 5 : 396 }));
  const placed = namePlaces(names, 400, 400, 16, wide);
  for (const { x, y, width, size } of placed) {
    assert.ok(x - width / 2 >= 0 && x + width / 2 <= 400 && y - size / 2 >= 0 && y + size / 2 <= 400);
  }
  for (const [i, a] of placed.entries()) for (const b of placed.slice(0, i)) assert.ok(Math.abs(a.y - b.y) >= 16 || Math.abs(a.x - b.x) >= (a.width + b.width) / 2);
  assert.deepEqual(placed.map(({ text, cut }) => [text, cut]).slice(1, 3), [["trouser", false], ["ankle boot of lea…", true]]);
  assert.equal(placed[2].whole, "ankle boot of leather");
});

test("slider values lie on their grid without the dust of binary fractions", () => {
  assert.equal(snap(0.30000000000000004, 0, 1, 0.1), 0.3);
  assert.equal(snap(0.456, 0, 1, 0.01), 0.46);
  assert.equal(snap(9, -0.5, 1.5, 0.01), 1.5);
  assert.equal(snap(-0.449, -0.5, 1.5, 0.05), -0.45);
});

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

test("ticks are round numbers inside the axis", () => {
  assert.deepEqual(niceTicks(0, 1), [0, 0.25, 0.5, 0.75, 1]);
  assert.ok(niceTicks(0.013, 0.068).every((t) => t >= 0.013 && t <= 0.068));
  assert.deepEqual(niceTicks(-0.5, 1.5), [-0.5, 0, 0.5, 1, 1.5]);
});

test("between the points of a curve it is straight, beyond them level", () => {
  const [xs, ys] = [[-2, 0, 1], [0, 0.25, 1]];
  for (const [x, y] of [[-9, 0], [-2, 0], [-1, 0.125], [0, 0.25], [0.5, 0.625], [1, 1], [7, 1]]) close(interpolated(xs, ys, x), y);
  close(interpolated(Float32Array.from(xs), Float32Array.from(ys), 0.5), 0.625);
});
