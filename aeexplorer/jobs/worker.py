"""What a worker process does: one job, from its folder, to its end."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from aeexplorer.config import ConfigError, unknown
from aeexplorer.folders import WorkFolder, process_identity
from aeexplorer.store import Damaged, read_json

SPARE_SECONDS = 600.0


def work(path: str | Path) -> int:
    """Do the job that lies in a folder; returns an exit status. Whatever happens, the folder's status says it.

    Args:
        path: the folder, or "-" to get ready first and then read its path from standard input.
    """
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with contextlib.suppress(ValueError, OSError):  # where there is no log, a crash leaves none
        faulthandler.enable()
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(5)  # pages come first
    if str(path) == "-" and not (path := _awaited()):
        return 0
    folder = WorkFolder(path)

    def wanted() -> bool:
        return not stop.is_set() and not folder.cancel_requested

    try:
        kind = str(read_json(folder.path / "spec.json").get("kind"))
        if kind not in _KINDS:
            raise ConfigError(unknown("kind of job", kind, _KINDS))
        _KINDS[kind](folder, wanted)
    except Exception as error:
        traceback.print_exc()
        known = isinstance(error, ConfigError | Damaged | OSError | RuntimeError)
        said = f"not enough memory: {error}" if isinstance(error, MemoryError) else str(error)
        with contextlib.suppress(OSError, Damaged):
            folder.set_status(state="failed", reason=said if known else f"{type(error).__name__}: {said}")
        return 1
    return 0


def _awaited() -> str:
    """Import what every training needs, then wait for a folder: "" when nobody needs this worker any more."""
    import sklearn.datasets  # noqa: F401
    import torch

    import aeexplorer.recording  # noqa: F401

    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # the first optimiser of a process imports for a second
    patience = threading.Timer(SPARE_SECONDS, os._exit, (0,))
    patience.daemon = True
    patience.start()
    path = sys.stdin.readline().rstrip("\r\n")
    patience.cancel()
    if path:
        log = os.open(Path(path) / "log.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
    return path


def _begin(folder: WorkFolder, wanted: Callable[[], bool]) -> bool:
    """Say that the work begins, unless nobody wants it any more; until here it can be killed without loss."""
    if wanted():
        folder.set_status(state="running", reason="", **process_identity())
        return True
    folder.set_status(state="cancelled", reason="")
    return False


def _train(folder: WorkFolder, wanted: Callable[[], bool]) -> None:
    from aeexplorer.data import load_dataset
    from aeexplorer.recording import record
    from aeexplorer.runs import Run

    run = Run(folder.path)
    data = load_dataset(run.spec.dataset)
    if not _begin(folder, wanted):
        return
    recording = record(run, data)
    for _ in recording:
        if not wanted():
            recording.close()
            return


def _map(folder: WorkFolder, wanted: Callable[[], bool]) -> None:
    from aeexplorer.jobs.maps import MapJob, compute_map
    from aeexplorer.projection import Cancelled

    job = MapJob(folder.path)
    if not _begin(folder, wanted):
        return
    try:
        compute_map(job, wanted)
    except Cancelled:
        job.set_status(state="cancelled")


_KINDS: dict[str, Callable[[WorkFolder, Callable[[], bool]], None]] = {"train": _train, "map": _map}
