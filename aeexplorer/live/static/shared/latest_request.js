// Latest wins: at most one request in flight and only the newest one waiting, so a slow network lowers the frame rate
// and never builds a queue. No timers and no sockets: whoever owns the socket reports what happened to it.

/** @template R */
export class LatestRequest {
  /** @type {R | null} */
  inFlight = null;
  /** @type {R | null} */
  #pending = null;
  #connected = false;
  #send;

  /** @param {(request: R) => void} send puts a request on the wire */
  constructor(send) {
    this.#send = send;
  }

  /** Request something; a request that was waiting is dropped. @param {R} request */
  submit(request) {
    this.#pending = request;
    this.#launch();
  }

  /** The reply to the request in flight arrived. Returns that request. */
  settle() {
    const answered = this.inFlight;
    this.inFlight = null;
    this.#launch();
    return answered;
  }

  /** The connection stands. */
  connect() {
    this.#connected = true;
    this.#launch();
  }

  /** The connection is lost: the newest request without a reply waits for the next one. */
  disconnect() {
    this.#connected = false;
    this.#pending ??= this.inFlight;
    this.inFlight = null;
  }

  #launch() {
    if (!this.#connected || this.inFlight !== null || this.#pending === null) return;
    this.inFlight = this.#pending;
    this.#pending = null;
    this.#send(this.inFlight);
  }
}

/**
 * Milliseconds to wait before attempt n to connect again (n from 0); `chance` in [0, 1) spreads the attempts of a
 * class.
 *
 * @param {number} attempt
 * @param {number} chance
 */
export function backOff(attempt, chance) {
  return Math.min(8000, 250 * 2 ** attempt) * (0.5 + chance / 2);
}
