"""Thirty owners, two trainings of digits each, on one running app: who waits how long, and what a page feels of it.

    python benchmarks/jobs.py [--quick] [--json] [--owners 30] [--jobs 2] [--slice 5]

Owners are submitted in rounds, first jobs first. Page reruns are measured in a real browser (where
there is one) while the jobs run: a number is changed on the Train page until its cost is shown.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
KNOBS = {"epochs": 20, "latent_dim": 2, "batch_size": 64}


def serve(home: Path, slice_seconds: int) -> tuple[subprocess.Popen[bytes], str]:
    """The app as people run it, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "AEEXPLORER_HOME": str(home), "AEEXPLORER_SLICE_SECONDS": str(slice_seconds)}
    with open(home / "server.txt", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            return server, address
        except OSError:
            time.sleep(0.2)


def rerun_times(address: str, over: threading.Event) -> list[float]:
    """Seconds from a changed number on the Train page to its new cost, again and again."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    found = next((p for n in ("chromium", "google-chrome", "chromium-browser") if (p := shutil.which(n))), None)
    times = []
    with sync_playwright() as driver, driver.chromium.launch(executable_path=found, args=["--no-sandbox"]) as browser:
        page = browser.new_page()
        page.goto(f"{address}/train?dataset=digits&family=ae")
        field = page.get_by_role("textbox", name="Epochs", exact=True)
        field.wait_for(timeout=60_000)
        time.sleep(3)
        epochs = 100
        while not over.is_set():
            epochs += 1
            field.fill(str(epochs))
            begun = time.monotonic()
            field.press("Enter")
            page.get_by_text(f"{20 * epochs:,} steps").wait_for(timeout=60_000)
            times.append(time.monotonic() - begun)
            time.sleep(0.7)
    return times


def events(run: Any, kind: str) -> list[float]:
    return [float(event["time"]) for event in run.events()[0] if event.get("type") == kind and "time" in event]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--owners", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--slice", type=int, default=5, help="longest turn in seconds, while others wait")
    parser.add_argument("--epochs", type=int, default=KNOBS["epochs"])
    parser.add_argument("--quick", action="store_true", help="6 owners with one training each: within a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.owners, arguments.jobs = 6, 1
    home = Path(tempfile.mkdtemp(prefix="aeexplorer-"))
    os.environ["AEEXPLORER_HOME"] = str(home)

    from aeexplorer.data import load_dataset
    from aeexplorer.jobs.registry import registry
    from aeexplorer.jobs.submission import Submission, write_submission
    from aeexplorer.runs.request import new_run

    server, address = serve(home, arguments.slice)
    over, felt = threading.Event(), list[float]()
    browser = threading.Thread(target=lambda: felt.extend(rerun_times(address, over)))
    try:
        data, books = load_dataset("digits"), registry()
        browser.start()
        time.sleep(10)  # for the browser and the warm worker
        runs: dict[str, list[Any]] = {f"owner {i:02}": [] for i in range(arguments.owners)}
        begun, at = time.monotonic(), time.time()
        for turn in range(arguments.jobs):
            for owner, theirs in runs.items():
                run = new_run("vae", data, owner=owner, **{**KNOBS, "epochs": arguments.epochs, "seed": turn})
                submission = Submission(kind="train", owner=owner, estimated=2.0)
                write_submission(run, submission)
                books.submit(run.path, submission)
                theirs.append(run)
        submitted = time.monotonic() - begun
        while books.jobs("queued", "starting", "running"):
            time.sleep(0.5)
        took = time.monotonic() - begun
    finally:
        over.set()
        browser.join()
        server.terminate()
        server.wait()
    ended = [end_of(theirs[0], at) for theirs in runs.values()]
    started = [events(theirs[0], "start")[0] - at for theirs in runs.values()]
    last = [end_of(theirs[-1], at) for theirs in runs.values()]
    texts = [path.read_text("utf-8", "replace") for path in (home / "server.txt", home / "log.jsonl") if path.exists()]
    every = [run for theirs in runs.values() for run in theirs]
    said = {
        "owners": arguments.owners, "jobs": len(every), "cores": os.cpu_count(), "slice": arguments.slice,
        "states": sorted({run.status.state for run in every}), "submitted in": submitted, "all done in": took,
        "jobs per minute": 60 * len(every) / took, "seconds of training": sum(run.status.seconds for run in every),
        "first job starts after": [min(started), max(started)], "first job done after": [min(ended), max(ended)],
        "first jobs done, largest / smallest": max(ended) / min(ended),
        "last jobs done, largest / smallest": max(last) / min(last),
        "database is locked": sum(text.count("database is locked") for text in texts),
    }  # fmt: skip
    if len(felt) > 1:
        said |= {
            "reruns": len(felt),
            "rerun p50": statistics.median(felt),
            "rerun p95": statistics.quantiles(felt, n=20)[-1],
        }
    for name, value in said.items():
        print(f"{name:36} {value}")
    if arguments.json:
        print(json.dumps(said))
    shutil.rmtree(home, ignore_errors=True)


def end_of(run: Any, at: float) -> float:
    """Seconds from the first submission to the end of a run."""
    return float((run.path / "status.json").stat().st_mtime) - at


if __name__ == "__main__":
    main()
