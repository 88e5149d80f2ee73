// Colours as the canvas stores them: one little-endian 32-bit word for an opaque pixel.

/** Red, green and blue of "#rrggbb" or "rgb(r, g, b)"; middle grey for anything else. @param {string} colour */
export function channels(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  return (colour.match(/[\d.]+/g) ?? [128, 128, 128]).slice(0, 3).map(Number);
}

/** Brightness 0..1 of a colour (weights of ITU-R BT.709). @param {string} colour */
export function luminance(colour) {
  const [red, green, blue] = channels(colour);
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

/** @param {number[]} channels red, green, blue: 0..255 */
export function packChannels([red, green, blue]) {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

/** A colour as a word. @param {string} colour */
export function pack(colour) {
  return packChannels(channels(colour));
}

/** A word as "#rrggbb". @param {number} word */
export function toHex(word) {
  return `#${unpack(word).map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {number} word */
function unpack(word) {
  return [0, 8, 16].map((shift) => (word >>> shift) & 255);
}

/**
 * The colour a share t = 0..1 of the way from one to the other, as [red, green, blue].
 *
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} t
 */
export function mix(from, to, t) {
  return from.map((value, c) => Math.round(value + t * (to[c] - value)));
}

// Viridis (Smith, van der Walt & Firing, matplotlib 2015) without its palest end, which would vanish on paper.
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b"];

/** 256 words from one end of the scale to the other; on a dark page without the darkest end. @param {boolean} dark */
export function viridis(dark) {
  const stops = VIRIDIS.slice(dark ? 1 : 0).map(channels);
  return Uint32Array.from({ length: 256 }, (_, i) => {
    const at = (i / 255) * (stops.length - 1);
    const below = Math.floor(at);
    return packChannels(mix(stops[below], stops[Math.min(below + 1, stops.length - 1)], at - below));
  });
}
