// The axes of a map in space: lines through the middle of the cloud, each with its name at its upper end.

import { middleOf, pixelsOf } from "./camera.js";

/** @import { Bounds } from "../shared/types.d.ts" */
/** @import { Camera, PlacedAxis } from "./types.d.ts" */

const [REACH, NAME] = [0.88, 0.95]; // of the cloud's radius: where a line ends and where its name stands

/**
 * @param {Camera} camera
 * @param {Bounds} bounds of the points
 * @param {string[]} names of the axes
 * @returns {PlacedAxis[]}
 */
export function placeAxes(camera, bounds, names) {
  const { low, high } = bounds;
  const radius = Math.hypot(...low.map((value, i) => high[i] - value)) / 2;
  const middle = middleOf(bounds);
  const places = names.flatMap((_, axis) =>
    [-REACH, REACH, NAME].map((share) => middle.map((value, i) => (i === axis ? value + share * radius : value))),
  );
  const pixels = pixelsOf(camera, places.flat(), places.length);
  return names.map((text, axis) => {
    const [from, to, at] = pixels.slice(3 * axis);
    return { text, from, to, at };
  });
}
