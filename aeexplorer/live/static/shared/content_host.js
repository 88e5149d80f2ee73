// A component whose content is made anew when its specs change, and updated in place where only values do.

import { themeOf } from "./theme.js";

/** @import { Component, Content } from "./types.d.ts" */

/** @template Data @template {Content<Data>} C */
export class ContentHost {
  /**
   * @param {Component<Data>} component
   * @param {HTMLElement} root
   * @param {(host: ContentHost<Data, C>, data: Data, before: C | null) => C} create makes content, in place of another
   * @param {(data: Data) => string} shapeOf the specs, as text
   */
  constructor(component, root, create, shapeOf) {
    this.component = component;
    this.root = root;
    this.create = create;
    this.shapeOf = shapeOf;
    component.parentElement.append(root);
    this.theme = themeOf(root);
    this.content = this.#begin(null);
  }

  /** @param {Component<Data>} component */
  update(component) {
    const before = this.content;
    this.component = component;
    this.theme = themeOf(this.root);
    if (this.shapeOf(before.data) === this.shapeOf(component.data)) return before.update(component.data);
    this.content = this.#begin(before);
    before.close();
  }

  destroy() {
    this.content.close();
    this.root.remove();
  }

  /** The new streams are opened before the old ones are closed: the connection stays. @param {C | null} before */
  #begin(before) {
    const content = this.create(this, this.component.data, before);
    this.root.replaceChildren(...content.layout());
    content.request();
    return content;
  }
}
