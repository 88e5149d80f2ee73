// What travels between the server, the page and these modules. The server's side of it: aeexplorer/live/frame.py
// (frames), scenes/ (params, arrays and readouts of each scene), panel.py (controls and charts), components.py (data
// of components).

export type Point = [number, number];
export type Numbers = ArrayLike<number>;
/** Lowest and highest value. */
export type Span = [number, number];
export interface Bounds {
  low: number[];
  high: number[];
}
export interface Size {
  width: number;
  height: number;
}

export type SampleKind = "image" | "sequence" | "vector" | "tokens";
/** What the indices of symbols stand for; of text `voices` is 0. */
export interface Tokens {
  vocabulary: string[];
  voices: number;
}

export interface FrameArray {
  shape: number[];
  dtype: "uint8" | "float32";
  data: Uint8Array | Float32Array;
}
export type Arrays = { [name: string]: FrameArray };
export type Readouts = { [name: string]: unknown };
export type Params = { [name: string]: unknown };

/** A reply of the channel: the fields of its header, and typed arrays that look into the message. */
export interface Frame<A = Arrays, R = Readouts> {
  id: string;
  kind: SampleKind | null;
  range: Span | null;
  tokens?: Tokens | null;
  arrays: A;
  readouts: R;
}

/** Where a code lies among the stored codes. */
interface Neighbourhood {
  status: string;
  distance: number;
  nearest: number[];
}
interface Scene<P, A, R> {
  params: P;
  frame: Frame<A, R>;
}
type Runs = { run: string; compare_run: string | null };

/** The scenes that components request by name; a live panel requests any scene and takes its frame as it comes. */
export interface Scenes {
  codes: Scene<
    { run: string },
    { points?: FrameArray; labels: FrameArray },
    { classes: string[]; latent_dim: number }
  >;
  plane: Scene<
    { run: string; z: number[]; at?: Point; neighbours: number },
    { picture: FrameArray; nearest?: FrameArray; ellipse?: FrameArray },
    Neighbourhood & { at: Point; nearest_labels: (string | null)[]; nearest_are: "samples" | "reconstructions" }
  >;
  encode: Scene<
    { run: string; sample: { pixels: string }; neighbours: number },
    { sample: FrameArray; picture: FrameArray },
    Neighbourhood & {
      z: number[];
      mse: number;
      label: string | null;
      share: number | null;
      worse_than: number | null;
    }
  >;
  map_samples: Scene<
    { run: string; index: number[] },
    { samples: FrameArray; reconstructions: FrameArray },
    { index: number[] }
  >;
  lift: Scene<
    { run: string; map_id: string; at: number[] },
    { picture: FrameArray; nearest: FrameArray },
    { status: string; distance: number; approximate: boolean }
  >;
  score_data: Scene<{ run: string }, { points: FrameArray }, { low: number[]; high: number[]; cell: number }>;
  score_field: Scene<
    Runs & { sigma: number },
    { at: FrameArray; exact: FrameArray; density: FrameArray } & Arrays,
    { sigma: number; between?: Span | null } & Readouts
  >;
  score_walk: Scene<Runs & { sigma: number; start: number[] }, Arrays, { distance: number } & Readouts>;
  score_particles: Scene<
    { run: string; n: number; seed: number },
    { way: FrameArray },
    { n: number; near: number; sigmas: number[] }
  >;
  score_curve: Scene<Runs, Arrays, Readouts>;
}
export type FrameOf<S extends string> = S extends keyof Scenes ? Scenes[S]["frame"] : Frame;
export type ParamsOf<S extends string> = S extends keyof Scenes ? Scenes[S]["params"] : Params;

/** A request as the channel keeps it: `time` is when it was made, in milliseconds of `performance.now()`. */
export interface SceneRequest<S extends string = string> {
  id: string;
  scene: S;
  params: ParamsOf<S>;
  time: number;
}
export interface StreamHandlers<S extends string> {
  frame(frame: FrameOf<S>, request: SceneRequest<S>): void;
  error(sentence: string): void;
  /** A sentence about the connection, empty when it stands. */
  state?(sentence: string): void;
}
/** One component's requests of one scene, of which the latest wins. */
export interface Stream<S extends string = string> {
  request(params: ParamsOf<S>): void;
  close(): void;
}

