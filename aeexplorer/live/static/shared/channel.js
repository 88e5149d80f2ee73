// One WebSocket for each page, shared by its components; each stream has its own latest-wins state.

import { backOff, LatestRequest } from "./latest_request.js";
import { decodeFrame, encodeRequest } from "./protocol.js";

/** @import { Frame, SceneRequest, Stream, StreamHandlers } from "./types.d.ts" */
/** @typedef {{ on: StreamHandlers<string>, latest: LatestRequest<SceneRequest> }} StreamEntry */

/** @type {{ [code: number]: string }} */
const CLOSED = {
  1008: "The server refused the connection.",
  1013: "The server has too many connections; trying again.",
};
const LOST = "Connection lost; trying again.";

const address = new URL("../../../../live", import.meta.url);
address.protocol = address.protocol.replace("http", "ws");

class Channel {
  /** @type {Map<string, StreamEntry>} */
  #streams = new Map();
  #ids = 0;
  #attempt = 0;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  constructor() {
    addEventListener("online", () => this.#reconnect());
    document.addEventListener("visibilitychange", () => document.hidden || this.#reconnect());
  }

  /** @template {string} S @param {S} scene @param {StreamHandlers<S>} on @returns {Stream<S>} */
  stream(scene, on) {
    const name = `s${++this.#ids}`;
    const latest = new LatestRequest((/** @type {SceneRequest} */ request) => this.#send(name, request));
    // frames are typed by the scene that was requested, which only the server can hold them to
    this.#streams.set(name, { on: /** @type {StreamHandlers<string>} */ (/** @type {unknown} */ (on)), latest });
    if (this.#socket?.readyState === WebSocket.OPEN) latest.connect();
    else this.#open();
    return {
      request: (params) => latest.submit({ id: "", scene, params, time: performance.now() }),
      close: () => {
        this.#streams.delete(name);
        if (!this.#streams.size) this.#disconnect();
      },
    };
  }

  #open() {
    if (this.#socket || !this.#streams.size) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = (this.#socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#attempt = 0;
      for (const { on, latest } of this.#streams.values()) {
        on.state?.("");
        latest.connect();
      }
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      for (const { on, latest } of this.#streams.values()) {
        latest.disconnect();
        on.state?.(CLOSED[event.code] ?? LOST);
      }
      if (this.#streams.size) this.#timer = setTimeout(() => this.#open(), backOff(this.#attempt++, Math.random()));
    };
  }

  /** Do not wait for the next attempt. */
  #reconnect() {
    if (!this.#socket && this.#timer !== undefined) this.#open();
  }

  #disconnect() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** @param {string} name @param {SceneRequest} request */
  #send(name, request) {
    request.id = `${name}:${++this.#ids}`;
    this.#socket?.send(encodeRequest(request.id, request.scene, request.params, name));
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    /** @type {Frame | { id: string, error: string }} */
    const reply = typeof data === "string" ? JSON.parse(data) : decodeFrame(data);
    const entry = this.#streams.get(String(reply.id).split(":")[0]);
    if (!entry || entry.latest.inFlight?.id !== reply.id) return;
    const request = entry.latest.settle();
    if ("error" in reply) entry.on.error(reply.error);
    else if (request) entry.on.frame(reply, request);
  }
}

/** @type {Channel | undefined} */
let channel;

/**
 * Open a stream of requests for a scene on the page's channel.
 *
 * @template {string} S
 * @param {S} scene
 * @param {StreamHandlers<S>} on
 */
export function openStream(scene, on) {
  channel ??= new Channel();
  return channel.stream(scene, on);
}
