"""Asking for work and taking it back: what pages and the command line call."""

from __future__ import annotations

import contextlib
import heapq
import sqlite3
from dataclasses import dataclass
from typing import Any

from aeexplorer.config import ConfigError
from aeexplorer.folders import WorkFolder
from aeexplorer.jobs.locks import FileLock
from aeexplorer.jobs.registry import ACTIVE, Job, Registry
from aeexplorer.jobs.submission import KINDS, Submission, write_submission
from aeexplorer.jobs.supervisor import supervise
from aeexplorer.limits import setting, worker_limit
from aeexplorer.owners import local_owner, require_owner
from aeexplorer.store import Damaged, read_json

WAITING_PER_OWNER = 50
UNKNOWN_SECONDS = 30.0  # of a job that was not estimated


def registry() -> Registry:
    """The registry of the home, with the connections of this process's supervisor."""
    return supervise().registry


def submit(folder: WorkFolder, owner: str | None = None, estimated: float = 0.0) -> None:
    """Put a job into the queue; it starts when it is its owner's turn. A training goes on from its last checkpoint.

    Of two who ask at the same time for the same job one is told.

    Args:
        owner: who asks; None is the local user.
        estimated: expected seconds of work.

    Raises:
        ConfigError: when it waits, runs or is done already, or too many jobs of this owner wait.
        Damaged: when its status cannot be read.
        OSError: when the folder cannot be written to.
    """
    owner = local_owner() if owner is None else owner
    name = folder.path.name
    kind = str(read_json(folder.path / "spec.json").get("kind"))
    if kind not in KINDS:
        raise ConfigError(f"kind of {name} must be one of {', '.join(KINDS)}, got {kind!r}")
    books = registry()
    limit = setting("AEEXPLORER_WAITING_PER_OWNER", WAITING_PER_OWNER, 1, 100_000)
    waiting = sum(job.owner == owner for job in books.jobs("queued"))
    if waiting >= limit:
        raise ConfigError(f"at most {limit} jobs of one person may wait, found {waiting}")
    lock = FileLock(folder.path / "control" / "start.lock")
    if not lock.acquire():
        raise ConfigError(f"{name} is being started already")
    try:
        found = books.find(folder.path)
        if folder.status.state == "done":
            raise ConfigError(f"{name} is done already")
        if folder.status.state == "running" or (found and found.state in (*ACTIVE, "queued")):
            raise ConfigError(f"{name} is {'waiting' if found and found.state == 'queued' else 'running'} already")
        for left in ("cancel", "pause", "worker.json"):
            (folder.path / "control" / left).unlink(missing_ok=True)
        submission = Submission(kind=kind, owner=owner, estimated=estimated)
        write_submission(folder, submission)
        folder.set_status(state="queued", reason="")
        books.submit(folder.path, submission)
    finally:
        lock.release()
    supervise().wake()


def cancel(folder: WorkFolder, by: str | None = None) -> None:
    """Ask the worker to stop; it saves its state and ends within a second. What has not begun ends at once.

    A result that others wait for too goes on for them.

    Raises:
        ConfigError: when the job belongs to somebody else.
        Damaged: when its status cannot be read.
    """
    by = local_owner() if by is None else by
    books = registry()
    job = books.find(folder.path)
    if job is not None:
        askers = books.askers(folder.path)
        require_owner(job.owner if by not in askers else by, by, f"the job {folder.path.name}", "stopped")
        if books.leave(folder.path, by):
            return
    folder.request_cancel()
    if books.move(folder.path, ("queued",), "cancelled", reason="") or (
        job is None and folder.status.state == "queued"
    ):
        folder.set_status(state="cancelled", reason="")
    supervise().wake()


@dataclass(frozen=True)
class Outlook:
    """How a job stands in the queue.

    Attributes:
        place: jobs before it, 0 when it is the next; None when it does not wait.
        waiting, running: jobs in all.
        starts_in: expected seconds until it starts.
    """

    place: int | None
    waiting: int
    running: int
    starts_in: float


def outlook(folder: WorkFolder) -> Outlook:
    """Where a job stands in the queue, and when it will start if the others take as long as is expected."""
    books = registry()
    order, active = books.queue(), books.jobs(*ACTIVE)
    place = next((i for i, job in enumerate(order) if job.path == folder.path), None)
    pace = books.calibration()
    ends = [_left(job, pace) for job in active]
    free = max(worker_limit() - len(active), 0)
    heap = [0.0] * free + ends
    heapq.heapify(heap)
    starts = 0.0
    for job in order[: (place or 0) + 1] if place is not None else []:
        starts = heapq.heappop(heap) if heap else 0.0
        heapq.heappush(heap, starts + (job.estimated * pace or UNKNOWN_SECONDS))
    return Outlook(place, len(order), len(active), starts)


def _left(job: Job, pace: float) -> float:
    event: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        folder = WorkFolder(job.path)
        event = folder.last_event("progress") or {}
    left = event.get("seconds_left")
    return float(left) if isinstance(left, int | float) else job.estimated * pace or UNKNOWN_SECONDS


def my_jobs(owner: str) -> list[Job]:
    """The jobs of an owner that wait or run, in the order of their arrival; none when there is no registry."""
    with contextlib.suppress(Damaged, sqlite3.Error):
        return [job for job in registry().jobs("queued", *ACTIVE) if job.owner == owner]
    return []
