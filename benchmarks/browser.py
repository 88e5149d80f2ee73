"""Whether pictures follow the finger: the app as people run it, in a real Chromium, its controls moved at 60 Hz.

    pip install -r requirements-dev.txt
    python benchmarks/browser.py            # 150 moves a case, five times each
    python benchmarks/browser.py --quick    # once each
    python benchmarks/browser.py --cases home --json

A case is a page, the control that is moved, and the component that answers (see `CASES`). Frames are those that the
component has drawn, and latencies its own, from the request of a move to the frame drawn: attributes `data-frames` and
`data-latency-ms` of its root. Pictures are the different ones that one canvas showed. The row that is shown is the
median of the repetitions by p95.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
MOVES, HERTZ = 150, 60
PAD, PANEL = '[data-testid="latent-pad"]', '[data-testid="live-panel"]'
Way = Callable[[float], tuple[float, float]]


def spiral(t: float) -> tuple[float, float]:
    return 0.5 + 0.4 * t * math.cos(9 * t), 0.5 + 0.4 * t * math.sin(9 * t)


def across(t: float) -> tuple[float, float]:
    return 0.02 + 0.96 * t, 0.5


def within(t: float) -> tuple[float, float]:
    """Where as many samples lie on either side, so that the watched picture stays."""
    return 0.2 + 0.6 * t, 0.5


@dataclass(frozen=True)
class Case:
    """One control of one page.

    Attributes:
        page: its address, with the run and the samples.
        root: the component that answers.
        control: what the pointer moves over, inside that component.
        way: where the pointer is, in shares of the control, as a share of the moves has passed.
        pressed: whether the button is held, as on a slider.
        tiles: samples that must be on screen.
        picture: the canvas whose pictures are counted, inside that component.
    """

    name: str
    page: str
    root: str
    control: str
    way: Way
    pressed: bool = True
    tiles: int = 0
    picture: str = "canvas.live-tile"


CASES = {
    case.name: case
    for case in (
        Case("home", "/?run=mnist-vae-2d", PAD, ".live-plane", spiral, pressed=False),
        Case(
            "level",
            "/corruption?run=mnist-dae&samples=any",
            PANEL,
            ".live-range",
            across,
            tiles=16 * 4,
            picture='[aria-label^="corrupted"]',
        ),
        Case(
            "walk",
            "/interpolate?run=mnist-vae",
            PANEL,
            ".live-range",
            across,
            tiles=9 * 3,
            picture='[aria-label^="at t"]',
        ),
        Case(
            "beta",
            "/beta?run=mnist-beta&samples=any",
            PANEL,
            ".live-range",
            across,
            tiles=16 * 3,
            picture='[aria-label^="reconstruction"]',
        ),
        Case(
            "trained at",
            "/corruption?run=mnist-dae-gaussian&samples=any",
            PANEL,
            ".live-slider:nth-child(2) .live-range",
            across,
            tiles=16 * 4,
            picture='[aria-label^="denoising AE"]',
        ),
        Case("temperature", "/generate?run=mnist-vae", PANEL, ".live-range", across, tiles=24),
        Case(
            "threshold",
            "/anomalies?run=mnist-ae",
            PANEL,
            ".live-range",
            within,
            tiles=8 * 2,
            picture='[aria-label^="alarms"]',
        ),
    )
}

WATCH = """(root, picture) => {
  const canvas = root.querySelector(picture);
  window.latencies = []; window.pictures = new Set();
  window.watch?.disconnect();
  window.watch = new MutationObserver(() => {
    window.latencies.push(Number(root.dataset.latencyMs));
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    window.pictures.add(data.join());
  });
  window.watch.observe(root, {attributeFilter: ['data-latency-ms']});
}"""


@dataclass
class Row:
    """One measured case: latencies in ms, frames and pictures of so many moves, `answered` as a share of them."""

    case: str
    moves: int
    frames: int
    pictures: int
    answered: float
    p50: float
    p95: float


@contextlib.contextmanager
def server(home: Path) -> Iterator[str]:
    """Address of the app."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "AEEXPLORER_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health") as reply:
                if reply.status == 200:
                    break
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(15)


def settle(page: Page, root: str) -> int:
    """Frames drawn, once no more come and the script rests."""
    resting = '[data-testid="stApp"][data-test-script-state="notRunning"]'
    while True:
        count = int(page.locator(root).first.get_attribute("data-frames") or 0)
        page.wait_for_timeout(400)
        now = int(page.locator(root).first.get_attribute("data-frames") or 0)
        if now == count and page.locator(resting).count():
            return count


def measure(browser: Browser, address: str, case: Case) -> Row:
    """Open the page, move once over the control at 60 Hz, and read what came of it."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(address + case.page)
    page.wait_for_selector(f'{case.root}:not([data-frames="0"])')
    settle(page, case.root)
    component = page.locator(case.root).first
    shown = component.locator("canvas.live-tile").count()
    if shown < case.tiles:
        raise SystemExit(f"{case.name}: {shown} samples are on screen, {case.tiles} were to be")
    box = component.locator(case.control).first.bounding_box()
    if box is None:
        raise SystemExit(f"{case.name}: {case.control} is not on screen")

    def place(t: float) -> tuple[float, float]:
        x, y = case.way(t)
        return box["x"] + box["width"] * x, box["y"] + box["height"] * y

    page.mouse.move(*place(0))
    if case.pressed:
        page.mouse.down()
    before = settle(page, case.root)
    component.evaluate(WATCH, case.picture)
    begin = time.perf_counter()
    for i in range(1, MOVES + 1):
        page.mouse.move(*place(i / MOVES))
        time.sleep(max(0.0, begin + i / HERTZ - time.perf_counter()))
    page.wait_for_timeout(200)
    if case.pressed:
        page.mouse.up()
    frames = settle(page, case.root) - before
    latencies = page.evaluate("window.latencies") or [math.nan]
    pictures = page.evaluate("window.pictures.size")
    page.close()
    p50, p95 = np.percentile(latencies, [50, 95])
    return Row(case.name, MOVES, frames, pictures, frames / MOVES, float(p50), float(p95))


def show(row: Row) -> None:
    print(
        f"{row.case:14s}{row.moves:>6d}{row.frames:>8d}{row.pictures:>10d}{row.answered:>10.1%}{row.p50:>8.1f}{row.p95:>8.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--repeat", type=int, default=5, help="of each case")
    parser.add_argument(
        "--chromium", default=None, help="path of the browser; otherwise that of the PATH or Playwright's"
    )
    parser.add_argument("--quick", action="store_true", help="each case once")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    repeat = 1 if options.quick else options.repeat
    found = options.chromium or next(
        filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None
    )
    if not options.json:
        print(f"moves at {HERTZ} Hz; latencies in ms, from a move's request to its frame drawn")
        print("case           moves  frames  pictures  answered     p50     p95")
    rows: list[Row] = []
    every: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        with server(Path(os.environ.get("AEEXPLORER_HOME", folder))) as address:
            for name in options.cases:
                measure(browser, address, CASES[name])  # opens the run before it counts
                measured = sorted((measure(browser, address, CASES[name]) for _ in range(repeat)), key=lambda r: r.p95)
                rows.append(measured[len(measured) // 2])
                every[name] = [asdict(row) for row in measured]
                if not options.json:
                    show(rows[-1])
        browser.close()
    if options.json:
        print(json.dumps({"hertz": HERTZ, "rows": [asdict(row) for row in rows], "every": every}))


if __name__ == "__main__":
    main()
