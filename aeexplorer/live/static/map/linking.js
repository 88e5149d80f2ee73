// What the maps of one group share: the sample under the pointer, the picked one, the selection, and the classes that the
// legend hides. Samples are named by their place in the test split, so that maps of different runs can share too.

const groups = new Map();

export class Group {
  constructor() {
    this.hover = null;
    this.picked = null;
    this.selected = null;
    this.hidden = new Set();
    this.serial = 0;
    this.ears = new Set();
  }

  /** Hear of what changed: `hear(what, from)` with what one of hover, picked, selected, hidden. Returns the way to stop. */
  join(hear) {
    this.ears.add(hear);
    return () => this.ears.delete(hear);
  }

  /** Set one of hover, picked, selected (a Set or null for none) or hidden, and tell every map at once. */
  set(what, value, from = null) {
    const next = what === "selected" && value && !value.size ? null : value;
    if (this[what] === next || (what === "selected" && sameSet(this[what], next))) return;
    this[what] = next;
    for (const hear of this.ears) hear(what, from);
  }

  /** A name for what a hand has just done; later ones are greater. */
  act() {
    this.serial = Math.max(this.serial + 1, Date.now());
    return this.serial;
  }

  /**
   * Take over what the page says, where it has changed and the page already knows the last thing a hand did: what it
   * said before that is old.
   */
  adopt(before, now) {
    if (now.heard < this.serial) return;
    if (!before || before.picked !== now.picked) this.set("picked", now.picked);
    if (!before || before.selected.join() !== now.selected.join()) this.set("selected", new Set(now.selected));
  }
}

function sameSet(a, b) {
  if (!a || !b || a.size !== b.size) return a === b;
  for (const value of a) if (!b.has(value)) return false;
  return true;
}

/** The group of this name on the page. */
export function group(name) {
  if (!groups.has(name)) groups.set(name, new Group());
  return groups.get(name);
}

/** Add to or take from a selection the places just caught; without `more` they are the selection. */
export function combined(selected, caught, more) {
  return more && selected ? new Set([...selected, ...caught]) : new Set(caught);
}
