// Messages of the channel: a request is JSON text, a reply is a frame; see aeexplorer/live/frame.py for the layout.

const ALIGN = 8;
const KINDS = { uint8: Uint8Array, float32: Float32Array };

/** A request as text. */
export function encodeRequest(id, scene, params, stream = "") {
  return JSON.stringify({ id, scene, params, stream });
}

/**
 * A frame from an ArrayBuffer: the header's fields, and `arrays`: {name: {shape, dtype, data}} with typed arrays that
 * look into the buffer. Throws a RangeError when the message is cut short.
 */
export function decodeFrame(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let start = 4 + length;
  header.names.forEach((name, i) => {
    const Kind = KINDS[header.dtypes[i]];
    const count = header.shapes[i].reduce((product, n) => product * n, 1);
    arrays[name] = { shape: header.shapes[i], dtype: header.dtypes[i], data: new Kind(buffer, start, count) };
    start += Math.ceil((count * Kind.BYTES_PER_ELEMENT) / ALIGN) * ALIGN;
  });
  return { ...header, arrays };
}

/** Bytes as base64, for the values of a sample in a request. */
export function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
