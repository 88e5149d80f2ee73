// A latent plane that answers the pointer: the decoded sample, where it lies, and the nearest real ones.
//
// A code of two values is a place on the plane. Of more values the plane is a map, two directions through the code
// `through`: the pointer moves that code along them, and the rest of it stays.

import { listen } from "../shared/topics.js";
import { drawn, make, mounted, number, settled, statusLight } from "../shared/dom.js";
import { classCentres, clamp, fitBounds, hit, namePlaces, planeScale, squareBounds } from "../shared/plane_geometry.js";
import { drawSample, growSpan, sharp, themeOf, tileCanvas } from "../shared/samples.js";
import { channel } from "../shared/channel.js";

const MARK = { light: "#d94e00", dark: "#ff8742" };

class LatentPad {
  constructor(component) {
    this.component = component;
    this.data = component.data;
    this.codes = null;
    this.frame = null;
    this.placed = null;
    this.ways = [];
    this.names = [];
    this.span = null;
    this.commit = settled(() => this.#commit());
    this.#build(component.parentElement);
    const on = { error: (sentence) => this.#say(sentence), state: (sentence) => this.#say(sentence) };
    this.stream = channel().stream({ ...on, frame: (frame, request) => this.#show(frame, request) });
    this.points = channel().stream({ ...on, frame: (frame) => this.#receive(frame) });
    // what was said before this plane was there does not move it
    this.deaf = listen(this.data.name, (message) => this.#hear(this.deaf ? message : { ...message, still: true }));
    this.watch = new ResizeObserver(() => this.#redraw());
    this.watch.observe(this.plane);
    this.#begin();
  }

  update(component) {
    const before = this.data;
    this.component = component;
    this.data = component.data;
    if (before.run !== this.data.run) {
      this.codes = this.frame = this.placed = null;
      this.ways = [];
      this.#begin();
    } else if (JSON.stringify(before.z) !== JSON.stringify(this.data.z) && this.data.z && !this.held) {
      this.#put(this.data.z);
      this.#move(this.z);
    }
    this.theme = themeOf(this.root);
    this.#redraw();
    if (this.frame) this.#tiles();
  }

  destroy() {
    this.deaf();
    this.watch.disconnect();
    this.stream.close();
    this.points.close();
    this.root.remove();
  }

  #begin() {
    this.through = this.z = null;
    if (this.data.z) this.#put(this.data.z);
    this.points.ask("codes", { run: this.data.run });
  }

  /** Take what the page gives as the place: of a code that is no place itself the server says where it stands. */
  #put(code) {
    [this.through, this.z] = code.length === 2 ? [null, code] : [code, null];
  }

  #build(place) {
    this.base = make("canvas", { "aria-hidden": "true" });
    this.over = make("canvas", { "aria-hidden": "true" });
    this.plane = make(
      "div",
      { class: "live-plane", role: "slider", tabindex: "0", "aria-label": this.data.label, "aria-roledescription": "plane", "aria-valuenow": "0", "aria-valuetext": "",
        on: {
          pointermove: (event) => this.#pointer(event),
          pointerdown: (event) => this.#press(event),
          pointerup: () => this.#release(),
          pointercancel: () => this.#release(),
          keydown: (event) => this.#key(event),
          focus: () => this.#overlay(),
          blur: () => this.#overlay(),
        } },
      this.base,
      this.over,
    );
    this.picture = tileCanvas("decoded sample");
    this.light = make("div", { class: "live-where" });
    this.place = make("div", { class: "live-z" });
    this.near = make("div", { class: "live-near" });
    this.nearTitle = make("div", { class: "live-caption", text: "Nearest real samples" });
    this.said = make("p", { class: "live-said", role: "status" });
    this.guest = make("div", { class: "live-guest" });
    this.root = make(
      "section",
      { class: "live-root live-pad", "data-testid": "latent-pad", role: "group", "aria-label": this.data.label, "data-frames": "0", "data-latency-ms": "" },
      this.plane,
      make(
        "div",
        { class: "live-beside" },
        make("div", { class: "live-card live-decoded" }, make("div", { class: "live-picture" }, this.picture), make("div", { class: "live-facts" }, this.light, this.place)),
        make("div", { class: "live-card live-neighbours" }, this.nearTitle, this.near),
        this.said,
        this.guest,
      ),
    );
    place.append(this.root);
    this.theme = themeOf(this.root);
  }

  #receive(frame) {
    const size = frame.readouts.latent_dim;
    if (!(this.through ? size === this.through.length : size === 2)) return this.#say(`This model's code has ${size} values; a plane needs 2.`);
    this.codes = { points: frame.arrays.points.data, labels: frame.arrays.labels.data, classes: frame.readouts.classes };
    this.centres = classCentres(this.codes.points, this.codes.labels);
    this.bounds = squareBounds(this.codes.points);
    this.#redraw();
    this.#move(this.through ? this.z : (this.z ?? this.#first()));
  }

  /** Where a page that says nothing begins: on a code, so that the first picture is a good one. */
  #first() {
    const { points } = this.codes;
    const [x, y] = [...this.centres.values()][0] ?? [0, 0];
    const best = hit(points, x, y, Infinity);
    return [points[2 * best], points[2 * best + 1]];
  }

  #hear(message) {
    if (message.ways) this.ways = message.ways;
    if (message.guest && message.guest !== this.guest.firstChild) this.guest.replaceChildren(message.guest);
    if (message.z && message.run === this.data.run) {
      this.placed = message.label ? { z: message.z, label: message.label } : null;
      if (!message.still) this.#move(message.z);
    }
    if (message.clear) this.placed = null;
    this.#overlay();
  }

  #move(z) {
    this.z = z;
    this.#overlay();
    const { run, neighbours } = this.data;
    this.stream.ask("plane", this.through ? { run, z: this.through, at: z, neighbours } : { run, z, neighbours });
  }

  #pointer(event) {
    if (!this.scale || (event.pointerType !== "mouse" && !this.held)) return;
    const box = this.plane.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - this.plane.clientLeft, event.clientY - box.top - this.plane.clientTop];
    this.plane.title = this.names.find((n) => n.cut && Math.abs(n.x - x) <= n.width / 2 && Math.abs(n.y - y) <= n.size / 2)?.whole ?? "";
    const z = this.scale.toValue(clamp(x, 0, this.width), clamp(y, 0, this.height));
    if (this.z && z[0] === this.z[0] && z[1] === this.z[1]) return;
    this.#move(z);
  }

  #press(event) {
    this.plane.focus({ preventScroll: true });
    this.plane.setPointerCapture(event.pointerId);
    this.held = true;
    this.#pointer(event);
  }

  #release() {
    if (this.held) this.commit();
    this.held = false;
  }

  #key(event) {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!by || !this.z) return;
    event.preventDefault();
    const step = ((this.shown.high[0] - this.shown.low[0]) / 100) * (event.shiftKey ? 10 : 1);
    this.#move([0, 1].map((axis) => clamp(this.z[axis] + by[axis] * step, this.shown.low[axis], this.shown.high[axis])));
    this.commit();
  }

  #commit() {
    this.component.setStateValue("point", { z: this.z, nearest: this.#near()[0] ?? null, status: this.frame?.readouts.status ?? null });
  }

  /** The codes that are marked: the nearest ones, on a map the one that stands nearest there. */
  #near() {
    if (!this.through) return this.frame?.readouts.nearest ?? [];
    return this.z && this.codes ? [hit(this.codes.points, ...this.z, Infinity)] : [];
  }

  #say(sentence) {
    this.said.textContent = sentence;
  }

  #show(frame, request) {
    this.frame = frame;
    if (this.said.textContent) this.#say("");
    this.#tiles();
    const { status, distance, at } = frame.readouts;
    if (!this.z) this.z = at;
    if (this.light.dataset.status !== status) this.light.replaceChildren(statusLight(status), (this.away = make("span", { class: "live-quiet" })));
    this.light.dataset.status = status;
    this.away.textContent = `nearest code ${number(distance)} away`;
    const said = `${this.through ? "map" : "z ="} (${number(at[0])}, ${number(at[1])})`;
    this.place.textContent = said;
    this.plane.setAttribute("aria-valuetext", `${said}, ${status}`);
    this.plane.setAttribute("aria-valuenow", at[0].toFixed(2));
    this.nearTitle.textContent = frame.readouts.nearest_are === "samples" ? "Nearest real samples" : "Nearest codes, decoded";
    this.#overlay();
    drawn(this.root, request);
  }

  #tiles() {
    const { frame } = this;
    const { theme } = this;
    const { picture, nearest } = frame.arrays;
    if (frame.kind !== "image") this.span = frame.range ?? [picture, nearest].filter(Boolean).reduce(growSpan, this.span);
    const look = { kind: frame.kind, theme, span: this.span };
    drawSample(this.picture, picture, 0, look);
    const count = nearest?.shape[0] ?? 0;
    while (this.near.childElementCount > count) this.near.lastElementChild.remove();
    while (this.near.childElementCount < count) this.near.append(tileCanvas(""));
    [...this.near.children].forEach((canvas, i) => {
      drawSample(canvas, nearest, i, look);
      canvas.setAttribute("aria-label", `near sample ${i + 1}${frame.readouts.nearest_labels[i] ? ", " + frame.readouts.nearest_labels[i] : ""}`);
    });
  }

  #redraw() {
    if (!this.codes || !this.plane.clientWidth) return;
    const { context, width, height } = sharp(this.base);
    this.width = width;
    this.height = height;
    this.shown = fitBounds(this.bounds, width, height);
    this.plane.setAttribute("aria-valuemin", this.shown.low[0].toFixed(2));
    this.plane.setAttribute("aria-valuemax", this.shown.high[0].toFixed(2));
    this.scale = planeScale(this.shown, width, height);
    const { theme } = this;
    const { points, labels, classes } = this.codes;
    const radius = clamp(width / 260, 1.6, 2.6);
    context.globalAlpha = labels.length > 600 ? 0.62 : 0.8;
    for (let i = 0; i < labels.length; i++) {
      const [x, y] = this.scale.toPixel(points[2 * i], points[2 * i + 1]);
      context.fillStyle = labels[i] === 255 ? theme.quiet : this.data.colours[labels[i] % this.data.colours.length];
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    this.#names(context, theme, classes, width, height);
    this.#overlay();
  }

  #names(context, theme, classes, width, height) {
    const size = clamp(width / 28, 14, 22);
    context.font = `700 ${size}px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.lineJoin = "round";
    context.strokeStyle = theme.panel;
    context.fillStyle = theme.ink;
    const wanted = [...this.centres].map(([label, centre]) => {
      const [x, y] = this.scale.toPixel(...centre);
      return { whole: String(classes[label] ?? label), x, y };
    });
    this.names = namePlaces(wanted, width, height, size, (text) => context.measureText(text).width);
    for (const { text, x, y } of this.names) {
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  #overlay() {
    if (!this.scale || !this.z) return;
    const { context } = sharp(this.over);
    const theme = this.theme;
    const mark = theme.dark ? MARK.dark : MARK.light;
    this.ways.forEach(({ points, at, colour }, w) => {
      context.beginPath();
      for (let i = 0; 2 * i < points.length; i++) context.lineTo(...this.scale.toPixel(points[2 * i], points[2 * i + 1]));
      // a rim in the ground's colour sets the line off from the points
      context.strokeStyle = theme.panel;
      context.lineWidth = 5.5;
      context.setLineDash([]);
      context.stroke();
      context.strokeStyle = context.fillStyle = colour === "mark" ? mark : theme[colour];
      context.lineWidth = 2.5;
      context.setLineDash(w ? [6, 4] : []);
      context.stroke();
      context.beginPath();
      context.arc(...this.scale.toPixel(at[0], at[1]), 6, 0, 7);
      context.fill();
    });
    context.setLineDash([]);
    const ellipse = this.through ? null : this.frame?.arrays.ellipse?.data;
    if (ellipse) {
      const [x, y] = this.scale.toPixel(ellipse[0], ellipse[1]);
      const [rx, ry] = [ellipse[2] / this.scale.perPixel[0], ellipse[3] / this.scale.perPixel[1]];
      context.strokeStyle = context.fillStyle = theme.accent;
      for (const sigma of [2, 1]) {
        context.globalAlpha = 0.12;
        context.beginPath();
        context.ellipse(x, y, rx * sigma, ry * sigma, 0, 0, 7);
        context.fill();
        context.globalAlpha = 0.8;
        context.lineWidth = 1.2;
        context.stroke();
      }
      context.globalAlpha = 1;
    }
    context.strokeStyle = theme.ink;
    context.lineWidth = 1.4;
    for (const place of this.#near()) {
      const [x, y] = this.scale.toPixel(this.codes.points[2 * place], this.codes.points[2 * place + 1]);
      context.beginPath();
      context.arc(x, y, 4.5, 0, 7);
      context.stroke();
    }
    if (this.placed) this.#placed(context, mark, theme);
    const [x, y] = this.scale.toPixel(...this.z);
    const focused = this.plane.matches(":focus-visible");
    context.strokeStyle = theme.ink;
    context.lineWidth = focused ? 3 : 2;
    context.beginPath();
    context.arc(x, y, 12, 0, 7);
    context.stroke();
    context.lineWidth = 1;
    context.beginPath();
    for (const [a, b] of [[-17, -7], [7, 17]]) {
      context.moveTo(x + a, y);
      context.lineTo(x + b, y);
      context.moveTo(x, y + a);
      context.lineTo(x, y + b);
    }
    context.stroke();
  }

  #placed(context, mark, theme) {
    const [x, y] = this.scale.toPixel(...this.placed.z);
    context.fillStyle = mark;
    context.strokeStyle = theme.panel;
    context.lineWidth = 2;
    context.beginPath();
    for (const [dx, dy] of [[0, -9], [9, 0], [0, 9], [-9, 0]]) context.lineTo(x + dx, y + dy);
    context.closePath();
    context.fill();
    context.stroke();
    context.font = `600 13px ${theme.font}`;
    context.lineWidth = 4;
    context.textAlign = x > this.width - 90 ? "right" : "left";
    const at = [x + (context.textAlign === "left" ? 18 : -18), y - 14];
    context.strokeText(this.placed.label, ...at);
    context.fillText(this.placed.label, ...at);
  }
}

export default mounted((component) => new LatentPad(component));
