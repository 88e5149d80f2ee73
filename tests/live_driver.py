"""How the browser tests of live views go about: open one, wait, move, press, draw, and read what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

PAD, PANEL, DRAW = (f'[data-testid="{name}"]' for name in ("latent-pad", "live-panel", "draw-pad"))
DESK: Any = {"width": 1440, "height": 900}
PHONE: Any = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MOVES = 150
FOLLOWS = 0.3
"""Share of moves answered by what follows a finger, however busy the machine; what waits for the release answers one. How
many are answered on a machine at rest is measured by benchmarks/browser.py."""

# Every frame's latency and what the picture showed, from the attributes that monitors read.
WATCH = """selector => {
  const root = document.querySelector(selector), canvas = root.querySelector('canvas.live-tile');
  window.seen = []; window.pictures = new Set();
  new MutationObserver(() => {
    window.seen.push(Number(root.dataset.latencyMs));
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    window.pictures.add(data.join());
  }).observe(root, {attributeFilter: ['data-latency-ms']});
}"""
INK = """canvas => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => sum + value * (i % 97 + 1), 0);
}"""
RESTING = '[data-testid="stApp"][data-test-script-state="notRunning"]'
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


def drawn(page: Page, root: str = PANEL) -> Locator:
    """The component of the page that is coming up."""
    page.wait_for_selector(f'{root}:not([data-frames="0"])')
    settle(page, root)
    return page.locator(root).first


def frames(page: Page, root: str = PANEL) -> int:
    return int(page.locator(root).first.get_attribute("data-frames") or 0)


def settle(page: Page, root: str = PANEL) -> int:
    """Frames drawn, once no more come and the script rests."""
    while True:
        count = frames(page, root)
        page.wait_for_timeout(400)
        if page.locator(RESTING).count() and frames(page, root) == count:
            return count


def pictures(page: Page, root: str = PANEL) -> list[int]:
    """A number for what each tile shows."""
    return [int(canvas.evaluate(INK)) for canvas in page.locator(f"{root} canvas.live-tile").all()]


def box_of(target: Locator) -> FloatRect:
    box = target.bounding_box()
    assert box
    return box


def drag(page: Page, box: FloatRect, path: Callable[[float], tuple[float, float]], moves: int = MOVES) -> None:
    """Move the pointer along path(0..1) -> (x, y) in shares of a box, 60 times a second."""
    begin = time.perf_counter()
    for i in range(1, moves + 1):
        x, y = path(i / moves)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        time.sleep(max(0, begin + i / 60 - time.perf_counter()))


def slide(page: Page, slider: Locator, start: float, end: float, moves: int = 60) -> None:
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


def report(name: str, latencies: list[float], drawn: int) -> None:
    ordered = sorted(latencies)
    p50, p95 = (ordered[int(q * (len(ordered) - 1))] for q in (0.5, 0.95))
    print(f"{name}: {drawn} frames of {MOVES} moves, p50 {p50:.1f} ms, p95 {p95:.1f} ms")


def grave_findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical on the page, a line each."""
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in page.evaluate(AXE)["violations"] if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]  # fmt: skip
