"""Own data, from files to a map: seconds, memory, and how soon a reading stops.

    python benchmarks/owndata.py [--quick] [--json] [--browser FOLDER]

Photographs that are made here are read by a worker, whose memory is watched; the reading of them and of a large table is
cancelled in the middle. The emoji of AEEXPLORER_DATA_DIR are read, kept, trained on with the suggested knobs and mapped; with
--browser also in the app, from the zip archive on Add data to the open map, with pictures of each step in the folder.
--quick makes 200 photographs in place of 2,000 and trains for 3 epochs.
"""

from __future__ import annotations

import argparse
import binascii
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aeexplorer.data import data_dir
from aeexplorer.jobs.readings import ReadingJob, forget, request_reading
from aeexplorer.jobs.supervisor import stop_supervising

PHOTOGRAPHS, QUICK_PHOTOGRAPHS = 2_000, 200
TABLE_MB = 60
STOPPED_AFTER = 2.0
"""Seconds of reading before it is cancelled."""
WIDTH, HEIGHT = 1_600, 1_200


def photographs(n: int) -> bytes:
    """A zip archive of n JPEG pictures of 1,600 x 1,200 pixels in 4 folders."""
    from PIL import Image

    random = np.random.default_rng(0)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(n):
            small = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
            content = io.BytesIO()
            small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(content, "JPEG", quality=80)
            archive.writestr(f"photos/{'abcd'[i % 4]}/{i:04d}.jpg", content.getvalue())
    return out.getvalue()


def table(megabytes: int) -> bytes:
    """A CSV file of 20 columns of numbers, of so many megabytes."""
    random, head = np.random.default_rng(0), ",".join(f"c{i}" for i in range(20))
    rows = "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in random.random((1_000, 20)))
    return f"{head}\n{megabytes * 1_000_000 // len(rows) * rows}".encode()


def worker_of(job: ReadingJob) -> psutil.Process:
    """The worker that reads, once it has begun."""
    while job.recorded_status.state == "queued":
        time.sleep(0.01)
    return psutil.Process(job.recorded_status.pid)


def watched(name: str, content: bytes) -> dict[str, float]:
    """Seconds from the request to the preview, seconds of computing, and memory of the worker in MB: the most that the
    reading takes, and all, with what the worker has imported."""
    start = time.perf_counter()
    job = request_reading([(name, content)], "local")
    worker = worker_of(job)
    before = most = worker.memory_info().rss
    begun = sum(worker.cpu_times()[:2])
    while job.recorded_status.active:
        most = max(most, worker.memory_info().rss)
        time.sleep(0.02)
    assert job.proposal is not None and not job.proposal.refusal, job.status
    computing = sum(worker.cpu_times()[:2]) - begun
    seconds = {"seconds_to_preview": time.perf_counter() - start, "seconds_of_computing": computing}
    memory = {"reading_mb": round((most - before) / 1e6), "worker_mb": round(most / 1e6)}
    return {key: round(value, 1) for key, value in seconds.items()} | memory


def on_the_command_line(path: Path) -> dict[str, float]:
    """Seconds of computing and the most memory in MB of `aeexplorer data add`."""
    command = [sys.executable, "-m", "aeexplorer", "data", "add", str(path), "--name", "photographs"]
    most, computing = 0, 0.0
    with psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                most, computing = max(most, process.memory_info().rss), sum(process.cpu_times()[:2])
            except psutil.Error:
                break
            time.sleep(0.02)
    return {"command_seconds_of_computing": round(computing, 1), "command_mb": round(most / 1e6)}


def stopped(name: str, content: bytes) -> float:
    """Seconds from Cancel in the middle of a reading to the end of its worker."""
    job = request_reading([(name, content)], "local")
    worker = worker_of(job)
    time.sleep(STOPPED_AFTER)
    assert job.recorded_status.state == "running", "it was done before it could be stopped"
    start = time.perf_counter()
    forget(job, "local")
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.005)
    return round(time.perf_counter() - start, 2)


def measure_photographs(n: int) -> dict[str, float]:
    content = photographs(n)
    figures = {"photographs": n, "megabytes": round(len(content) / 1e6, 1)} | watched("photographs.zip", content)
    if n <= QUICK_PHOTOGRAPHS:
        return figures
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photographs.zip"
        path.write_bytes(content)
        figures |= on_the_command_line(path)
    return figures | {"seconds_to_cancel": stopped("photographs.zip", content)}


