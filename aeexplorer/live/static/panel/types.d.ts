// The data of a live panel: aeexplorer/live/panel.py declares and checks it.

import type {
  Arrays, ChartSpec, Frame, Params, Readouts, SegmentedSpec, SliderSpec, Theme,
} from "../shared/types.d.ts";

/** A button whose value is a seed: each press takes the next one. */
export interface ButtonSpec {
  type: "button";
  param: string;
  label: string;
  value: number;
}
/** A button that moves the slider of the same param to and fro. */
export interface PlaySpec {
  type: "play";
  param: string;
  label: string;
  seconds: number;
  low: number | null;
  high: number | null;
}
export type ControlSpec = SliderSpec | SegmentedSpec | ButtonSpec | PlaySpec;

export interface RowSpec {
  array: string;
  label: string;
  signed: boolean;
  columns: number;
  tile: number;
  beside: boolean;
  caption: string;
  captions: string[];
  marker: { control: string; low: number; high: number } | null;
  pick: boolean;
}
export interface ReadoutSpec {
  name: string;
  label: string;
  digits: number;
  unit: string;
}

interface ViewBase {
  title: string;
  scene: string;
  fields: string[];
  place: "above" | "aside";
}
export interface CloudSpec extends ViewBase {
  type: "cloud";
  colours: string[];
  names: string[];
}
export interface DimensionsSpec extends ViewBase {
  type: "dimensions";
}
export interface HeatSpec extends ViewBase {
  type: "heat";
  array: string;
  rows: string;
  columns: string;
  x: string;
  y: string;
  x_label: string;
  y_label: string;
}
export type ViewSpec = ChartSpec | CloudSpec | DimensionsSpec | HeatSpec;

/** Something that moves with the controls of a panel. */
export interface View {
  element: HTMLElement;
  /** Keep the frame of the view's own scene, which stays while the controls move. */
  keep(frame: Frame): void;
  /** Show what a frame of the panel's scene says. */
  show(readouts: Readouts, arrays: Arrays, params: Params): void;
  redraw?(theme: Theme): void;
  destroy?(): void;
}

export interface PanelData {
  scene: string;
  label: string;
  params: Params;
  controls: ControlSpec[];
  rows: RowSpec[];
  readouts: ReadoutSpec[];
  chart: ChartSpec | null;
  views: ViewSpec[];
  /** The latent pad on which the frame's paths are drawn, with the chart at its side. */
  plane: string | null;
  paths: string[];
}
