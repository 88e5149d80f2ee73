import assert from "node:assert/strict";
import test from "node:test";

import { pack, toHex } from "../../aeexplorer/live/static/shared/colours.js";
import { boundsOf, FlatCamera, SpaceCamera } from "../../aeexplorer/live/static/map/camera.js";
import { contours, isolines, smoothed } from "../../aeexplorer/live/static/map/density.js";
import { placeLegend, toSvg } from "../../aeexplorer/live/static/map/export.js";
import { combined, MapGroup } from "../../aeexplorer/live/static/map/linking.js";
import { nearestTo, nearestTowards, pointsInside, spread } from "../../aeexplorer/live/static/map/picking.js";
import { rectangle } from "../../aeexplorer/live/static/map/polygon.js";
import { maskOf, PAD, sheetOf, shuffled, sortByDepth, stamp } from "../../aeexplorer/live/static/map/stamping.js";

const measure = (text) => text.length * 7;
const POINTS = Float32Array.from([0, 0, 4, 0, 0, 2, 4, 2]);

function shown(view) {
  const [x, y] = [new Float32Array(4), new Float32Array(4)];
  view.project(POINTS, x, y);
  return [x, y];
}

test("a flat map fits, keeps its proportions, and zooms about the pointer", () => {
  const view = new FlatCamera(boundsOf(POINTS, 2), 400, 400);
  const [x, y] = shown(view);
  assert.ok(Math.min(...x) >= 0 && Math.max(...x) <= 400);
  assert.ok(Math.abs((x[1] - x[0]) / (y[0] - y[2]) - 2) < 1e-5);
  const under = view.toValue(100, 150);
  view.zoom(3, 100, 150);
  view.toValue(100, 150).forEach((value, axis) => assert.ok(Math.abs(value - under[axis]) < 1e-9));
  view.zoom(1e-9, 0, 0);
  assert.equal(view.magnification, 1);
});

test("a turned cloud is found again behind its place on the screen", () => {
  const points = Float32Array.from([0, 0, 0, 1, 2, 3, -1, 0, 2]);
  const view = new SpaceCamera(boundsOf(points, 3), 300, 200);
  view.drag(40, -25);
  const [x, y, depth] = [new Float32Array(3), new Float32Array(3), new Float32Array(3)];
  view.project(points, x, y, depth);
  view.toValue(x[1], y[1], depth[1]).forEach((value, axis) => assert.ok(Math.abs(value - points[3 + axis]) < 1e-3));
  const rows = sortByDepth(depth, Uint32Array.from([2, 0, 1]), 3, new Uint32Array(3));
  assert.ok(depth[rows[0]] <= depth[rows[1]] && depth[rows[1]] <= depth[rows[2]]);
  assert.deepEqual([...sortByDepth(depth, rows.slice().reverse(), 2, new Uint32Array(3))].slice(0, 2), [rows[1], rows[2]]);
});

test("pointer, lasso, box and arrow keys mean the points they should, hidden ones never", () => {
  const [x, y] = [[10, 50, 90, 50], [10, 50, 90, 10]];
  assert.equal(nearestTo(x, y, 52, 49, 10), 1);
  assert.equal(nearestTo(x, y, 52, 49, 10, [0, 1, 0, 0]), -1);
  assert.deepEqual(pointsInside(x, y, rectangle([0, 0], [60, 60])), [0, 1, 3]);
  assert.deepEqual(pointsInside(x, y, [[0, 0], [100, 0], [0, 100]], [1, 0, 0, 0]), [3]);
  assert.equal(nearestTowards(x, y, 0, [1, 0]), 3);
  assert.equal(nearestTowards(x, y, 0, [0, -1]), -1);
});

test("pictures do not cover each other", () => {
  const n = 2000;
  const points = Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i * 12.9898) * 43758.5453 % 1);
  const view = new FlatCamera(boundsOf(points, 2), 300, 300);
  const [x, y] = [new Float32Array(n), new Float32Array(n)];
  view.project(points, x, y);
  assert.ok(spread(view, x, y, { cell: 46, limit: 20 }).length <= 20);
});

