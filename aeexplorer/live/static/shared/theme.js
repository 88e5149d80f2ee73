// The page's theme, read from the custom properties that Streamlit sets.

import { luminance } from "./colours.js";

/** @import { Theme } from "./types.d.ts" */

/** The theme at an element. @param {Element} element @returns {Theme} */
export function themeOf(element) {
  const style = getComputedStyle(element);
  const read = (/** @type {string} */ name, /** @type {string} */ fallback) =>
    style.getPropertyValue(`--st-${name}`).trim() || fallback;
  const dark = luminance(read("background-color", "#fcfbf8")) < 0.4;
  return {
    dark,
    panel: read("secondary-background-color", "#ffffff"),
    ink: read("text-color", "#1c2430"),
    quiet: read("gray-text-color", "#626b78"),
    accent: read("primary-color", "#1c5d99"),
    mark: dark ? "#ff8742" : "#d94e00",
    learned: dark ? "#7db8ee" : "#1c5d99",
    font: read("font", "sans-serif"),
  };
}
