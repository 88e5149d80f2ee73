// A map as a file, with the names of its classes and its legend: the canvases as PNG, or every marker as an outline in
// SVG.

import { contextOf } from "../shared/canvas.js";
import { toHex } from "../shared/colours.js";
import { make } from "../shared/dom.js";
import { placeAxes } from "./axes.js";
import { NAME_SIZE } from "./class_names.js";
import { markerPath } from "./markers.js";
import { FADED, OPACITY } from "./point_layer.js";
import { GREY, HIDDEN } from "./stamping.js";

/** @import { Numbers, Theme } from "../shared/types.d.ts" */
/** @import { MapState } from "./map_state.js" */
/** @import { Renderer } from "./renderer.js" */
/** @import { LegendEntry, PlacedAxis, PlacedText } from "./types.d.ts" */
/** @typedef {LegendEntry & { x: number, line: number }} PlacedEntry */
/**
 * @typedef {object} Scene
 * @property {Numbers} x
 * @property {Numbers} y
 * @property {Numbers} rows the order in which points are drawn
 * @property {number} radius
 * @property {Numbers} words
 * @property {Numbers | null} shapes
 * @property {Numbers} states
 * @property {number} width
 * @property {number} height
 * @property {Pick<Theme, "panel" | "ink" | "font">} theme
 * @property {string} muted
 * @property {PlacedText[]} names
 * @property {PlacedAxis[]} axes
 */

// pixels of the legend: a line, the gap between entries, half a marker, the bar of a scale
const [LINE, GAP, MARKER, BAR] = [22, 18, 6, 160];
const AFTER = 6; // pixels between a marker and its text
const FONT = 13;
const [LONGEST, MOST] = [40, 60]; // letters of an entry, entries

/** Save a map as it is shown. @param {MapState} state @param {Renderer} renderer @param {"png" | "svg"} kind */
export function saveMap(state, renderer, kind) {
  const { theme, size: { width, height }, data, colours: { words, shapes }, states } = state;
  const { x, y, rows, radius, canvas } = renderer.points;
  const context = contextOf(make("canvas"));
  const measure = (/** @type {string} */ font) => (/** @type {string} */ text) => {
    context.font = `${font} ${theme.font}`;
    return context.measureText(text).width;
  };
  const shown = state.legend.filter((entry) => !("shown" in entry) || entry.shown);
  const entries = placeLegend(shown, width, measure(`${FONT}px`));
  if (kind === "svg") {
    const names = renderer.names.placed(state, measure(`700 ${NAME_SIZE}px`));
    const axes = state.solid ? placeAxes(state.camera, state.bounds, data.axes) : [];
    const { muted } = data;
    const scene = { x, y, rows, radius, words, shapes, states, width, height, theme, muted, names, axes };
    return download(new Blob([toSvg(scene, entries)], { type: "image/svg+xml" }), "map.svg");
  }
  const picture = withLegend([canvas, renderer.over], { width, height, theme }, entries);
  picture.toBlob((blob) => blob && download(blob, "map.png"));
}

/**
 * Where the first sixty entries of a legend stand below a map of this width.
 *
 * @param {LegendEntry[]} legend
 * @param {number} width
 * @param {(text: string) => number} measure
 * @returns {PlacedEntry[]}
 */
export function placeLegend(legend, width, measure) {
  let [x, line] = [GAP, 0];
  return legend.slice(0, MOST).map((entry) => {
    const text = textOf(entry);
    const wide = symbolWidth(entry) + AFTER + measure(text);
    if (x > GAP && x + wide > width - GAP) [x, line] = [GAP, line + 1];
    const placed = { ...entry, text, x, line };
    x += wide + GAP;
    return placed;
  });
}

/** @param {LegendEntry} entry */
function textOf(entry) {
  if ("scale" in entry) return `${entry.ends.join(" to ")}, ${entry.text}`;
  return entry.text.length > LONGEST ? `${entry.text.slice(0, LONGEST - 1)}…` : entry.text;
}

/** @param {LegendEntry} entry */
function symbolWidth(entry) {
  return "scale" in entry ? BAR : 2 * MARKER;
}

/** The height of a legend. @param {PlacedEntry[]} entries */
function legendHeight(entries) {
  return entries.length ? (entries[entries.length - 1].line + 1) * LINE + 8 : 0;
}

/**
 * Canvases over each other with the legend below them.
 *
 * @param {HTMLCanvasElement[]} canvases
 * @param {Pick<Scene, "width" | "height" | "theme">} scene
 * @param {PlacedEntry[]} entries
 */
