"""What a worker process does: one job, from its folder, to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import traceback
from pathlib import Path
from typing import Any

from aeexplorer.config import ConfigError
from aeexplorer.folders import WorkFolder, process_identity
from aeexplorer.store import Damaged, read_json


def work(path: str | Path) -> int:
    """Do the job that lies in a folder; returns an exit status. Whatever happens, the folder's status says it."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(5)  # pages come first
    folder = WorkFolder(path)

    def wanted() -> bool:
        return not stop.is_set() and not folder.cancel_requested

    try:
        kind = read_json(folder.path / "spec.json").get("kind")
        folder.set_status(state="running", reason="", **process_identity())
        _KINDS[str(kind)](folder.path, wanted)
    except Exception as error:
        traceback.print_exc()
        known = isinstance(error, ConfigError | Damaged | OSError | RuntimeError)
        said = f"not enough memory: {error}" if isinstance(error, MemoryError) else str(error)
        with contextlib.suppress(OSError, Damaged):
            folder.set_status(state="failed", reason=said if known else f"{type(error).__name__}: {said}")
        return 1
    return 0


def _train(path: Path, wanted: Any) -> None:
    from aeexplorer.data import load_dataset
    from aeexplorer.recording import record
    from aeexplorer.runs import Run

    run = Run(path)
    recording = record(run, load_dataset(run.spec.dataset))
    for _ in recording:
        if not wanted():
            recording.close()
            return


def _map(path: Path, wanted: Any) -> None:
    from aeexplorer.jobs.maps import MapJob, compute_map
    from aeexplorer.projection import Cancelled

    job = MapJob(path)
    try:
        compute_map(job, wanted)
    except Cancelled:
        job.set_status(state="cancelled")


_KINDS = {"train": _train, "map": _map}
