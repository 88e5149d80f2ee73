// A map as a file: what the canvas shows as PNG, or every mark as an outline in SVG.

import { GREY, HIDDEN, hex, outline } from "./map_marks.js";

export function save(scene, kind) {
  if (kind === "svg") return download(new Blob([drawing(scene)], { type: "image/svg+xml" }), "map.svg");
  const { canvas, over } = scene;
  const both = document.createElement("canvas");
  [both.width, both.height] = [canvas.width, canvas.height];
  const context = both.getContext("2d");
  context.drawImage(canvas, 0, 0);
  context.drawImage(over, 0, 0, canvas.width, canvas.height);
  both.toBlob((blob) => download(blob, "map.png"));
}

/** The map as SVG text. */
export function drawing({ x, y, words, shapes, states, width, height, theme, rows, muted, radius }) {
  const paths = [];
  for (const row of rows) {
    if (states[row] === HIDDEN || x[row] < 0 || y[row] < 0 || x[row] > width || y[row] > height) continue;
    const grey = states[row] === GREY;
    const path = outline(shapes ? shapes[row] : 0, x[row], y[row], radius);
    paths.push(`<path d="${path}" fill="${grey ? muted : hex(words[row])}" fill-opacity="${grey ? 0.3 : 0.78}"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="${theme.panel}"/>${paths.join("")}</svg>`;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