function withLegend(canvases, { width, height, theme }, entries) {
  const [{ width: wide, height: tall }] = canvases;
  const ratio = wide / width;
  const picture = make("canvas", { width: wide, height: tall + Math.round(legendHeight(entries) * ratio) });
  const context = contextOf(picture);
  context.fillStyle = theme.panel;
  context.fillRect(0, 0, picture.width, picture.height);
  for (const canvas of canvases) context.drawImage(canvas, 0, 0, wide, tall);
  context.scale(ratio, ratio);
  context.font = `${FONT}px ${theme.font}`;
  context.textBaseline = "middle";
  for (const entry of entries) {
    const { text, x, line } = entry;
    const y = height + (line + 0.5) * LINE;
    if ("scale" in entry) {
      const gradient = context.createLinearGradient(x, 0, x + BAR, 0);
      entry.scale.forEach((stop, i) => gradient.addColorStop(i / (entry.scale.length - 1), stop));
      context.fillStyle = gradient;
      context.fillRect(x, y - MARKER, BAR, 2 * MARKER);
    } else {
      context.fillStyle = entry.colour;
      context.fill(new Path2D(markerPath(entry.shape, x + MARKER, y, MARKER)));
    }
    context.fillStyle = theme.ink;
    context.fillText(text, x + symbolWidth(entry) + AFTER, y);
  }
  return picture;
}

/** The map as SVG text. @param {Scene} scene @param {PlacedEntry[]} entries */
export function toSvg(scene, entries) {
  const { width, height, theme, names, axes } = scene;
  /** @type {(text: string, x: number, y: number, attributes: string) => string} */
  const written = (text, x, y, attributes) => {
    const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" dominant-baseline="central"`;
    return `<text ${place} fill="${theme.ink}" ${attributes}>${escaped(text)}</text>`;
  };
  const rim = `stroke="${theme.panel}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`;
  const bold = `font-size="${NAME_SIZE}" font-weight="700" text-anchor="middle" ${rim}`;
  const parts = [
    `<rect width="100%" height="100%" fill="${theme.panel}"/>`,
    ...pointsAsSvg(scene),
    ...axes.flatMap(({ text, from, to, at: [x, y] }) => [
      `<path d="M${from}L${to}" stroke="${theme.ink}" stroke-opacity="0.5" fill="none"/>`,
      written(text, x, y, `font-size="12" text-anchor="middle" ${rim}`),
    ]),
    ...names.map(({ text, x, y }) => written(text, x, y, bold)),
    ...entries.flatMap((entry, i) => {
      const y = height + (entry.line + 0.5) * LINE;
      const text = written(entry.text, entry.x + symbolWidth(entry) + AFTER, y, `font-size="${FONT}"`);
      return [symbolAsSvg(entry, y, `scale${i}`), text];
    }),
  ];
  const box = `viewBox="0 0 ${width} ${height + legendHeight(entries)}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} font-family="${escaped(theme.font)}">${parts.join("")}</svg>`;
}

/** @param {Scene} scene */
function pointsAsSvg({ x, y, rows, radius, words, shapes, states, width, height, muted }) {
  const visible = Array.from(rows).filter(
    (row) => states[row] !== HIDDEN && x[row] >= 0 && y[row] >= 0 && x[row] <= width && y[row] <= height,
  );
  return visible.map((row) => {
    const grey = states[row] === GREY;
    const d = markerPath(shapes ? shapes[row] : 0, x[row], y[row], radius);
    return `<path d="${d}" fill="${grey ? muted : toHex(words[row])}" fill-opacity="${grey ? FADED : OPACITY}"/>`;
  });
}

/** @param {PlacedEntry} entry @param {number} y @param {string} id */
function symbolAsSvg(entry, y, id) {
  if (!("scale" in entry)) {
    return `<path d="${markerPath(entry.shape, entry.x + MARKER, y, MARKER)}" fill="${entry.colour}"/>`;
  }
  const last = entry.scale.length - 1;
  const stops = entry.scale.map((stop, k) => `<stop offset="${k / last}" stop-color="${stop}"/>`).join("");
  const bar = `<rect x="${entry.x}" y="${y - MARKER}" width="${BAR}" height="${2 * MARKER}" fill="url(#${id})"/>`;
  return `<linearGradient id="${id}">${stops}</linearGradient>${bar}`;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
