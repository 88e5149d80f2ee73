// The controls of a live panel. Each has {element, value, set(value), key, hold}; `changed()` is told of every move and
// `released()` when the hand lets go.

import { clamp, interpolated, snap } from "./plane_geometry.js";
import { calm, make, number } from "./dom.js";

export function makeControl(spec, values, changed, released) {
  return { slider, segmented, button, play }[spec.type](spec, values, changed, released);
}

function slider(spec, values, changed, released) {
  const bent = spec.bend?.length > 0;
  const log = spec.scale === "log";
  const [even, back] = log ? [Math.log10, (v) => 10 ** v] : [(v) => v, (v) => v];
  const knots = bent ? [spec.bend.map(([v]) => even(v)), spec.bend.map(([, share]) => share)] : null;
  const inner = bent ? (v) => interpolated(...knots, even(v)) : even;
  const outer = bent ? (t) => back(interpolated(knots[1], knots[0], t)) : back;
  const [low, high] = [inner(spec.low), inner(spec.high)];
  const coarse = log || bent;
  const step = bent ? 1 / 400 : log ? (high - low) / 200 : spec.step;
  const digits = spec.digits ?? Math.max(0, Math.ceil(-Math.log10(spec.step) - 1e-9));
  const input = make("input", { type: "range", min: low, max: high, step, class: "live-range" });
  const bubble = make("span", { class: "live-bubble", "aria-hidden": "true" });
  const rail = make("div", { class: "live-rail" }, bubble, input);
  const label = make("span", { class: "live-label", text: spec.label });
  const element = make("label", { class: "live-slider" }, label, rail);
  const place = (value) => (inner(value) - low) / (high - low);
  const across = (part) => `calc(${part} * (100% - var(--live-thumb)) + var(--live-thumb) / 2)`;

  for (const zone of spec.zones) {
    const box = make("span", { class: "live-zone", title: zone.label });
    box.style.left = across(place(Math.max(zone.low, spec.low)));
    box.style.right = `calc(100% - ${across(place(Math.min(zone.high, spec.high)))})`;
    rail.prepend(box);
  }
  const ticks = make("div", { class: "live-ticks", "aria-hidden": "true" });
  for (const mark of spec.marks) {
    const tick = make("span", { text: mark.label });
    tick.style.left = across(place(mark.x));
    ticks.append(tick);
  }
  if (spec.marks.length) rail.append(ticks);

  let given = {}; // a value that was set stays what it is, although the slider stands on its nearest step
  const control = {
    element,
    held: false,
    get value() {
      if (input.value === given.at) return given.value;
      const v = Number(input.value);
      const near = bent && spec.marks.find((mark) => Math.abs(inner(mark.x) - v) < step / 2);
      if (near) return near.x;
      return coarse ? clamp(Number(outer(v).toPrecision(3)), spec.low, spec.high) : snap(v, low, high, spec.step);
    },
    set(value) {
      input.value = inner(value);
      given = coarse ? { at: input.value, value } : {};
      control.say();
    },
    /** Write the value above the thumb; its symbol may depend on another control. */
    say() {
      const value = control.value;
      const [[name, symbols] = []] = Object.entries(spec.symbol_by);
      const symbol = (name && symbols[values()[name]]) || spec.symbol;
      const text = coarse ? String(Number(value.toPrecision(4))) : number(value, digits);
      const zone = spec.zones.find((z) => value >= z.low && value <= z.high && (value < z.high || z.high === spec.high) && (value > z.low || z.low === spec.low));
      const said = `${symbol ? symbol + " = " : ""}${text}${spec.unit ? " " + spec.unit : ""}`;
      bubble.textContent = said;
      bubble.classList.toggle("live-beyond", Boolean(zone));
      input.setAttribute("aria-valuetext", zone ? `${said}, ${zone.label}` : said);
      bubble.style.left = across(place(value));
      rail.style.setProperty("--live-part", across(place(value)));
    },
  };
  input.addEventListener("input", () => {
    control.held = true;
    control.say();
    changed();
  });
  input.addEventListener("change", () => {
    control.held = false;
    released();
  });
  control.set(spec.value);
  return control;
}

function segmented(spec, values, changed, released) {
  const element = make("div", { class: "live-segments", role: "radiogroup", "aria-label": spec.label });
  const buttons = spec.options.map(([value, text], i) =>
    make("button", { type: "button", role: "radio", text, on: { click: () => choose(i) }, "data-value": value }),
  );
  element.append(...buttons);
  element.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = spec.options.findIndex(([value]) => value === control.value);
    const next = (at + by + buttons.length) % buttons.length;
    choose(next);
    buttons[next].focus();
  });
  const choose = (i) => {
    control.set(spec.options[i][0]);
    changed();
    released();
  };
  const control = {
    element,
    value: spec.value,
    set(value) {
      control.value = value;
      for (const b of buttons) {
        const chosen = b.dataset.value === value;
        b.setAttribute("aria-checked", chosen);
        b.tabIndex = chosen ? 0 : -1;
      }
    },
    say() {},
  };
  control.set(spec.value);
  return control;
}

/** A button that counts: its value is a seed, and each press takes the next one. */
function button(spec, values, changed, released) {
  const control = {
    value: spec.value,
    set: (value) => (control.value = value),
    say() {},
    element: make("button", {
      type: "button",
      class: "live-button",
      text: spec.label,
      on: {
        click: () => {
          control.value += 1;
          changed();
          released();
        },
      },
    }),
  };
  return control;
}

/** A button that moves another control to and fro; with reduced motion in few steps. */
function play(spec, values, changed, released, others) {
  let frame = null;
  const element = make("button", { type: "button", class: "live-button live-play", "aria-pressed": "false" });
  const show = () => {
    element.setAttribute("aria-pressed", String(frame !== null));
    element.replaceChildren(
      make("span", { text: frame === null ? "▶" : "❚❚", "aria-hidden": "true" }),
      frame === null ? spec.label : "Pause",
    );
  };
  const control = {
    element,
    value: undefined,
    set() {},
    say() {},
    attach(target, targetSpec) {
      element.addEventListener("click", () => {
        if (frame !== null) return control.stop(true);
        const [low, high] = [spec.low ?? targetSpec.low, spec.high ?? targetSpec.high];
        const began = performance.now() - (1000 * spec.seconds * (target.value - low)) / (high - low);
        let last = -Infinity;
        const step = (now) => {
          frame = requestAnimationFrame(step);
          if (calm() && now - last < 700) return;
          last = now;
          const phase = ((now - began) / (1000 * spec.seconds)) % 2;
          target.set(low + (high - low) * (phase <= 1 ? phase : 2 - phase));
          changed();
        };
        frame = requestAnimationFrame(step);
        show();
      });
    },
    stop(tell) {
      cancelAnimationFrame(frame);
      const played = frame !== null;
      frame = null;
      show();
      if (tell && played) released();
    },
  };
  show();
  return control;
}
