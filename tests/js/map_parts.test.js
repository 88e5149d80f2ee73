import assert from "node:assert/strict";
import test from "node:test";

import { FlatCamera, pixelsOf } from "../../aeexplorer/live/static/map/camera.js";
import { ClassNames, classMedians } from "../../aeexplorer/live/static/map/class_names.js";
import { markerRadius } from "../../aeexplorer/live/static/map/point_layer.js";
import { areaOf, contains, rectangle } from "../../aeexplorer/live/static/map/polygon.js";
import { nearestFew } from "../../aeexplorer/live/static/map/picking.js";
import { MARKERS } from "../../aeexplorer/live/static/map/markers.js";

test("classes are named at their medians, points without a class and too many classes nowhere", () => {
  const points = [0, 0, 2, 2, 1, 1, 9, 9];
  assert.deepEqual(classMedians(points, [4, 4, 4, -1]), { classes: [4], points: [1, 1] });
  const many = Array.from({ length: 41 }, (_, i) => i);
  assert.deepEqual(classMedians(many.flatMap((i) => [i, i]), many).classes, []);
});

test("medians are taken anew only after the points have changed", () => {
  const camera = new FlatCamera({ low: [0, 0], high: [4, 4] }, 100, 100);
  const group = { hidden: new Set() };
  const data = { categories: ["a class with a very long name"], pictures: false };
  const state = { camera, group, data, solid: false, values: [0, 0, 0], points: [0, 0, 1, 1, 2, 2] };
  const names = new ClassNames();
  const [{ text, x }] = names.placed(state);
  assert.equal(text, "a class with a ve…");
  assert.equal(x, pixelsOf(camera, [1, 1], 1)[0][0]);
  const moved = { ...state, points: [3, 3, 3, 3, 3, 3] };
  assert.equal(names.placed(moved)[0].x, x);
  names.invalidate();
  assert.notEqual(names.placed(moved)[0].x, x);
  assert.deepEqual(names.placed({ ...moved, values: null }), []);
});

test("markers are smaller where there are many, and grow with the magnification up to an end", () => {
  const sizes = [500, 1000, 5000, 60000].map((n) => markerRadius(n, 1));
  assert.deepEqual(sizes, [...sizes].sort((a, b) => b - a));
  assert.ok(markerRadius(500, 4) > markerRadius(500, 1));
  assert.equal(markerRadius(500, 100), markerRadius(500, 200));
});

test("all markers have the area of a circle of radius 1", () => {
  for (const marker of MARKERS) assert.ok(Math.abs(areaOf(marker) - Math.PI) < 1e-9);
});

test("a point lies inside a polygon by the even-odd rule", () => {
  const square = rectangle([0, 0], [10, 10]);
  assert.ok(contains(square, 5, 5) && !contains(square, 15, 5));
  const twice = [...square, ...square];
  assert.ok(!contains(twice, 5, 5));
});

test("the nearest wanted points come in the order of their distance", () => {
  assert.deepEqual(nearestFew([0, 3, 1, 2], [0, 0, 0, 0], 0, 0, 2, (i) => i !== 0), [2, 3]);
});