test("maps of a group are linked, and what the page said before the last action is not taken over", () => {
  const group = new MapGroup();
  const changes = [];
  const leave = group.join((what) => changes.push(what));
  group.select(new Set([3, 5]));
  group.select(new Set([5, 3]));
  assert.deepEqual(changes, ["selected"]);
  const serial = group.nextSerial();
  const page = { picked: null, selected: [], heard: 0 };
  group.adopt(null, page);
  assert.equal(group.selected.size, 2);
  group.adopt(page, { picked: 7, selected: [1], heard: serial });
  assert.deepEqual([...group.selected], [1]);
  assert.equal(group.picked, 7);
  leave();
  group.set("hover", 1);
  assert.deepEqual(changes, ["selected", "picked", "selected"]);
  assert.deepEqual([...combined(new Set([1]), [2], true)], [1, 2]);
  assert.deepEqual([...combined(new Set([1]), [2], false)], [2]);
});

test("points are stamped where they lie, and only those in the requested state", () => {
  const side = 20 + 2 * PAD;
  const sheet = sheetOf({ width: side, height: side, data: new Uint8ClampedArray(4 * side * side) });
  sheet.pixels.fill(pack("#ffffff"));
  const points = { x: [5, 15], y: [5, 15], words: [pack("#ff0000"), pack("#0000ff")], shapes: null };
  const masks = [maskOf(0, 3, sheet.stride, 1)];
  stamp(sheet, { ...points, ratio: 1, rows: shuffled(2), count: 2, masks, states: [0, 1], state: 0 });
  const at = (px, py) => toHex(sheet.pixels[(py + PAD) * sheet.stride + px + PAD]);
  assert.equal(at(5, 5), "#ff0000");
  assert.equal(at(15, 15), "#ffffff");
});

test("contours go around where points are dense", () => {
  const cluster = Float32Array.from({ length: 400 }, (_, i) => 100 + 10 * Math.sin(i * 7.1));
  const lines = contours(cluster, cluster.map((v, i) => 100 + 10 * Math.cos(i * 3.3)), null, { width: 300, height: 300 });
  assert.ok(lines.length > 8);
  for (const [x0, y0] of lines) assert.ok(Math.hypot(x0 - 100, y0 - 100) < 60);
  assert.deepEqual(contours(new Float32Array(0), new Float32Array(0), null, { width: 300, height: 300 }), []);
});

test("smoothing keeps the sum inside, a step is cut half-way", () => {
  const grid = new Float32Array(25);
  grid[12] = 16;
  assert.equal(smoothed(grid, 5, 5).reduce((a, b) => a + b, 0), 16);
  assert.deepEqual(isolines([0, 1, 0, 1], 2, 2, 0.5), [[0.5, 0, 0.5, 1]]);
});

test("a saved drawing holds the points that are seen, names and a legend, and what people typed only as text", () => {
  const theme = { panel: "#ffffff", ink: "#000000", font: "sans" };
  const names = [{ text: "<b>", x: 5, y: 5 }];
  const points = { x: [5, 500, 8], y: [5, 5, 8], rows: [0, 1, 2], radius: 3, words: [pack("#102030"), 0, 0], shapes: null };
  const scene = { ...points, states: [0, 0, 2], width: 100, height: 50, theme, muted: "#cccccc", names, axes: [] };
  const text = toSvg(scene, []);
  assert.equal(text.match(/<path/g).length, 1);
  assert.ok(text.includes('fill="#102030"') && text.includes("&#60;b&#62;</text>") && !text.includes("<b>"));
  assert.ok(text.includes('viewBox="0 0 100 50"'));
  const scale = { text: "error", ends: ["0", "1"], scale: ["#000000", "#ffffff"] };
  const legend = placeLegend([{ text: "<script>", colour: "#00ff00", shape: 1 }, scale], 100, measure);
  const whole = toSvg(scene, legend);
  assert.ok(whole.includes("0 to 1, error"));
  assert.equal(whole.match(/<path/g).length, 2);
  assert.ok(whole.includes('fill="#00ff00"') && whole.includes("linearGradient") && !whole.includes("<script>"));
  assert.ok(Number(whole.match(/viewBox="0 0 100 (\d+)"/)[1]) > 50);
});

test("the legend of a saved map begins a new line where the map ends", () => {
  const entries = placeLegend(["one", "two", "three".repeat(20)].map((text) => ({ text, colour: "#000000", shape: 0 })), 160, measure);
  assert.deepEqual(entries.map(({ line }) => line), [0, 0, 1]);
  assert.ok(entries[1].x > entries[0].x + 21 && entries[2].x === entries[0].x);
  assert.equal(entries[2].text.length, 40);
});
