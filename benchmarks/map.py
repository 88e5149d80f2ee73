"""The page of maps under a hand: the app as people run it, in a real Chromium.

    pip install -r requirements-dev.txt
    python benchmarks/map.py            # needs MNIST, which the app downloads once
    python benchmarks/map.py --quick    # one round and fewer points, within a minute
    python benchmarks/map.py --json

Measured are, in this order: the first points on screen and the finished maps of fresh servers, in another
browser and in a page that is already open; a hover, from the move to the picture beside the
point; a lasso around 500 of 10,000 points, from the release to the other map and to the table, with whether both hold
the same samples; and frames a second while 70,000 points are moved and magnified. While a hand moves a map it draws as
many of its points as leave the movement smooth, and all of them when it rests: `drawn` is the share of a moving
picture.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from browser import server, settle
from playwright.sync_api import Browser, Locator, Page, TimeoutError, sync_playwright

MAP = '[data-testid="latent-map"]'
DIGITS = "/map?run=digits-vae-2d"
LASSO_OF = 500
MANY = "all-70000"  # of MNIST, as the link of the page has it
WAIT_MS = 120_000
WARM_SECONDS = 15
PATIENCE_MS = 8_000  # for the figures of a large map
FNV_OFFSET, FNV_PRIME = 2166136261, 16777619

# When the page has drawn the first points of a map, and when the figures of every map are there.
FIRST = """window.since = 0; window.first = window.finished = null;
window.again = () => { window.since = performance.now(); window.first = window.finished = null; };
new MutationObserver(() => {
  const maps = [...document.querySelectorAll('[data-testid="latent-map"]')];
  const figures = document.querySelectorAll('[class*="st-key-map-note"] .ae-figures').length;
  if (window.first === null && maps.some((map) => map.dataset.frames !== "0")) window.first = performance.now() - window.since;
  if (window.finished === null && window.first !== null && figures === maps.length) window.finished = performance.now() - window.since;
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-frames"]});"""

# The time from a move over a map to the picture of another sample beside it.
HOVER = """map => {
  const tip = map.querySelector(".live-map-tip");
  window.waits = [];
  let moved = null;
  map.querySelector(".live-map-stage").addEventListener("pointermove", () => { moved = performance.now(); }, true);
  new MutationObserver(() => {
    if (moved !== null && !tip.hidden) window.waits.push(performance.now() - moved);
    moved = null;
  }).observe(tip, {attributeFilter: ["data-index"]});
}"""

# When each map has marked a selection, and when the page shows its table, counted from the release of the pointer.
LASSO = """() => {
  window.marked = {}; window.released = null;
  addEventListener("pointerup", () => { window.released = performance.now(); window.marked = {}; }, true);
  new MutationObserver(() => {
    if (window.released === null) return;
    const spent = performance.now() - window.released;
    document.querySelectorAll('[data-testid="latent-map"]').forEach((map, i) => {
      if (map.dataset.marked) window.marked[i] ??= spent;
    });
    const said = document.querySelector(".st-key-map-view, body").innerText;
    const count = Number(document.querySelector('[data-testid="latent-map"]').dataset.marked?.split(" ")[0]).toLocaleString("en");
    if ([...document.querySelectorAll(".ae-figures b")].some((b) => b.textContent === count)) window.marked.table ??= spent;
  }).observe(document, {subtree: true, childList: true, characterData: true, attributeFilter: ["data-marked"]});
}"""

# A hand that moves with every frame of the screen; the time and the number of points of each frame drawn.
MOVE = """(map, [kind, moves]) => new Promise((done) => {
  const stage = map.querySelector(".live-map-stage"), box = stage.getBoundingClientRect(), frames = [];
  const watch = new MutationObserver(() => frames.push([performance.now(), Number(map.dataset.drawn)]));
  watch.observe(map, {attributeFilter: ["data-frames"]});
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const step = (i) => {
    if (i === moves) return watch.disconnect(), done(frames);
    const at = kind === "zoom" ? [x, y] : [x + 120 * Math.sin(i / 9), y + 60 * Math.sin(i / 7)];
    const more = {bubbles: true, cancelable: true, clientX: at[0], clientY: at[1], pointerId: 1, deltaY: i % 40 < 20 ? -40 : 40};
    stage.dispatchEvent(kind === "zoom" ? new WheelEvent("wheel", more) : new PointerEvent("pointermove", more));
    requestAnimationFrame(() => step(i + 1));
  };
  step(0);
})"""

RENDERER = """() => {
  const context = document.createElement("canvas").getContext("webgl");
  const told = context?.getExtension("WEBGL_debug_renderer_info");
  return context ? context.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : context.RENDERER) : "none";
}"""


def opened(browser: Browser, script: str = FIRST) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(script)
    return page


def shown(page: Page, address: str) -> Locator:
    """The first map of a page that has come to rest."""
    page.goto(address)
    page.wait_for_selector(f'{MAP}:not([data-frames="0"])')
    with contextlib.suppress(TimeoutError):  # a worker takes them; maps can be touched meanwhile
        page.wait_for_function(
            "!document.body.innerText.includes('its figures are still being taken')", timeout=PATIENCE_MS
        )
    page.wait_for_timeout(1000)
    return page.locator(MAP).first


def first_points(browser: Browser) -> list[dict[str, Any]]:
    """Seconds to the first points and to the finished maps: of fresh servers with their worker warm, by its address in
    a browser that has never seen the app and by a click on a page that is open; and of one that knows the maps."""
    rows = []

    def wait(page: Page, case: str) -> None:
        page.wait_for_function("window.finished !== null")
        first, finished = page.evaluate("[window.first, window.finished]")
        rows.append({"case": case, "first_s": first / 1e3, "finished_s": finished / 1e3})

    def click(page: Page, case: str) -> None:
        settle(page, "body")
        page.evaluate("window.again()")
        page.get_by_role("link", name="Latent map").first.click()
        wait(page, case)

    with fresh_server() as address:
        page = opened(browser)
        page.goto(f"{address}/?run=digits-vae-2d")
        page.wait_for_selector('[data-testid="latent-pad"]:not([data-frames="0"])')
        click(page, "fresh server, a click")
        page.context.close()
    with fresh_server() as address:
        page = opened(browser)
        page.goto(address + DIGITS)
        wait(page, "fresh server, a new browser")
        page.context.close()
        page = opened(browser)
        page.goto(address + DIGITS)
        wait(page, "another new browser, maps kept")
        settle(page, MAP)
        page.reload()
        wait(page, "the same browser again")
        page.locator('[data-testid="stSidebarNavLink"], [data-testid="stTopNavLink"]').first.click()
        page.wait_for_function(f"!document.querySelector('{MAP}')")
        click(page, "a click, maps kept")
        page.context.close()
    return rows


@contextlib.contextmanager
def fresh_server() -> Iterator[str]:
    """Address of an app with an empty home, whose worker has had the time to get ready."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as address:
        time.sleep(WARM_SECONDS)
        yield address


def hover(browser: Browser, address: str, moves: int) -> dict[str, Any]:
    """Milliseconds from a move to the picture beside the point, on a map whose pictures nobody has asked for yet."""
    page = opened(browser)
    component = shown(page, f"{address}{DIGITS}&maps=pca")
    component.evaluate(HOVER)
    box = component.locator(".live-map-stage").bounding_box()
    assert box is not None
    places = np.random.default_rng(0).uniform(0.2, 0.8, (moves, 2))
    for x, y in places:
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.wait_for_timeout(120)
    waits = page.evaluate("window.waits")
    page.context.close()
    p50, p95 = np.percentile(waits, [50, 95])
    return {"moves": moves, "pictures": len(waits), "p50_ms": float(p50), "p95_ms": float(p95)}


def lasso(browser: Browser, address: str) -> dict[str, Any]:
    """Draw around about 500 of 10,000 points of the one map; what the other map and the table say."""
    page = opened(browser)
    component = shown(page, f"{address}/map?run=mnist-vae-2d&n=10000&maps=raw,pca&view=Selection")
    page.evaluate(LASSO)
    box = component.locator(".live-map-stage").bounding_box()
    assert box is not None
    low, high, caught = 0.0, 0.5, 0
    for _ in range(12):  # the half width of the lasso, in shares of the map
        half = (low + high) / 2
        page.locator('[data-tool="lasso"]').first.click()
        corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        places = [
            (box["x"] + box["width"] * (0.5 + half * x), box["y"] + box["height"] * (0.5 + half * y))
            for x, y in corners
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()
        said = component.get_attribute("data-marked") or "0"
        caught = int(said.split()[0])
        page.wait_for_function("window.marked.table !== undefined")
        page.wait_for_timeout(500)
        if abs(caught - LASSO_OF) <= LASSO_OF // 10:
            break
        low, high = (half, high) if caught < LASSO_OF else (low, half)
    took = page.evaluate("window.marked")
    marks = [other.get_attribute("data-marked") for other in page.locator(MAP).all()]
    listed = rows_of_the_page(page)
    page.context.close()
    mark = FNV_OFFSET
    for row in listed:
        mark = (mark ^ row) * FNV_PRIME % 2**32
    return {
        "points": 10_000, "caught": caught, "here_ms": took["0"], "other_map_ms": took["1"], "table_ms": took["table"],
        "same_in_other_map": marks[0] == marks[1], "same_in_table": marks[0] == f"{len(listed)} {mark}",
    }  # fmt: skip


def rows_of_the_page(page: Page) -> list[int]:
    """The selected rows as the page itself has them, out of the Python that it offers."""
    page.get_by_text("as Python").first.click()
    text = page.locator("code", has_text="chosen = [").first.inner_text()
    found = re.search(r"chosen = \[([\d, ]*)\]", text)
    return [int(row) for row in found[1].split(",")] if found and found[1] else []


def motion(browser: Browser, address: str, run: str, n: str, moves: int, dimensions: int) -> list[dict[str, Any]]:
    """Frames a second while a hand drags and magnifies a map of `n` points."""
    page = opened(browser)
    component = shown(page, f"{address}/map?run={run}&n={n}&maps=pca&d={dimensions}")
    points = int(component.get_attribute("data-drawn") or 0)
    box = component.locator(".live-map-stage").bounding_box()
    assert box is not None
    centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    component.locator('[data-tool="move"]').click()
    page.mouse.move(*centre)

    def watched(case: str) -> dict[str, Any]:
        page.wait_for_timeout(800)
        found = component.evaluate(MOVE, [case, moves])
        gaps = np.diff([at for at, _ in found])
        page.wait_for_timeout(800)
        after = int(component.get_attribute("data-drawn") or 0)
        return {
            "case": case, "points": points, "frames": len(found), "per_second": 1e3 / float(gaps.mean()),
            "slowest_ms": float(gaps.max()), "drawn": float(np.mean([count for _, count in found])) / points,
            "all_at_rest": after == points, "full_ms": float(component.get_attribute("data-draw-ms") or 0),
        }  # fmt: skip

    rows = [watched("zoom")]
    component.locator("button[title='Show all points']").click()
    page.mouse.move(*centre)
    page.mouse.down()
    rows.append(watched("pan" if dimensions == 2 else "turn"))
    page.mouse.up()
    renderer = page.evaluate(RENDERER)
    page.context.close()
    return [row | {"drawn_by": "canvas 2-D", "webgl_would_be": renderer} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=180, help="of each hover and each motion")
    parser.add_argument(
        "--chromium", default=None, help="path of the browser; otherwise that of the PATH or Playwright's"
    )
    parser.add_argument("--quick", action="store_true", help="50 moves each, and nothing in three dimensions")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the tables")
    options = parser.parse_args()
    moves = 50 if options.quick else options.moves
    found = options.chromium or next(
        filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None
    )
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with server(Path(os.environ.get("AEEXPLORER_HOME", folder))) as address:
            measurements = {
                "first": lambda: first_points(browser),
                "hover": lambda: [hover(browser, address, moves)],
                "lasso": lambda: [lasso(browser, address)],
                "motion": lambda: [
                    row
                    for dimensions, run in (
                        ((2, "mnist-vae-2d"),) if options.quick else ((2, "mnist-vae-2d"), (3, "mnist-vae"))
                    )
                    for row in motion(browser, address, run, MANY, moves, dimensions)
                ],
            }
            for name, measure in measurements.items():
                result[name] = measure()
                if not options.json:
                    for row in result[name]:
                        said = (
                            f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}"
                            for key, value in row.items()
                        )
                        print(f"{name:8s}", ", ".join(said), flush=True)
        browser.close()
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
