// The data of pads, as aeexplorer/live/components.py sends it.

import type { ChartSpec, Point, SliderSpec } from "../shared/types.d.ts";

export interface LatentPadData {
  run: string;
  /** Where the plane begins: a code of as many values as the run's. */
  z: number[] | null;
  label: string;
  neighbours: number;
  /** The topic by which other components find the plane. */
  name: string;
  colours: string[];
}

export type Stroke = Point[];
/** How strokes become samples: see `DRAWINGS` in components.py. */
export interface DrawingStyle {
  box: number;
  centre: "mass" | "box";
  pen: number;
}
export interface DrawPadData {
  run: string;
  shape: [number, number];
  label: string;
  plane: string | null;
  drawing: DrawingStyle;
  /** A drawing to begin with, as base64 of its pixels. */
  pixels: string | null;
}

export interface PointPadData {
  label: string;
  /** The largest number of points. */
  most: number;
}

export interface VectorFieldData {
  run: string;
  compare_run: string | null;
  names: string[];
  sigma: number;
  start: Point;
  slider: SliderSpec | null;
  chart: ChartSpec | null;
  label: string;
}
