// One WebSocket per page, shared by its components; each component is a stream with its own latest-wins state.

import { backOff, Latest } from "./latest_request.js";
import { decodeFrame, encodeRequest } from "./protocol.js";

const SAYINGS = {
  1008: "The server refused the connection.",
  1013: "The server has too many connections; trying again.",
};
const LOST = "Connection lost; trying again.";

const address = new URL("../../../../live", import.meta.url);
address.protocol = address.protocol.replace("http", "ws");

class Channel {
  constructor() {
    this.streams = new Map();
    this.ids = 0;
    this.attempt = 0;
    this.socket = null;
    this.timer = null;
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  /**
   * A stream of requests. `on` has frame(frame, request), error(sentence, request) and state(sentence or "").
   * Returns {ask(scene, params), close()}; a request carries `asked`, the time it was asked at.
   */
  stream(on) {
    const name = `s${++this.ids}`;
    const latest = new Latest((request) => this.#send(name, request));
    const entry = { on, latest, current: null };
    this.streams.set(name, entry);
    if (this.socket?.readyState === WebSocket.OPEN) latest.connect();
    else this.#open();
    return {
      ask: (scene, params) => latest.ask({ scene, params, asked: performance.now() }),
      close: () => {
        this.streams.delete(name);
        if (!this.streams.size) this.#rest();
      },
    };
  }

  #open() {
    if (this.socket || !this.streams.size) return;
    clearTimeout(this.timer);
    this.timer = null;
    const socket = (this.socket = new WebSocket(address));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.attempt = 0;
      for (const { on, latest } of this.streams.values()) {
        on.state("");
        latest.connect();
      }
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.socket = null;
      for (const { on, latest } of this.streams.values()) {
        latest.disconnect();
        on.state(SAYINGS[event.code] ?? LOST);
      }
      if (this.streams.size) this.timer = setTimeout(() => this.#open(), backOff(this.attempt++, Math.random()));
    };
  }

  #hurry() {
    if (!this.socket && this.timer) this.#open();
  }

  #rest() {
    clearTimeout(this.timer);
    this.timer = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  #send(name, request) {
    request.id = `${name}:${++this.ids}`;
    this.socket.send(encodeRequest(request.id, request.scene, request.params, name));
  }

  #receive(data) {
    const reply = typeof data === "string" ? JSON.parse(data) : decodeFrame(data);
    const entry = this.streams.get(String(reply.id).split(":")[0]);
    if (!entry || entry.latest.inFlight?.id !== reply.id) return;
    const request = entry.latest.settle();
    if (reply.error) entry.on.error(reply.error, request);
    else entry.on.frame(reply, request);
  }
}

let shared = null;

/** The page's channel. */
export function channel() {
  return (shared ??= new Channel());
}
