// Hundreds of particles that flow along the learned score, while the noise becomes smaller.

import { FrameLoop } from "../shared/frame_loop.js";
import { openStream } from "../shared/channel.js";
import { make, prefersReducedMotion, setText } from "../shared/dom.js";
import { formatNumber } from "../shared/numbers.js";

/** @import { FrameOf } from "../shared/types.d.ts" */
/** @import { Surface } from "./field_layers.js" */

const PARTICLES = 500;
const FLOW_MS = 6000;
const DOT = 2.6; // pixels of a particle

/**
 * The particles at a time between two steps, [x0, y0, x1, y1, ...].
 *
 * @param {ArrayLike<number>} way of all particles, step after step
 * @param {number} n particles
 * @param {number} at
 */
export function particlesAt(way, n, at) {
  const last = way.length / (2 * n) - 1;
  const step = Math.min(Math.floor(at), last);
  const part = step < last ? at - step : 0;
  const [begin, next] = [2 * n * step, 2 * n * Math.min(step + 1, last)];
  const places = new Float32Array(2 * n);
  for (let i = 0; i < 2 * n; i++) places[i] = way[begin + i] + part * (way[next + i] - way[begin + i]);
  return places;
}

/** A button that lets particles flow, and a sentence about them. */
export class ParticleFlow {
  /** @type {FrameOf<"score_particles"> | null} */
  #frame = null;
  #seed = 0;
  #loop = new FrameLoop();
  /** Where particles are now. @type {Float32Array | null} */
  places = null;
  said = make("div", { class: "live-caption" });
  button = make("button", {
    type: "button",
    class: "live-button",
    text: `Let ${PARTICLES} particles flow`,
    on: { click: () => this.#ask() },
  });

  /** @param {string} run @param {() => void} draw @param {(sentence: string) => void} report */
  constructor(run, draw, report) {
    this.run = run;
    this.draw = draw;
    this.stream = openStream("score_particles", {
      error: report,
      state: report,
      frame: (frame) => this.#receive(frame),
    });
    const text = "Sampling: annealed Langevin dynamics along the learned score";
    this.element = make("div", { class: "live-card live-walk" }, make("div", { class: "live-caption", text }), this.button, this.said);
  }

  get running() {
    return this.#loop.running;
  }

  close() {
    this.#loop.stop();
    this.stream.close();
  }

  /** Put the particles away. */
  clear() {
    this.#loop.stop();
    this.places = null;
  }

  /** @param {CanvasRenderingContext2D} context @param {Surface} surface */
  paint(context, { scale, theme }) {
    if (!this.places) return;
    context.fillStyle = theme.mark;
    context.beginPath();
    for (let i = 0; i < this.places.length; i += 2) {
      const [x, y] = scale.toPixel(this.places[i], this.places[i + 1]);
      context.rect(x - DOT / 2, y - DOT / 2, DOT, DOT);
    }
    context.fill();
  }

  #ask() {
    this.stream.request({ run: this.run, n: PARTICLES, seed: this.#seed++ });
  }

  /** @param {FrameOf<"score_particles">} frame */
  #receive(frame) {
    this.#frame = frame;
    if (prefersReducedMotion()) return this.#show(Infinity);
    this.#loop.start((elapsed) => {
      const at = (elapsed / FLOW_MS) * frame.readouts.sigmas.length;
      this.#show(at);
      return at < frame.readouts.sigmas.length;
    });
  }

  /** @param {number} at a step, or between two */
  #show(at) {
    const frame = this.#frame;
    if (!frame) return;
    const { n, near, sigmas } = frame.readouts;
    const step = Math.min(Math.floor(at), sigmas.length - 1);
    this.places = particlesAt(frame.arrays.way.data, n, Math.min(at, sigmas.length));
    const ended = at >= sigmas.length;
    this.button.dataset.drawn = String(Number(this.button.dataset.drawn ?? 0) + 1);
    setText(this.said, ended ? `${Math.round(100 * near)} % end near the data` : `σ = ${formatNumber(sigmas[step])}`);
    this.draw();
  }
}
