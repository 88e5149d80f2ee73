"""Own data, from files to a map: seconds, memory, and how soon a reading stops.

    python benchmarks/owndata.py [--quick] [--json]

The emoji of AEEXPLORER_DATA_DIR are read, kept, trained on with the suggested knobs and mapped; photographs that are made
here are read by a worker, whose memory is watched, and another worker is told to stop in the middle. --quick makes 200
photographs in place of 2,000 and trains for 3 epochs.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aeexplorer.data import data_dir
from aeexplorer.jobs import queue
from aeexplorer.jobs.readings import ReadingJob, request_reading

PHOTOGRAPHS, QUICK_PHOTOGRAPHS = 2_000, 200
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


def worker(job: ReadingJob) -> psutil.Popen:
    return psutil.Popen(
        [sys.executable, "-m", "aeexplorer", "worker", str(job.path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def watched(job: ReadingJob) -> tuple[float, float, float]:
    """Seconds, seconds of computing and the most memory in MB of the worker that reads."""
    start, most, computing = time.perf_counter(), 0, 0.0
    process = worker(job)
    while process.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
            computing = sum(process.cpu_times()[:2])
        except psutil.Error:
            break
        time.sleep(0.02)
    return time.perf_counter() - start, computing, most / 1e6


def stopped(job: ReadingJob) -> float:
    """Seconds from a request to stop in the middle of a reading to the end of its worker."""
    process = worker(job)
    while not job.last_progress.get("fraction", 0) > 0.2:
        time.sleep(0.01)
    start = time.perf_counter()
    job.request_cancel()
    process.terminate()
    process.wait()
    assert job.recorded_state == "cancelled", job.recorded_status
    return time.perf_counter() - start


def measure_photographs(n: int) -> dict[str, float]:
    content = photographs(n)
    figures = {"photographs": n, "megabytes": round(len(content) / 1e6, 1)}
    job = request_reading([("photographs.zip", content)], "local")
    seconds, computing, memory = watched(job)
    assert job.proposal is not None and job.proposal.samples == n, job.status
    figures |= {"seconds_to_preview": round(seconds, 1), "seconds_of_computing": round(computing, 1)}
    figures["worker_mb"] = round(memory)
    again = request_reading([("photographs.zip", content)], "local")
    return figures | {"seconds_to_cancel": round(stopped(again), 2)}


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.environ["AEEXPLORER_UPLOAD_MB"] = "1000"
    queue.supervise = lambda: SimpleNamespace(wake=lambda: None)  # this script starts the workers itself
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AEEXPLORER_HOME"] = folder
        figures = {
            "photographs": measure_photographs(QUICK_PHOTOGRAPHS if arguments.quick else PHOTOGRAPHS),
            "emoji": measure_emoji(3 if arguments.quick else None),
        }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, values in figures.items():
        print(name, ", ".join(f"{key} {value}" for key, value in values.items()) or "are not on this computer")


if __name__ == "__main__":
    main()