def measure_table(megabytes: int) -> dict[str, float]:
    return {"megabytes": megabytes, "seconds_to_cancel": stopped("table.csv", table(megabytes))}


def measure_emoji(epochs: int | None) -> dict[str, float]:
    import aeexplorer as ae
    from aeexplorer.data.bringing import add
    from aeexplorer.families import FAMILIES
    from aeexplorer.training.estimation import suggested

    path = data_dir() / "emoji" / "noto-emoji-64px.zip"
    if not path.exists():
        return {}
    start = time.perf_counter()
    _, data = add(path, "emoji")
    assert data is not None
    read = time.perf_counter()
    config, training = suggested(FAMILIES["vae"], data.spec, len(data.train), "conv")
    knobs = {**dict(config), **dict(training), "epochs": epochs or 25}
    run = ae.train("vae", data, bar=False, **knobs)
    trained = time.perf_counter()
    codes = ae.open_run(run).codes.z
    ae.project(codes, "tsne")
    done = time.perf_counter()
    seconds = {"read_and_keep": read - start, "train": trained - read, "map": done - trained, "all": done - start}
    return {"pictures": 1_512, "epochs": knobs["epochs"]} | {f"seconds_to_{k}": round(v, 1) for k, v in seconds.items()}


def measure_in_browser(folder: Path) -> dict[str, float]:
    """The same in the app: the archive is dropped and named, a convolutional VAE trained, and the map of its codes
    opened."""
    from browser import server
    from playwright.sync_api import sync_playwright

    path = data_dir() / "emoji" / "noto-emoji-64px.zip"
    if not path.exists():
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with server(Path(home)) as address:
            page = chromium.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(300_000)
            page.goto(f"{address}/data?add=1")
            page.get_by_text("A zip archive with a folder for each class").wait_for()
            start, begun = time.perf_counter(), computing()

            def step(name: str) -> None:
                found[f"seconds_to_{name}"] = round(time.perf_counter() - start, 1)
                page.screenshot(path=folder / f"{len(found)}-{name}.png")

            page.locator('[data-testid="stFileUploaderDropzone"]').evaluate(DROP, [path.name, base64(path)])
            page.get_by_text("As a model will see them.", exact=True).wait_for()
            step("preview")
            page.get_by_label("Name").fill("emoji")
            page.get_by_label("Name").press("Enter")
            page.get_by_role("button", name="Train on it").click()
            page.get_by_text(re.compile(r"Epoch [2-9] of")).wait_for()
            step("training")
            page.get_by_role("link", name="Open its latent map").click()
            page.wait_for_selector('[data-testid="latent-map"]:not([data-frames="0"])')
            page.wait_for_timeout(500)
            step("map")
            found["seconds_of_computing"] = round(computing() - begun, 1)
        chromium.close()
    return found


def computing() -> float:
    """Seconds of computing so far of all processes that this one started: server, workers and browser."""
    return sum(sum(process.cpu_times()[:2]) for process in psutil.Process().children(recursive=True))


DROP = """(zone, [name, content]) => {
  const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0)), data = new DataTransfer();
  data.items.add(new File([bytes], name, {type: "application/zip"}));
  for (const type of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def base64(path: Path) -> str:
    return binascii.b2a_base64(path.read_bytes(), newline=False).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--browser", type=Path, metavar="FOLDER", help="drive the app too, with pictures of each step")
    arguments = parser.parse_args()
    os.environ["AEEXPLORER_UPLOAD_MB"] = "1000"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["AEEXPLORER_HOME"] = folder
        figures = {
            "photographs": measure_photographs(QUICK_PHOTOGRAPHS if arguments.quick else PHOTOGRAPHS),
            "table": measure_table(TABLE_MB),
        }
        stop_supervising()
        figures["emoji"] = measure_emoji(3 if arguments.quick else None)
    if arguments.browser:
        figures["browser"] = measure_in_browser(arguments.browser)
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(name, ", ".join(f"{key} {value}" for key, value in values.items()) or "are not on this computer")


if __name__ == "__main__":
    main()
