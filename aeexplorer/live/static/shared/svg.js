// SVG elements, made and changed in place.

import { setText } from "./dom.js";

/** @import { SvgSpec } from "./types.d.ts" */

const NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {{ [name: string]: string | number }} attributes
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/**
 * Make these elements the children of `parent`. Those that have the right tag are changed rather than made anew, which
 * would cost the page a new layout of each with every frame.
 *
 * @param {Element} parent
 * @param {SvgSpec[]} specs
 */
export function updateElements(parent, specs) {
  specs.forEach(([tag, attributes, text = ""], i) => {
    let element = parent.children[i];
    if (element?.tagName !== tag) {
      element?.remove();
      element = parent.insertBefore(svg(tag), parent.children[i] ?? null);
    }
    for (const [key, value] of Object.entries(attributes)) {
      if (element.getAttribute(key) !== String(value)) element.setAttribute(key, String(value));
    }
    setText(element, text);
  });
  while (parent.children.length > specs.length) parent.lastElementChild?.remove();
}
