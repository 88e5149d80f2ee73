// Building blocks that the components share. Text goes in as text, never as markup.

/** @import { Attributes, Child, Component, ComponentInstance, Point } from "./types.d.ts" */

/**
 * An element with attributes and children. An attribute that is undefined, null or false is left out, true is written
 * as an empty text; children that are empty are left out.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, { class: name, text, on, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  for (const [event, listener] of Object.entries(on ?? {})) {
    element.addEventListener(event, /** @type {EventListener} */ (listener));
  }
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * The outermost element of a component. Monitors read how many frames it has drawn and how long the last one took.
 *
 * @param {string} name
 * @param {string} classes
 */
export function makeRoot(name, classes) {
  const attributes = { "data-testid": name, role: "group", "data-frames": "0", "data-latency-ms": "" };
  return make("section", { class: `live-root ${classes}`, ...attributes });
}

/**
 * Count a frame as drawn, and note the time since its request.
 *
 * @param {HTMLElement} root
 * @param {{ time: number }} request
 */
export function recordFrame(root, request) {
  root.dataset.frames = String(Number(root.dataset.frames ?? 0) + 1);
  root.dataset.latencyMs = (performance.now() - request.time).toFixed(2);
}

/**
 * Write a text where it is not there already, which would have the page laid out again.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The pixel of an element under a pointer. @param {HTMLElement} element @param {MouseEvent} event @returns {Point} */
export function pixelOf(element, event) {
  const { left, top } = element.getBoundingClientRect();
  return [event.clientX - left - element.clientLeft, event.clientY - top - element.clientTop];
}

/** Whether the reader prefers less motion. */
export function prefersReducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A function that calls `act` once, `wait` milliseconds after it was called last, unless another page was opened
 * meanwhile: Streamlit would take what a page says after that for a wish to stay. @param {() => void} act */
export function debounce(act, wait = 180) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return () => {
    const { pathname } = location;
    clearTimeout(timer);
    timer = setTimeout(() => location.pathname === pathname && act(), wait);
  };
}

/** @type {{ [status: string]: [string, string] }} */
const LIGHTS = {
  "near the data": ["on", "●"],
  "few data nearby": ["sparse", "◐"],
  "far from the data": ["off", "○"],
};

/** A status in words with its light, told apart by shape and colour. @param {string} status */
export function statusLight(status) {
  const [name, shape] = LIGHTS[status] ?? ["none", "·"];
  const light = make("i", { text: shape, "aria-hidden": "true" });
  return make("span", { class: `live-status live-${name}` }, light, make("span", { text: status }));
}

/** Whether a value is a status that has a light. @param {unknown} value @returns {value is string} */
export function isStatus(value) {
  return typeof value === "string" && value in LIGHTS;
}

/**
 * The default export of a component's module: one instance for each place on the page, updated with new data and
 * callbacks.
 *
 * @template Data
 * @param {(component: Component<Data>) => ComponentInstance<Data>} create
 */
export function renderer(create) {
  /** @type {WeakMap<HTMLElement, ComponentInstance<Data>>} */
  const instances = new WeakMap();
  return (/** @type {Component<Data>} */ component) => {
    const place = component.parentElement;
    const instance = instances.get(place);
    if (instance) instance.update(component);
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