/** The argument of a component's module, from Streamlit (components v2). */
export interface Component<Data> {
  parentElement: HTMLElement;
  data: Data;
  setStateValue(name: string, value: unknown): void;
  setTriggerValue(name: string, value: unknown): void;
}
export interface ComponentInstance<Data> {
  update(component: Component<Data>): void;
  destroy(): void;
}

/** What a component holds for one set of specs. */
export interface Content<Data> {
  data: Data;
  /** The elements in their places. */
  layout(): Element[];
  /** Request what it shows. */
  request(): void;
  /** Take over other values of the same specs. */
  update(data: Data): void;
  close(): void;
}
/** The component that holds a content. */
export interface Host<Data> {
  root: HTMLElement;
  theme: Theme;
  component: Component<Data>;
}

/** The page's colours and font as the browser resolves them. */
export interface Theme {
  dark: boolean;
  panel: string;
  ink: string;
  quiet: string;
  accent: string;
  /** Orange, for places that a person set. */
  mark: string;
  /** Blue, for what a model learned. */
  learned: string;
  font: string;
}
/** How samples are drawn: `signed` for differences; `span` is of values that are no picture. */
export interface SampleStyle {
  kind: SampleKind | null;
  tokens?: Tokens | null;
  theme: Theme;
  signed?: boolean;
  span: Span | null;
}

export type Child = Node | string | null | undefined | false;
export type Listeners = { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };
export interface Attributes {
  class?: string;
  text?: string;
  on?: Listeners;
  [attribute: string]: unknown;
}
/** An SVG element as [tag, attributes, text]. */
export type SvgSpec = [keyof SVGElementTagNameMap, { [name: string]: string | number }, string?];

export interface Mark {
  x: number;
  label: string;
}
export interface SliderSpec {
  type: "slider";
  param: string;
  label: string;
  low: number;
  high: number;
  value: number;
  step: number;
  scale: "linear" | "log";
  symbol: string;
  symbol_by: { [param: string]: { [value: string]: string } };
  unit: string;
  digits: number | null;
  marks: Mark[];
  zones: { low: number; high: number; label: string }[];
  bend: [number, number][];
}
export interface SegmentedSpec {
  type: "segmented";
  param: string;
  label: string;
  options: [string, string][];
  value: string;
}
/** What a control tells its owner: `changed` on every move, `released` when the pointer lets go. */
export interface ControlEvents {
  changed(): void;
  released(): void;
}
export interface Control<V = unknown> {
  element: HTMLElement;
  readonly value: V;
  /** Whether a person is moving it. */
  readonly held: boolean;
  set(value: V): void;
  /** Write the value anew; its symbol may depend on another control. */
  refresh(): void;
  /** End what moves by itself. */
  stop(): void;
}

export interface LineSpec {
  name: string;
  colour: string;
  x: Numbers;
  y: Numbers;
  readout: string;
  x_readout: string;
  when: Params;
  x_array: string;
  y_array: string;
  column: string;
  columns: string;
}
export interface ChartSpec {
  type: "chart";
  title: string;
  scene: string;
  fields: string[];
  place: "above" | "aside";
  x: string;
  x_readout: string;
  x_label: string;
  y_label: string;
  lines: LineSpec[];
  marks: Mark[];
  mark_at: string;
  mark_label: string;
  spots: { x: number; y: number; label: string }[];
  spot_name: string;
  height: number;
  from_zero: boolean;
}

/** A path on a latent plane: its points [x0, y0, x1, y1, ...], and the point on it that moves. */
export interface PlanePath {
  points: Numbers;
  at: Numbers;
  colour: string;
}
/** A message from another component of the page to a latent plane. */
export interface PlaneMessage {
  paths?: PlanePath[];
  /** An element that stands at the side of the plane. */
  guest?: Element;
  /** A code that is marked on the plane, and its run. */
  z?: number[];
  run?: string;
  label?: string;
  /** Whether the plane's own point stays where it is. */
  still?: boolean;
  clear?: boolean;
}
