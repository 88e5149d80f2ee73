import assert from "node:assert/strict";
import test from "node:test";

import { walkUpTo } from "../../aeexplorer/live/static/pads/field_layers.js";
import { describeDrawing } from "../../aeexplorer/live/static/pads/draw_pad.js";
import { particlesAt } from "../../aeexplorer/live/static/pads/particle_flow.js";
import { scattered } from "../../aeexplorer/live/static/pads/point_pad.js";
import { movedByKey } from "../../aeexplorer/live/static/pads/plane_control.js";
import { stepDuration } from "../../aeexplorer/live/static/pads/walk_player.js";
import { growSpan, sameValues, styleOf } from "../../aeexplorer/live/static/shared/samples.js";

test("arrow keys move a point by a hundredth of the width, ten times that with Shift, within the bounds", () => {
  const bounds = { low: [0, 0], high: [10, 20] };
  assert.deepEqual(movedByKey({ key: "ArrowUp", shiftKey: false }, [5, 5], bounds), [5, 5.1]);
  assert.deepEqual(movedByKey({ key: "ArrowLeft", shiftKey: true }, [0.5, 5], bounds), [0, 5]);
  assert.equal(movedByKey({ key: "Enter", shiftKey: false }, [5, 5], bounds), null);
});

test("a drawing is no decoded code: it is read by its class and by how well it is reconstructed", () => {
  const read = describeDrawing({ label: "3", share: 0.9, worse_than: 0.974 });
  assert.deepEqual(read, ["lands among the 3s", "reconstructed worse than 97 % of the test samples"]);
  assert.deepEqual(describeDrawing({ label: "3", share: 0.4, worse_than: null }), ["lands nearest to the 3s"]);
  assert.deepEqual(describeDrawing({ label: null, share: null, worse_than: 0 }), [
    "reconstructed worse than 0 % of the test samples",
  ]);
});

test("a walk is shown up to a step, which may lie between two points", () => {
  const walk = [0, 0, 2, 0, 2, 4];
  assert.deepEqual(walkUpTo(walk, 0), [[0, 0]]);
  assert.deepEqual(walkUpTo(walk, 1.25), [[0, 0], [2, 0], [2, 1]]);
  assert.deepEqual(walkUpTo(walk, Infinity), [[0, 0], [2, 0], [2, 4]]);
  assert.deepEqual(walkUpTo([1, 1], Infinity), [[1, 1]]);
});

test("a long walk is played faster, so that it ends within three seconds", () => {
  assert.equal(stepDuration(10), 90);
  assert.equal(stepDuration(60), 50);
  assert.equal(stepDuration(0), 90);
});

test("the span of a live picture grows and never shrinks; pictures have none", () => {
  const array = (...values) => ({ shape: [values.length], dtype: "float32", data: Float32Array.from(values) });
  assert.deepEqual(growSpan(growSpan(null, array(1, 5)), array(2, 3)), [1, 5]);
  assert.deepEqual(styleOf({ kind: "vector" }, [array(1, 2), array(-1)], {}).span, [-1, 2]);
  assert.equal(styleOf({ kind: "image" }, [array(1, 2)], {}).span, null);
  assert.ok(sameValues(array(1, 2), array(1, 2)) && !sameValues(array(1, 2), array(1, 3)) && !sameValues(null, array(1)));
});

test("points are scattered around a place and stay on the sheet", () => {
  let state = 1;
  const chance = () => (state = (state * 16807) % 2147483647) / 2147483647;
  const points = scattered([0.99, 0], 200, chance);
  assert.equal(points.length, 200);
  assert.ok(points.every(([x, y]) => Math.abs(x) <= 1 && Math.abs(y) < 0.2));
  assert.ok(points.some(([x]) => x === 1) && points.some(([x]) => x < 0.98));
});

test("particles between two steps lie between them", () => {
  const way = [0, 0, 10, 10, 1, 2, 10, 10, 3, 2, 20, 10];
  assert.deepEqual([...particlesAt(way, 2, 0.5)], [0.5, 1, 10, 10]);
  assert.deepEqual([...particlesAt(way, 2, 2)], [3, 2, 20, 10]);
  assert.deepEqual([...particlesAt(way, 2, Infinity)], [3, 2, 20, 10]);
});
