import assert from "node:assert/strict";
import test from "node:test";

import { toHex } from "../../aeexplorer/live/static/shared/colours.js";
import { FrameLoop } from "../../aeexplorer/live/static/shared/frame_loop.js";
import { MapGroup } from "../../aeexplorer/live/static/map/linking.js";
import { MapState } from "../../aeexplorer/live/static/map/map_state.js";
import { GREY, HIDDEN, SHOWN } from "../../aeexplorer/live/static/map/stamping.js";
import { eased, rescaled, travel } from "../../aeexplorer/live/static/map/transition.js";

const base64 = (values) => Buffer.from(values.buffer).toString("base64");
const floats = (...values) => base64(Float32Array.from(values));
const THEME = { dark: false, accent: "#102030" };
const DATA = {
  run: "run", points: floats(0, 0, 4, 2, 1, 1), components: 2, index: base64(Int32Array.from([7, 3, 5])),
  values: floats(0, 1, -1), categories: ["zero", "one"], colours: ["#ff0000", "#00ff00"], muted: "#cccccc",
  colour_label: "class", map_id: "pca", ghost: null, placed: [], mode: "select", selected: [], picked: null,
};

/** Steps of the screen, run by hand. */
function screen(t) {
  let waiting = new Map();
  let now = performance.now();
  let ids = 0;
  const names = ["requestAnimationFrame", "cancelAnimationFrame"];
  const before = names.map((name) => globalThis[name]);
  globalThis.requestAnimationFrame = (step) => waiting.set(++ids, step) && ids;
  globalThis.cancelAnimationFrame = (id) => waiting.delete(id);
  t.after(() => names.forEach((name, i) => (globalThis[name] = before[i])));
  return (milliseconds) => {
    const steps = [...waiting.values()];
    waiting = new Map();
    now += milliseconds;
    for (const step of steps) step(now);
    return steps.length;
  };
}

test("classes switched off are hidden, samples outside the selection grey", () => {
  const group = new MapGroup();
  const state = new MapState(DATA, group, THEME);
  assert.deepEqual([...state.states], [SHOWN, SHOWN, SHOWN]);
  assert.equal(state.selectionKey, "");
  group.select(new Set([7, 5]));
  group.set("hidden", new Set([0]));
  state.updateStates();
  assert.deepEqual([...state.states], [HIDDEN, GREY, SHOWN]);
  assert.deepEqual([...state.hidden], [1, 0, 0]);
  assert.match(state.selectionKey, /^2 \d+$/);
});

test("points have the colours of their classes or of a scale, and the legend names them", () => {
  const group = new MapGroup();
  const state = new MapState(DATA, group, THEME);
  assert.deepEqual([...state.colours.words].map(toHex), ["#ff0000", "#00ff00", "#cccccc"]);
  assert.deepEqual(state.legend.map(({ text, count, shown }) => [text, count, shown]), [["zero", 1, true], ["one", 1, true]]);
  assert.deepEqual([0, 1, 2].map((row) => state.labelOf(row)), ["zero", "one", ""]);
  group.set("hidden", new Set([1]));
  state.update({ ...DATA, values: floats(0, 0.5, NaN), categories: [], colour_label: "error" }, group, THEME);
  assert.equal(group.hidden.size, 0);
  assert.deepEqual(state.legend.map(({ ends, text }) => [...ends, text]), [["0.00", "0.50", "error"]]);
  assert.equal(toHex(state.colours.words[2]), "#cccccc");
  assert.equal(state.labelOf(1), "0.500");
});

test("the same samples travel to another layout; others, and other dimensions, begin where they are", () => {
  const group = new MapGroup();
  const state = new MapState(DATA, group, THEME);
  assert.deepEqual(state.update({ ...DATA }, group, THEME), { moved: false, from: null });
  const { from } = state.update({ ...DATA, points: floats(0, 0, 40, 20, 10, 10) }, group, THEME);
  assert.deepEqual([...from], [0, 0, 40, 20, 10, 10]);
  const solid = { ...DATA, components: 3, points: floats(0, 0, 0, 1, 1, 1, 2, 2, 2) };
  assert.deepEqual(state.update(solid, group, THEME), { moved: true, from: null });
  assert.equal(state.camera.toValue(0, 0).length, 3);
  state.camera.drag(100, 0);
  const { yaw } = state.camera;
  state.update({ ...solid, points: floats(0, 0, 0, 5, 1, 1, 2, 2, 2) }, group, THEME);
  assert.equal(state.camera.yaw, yaw);
});

test("a decoded place is forgotten when the pointer no longer decodes, or the map is another", () => {
  const group = new MapGroup();
  const decoding = { ...DATA, mode: "decode" };
  for (const [next, place] of [[decoding, [1, 2]], [DATA, null], [{ ...decoding, map_id: "t-SNE" }, null]]) {
    const state = new MapState(decoding, group, THEME);
    state.decodedAt = [1, 2];
    state.update(next, group, THEME);
    assert.deepEqual(state.decodedAt, place);
  }
});

test("a movement arrives, and one that is stopped or replaced moves nothing any more", (t) => {
  const advance = screen(t);
  const [flat, solid] = [Float32Array.from([0, 0, 4, 2]), Float32Array.from([1, 2, 3, 4, 5, 6])];
  const transition = new FrameLoop();
  const moved = [];
  travel(transition, flat, flat.map((value) => value + 1), (points) => moved.push(points));
  advance(100);
  assert.ok(moved[0][0] > 0 && moved[0][0] < 1);
  travel(transition, solid, solid.map((value) => 2 * value), (points) => moved.push(points));
  assert.equal(advance(200), 1);
  assert.equal(moved.at(-1).length, 6);
  advance(300);
  assert.deepEqual([...moved.at(-1)], [2, 4, 6, 8, 10, 12]);
  assert.equal(advance(16), 0);
  travel(transition, flat, flat, () => assert.fail("a stopped movement went on"));
  transition.stop();
  assert.equal(advance(16), 0);
});

test("a layout is brought to the scale of the next one, and a movement is slow at both ends", () => {
  const from = { low: [0, 0], high: [4, 2] };
  assert.deepEqual([...rescaled(Float32Array.from([0, 0, 4, 2]), from, { low: [10, 10], high: [12, 11] })], [10, 10, 12, 11]);
  assert.deepEqual([-1, 0, 0.5, 1, 2].map(eased), [0, 0, 0.5, 1, 1]);
  assert.ok(eased(0.1) < 0.1 && eased(0.9) > 0.9);
});
