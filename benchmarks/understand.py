"""Compare and Score under a hand: the app as people run it, in a real Chromium.

    pip install -r requirements-dev.txt
    python benchmarks/understand.py            # within three minutes
    python benchmarks/understand.py --quick    # each case once
    python benchmarks/understand.py --json

Measured are the time from the click on Compare, with six runs selected on a fresh server, to the first picture of 16
samples of each, and once more when the runs are open; frames a second while a lasso is drawn on one of six maps of
2,000 points and all of them mark what it encloses; and frames a second while 500 particles flow along a score. The
threshold of Anomalies is a case of `browser.py`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from browser import HERTZ, server, settle
from playwright.sync_api import Browser, Page, sync_playwright

MAP = '[data-testid="latent-map"]'
RUNS = 6
SAMPLES = 16
MAPPED = ("mnist-ae", "mnist-dae", "mnist-vae", "mnist-wae", "mnist-aae", "mnist-sparse-ae")
MARKER_X, HEAD, ROW = 16, 35, 35  # of the table of runs: where its boxes stand, in pixels
WARM_SECONDS = 12  # in which a fresh server imports what the first visits need
BRUSH_SECONDS = 3
FLOW_SECONDS = 4

# When the first row of samples is on screen, counted from the last click.
FIRST = """window.clicked = 0; window.first = null;
addEventListener("click", () => { window.clicked = performance.now(); window.first = null; }, true);
new MutationObserver(() => {
  if (window.first === null && document.querySelectorAll(".ae-tiles img").length) window.first = performance.now() - window.clicked;
}).observe(document, {subtree: true, childList: true});"""

# How many pictures each map has drawn, and what each has marked.
MAPS = f"""() => [...document.querySelectorAll('{MAP}')].map(
  (map) => [Number(map.dataset.frames), map.dataset.marked, Number(map.dataset.drawn)])"""


def opened(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 1100}).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(FIRST)
    return page


def waited(page: Page) -> float:
    """Seconds from the last click to the first picture."""
    page.wait_for_function("window.first !== null")
    return float(page.evaluate("window.first")) / 1e3


def compare(browser: Browser) -> dict[str, float]:
    """Seconds to the first picture of six runs, on a fresh server and with the runs open."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, server(Path(folder)) as address:
        time.sleep(WARM_SECONDS)
        page = opened(browser)
        page.goto(f"{address}/runs?find=digits")
        table = page.get_by_test_id("stDataFrame").first
        table.wait_for()
        settle(page, "body")
        box = table.bounding_box()
        assert box is not None
        for row in range(RUNS):
            page.mouse.click(box["x"] + MARKER_X, box["y"] + HEAD + ROW * (row + 0.5))
            page.wait_for_timeout(250)
        page.get_by_text(f"{RUNS} selected runs").wait_for()
        settle(page, "body")
        page.get_by_role("button", name="Compare", exact=True).click()
        fresh = waited(page)
        settle(page, "body")
        shown = page.locator(".ae-tiles img").count()
        if shown < RUNS * SAMPLES:
            raise SystemExit(f"{shown} samples are on screen, {RUNS * SAMPLES} were to be")
        page.get_by_role("link", name="Glossary").first.click()
        page.wait_for_function("!document.querySelector('.ae-tiles img')")
        settle(page, "body")
        page.get_by_role("link", name="Compare", exact=True).first.click()
        again = waited(page)
        page.context.close()
    return {"fresh_s": fresh, "open_s": again}


def brush(browser: Browser, address: str) -> dict[str, float]:
    """Frames a second of the slowest of six maps while a lasso grows on the first."""
    page = opened(browser)
    page.goto(f"{address}/compare?runs={','.join(MAPPED)}&view=Maps")
    page.wait_for_function(f"document.querySelectorAll('{MAP}:not([data-frames=\"0\"])').length === {RUNS}")
    settle(page, MAP)
    box = page.locator(f"{MAP} .live-map-stage").first.bounding_box()
    assert box is not None

    def to(t: float) -> None:
        """Around the middle, so that each move encloses more."""
        x, y = 0.5 + 0.35 * math.cos(2 * math.pi * t), 0.5 + 0.35 * math.sin(2 * math.pi * t)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)

    to(0)
    page.mouse.down()
    before, begin = page.evaluate(MAPS), time.perf_counter()
    moves = BRUSH_SECONDS * HERTZ
    for i in range(1, moves + 1):
        to(i / moves)
        time.sleep(max(0.0, begin + i / HERTZ - time.perf_counter()))
    seconds = time.perf_counter() - begin
    page.wait_for_timeout(100)
    after = page.evaluate(MAPS)
    page.mouse.up()
    page.context.close()
    if len({marked for _, marked, _ in after}) != 1 or not after[0][1]:
        raise SystemExit("the maps do not mark the same samples")
    slowest = min(now[0] - then[0] for now, then in zip(after, before, strict=True))
    return {"points": min(drawn for *_, drawn in after), "frames_per_second": slowest / seconds}


def particles(browser: Browser, address: str) -> dict[str, float]:
    """Frames a second while particles flow."""
    page = opened(browser)
    page.goto(f"{address}/score?run=two-moons-score")
    settle(page, '[data-testid="vector-field"]')
    button = page.get_by_role("button", name="particles flow")
    button.click()
    page.wait_for_function("document.querySelector('.live-walk [data-drawn]')")
    drawn, begin = int(button.get_attribute("data-drawn") or 0), time.perf_counter()
    page.wait_for_timeout(1000 * FLOW_SECONDS)
    frames = int(button.get_attribute("data-drawn") or 0) - drawn
    found = {"frames_per_second": frames / (time.perf_counter() - begin)}
    page.context.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="each case once")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the lines")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    repeat = 1 if options.quick else 3
    found: dict[str, Any] = {"load_before": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}
    with sync_playwright() as driver, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        cases: dict[str, list[dict[str, float]]] = {"compare": [compare(browser) for _ in range(repeat)]}
        with server(Path(folder)) as address:
            cases["brush"] = [brush(browser, address) for _ in range(repeat)]
            cases["particles"] = [particles(browser, address) for _ in range(repeat)]
        browser.close()
    found |= {
        case: {name: statistics.median(row[name] for row in rows) for name in rows[0]} for case, rows in cases.items()
    }
    if options.json:
        print(json.dumps(found | {"every": cases}))
        return
    one, other = found["compare"]["fresh_s"], found["compare"]["open_s"]
    print(f"{RUNS} runs, {SAMPLES} samples: first picture after {one:.2f} s on a fresh server, {other:.2f} s when open")
    points, rate = found["brush"]["points"], found["brush"]["frames_per_second"]
    print(f"lasso across {RUNS} maps of {points:,.0f} points: {rate:.0f} frames/s")
    print(f"500 particles: {found['particles']['frames_per_second']:.0f} frames/s")


if __name__ == "__main__":
    main()
