// Building blocks that the components share. Text goes in as text, never as markup.

/** An element with attributes and children; `class`, `text`, and `on` {event: listener} are understood. */
export function make(tag, { class: name, text, on, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  for (const [event, listener] of Object.entries(on ?? {})) element.addEventListener(event, listener);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter(Boolean));
  return element;
}

/** A number as people read it: a true minus, as many digits as asked for. */
export function number(value, digits = 2) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(digits).replace("-", "−");
}

/** Whether the reader asked for less motion. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Call `act` once, `wait` ms after the last call. */
export function settled(act, wait = 180) {
  let timer = null;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), wait);
  };
}

const LIGHTS = { "near the data": ["on", "●"], "few data nearby": ["sparse", "◐"], "far from the data": ["off", "○"] };

/** A status in words with its light, whose shape says it too. */
export function statusLight(status) {
  const [name, shape] = LIGHTS[status] ?? ["none", "·"];
  return make("span", { class: `live-status live-${name}` }, make("i", { text: shape, "aria-hidden": "true" }), make("span", { text: status ?? "" }));
}

/** Whether a text is a status that has a light. */
export function isStatus(text) {
  return text in LIGHTS;
}

/** Count a frame as drawn and note how long it took since it was asked for. */
export function drawn(root, request) {
  root.dataset.frames = String(Number(root.dataset.frames || 0) + 1);
  root.dataset.latencyMs = (performance.now() - request.asked).toFixed(2);
}

/**
 * The default export of a component's module: one instance per place on the page, told of new data and new callbacks.
 * `create(component)` returns {update(component), destroy()}.
 */
export function mounted(create) {
  const instances = new WeakMap();
  return (component) => {
    const place = component.parentElement;
    if (instances.has(place)) instances.get(place).update(component);
    else {
      place.querySelector(".live-wait")?.remove();
      instances.set(place, create(component));
    }
    return () => {
      instances.get(place)?.destroy();
      instances.delete(place);
    };
  };
}
