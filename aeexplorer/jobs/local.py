"""Jobs as processes on this machine, started so that neither a page reload nor a stopped server touches them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psutil

from aeexplorer.config import ConfigError
from aeexplorer.folders import WorkFolder, process_identity, process_lives
from aeexplorer.store import Damaged, read_json, write_json

_children: set[subprocess.Popen[bytes]] = set()


def start(folder: WorkFolder) -> None:
    """Start a worker on a queued, interrupted or cancelled job; a training goes on from its last checkpoint.

    `subprocess` rather than `multiprocessing`, whose spawn would run the app's script again in the child.

    Raises:
        ConfigError: when it is running already.
    """
    if folder.status.state == "running":
        raise ConfigError(f"{folder.path.name} is running already")
    folder.request_cancel(False)
    folder.set_status(state="queued", reason="")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in (_package_root(), os.environ.get("PYTHONPATH")) if p),
    }
    with open(folder.path / "log.txt", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aeexplorer", "worker", str(folder.path)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment,
        )  # fmt: skip
    with contextlib.suppress(psutil.Error):  # gone already: the status will say so
        write_json(folder.path / "control" / "worker.json", process_identity(process.pid))
    _children.add(process)
    _children.difference_update({p for p in _children if p.poll() is not None})


def cancel(folder: WorkFolder) -> None:
    """Ask the worker to stop; it saves its state and ends within a second."""
    folder.request_cancel()


def worker_lives(folder: WorkFolder) -> bool:
    """Whether the process that was last started on this folder still runs."""
    for process in {p for p in _children if p.poll() is not None}:
        _children.discard(process)
    try:
        identity = read_json(folder.path / "control" / "worker.json")
        return process_lives(identity["pid"], identity["process_started"])
    except (Damaged, KeyError):
        return False


def _package_root() -> str:
    return str(Path(__file__).resolve().parents[2])
