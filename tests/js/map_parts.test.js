import assert from "node:assert/strict";
import test from "node:test";

import { FlatCamera, pixelsOf, SpaceCamera } from "../../aeexplorer/live/static/map/camera.js";
import { placeAxes } from "../../aeexplorer/live/static/map/axes.js";
import { ClassNames, classMedians } from "../../aeexplorer/live/static/map/class_names.js";
import { markerRadius } from "../../aeexplorer/live/static/map/point_layer.js";
import { areaOf, contains, rectangle } from "../../aeexplorer/live/static/map/polygon.js";
import { nearestFew } from "../../aeexplorer/live/static/map/picking.js";
import { MARKERS } from "../../aeexplorer/live/static/map/markers.js";

test("classes are named at their medians, points without a class and too many classes nowhere", () => {
  const points = [0, 0, 2, 2, 1, 1, 9, 9];
  assert.deepEqual(classMedians(points, [4, 4, 4, -1], 2), { classes: [4], points: [1, 1] });
  const many = Array.from({ length: 41 }, (_, i) => i);
  assert.deepEqual(classMedians(many.flatMap((i) => [i, i]), many, 2).classes, []);
});

test("medians are taken anew only after the points have changed", () => {
  const camera = new FlatCamera({ low: [0, 0], high: [4, 4] }, 100, 100);
  const group = { hidden: new Set() };
  const data = { categories: ["a class with a very long name"], components: 2, pictures: false };
  const size = { width: 100, height: 100 };
  const state = { camera, group, data, size, values: [0, 0, 0], points: [0, 0, 1, 1, 2, 2] };
  const names = new ClassNames();
  const [{ text, x }] = names.placed(state, narrow);
  assert.equal(text, "a class with a very long name");
  assert.equal(x, pixelsOf(camera, [1, 1], 1)[0][0]);
  const moved = { ...state, points: [3, 3, 3, 3, 3, 3] };
  assert.equal(names.placed(moved, narrow)[0].x, x);
  names.invalidate();
  assert.notEqual(names.placed(moved, narrow)[0].x, x);
  assert.deepEqual(names.placed({ ...moved, values: null }, narrow), []);
});

test("names of classes lie inside the map and not over each other, in space too", () => {
  const data = { categories: ["missing P wave", "premature beat", "normal"], components: 2, pictures: false };
  const size = { width: 300, height: 300 };
  const group = { hidden: new Set() };
  const camera = new FlatCamera({ low: [0, 0], high: [4, 4] }, 300, 300);
  const state = { camera, group, data, size, values: [0, 1, 2], points: [0, 2, 0, 2, 0.1, 2.1] };
  const placed = new ClassNames().placed(state, wide);
  assert.deepEqual(placed.map(({ text }) => text), data.categories.map((text) => (wide(text) > 135 ? placed[0].text : text)));
  for (const { x, text } of placed) assert.ok(x - wide(text) / 2 >= 0);
  const ys = placed.map(({ y }) => y).sort((a, b) => a - b);
  assert.ok(ys[1] - ys[0] >= 15 && ys[2] - ys[1] >= 15);
  camera.zoom(8, 300, 300);
  assert.deepEqual(new ClassNames().placed(state, wide), [], "a class that is out of sight has no name at the edge");
  const space = new SpaceCamera({ low: [0, 0, 0], high: [1, 1, 1] }, 300, 300);
  const solid = { ...state, camera: space, data: { ...data, components: 3 }, points: [0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.4, 0.6, 0.4] };
  assert.equal(new ClassNames().placed(solid, narrow).length, 3);
});

test("the axes of a map in space cross in its middle, lie within sight and turn with it", () => {
  const bounds = { low: [0, 0, 0], high: [2, 1, 1] };
  const camera = new SpaceCamera(bounds, 300, 300);
  const names = ["PC 1", "PC 2", "PC 3"];
  const axes = placeAxes(camera, bounds, names);
  assert.deepEqual(axes.map(({ text }) => text), names);
  const [right] = pixelsOf(camera, [1 + 0.88 * Math.hypot(2, 1, 1) / 2, 0.5, 0.5], 1);
  assert.deepEqual(axes[0].to, right);
  for (const { from, to, at } of axes) for (const [x, y] of [from, to, at]) assert.ok(x > 0 && x < 300 && y > 0 && y < 300);
  camera.drag(100, 0);
  assert.notDeepEqual(placeAxes(camera, bounds, names)[0].to, right);
});

test("a cloud in space is wholly in sight at first, however long it is", () => {
  for (const high of [[9, 1, 1], [1, 9, 1], [1, 1, 9], [3, 3, 3]]) {
    const bounds = { low: [0, 0, 0], high };
    const corners = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bits) => high.map((value, axis) => ((bits >> axis) & 1) * value));
    for (const [x, y] of pixelsOf(new SpaceCamera(bounds, 400, 300), corners, 8)) {
      assert.ok(x >= 0 && x <= 400 && y >= 0 && y <= 300, `${high}: ${x}, ${y}`);
    }
  }
});

function narrow(text) {
  return text.length;
}

function wide(text) {
  return 8 * text.length;
}

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
