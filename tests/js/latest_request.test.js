import assert from "node:assert/strict";
import test from "node:test";
import { backOff, LatestRequest } from "../../aeexplorer/live/static/shared/latest_request.js";

function connected() {
  const sent = [];
  const latest = new LatestRequest((request) => sent.push(request));
  latest.connect();
  return { latest, sent };
}

test("one request is in flight and only the newest waits", () => {
  const { latest, sent } = connected();
  for (const n of [1, 2, 3, 4]) latest.submit(n);
  assert.deepEqual(sent, [1]);
  assert.equal(latest.settle(), 1);
  assert.deepEqual(sent, [1, 4]);
  assert.equal(latest.settle(), 4);
  assert.deepEqual(sent, [1, 4]);
});

test("nothing is sent before the connection stands", () => {
  const sent = [];
  const latest = new LatestRequest((request) => sent.push(request));
  latest.submit(1);
  latest.submit(2);
  assert.deepEqual(sent, []);
  latest.connect();
  assert.deepEqual(sent, [2]);
});

test("after a lost connection the newest request without a reply is sent again", () => {
  const { latest, sent } = connected();
  latest.submit(1);
  latest.disconnect();
  latest.connect();
  assert.deepEqual(sent, [1, 1]);
  latest.submit(2);
  latest.disconnect();
  latest.connect();
  assert.deepEqual(sent, [1, 1, 2]);
});

test("the last request is always answered, whatever the order of events", () => {
  let seed = 1;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 200; round++) {
    const { latest, sent } = connected();
    let answered = null;
    for (let n = 1; n <= 30; n++) {
      latest.submit(n);
      if (chance() < 0.4 && latest.inFlight !== null) answered = latest.settle();
      if (chance() < 0.2) latest.disconnect();
      if (chance() < 0.5) latest.connect();
    }
    latest.connect();
    while (latest.inFlight !== null) answered = latest.settle();
    assert.equal(answered, 30);
    assert.ok(sent.every((n, i) => i === 0 || n >= sent[i - 1]));
  }
});

test("the wait before connecting again grows and is bounded", () => {
  const waits = [0, 1, 2, 3, 10].map((n) => backOff(n, 0.999));
  assert.ok(waits.every((w, i) => i === 0 || w > waits[i - 1] || w > 7900));
  assert.ok(waits[0] <= 250 && waits[4] <= 8000 && backOff(0, 0) >= 125);
});
