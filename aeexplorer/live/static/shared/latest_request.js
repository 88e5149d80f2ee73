// Latest wins: at most one request in flight and only the newest one waiting, so a slow network lowers the frame rate
// and never builds a queue. No timers, no sockets: `send` is given, and whoever owns the socket tells what happened.

export class Latest {
  /** `send(request)` puts a request on the wire. */
  constructor(send) {
    this.send = send;
    this.inFlight = null;
    this.pending = null;
    this.connected = false;
  }

  /** Ask for something; whatever was waiting is forgotten. */
  ask(request) {
    this.pending = request;
    this.#launch();
  }

  /** The reply to the request in flight is here. Returns that request. */
  settle() {
    const answered = this.inFlight;
    this.inFlight = null;
    this.#launch();
    return answered;
  }

  /** The connection stands. */
  connect() {
    this.connected = true;
    this.#launch();
  }

  /** The connection is lost: the newest request without an answer waits for the next one. */
  disconnect() {
    this.connected = false;
    this.pending ??= this.inFlight;
    this.inFlight = null;
  }

  #launch() {
    if (!this.connected || this.inFlight !== null || this.pending === null) return;
    this.inFlight = this.pending;
    this.pending = null;
    this.send(this.inFlight);
  }
}

/** Milliseconds to wait before the nth attempt to connect again (n from 0); `chance` in [0, 1) spreads a class out. */
export function backOff(attempt, chance) {
  return Math.min(8000, 250 * 2 ** attempt) * (0.5 + chance / 2);
}
