// Messages of the channel: a request is JSON text, a reply is a frame; its layout is that of aeexplorer/live/frame.py.

/** @import { Arrays, Frame } from "./types.d.ts" */

const ALIGN = 8;
const KINDS = { uint8: Uint8Array, float32: Float32Array };

/** A request as text. @param {string} id @param {string} scene @param {object} params */
export function encodeRequest(id, scene, params, stream = "") {
  return JSON.stringify({ id, scene, params, stream });
}

/**
 * The frame of a message. Throws a RangeError when the message is cut short.
 *
 * @param {ArrayBuffer} buffer
 * @returns {Frame}
 */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  /** @type {Omit<Frame, "arrays"> & { names: string[], shapes: number[][], dtypes: ("uint8" | "float32")[] }} */
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  /** @type {Arrays} */
  const arrays = {};
  let start = 4 + length;
  header.names.forEach((name, i) => {
    const [shape, dtype] = [header.shapes[i], header.dtypes[i]];
    const count = shape.reduce((product, n) => product * n, 1);
    const data = new KINDS[dtype](buffer, start, count);
    arrays[name] = { shape, dtype, data };
    start += Math.ceil(data.byteLength / ALIGN) * ALIGN;
  });
  return { ...header, arrays };
}

/** Bytes as base64. @param {Uint8Array} bytes */
export function encodeBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The bytes of base64 text. @param {string} text */
export function decodeBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}
