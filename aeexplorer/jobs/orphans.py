"""Orphans: worker processes without a job and without a server that could give them one.

A process is identified by its number, its start time and its command line, and a worker's home by its environment. A
worker with a job is left alone, whoever started it, and so is an idle one whose server lives.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from aeexplorer.jobs.processes import STARTER, signal_worker
from aeexplorer.jobs.submission import work_folders
from aeexplorer.runs.folders import WorkFolder, process_identity, process_lives
from aeexplorer.store import Damaged, home, read_json

END_SECONDS = 3.0  # for a worker to end by itself before it is killed
COMMAND = ["-m", "aeexplorer", "worker"]


@dataclass(frozen=True)
class Orphan:
    """An orphaned worker process, and why it counts as one."""

    pid: int
    started: float
    what: str


def orphans() -> list[Orphan]:
    """Find the orphans of this home. Processes whose environment cannot be read, those of other users, are skipped."""
    leased = set(_leases())
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, KeyError, ValueError):
            command = process.cmdline()
            at = next((i for i in range(1, len(command) - 3) if command[i : i + 3] == COMMAND), None)
            if at is None or not _of_this_home(process):
                continue
            identity = process_identity(process.pid)
            pid, started = identity["pid"], identity["process_started"]
            if any(pid == p and abs(started - s) < 0.05 for p, s in leased):
                continue
            folder = command[at + 3]
            if folder != "-" and _unfinished(Path(folder)):
                continue
            number, start = process.environ().get(STARTER, "0 0").split()
            if folder == "-" and process_lives(int(number), float(start)):
                continue
            why = "whose server is gone and that has no job" if folder == "-" else "whose job is over or gone"
            found.append(Orphan(pid, started, f"a worker {why}"))
    return found


def _of_this_home(process: psutil.Process) -> bool:
    """Whether a worker serves this home: it was given the same AEEXPLORER_HOME, or none like us."""
    theirs, ours = process.environ().get("AEEXPLORER_HOME", ""), os.environ.get("AEEXPLORER_HOME", "")
    if not theirs or not ours:
        return theirs == ours and process.username() == psutil.Process().username()
    return (Path(process.cwd()) / theirs).resolve() == home().resolve()


def _leases() -> Iterator[tuple[int, float]]:
    """Pid and start time of each process that a folder names as its worker, now or next."""
    for path in work_folders():
        if not _unfinished(path):
            continue
        with contextlib.suppress(Damaged, OSError, KeyError, TypeError, ValueError):
            lease = read_json(path / "control" / "worker.json")
            yield int(lease["pid"]), float(lease["process_started"])
        with contextlib.suppress(Damaged, OSError):
            status = WorkFolder(path).recorded_status
            yield status.pid, status.process_started


def _unfinished(path: Path) -> bool:
    """Whether there is work to do in a folder."""
    return WorkFolder(path).recorded_state in ("queued", "running", "interrupted")


def end_orphans() -> list[Orphan]:
    """End the orphans: SIGTERM first, SIGKILL after some seconds, only to the processes found; returns them."""
    found = orphans()
    for orphan in found:
        signal_worker(orphan.pid, orphan.started, hard=False)
    end = time.monotonic() + END_SECONDS
    while time.monotonic() < end and any(process_lives(orphan.pid, orphan.started) for orphan in found):
        time.sleep(0.05)
    for orphan in found:
        signal_worker(orphan.pid, orphan.started, hard=True)
    return found
