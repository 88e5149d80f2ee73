// The data of a map, as aeexplorer/live/components.py sends it, and what the parts of a map share.

import type { Point, Span } from "../shared/types.d.ts";

export interface PlacedCode {
  point: number[];
  label: string;
  approximate: boolean;
}

/** Texts of points, index, values and ghost are base64 of float32 or int32 values, little-endian. */
export interface MapData {
  run: string;
  /** (n, components) */
  points: string;
  components: 2 | 3;
  /** (n,) places of the samples in the dataset */
  index: string;
  /** (n,) places among the categories, -1 for none, or numbers; null for one colour */
  values: string | null;
  categories: string[];
  colours: string[];
  muted: string;
  colour_label: string;
  title: string;
  /** Names of the axes of a map in space. */
  axes: string[];
  group: string;
  map_id: string | null;
  /** Another layout of the same samples, drawn faintly behind. */
  ghost: string | null;
  placed: PlacedCode[];
  selected: number[];
  picked: number | null;
  mode: "select" | "decode";
  density: boolean;
  pictures: boolean;
  height: number;
  label: string;
  /** Serial number of the last action that the page knows. */
  heard: number;
}

/** How points come to the screen. Positions there are arrays x and y in CSS pixels with one entry per point. */
export interface Camera {
  readonly width: number;
  readonly height: number;
  /** 1 where everything is shown. */
  readonly magnification: number;
  reset(): void;
  resize(width: number, height: number): void;
  /** Fill x and y, and depth where it is given: 1 nearest to the eye, -1 farthest. */
  project(points: Float32Array, x: Float32Array, y: Float32Array, depth?: Float32Array): void;
  /** The point behind a pixel, on a depth. */
  toValue(px: number, py: number, depth?: number): number[];
  /** What dragging the map does: it is moved, or turned. */
  drag(dx: number, dy: number): void;
  shift(dx: number, dy: number): void;
  /** Magnify about a pixel. */
  zoom(factor: number, px: number, py: number): void;
  /** Grid cells of at least this many pixels; those of a flat map are fixed to it. */
  grid(cell: number): { size: number; left: number; top: number };
}

/** A class in the legend. */
export interface ClassEntry {
  c: number;
  text: string;
  colour: string;
  shape: number;
  /** Points of the class. */
  count: number;
  shown: boolean;
}
/** A range of colours in the legend. */
export interface ScaleEntry {
  scale: string[];
  ends: [string, string];
  text: string;
}
export type LegendEntry = ClassEntry | ScaleEntry;

export interface PointColours {
  /** A colour word for each point. */
  words: Uint32Array;
  /** A marker for each point; null where all are circles. */
  shapes: Uint8Array | null;
  /** The values between which a continuous scale runs. */
  range: Span | null;
}

/** An axis in pixels: its line, and where its name stands. */
export interface PlacedAxis {
  text: string;
  from: Point;
  to: Point;
  at: Point;
}
export interface PlacedText {
  text: string;
  x: number;
  y: number;
}
export type Polygon = Point[];

/** How much a marker covers of pixels around it: offsets into a sheet and weights 0..256. */
export interface MarkerMask {
  offsets: Int32Array;
  weights: Int32Array;
}
export interface Sheet {
  picture: ImageData;
  pixels: Uint32Array;
  stride: number;
  width: number;
  height: number;
}
