"""How the browser tests of live views go about: open one, wait, move, press, draw, and read what it shows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

    NewPage = Callable[..., Page]

PAD, PANEL, DRAW = (f'[data-testid="{name}"]' for name in ("latent-pad", "live-panel", "draw-pad"))
DESK: Any = {"width": 1440, "height": 900}
PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MOVES = 20
FOLLOWS = MOVES // 2
"""Frames that what follows a finger draws at least, since a step of the finger may be none of a slider; what waits for
the release draws one. How soon each is drawn is measured by benchmarks/browser.py."""

# What the picture showed in each frame.
WATCH = """selector => {
  const root = document.querySelector(selector), canvas = root.querySelector('canvas.live-tile');
  window.pictures = new Set();
  new MutationObserver(() => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    window.pictures.add(data.join());
  }).observe(root, {attributeFilter: ['data-frames']});
}"""
CALM = 600
"""Milliseconds that lie between two steps of what plays for those who asked for less motion, and never between all
others."""
# Times of the screen's pictures at which a slider moved.
STEPS = """([slider, count]) => new Promise(done => {
  const steps = [];
  new MutationObserver((_, observer) => {
    if (steps.push(document.timeline.currentTime) < count) return;
    observer.disconnect();
    done(steps);
  }).observe(document.querySelector(slider), {attributeFilter: ['aria-valuetext']});
})"""
ANSWERED = """() => new Promise(done => {
  let left = 2;
  const next = () => left-- > 0 || window.waiting.replies ? requestAnimationFrame(next) : done();
  next();
})"""
REFRESHED = """count => new Promise(done => {
  const next = () => count-- ? requestAnimationFrame(next) : done();
  next();
})"""
INK = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => sum + value * (i % 97 + 1), 0);
}"""
# What a page waits for, counted where it asks: replies of the live channel, Streamlit's answer to what was sent to it,
# acts that are put off until a hand has rested for a moment, and fragments that run again every moment until their work
# is done.
COUNT_WAITING = """(() => {
  const waiting = window.waiting = {replies: 0, rerun: false, acts: new Set()}, {setTimeout, clearTimeout, setInterval, clearInterval} = window;
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.live = new URL(this.url).pathname.endsWith("/live");
      this.asked = 0;
      this.addEventListener("message", () => this.live ? this.#count(-1) : (waiting.rerun = false));
      this.addEventListener("close", () => this.#count(-this.asked));
    }
    #count(by) {
      this.asked += by;
      waiting.replies += by;
    }
    send(message) {
      super.send(message);
      this.live ? this.#count(1) : (waiting.rerun = true);
    }
  };
  window.setTimeout = (act, wait, ...given) => {
    const id = setTimeout(() => { waiting.acts.delete(id); act(...given); }, wait);
    if (wait <= 250) waiting.acts.add(id);
    return id;
  };
  window.setInterval = (act, wait, ...given) => {
    const id = setInterval(act, wait, ...given);
    if (wait <= 1000) waiting.acts.add(id);
    return id;
  };
  window.clearTimeout = id => { waiting.acts.delete(id); clearTimeout(id); };
  window.clearInterval = id => { waiting.acts.delete(id); clearInterval(id); };
})()"""
# Whether nothing has been waited for and nothing been drawn over a few pictures of the screen, at which this is asked.
SETTLED = """selector => {
  const {waiting} = window, frames = document.querySelector(selector)?.dataset.frames;
  const app = document.querySelector('[data-testid="stApp"]').dataset.testScriptState;
  const quiet = frames && !waiting.replies && !waiting.rerun && !waiting.acts.size && app === "notRunning" && waiting.frames === frames;
  waiting.frames = frames;
  waiting.quiet = quiet ? (waiting.quiet ?? 0) + 1 : 0;
  if (waiting.quiet < 8) return false;
  waiting.quiet = 0;
  return true;
}"""
# Go to an address of the app as Back does, and say whether the app asks the server for it.
GO = """url => {
  history.pushState({}, "", url);
  dispatchEvent(new PopStateEvent("popstate", {state: {}}));
  return window.waiting.rerun;
}"""
RESTS = "!window.waiting.rerun && document.querySelector('[data-test-script-state=notRunning] h1')"
# The list of pages at the left is Streamlit's own markup: groups between a list and its items.
AXE = "axe.run({exclude: [['[data-testid=stSidebarNav]']]}, {resultTypes: ['violations']})"

# A seven as a hand drew it, in shares of the sheet.
SEVEN = [
    (0.24, 0.23), (0.31, 0.22), (0.40, 0.22), (0.50, 0.21), (0.60, 0.21), (0.69, 0.21), (0.76, 0.23), (0.74, 0.30),
    (0.70, 0.38), (0.65, 0.47), (0.60, 0.57), (0.56, 0.66), (0.52, 0.75), (0.49, 0.82), (0.47, 0.87),
]  # fmt: skip


def show(page: Page, url: str, root: str = PANEL) -> Locator:
    """The component of a page, once it has drawn and the script rests."""
    page.goto(url)
    return drawn(page, root)


def walk_on(page: Page, url: str) -> None:
    """Open a page of the app; from another one as a visit goes on, which takes a third of the time of loading the
    app."""
    if page.url.startswith("http"):
        assert page.evaluate(GO, url)
    else:
        page.goto(url)
    page.wait_for_function(RESTS)


def drawn(page: Page, root: str = PANEL) -> Locator:
    """The component of the page that is coming up."""
    page.wait_for_selector(f'{root}:not([data-frames="0"])')
    settle(page, root)
    return page.locator(root).first


def frames(page: Page, root: str = PANEL) -> int:
    return int(page.locator(root).first.get_attribute("data-frames") or 0)


def settle(page: Page, root: str = PANEL) -> int:
    """Frames drawn, once no more come and the script rests."""
    page.wait_for_function(SETTLED, arg=root)
    return frames(page, root)


def refreshed(page: Page, times: int = 1) -> None:
    """Wait until the screen has shown its next pictures."""
    page.evaluate(REFRESHED, times)


def gaps(page: Page, steps: int, slider: str = ".live-range") -> list[float]:
    """Milliseconds between the next steps of a slider that moves by itself."""
    times = page.evaluate(STEPS, [slider, steps])
    return [after - before for before, after in itertools.pairwise(times)]


def pictures(page: Page, root: str = PANEL) -> list[int]:
    """A number for what each tile shows."""
    return [int(canvas.evaluate(INK)) for canvas in page.locator(f"{root} canvas.live-tile").all()]


def box_of(target: Locator) -> FloatRect:
    box = target.bounding_box()
    assert box
    return box


def drag(page: Page, box: FloatRect, path: Callable[[float], tuple[float, float]], moves: int = MOVES) -> None:
    """Move the pointer along path(0..1) -> (x, y) in shares of a box; each step is answered before the next."""
    for i in range(1, moves + 1):
        x, y = path(i / moves)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.evaluate(ANSWERED)


def slide(page: Page, slider: Locator, start: float, end: float, moves: int = MOVES) -> None:
    """Press on a slider and move to another place, without letting go."""
    box = box_of(slider)
    page.mouse.move(box["x"] + start * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    drag(page, box, lambda t: (start + (end - start) * t, 0.5), moves)


def stroke(page: Page, points: list[tuple[float, float]], sheet: Locator | None = None) -> None:
    """Draw through points in shares of a sheet."""
    box = box_of(sheet or page.locator(".live-sheet"))
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=2)
    page.mouse.up()


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab reaches {selector}")


def grave_findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page, a line each."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in page.evaluate(AXE)["violations"] if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]  # fmt: skip
