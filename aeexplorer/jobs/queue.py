"""The queue as pages and the command line use it: submit a job, cancel it, see where it stands."""

from __future__ import annotations

import contextlib
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from aeexplorer.config import ConfigError
from aeexplorer.jobs.cache import mark_used
from aeexplorer.jobs.job import ACTIVE, Job
from aeexplorer.jobs.registry import registry
from aeexplorer.jobs.submission import KINDS, Submission, write_submission
from aeexplorer.jobs.supervisor import supervise
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import setting, worker_limit
from aeexplorer.runs.owners import local_owner, require_owner
from aeexplorer.store import Damaged, read_json

if TYPE_CHECKING:
    from aeexplorer.jobs.maps import MapJob
    from aeexplorer.runs.run import Run

WAITING_PER_OWNER = 50
UNKNOWN_SECONDS = 30.0  # assumed of a job that was not estimated


def start(folder: WorkFolder, owner: str | None = None, estimated: float = 0.0) -> None:
    """Put a job into the queue; it starts when it is its owner's turn. A training goes on from its last checkpoint.

    Of two calls at the same time for the same job, one is refused.

    Args:
        owner: who submits it; None is the local user.
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
    limit = setting("AEEXPLORER_WAITING_PER_OWNER", WAITING_PER_OWNER, 1, 100_000)
    if (waiting := sum(job.owner == owner for job in registry().jobs("queued"))) >= limit:
        raise ConfigError(f"at most {limit} jobs of one person may wait, found {waiting}")
    try:
        with FileLock(folder.path / "control" / "start.lock", blocking=False):
            _submit(folder, Submission(kind=kind, owner=owner, estimated=estimated))
    except Timeout:
        raise ConfigError(f"{name} is being started already") from None
    supervise().wake()


def _submit(folder: WorkFolder, submission: Submission) -> None:
    name = folder.path.name
    found = registry().find(folder.path)
    if found is not None and found.state in ("queued", *ACTIVE):
        raise ConfigError(f"{name} is {'waiting' if found.state == 'queued' else 'running'} already")
    state = folder.status.state
    if state in ("done", "running"):
        raise ConfigError(f"{name} is {state} already")
    for marker in ("cancel", "pause", "worker.json"):
        (folder.path / "control" / marker).unlink(missing_ok=True)
    write_submission(folder, submission)
    folder.set_status(state="queued", reason="")
    registry().submit(folder.path, submission)


def request_map(run: Run, method: str, n: int, owner: str | None = None, **parameters: Any) -> MapJob:
    """The job for this map, under way or done; everybody who requests the same map shares one job.

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
    registry().add_requester(job.path, owner)
    return job


def cancel(folder: WorkFolder, by: str | None = None) -> None:
    """Ask the worker to stop; it saves its state and ends within a second. A job that has not begun ends at once.

    A job that others requested too goes on for them.

    Raises:
        ConfigError: when the job belongs to somebody else.
        Damaged: when its status cannot be read.
    """
    by = local_owner() if by is None else by
    job = registry().find(folder.path)
    if job is not None:
        requesters = registry().requesters(folder.path)
        require_owner(by if by in requesters else job.owner, by, f"job {folder.path.name}", "stopped")
        if registry().remove_requester(folder.path, by):
            return
    folder.request_cancel()
    if registry().move(folder.path, ("queued",), "cancelled", reason="") or (
        job is None and folder.status.state == "queued"
    ):
        folder.set_status(state="cancelled", reason="")
    elif job is not None:
        supervise().wake()


def pace(kind: str = "train", at_least: float = 0.0) -> float:
    """Seconds that jobs of a kind took on this machine per estimated second; 1 before the first.

    Args:
        at_least: estimated seconds of the jobs that count.
    """
    with contextlib.suppress(Damaged, OSError):
        if registry().path.exists():
            return registry().calibration(kind, at_least)
    return 1.0


def under_way(folder: WorkFolder) -> bool:
    """Whether a job waits for its turn or runs."""
    with contextlib.suppress(Damaged, OSError):
        job = registry().find(folder.path)
        if job is not None and job.state in ("queued", "interrupted", *ACTIVE):
            return True
    return folder.status.state == "running"


@dataclass(frozen=True)
class QueuePosition:
    """Where a job stands in the queue.

    Attributes:
        before: number of jobs that start before it, 0 for the next; None when it does not wait.
        waiting, running: number of jobs in all.
        starts_in: expected seconds until it starts.
    """

    before: int | None
    waiting: int
    running: int
    starts_in: float


def queue_position(folder: WorkFolder) -> QueuePosition:
    """Where a job stands in the queue, and when it will start if the others take as long as estimated."""
    order, active = registry().queue(), registry().jobs(*ACTIVE)
    before = next((i for i, job in enumerate(order) if job.path == folder.path), None)
    starts = 0.0
    if before is not None:
        pace = registry().calibration()
        ends = [_seconds_left(job, pace) for job in active] + [0.0] * max(worker_limit() - len(active), 0)
        heapq.heapify(ends)
        for job in order[: before + 1]:
            starts = heapq.heappop(ends)
            heapq.heappush(ends, starts + (job.estimated * pace or UNKNOWN_SECONDS))
    return QueuePosition(before, len(order), len(active), starts)


def _seconds_left(job: Job, pace: float) -> float:
    with contextlib.suppress(OSError):
        left = WorkFolder(job.path).last_progress.get("seconds_left")
        if isinstance(left, int | float):
            return float(left)
    return job.estimated * pace or UNKNOWN_SECONDS


def active_jobs(owner: str | None = None) -> list[Job]:
    """The jobs that wait or run, of one owner or of all, in order of arrival; none when the registry cannot be read."""
    with contextlib.suppress(Damaged, OSError):
        return [job for job in registry().jobs("queued", *ACTIVE) if owner in (None, job.owner)]
    return []
