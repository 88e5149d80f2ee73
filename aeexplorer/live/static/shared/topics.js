// How components of one page speak to each other: a topic is the name of the component that listens.

const bus = new EventTarget();
const last = new Map();

/** Tell whoever listens on a topic, now or when it comes. */
export function tell(topic, message) {
  last.set(topic, message);
  bus.dispatchEvent(new CustomEvent(topic, { detail: message }));
}

/** Listen on a topic, beginning with what was last said there; returns the way to stop. */
export function listen(topic, hear) {
  const heard = (event) => hear(event.detail);
  bus.addEventListener(topic, heard);
  if (last.has(topic)) hear(last.get(topic));
  return () => bus.removeEventListener(topic, heard);
}
