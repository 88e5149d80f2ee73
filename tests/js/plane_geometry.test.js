import assert from "node:assert/strict";
import test from "node:test";
import {
  classCentres, fitBounds, fitText, nearestPoint, placeNames, planeScale, squareBounds,
} from "../../aeexplorer/live/static/shared/plane_geometry.js";

const close = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("a plane's scale goes there and back, with y upwards", () => {
  const scale = planeScale({ low: [-3, -1], high: [3, 5] }, { width: 600, height: 300 });
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
  const SIZE = { width: 700, height: 300 };
  const { perPixel } = planeScale(fitBounds(bounds, SIZE), SIZE);
  close(perPixel[0], perPixel[1]);
});

test("one stray point in a thousand does not set the bounds", () => {
  const points = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i));
  points[0] = 1000;
  assert.ok(squareBounds(points).high[0] < 2);
});

test("the nearest point within reach is hit", () => {
  const points = [0, 0, 1, 0, 5, 5];
  assert.equal(nearestPoint(points, 0.9, 0.1, 0.5), 1);
  assert.equal(nearestPoint(points, 3, 3, 0.5), -1);
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
  const names = ["T-shirt or top", "trouser", "ankle boot of leather", "bag", "bag"]
    .map((whole, i) => ({ whole, x: i < 3 ? -20 : 395, y: i < 3 ? 5 : 396 }));
  const placed = placeNames(names, { width: 400, height: 400 }, 16, wide);
  for (const { x, y, width, size } of placed) {
    assert.ok(x - width / 2 >= 0 && x + width / 2 <= 400 && y - size / 2 >= 0 && y + size / 2 <= 400);
  }
  const apart = (a, b) => Math.abs(a.y - b.y) >= 16 || Math.abs(a.x - b.x) >= (a.width + b.width) / 2;
  for (const [i, a] of placed.entries()) for (const b of placed.slice(0, i)) assert.ok(apart(a, b));
  assert.deepEqual(placed.map(({ text, cut }) => [text, cut]).slice(1, 3), [["trouser", false], ["ankle boot of lea…", true]]);
  assert.equal(placed[2].whole, "ankle boot of leather");
});
