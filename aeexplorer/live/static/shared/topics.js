// Messages between components of one page. A topic is the name of the component that they are for.

/** @import { PlaneMessage } from "./types.d.ts" */
/** @typedef {(message: PlaneMessage, replayed: boolean) => void} Listener */

/** @type {Map<string, Set<Listener>>} */
const listeners = new Map();
/** @type {Map<string, PlaneMessage>} */
const last = new Map();

/**
 * Send a message to a topic; who subscribes later still receives the last one.
 *
 * @param {string} topic
 * @param {PlaneMessage} message
 */
export function publish(topic, message) {
  last.set(topic, message);
  for (const listener of listeners.get(topic) ?? []) listener(message, false);
}

/**
 * Receive a topic's messages, beginning with the last one, which is marked as replayed. Returns a function that ends
 * it.
 *
 * @param {string} topic
 * @param {Listener} listener
 */
export function subscribe(topic, listener) {
  const subscribed = listeners.get(topic) ?? new Set();
  listeners.set(topic, subscribed.add(listener));
  const message = last.get(topic);
  if (message) listener(message, true);
  return () => subscribed.delete(listener);
}
