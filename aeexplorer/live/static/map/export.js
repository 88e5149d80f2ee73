// A map as a file, with the names of its classes and its legend: what the canvas shows as PNG, or every mark as an outline
// in SVG.

import { GREY, HIDDEN, hex, outline } from "./markers.js";

const [LINE, GAP, MARK, BAR] = [22, 18, 6, 160]; // pixels of the legend: its lines, between entries, half a mark, the scale
const FONT = 13;
const [LONGEST, MOST] = [40, 60]; // letters of an entry, entries

export function save(scene, kind) {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${FONT}px ${scene.theme.font}`;
  const entries = laid(scene.legend, scene.width, (text) => context.measureText(text).width);
  if (kind === "svg") return download(new Blob([drawing(scene, entries)], { type: "image/svg+xml" }), "map.svg");
  pixels(scene, entries).toBlob((blob) => download(blob, "map.png"));
}

/**
 * Where the entries of a legend stand below a map of this width: {mark, colour, text, scale, x, line}.
 * The first sixty entries, {text, colour, shape}, or {text, scale: colours} for a range of colours.
 */
export function laid(legend, width, measure) {
  let [x, line] = [GAP, 0];
  return legend.slice(0, MOST).map((entry) => {
    const text = !entry.scale && entry.text.length > LONGEST ? `${entry.text.slice(0, LONGEST - 1)}…` : entry.text;
    const wide = (entry.scale ? BAR : 2 * MARK) + 6 + measure(text);
    if (x > GAP && x + wide > width - GAP) [x, line] = [GAP, line + 1];
    const placed = { ...entry, text, x, line };
    x += wide + GAP;
    return placed;
  });
}

const below = (entries) => (entries.length ? (entries[entries.length - 1].line + 1) * LINE + 8 : 0);

function pixels({ canvas, over, width, height, theme }, entries) {
  const both = document.createElement("canvas");
  const ratio = canvas.width / width;
  [both.width, both.height] = [canvas.width, canvas.height + Math.round(below(entries) * ratio)];
  const context = both.getContext("2d");
  context.fillStyle = theme.panel;
  context.fillRect(0, 0, both.width, both.height);
  context.drawImage(canvas, 0, 0);
  context.drawImage(over, 0, 0, canvas.width, canvas.height);
  context.scale(ratio, ratio);
  context.font = `${FONT}px ${theme.font}`;
  context.textBaseline = "middle";
  for (const { text, colour, shape, scale, x, line } of entries) {
    const y = height + (line + 0.5) * LINE;
    if (scale) {
      const way = context.createLinearGradient(x, 0, x + BAR, 0);
      scale.forEach((stop, i) => way.addColorStop(i / (scale.length - 1), stop));
      context.fillStyle = way;
      context.fillRect(x, y - MARK, BAR, 2 * MARK);
    } else {
      context.fillStyle = colour;
      context.fill(new Path2D(outline(shape, x + MARK, y, MARK)));
    }
    context.fillStyle = theme.ink;
    context.fillText(text, x + (scale ? BAR : 2 * MARK) + 6, y);
  }
  return both;
}

/** The map as SVG text; `entries` are those of `laid`. */
export function drawing({ x, y, words, shapes, states, width, height, theme, rows, muted, radius, names }, entries) {
  const parts = [];
  for (const row of rows) {
    if (states[row] === HIDDEN || x[row] < 0 || y[row] < 0 || x[row] > width || y[row] > height) continue;
    const grey = states[row] === GREY;
    const path = outline(shapes ? shapes[row] : 0, x[row], y[row], radius);
    parts.push(`<path d="${path}" fill="${grey ? muted : hex(words[row])}" fill-opacity="${grey ? 0.3 : 0.78}"/>`);
  }
  const text = (said, at, more) => `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" dominant-baseline="central" fill="${theme.ink}" ${more}>${escaped(said)}</text>`;
  const halo = `font-size="15" font-weight="700" text-anchor="middle" stroke="${theme.panel}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`;
  for (const name of names) parts.push(text(name.text, [name.x, name.y], halo));
  entries.forEach(({ text: said, colour, shape, scale, x: left, line }, i) => {
    const middle = height + (line + 0.5) * LINE;
    if (scale) {
      const stops = scale.map((stop, k) => `<stop offset="${k / (scale.length - 1)}" stop-color="${stop}"/>`).join("");
      parts.push(`<linearGradient id="scale${i}">${stops}</linearGradient><rect x="${left}" y="${middle - MARK}" width="${BAR}" height="${2 * MARK}" fill="url(#scale${i})"/>`);
    } else parts.push(`<path d="${outline(shape, left + MARK, middle, MARK)}" fill="${colour}"/>`);
    parts.push(text(said, [left + (scale ? BAR : 2 * MARK) + 6, middle], `font-size="${FONT}"`));
  });
  const size = `0 0 ${width} ${height + below(entries)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${size}" font-family="${escaped(theme.font)}"><rect width="100%" height="100%" fill="${theme.panel}"/>${parts.join("")}</svg>`;
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
