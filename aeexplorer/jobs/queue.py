"""Asking for work and taking it back: what pages and the command line call."""

from __future__ import annotations

import contextlib
import heapq
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aeexplorer.config import ConfigError
from aeexplorer.jobs.cache import mark_used
from aeexplorer.jobs.locks import FileLock
from aeexplorer.jobs.registry import ACTIVE, Job, Registry
from aeexplorer.jobs.submission import KINDS, Submission, write_submission
from aeexplorer.jobs.supervisor import supervise
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import setting, worker_limit
from aeexplorer.runs.owners import local_owner, require_owner
from aeexplorer.store import Damaged, home, read_json

if TYPE_CHECKING:
    from aeexplorer.jobs.maps import MapJob
    from aeexplorer.runs.run import Run

WAITING_PER_OWNER = 50
UNKNOWN_SECONDS = 30.0  # of a job that was not estimated

_registries: dict[Path, Registry] = {}


def registry() -> Registry:
    """This process's registry of the home."""
    return _registries.setdefault(home(), Registry())


def start(folder: WorkFolder, owner: str | None = None, estimated: float = 0.0) -> None:
    """Put a job into the queue; it starts when it is its owner's turn. A training goes on from its last checkpoint.

    Of two who ask at the same time for the same job one is told.

    Args:
        owner: who asks; None is the local user.
        estimated: expected seconds of work.

    Raises:
        ConfigError: when it waits, runs or is done already, is somebody else's, or too many of this owner's jobs wait.
        Damaged: when its status cannot be read.
        OSError: when the folder cannot be written to.
    """
    owner = local_owner() if owner is None else owner
    name, spec = folder.path.name, read_json(folder.path / "spec.json")
    kind = str(spec.get("kind"))
    if kind not in KINDS:
        raise ConfigError(f"kind of {name} must be one of {', '.join(KINDS)}, got {kind!r}")
    if "owner" in spec:
        require_owner(str(spec["owner"]), owner, f"run {name}", "continued")
    books = registry()
    limit = setting("AEEXPLORER_WAITING_PER_OWNER", WAITING_PER_OWNER, 1, 100_000)
    if (waiting := sum(job.owner == owner for job in books.jobs("queued"))) >= limit:
        raise ConfigError(f"at most {limit} jobs of one person may wait, found {waiting}")
    lock = FileLock(folder.path / "control" / "start.lock")
    if not lock.acquire():
        raise ConfigError(f"{name} is being started already")
    try:
        found = books.find(folder.path)
        if found is not None and found.state in ("queued", *ACTIVE):
            raise ConfigError(f"{name} is {'waiting' if found.state == 'queued' else 'running'} already")
        state = folder.status.state
        if state in ("done", "running"):
            raise ConfigError(f"{name} is {state} already")
        for left in ("cancel", "pause", "worker.json"):
            (folder.path / "control" / left).unlink(missing_ok=True)
        submission = Submission(kind=kind, owner=owner, estimated=estimated)
        write_submission(folder, submission)
        folder.set_status(state="queued", reason="")
        books.submit(folder.path, submission)
    finally:
        lock.release()
    supervise().wake()


def request_map(run: Run, method: str, n: int, owner: str | None = None, **parameters: Any) -> MapJob:
    """The job for this map, under way or done: whoever asks for the same one shares it.

    Raises:
        ConfigError: for an unknown method or parameter, or one out of bounds; and as `start` does.
    """
    from aeexplorer.jobs.maps import estimated_seconds, find_map, submit_map

    owner = local_owner() if owner is None else owner
    _, job = find_map(run, method, n, **parameters)
    if job is None or not under_way(job):
        job = submit_map(run, method, n, **parameters)
    mark_used(job.path)
    if job.status.state == "done":
        return job
    with contextlib.suppress(ConfigError):
        if not under_way(job):
            start(job, owner, estimated_seconds(n, method, job.spec.parameters))
    registry().join(job.path, owner)
    return job


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
        require_owner(by if by in books.askers(folder.path) else job.owner, by, f"job {folder.path.name}", "stopped")
        if books.leave(folder.path, by):
            return
    folder.request_cancel()
    if books.move(folder.path, ("queued",), "cancelled", reason="") or (
        job is None and folder.status.state == "queued"
    ):
        folder.set_status(state="cancelled", reason="")
    elif job is not None:
        supervise().wake()


def pace(kind: str = "train") -> float:
    """Seconds that jobs of a kind took on this machine per estimated second; 1 while nobody can say."""
    with contextlib.suppress(Damaged, OSError):
        if registry().path.exists():
            return registry().calibration(kind)
    return 1.0


def under_way(folder: WorkFolder) -> bool:
    """Whether somebody works on it or will: it waits for its turn, or runs."""
    with contextlib.suppress(Damaged, OSError):
        job = registry().find(folder.path)
        if job is not None and job.state in ("queued", "interrupted", *ACTIVE):
            return True
    return folder.status.state == "running"


@dataclass(frozen=True)
class Outlook:
    """How a job stands in the queue.

    Attributes:
        before: jobs that start before it, 0 when it is the next; None when it does not wait.
        waiting, running: jobs in all.
        starts_in: expected seconds until it starts.
    """

    before: int | None
    waiting: int
    running: int
    starts_in: float


def outlook(folder: WorkFolder) -> Outlook:
    """Where a job stands in the queue, and when it will start if the others take as long as is expected."""
    books = registry()
    order, active = books.queue(), books.jobs(*ACTIVE)
    before = next((i for i, job in enumerate(order) if job.path == folder.path), None)
    starts = 0.0
    if before is not None:
        pace = books.calibration()
        ends = [_left(job, pace) for job in active] + [0.0] * max(worker_limit() - len(active), 0)
        heapq.heapify(ends)
        for job in order[: before + 1]:
            starts = heapq.heappop(ends)
            heapq.heappush(ends, starts + (job.estimated * pace or UNKNOWN_SECONDS))
    return Outlook(before, len(order), len(active), starts)


def _left(job: Job, pace: float) -> float:
    with contextlib.suppress(OSError):
        said = WorkFolder(job.path).last_progress.get("seconds_left")
        if isinstance(said, int | float):
            return float(said)
    return job.estimated * pace or UNKNOWN_SECONDS


def active_jobs(owner: str | None = None) -> list[Job]:
    """The jobs that wait or run, of one owner or of all, in the order of their arrival; none when nobody can say."""
    with contextlib.suppress(Damaged, OSError):
        return [job for job in registry().jobs("queued", *ACTIVE) if owner in (None, job.owner)]
    return []
