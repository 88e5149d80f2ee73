import assert from "node:assert/strict";
import test from "node:test";

import { playedShare } from "../../aeexplorer/live/static/panel/buttons.js";
import { describeRate } from "../../aeexplorer/live/static/panel/dimension_bars.js";
import { cellEdges, edgeText } from "../../aeexplorer/live/static/panel/error_heatmap.js";
import { columnAt } from "../../aeexplorer/live/static/panel/line_view.js";
import { pickParams, withParam } from "../../aeexplorer/live/static/panel/params.js";
import { formatReadout } from "../../aeexplorer/live/static/panel/readout_list.js";
import { dotValues, linesOf } from "../../aeexplorer/live/static/shared/chart.js";
import { sliderScale, zoneOf } from "../../aeexplorer/live/static/shared/slider.js";
import { publish, subscribe } from "../../aeexplorer/live/static/shared/topics.js";

const SLIDER = { low: 0, high: 1, step: 0.1, scale: "linear", bend: [], marks: [], zones: [] };
const close = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test("a param is set at its path, and the params it was set in stay as they were", () => {
  const params = { run: "run", z: [1, 2, 3] };
  assert.deepEqual(withParam(params, "z.1", 9), { run: "run", z: [1, 9, 3] });
  assert.deepEqual(withParam(params, "t", 0.5), { ...params, t: 0.5 });
  assert.deepEqual(withParam({}, "shift.angle", 3), { shift: { angle: 3 } });
  assert.deepEqual(params, { run: "run", z: [1, 2, 3] });
  assert.deepEqual(pickParams(params, ["run", "seed"]), { run: "run" });
});

test("the end of an axis has the decimals that it needs", () => {
  assert.deepEqual([0, 0.75, 1, 0.5, 1 / 3].map(edgeText), ["0", "0.75", "1", "0.5", "0.33"]);
});

test("a linear slider lies on its steps, a logarithmic one moves evenly in the logarithm", () => {
  const linear = sliderScale(SLIDER);
  assert.equal(linear.valueAt(0.30000000000000004), 0.3);
  const log = sliderScale({ ...SLIDER, low: 0.01, high: 100, scale: "log" });
  assert.equal(log.valueAt(0), 1);
  close(log.position(10) - log.position(1), log.position(1) - log.position(0.1));
  assert.equal(log.valueAt(log.high), 100);
});

test("a bent slider goes through its points and snaps to its marks", () => {
  const bend = [[0, 0], [0.5, 0.8], [1, 1]];
  const scale = sliderScale({ ...SLIDER, bend, marks: [{ x: 0.5, label: "½" }] });
  assert.deepEqual([scale.low, scale.high], [0, 1]);
  close(scale.position(0.25), 0.4);
  close(scale.valueAt(0.9), 0.75);
  assert.equal(scale.valueAt(0.8 + 1 / 1000), 0.5);
});

test("an end of a zone belongs to it only where the slider ends too", () => {
  const spec = { ...SLIDER, low: -0.5, high: 1.5, zones: [{ low: -0.5, high: 0, label: "a" }, { low: 1, high: 2, label: "b" }] };
  assert.deepEqual([-0.5, -0.1, 0, 1, 1.2].map((value) => zoneOf(spec, value)?.label), ["a", "a", undefined, undefined, "b"]);
});

test("a slider that is played goes to and fro", () => {
  assert.deepEqual([0, 1000, 2000, 3000, 4000].map((elapsed) => playedShare(elapsed, 2)), [0, 0.5, 1, 0.5, 0]);
});

test("a column of a table is interpolated between its neighbours", () => {
  assert.deepEqual([...columnAt([0, 10, 20, 30], [1, 2], 1.5)], [5, 25]);
});

test("cells of a heat map meet half-way between their values", () => {
  assert.deepEqual(cellEdges([0, 1, 3], 0, 300), [0, 50, 200, 300]);
});

test("readouts are written by their kind", () => {
  assert.deepEqual([0.5, [0.25, "x"], "word", null].map((value) => formatReadout(value, 2)), ["0.50", "0.25, x", "word", "–"]);
});

test("only lines whose arrays came are drawn, and their dots stand at their readouts", () => {
  const lines = [{ x_array: "x", y_array: "y", readout: "mse" }, { x_array: "x", y_array: "other", readout: "mse" }];
  const drawn = linesOf(lines, { x: { data: [1] }, y: { data: [2] } });
  assert.deepEqual(drawn.map(({ x, y }) => [x, y]), [[[1], [2]]]);
  assert.deepEqual(dotValues(drawn, { mse: 0.5 }), [0.5]);
});

test("a collapsed posterior is warned of", () => {
  const rate = { active_units: 4, units: 8, between: [1, 2], rate: 5 };
  assert.deepEqual(describeRate(rate), { warning: "", place: "Interpolated between β = 1 and β = 2" });
  const collapsed = describeRate({ ...rate, between: [2, 2], rate: 0.01 });
  assert.match(collapsed.warning, /Posterior collapse: 4 of 8/);
  assert.equal(collapsed.place, "Trained at exactly β = 2");
});

test("a late subscriber receives the last message, marked as replayed, and none after it has left", () => {
  const received = [];
  publish("plane", { clear: true });
  const leave = subscribe("plane", (message, replayed) => received.push([message, replayed]));
  publish("plane", { label: "yours" });
  leave();
  publish("plane", { label: "late" });
  assert.deepEqual(received, [[{ clear: true }, true], [{ label: "yours" }, false]]);
});
