import assert from "node:assert/strict";
import test from "node:test";
import { decodeBase64, decodeFrame, encodeBase64, encodeRequest } from "../../aeexplorer/live/static/shared/protocol.js";

const HEADER = { id: 3, scene: "x", kind: null, names: ["t", "p"], shapes: [[3, 1, 1], [1, 2]], dtypes: ["uint8", "float32"], readouts: { mse: 0.5 } };

/** A message as aeexplorer/live/frame.py lays it out. */
function message(header, parts) {
  let text = JSON.stringify(header);
  while ((4 + text.length) % 8) text += " ";
  const bytes = [...new Uint8Array(new Uint32Array([text.length]).buffer), ...new TextEncoder().encode(text)];
  for (const part of parts) {
    bytes.push(...part);
    while (bytes.length % 8) bytes.push(0);
  }
  return new Uint8Array(bytes).buffer;
}

test("a frame comes back as typed arrays with their shapes", () => {
  const floats = new Uint8Array(new Float32Array([1.5, -2]).buffer);
  const frame = decodeFrame(message(HEADER, [[7, 8, 9], floats]));
  assert.equal(frame.id, 3);
  assert.deepEqual(frame.readouts, { mse: 0.5 });
  assert.deepEqual([...frame.arrays.t.data], [7, 8, 9]);
  assert.deepEqual(frame.arrays.t.shape, [3, 1, 1]);
  assert.deepEqual([...frame.arrays.p.data], [1.5, -2]);
});

test("a frame cut short throws", () => {
  const whole = message(HEADER, [[7, 8, 9], new Uint8Array(8)]);
  assert.throws(() => decodeFrame(whole.slice(0, whole.byteLength - 12)), RangeError);
});

test("a request is the JSON that the channel reads", () => {
  assert.deepEqual(JSON.parse(encodeRequest("s1:4", "echo", { x: 1 }, "s1")), { id: "s1:4", scene: "echo", params: { x: 1 }, stream: "s1" });
});

test("bytes become base64 and come back", () => {
  const text = encodeBase64(new Uint8Array([0, 255, 16]));
  assert.equal(text, Buffer.from([0, 255, 16]).toString("base64"));
  assert.deepEqual([...new Uint8Array(decodeBase64(text))], [0, 255, 16]);
});
