"""The queue as pages and the command line use it: submit a job, cancel it, see where it stands."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from aeexplorer.config import ConfigError
from aeexplorer.jobs.cache import mark_used
from aeexplorer.jobs.job import ACTIVE, ENDED, Job, folder_key
from aeexplorer.jobs.queue_view import QueuePosition, queue_view
from aeexplorer.jobs.registry import registry
from aeexplorer.jobs.submission import KINDS, Submission, write_submission
from aeexplorer.jobs.supervisor import supervise
from aeexplorer.owners import client_of, local_owner, require_owner
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import check_waiting
from aeexplorer.store import Damaged, read_json, remove_folder, writing

if TYPE_CHECKING:
    from aeexplorer.jobs.maps import MapJob
    from aeexplorer.runs.run import Run


class AlreadyStarted(ConfigError):
    """A job cannot be started, because it waits, runs or is done already."""


def start(
    folder: WorkFolder, owner: str | None = None, estimated: float = 0.0, address: str = "", new: bool = False
) -> None:
    """Put a job into the queue; it starts when it is its owner's turn. A training goes on from its last checkpoint.

    Of two calls at the same time for the same job, one is refused.

    Args:
        owner: who submits it; None is the local user.
        estimated: expected seconds of work.
        address: the network address of who submits it; "" is this computer.
        new: the folder was made for this job, and is removed when the job is refused.

    Raises:
        AlreadyStarted: when it waits, runs or is done already.
        ConfigError: when it is somebody else's, or too many jobs wait (see `limits`).
        Damaged: when its status cannot be read.
        OSError: when the folder cannot be written to.
    """
    try:
        _start(folder, local_owner() if owner is None else owner, estimated, client_of(address))
    except (ConfigError, Damaged, OSError) as error:
        if new and not isinstance(error, AlreadyStarted):
            with contextlib.suppress(ConfigError, OSError):
                remove_folder(folder.path)
        raise
    supervise().wake()


def _start(folder: WorkFolder, owner: str, estimated: float, client: str) -> None:
    name, spec = folder.path.name, read_json(folder.path / "spec.json")
    kind = str(spec.get("kind"))
    if kind not in KINDS:
        raise ConfigError(f"kind of {name} must be one of {', '.join(KINDS)}, got {kind!r}")
    if "owner" in spec:
        require_owner(str(spec["owner"]), owner, f"run {name}", "continued")
    lock = folder.path / "control" / "start.lock"
    try:
        with writing(lock), FileLock(lock, blocking=False):
            _submit(folder, Submission(kind=kind, owner=owner, address=client, estimated=estimated))
    except Timeout:
        raise AlreadyStarted(f"{name} is being started already") from None


def _check_waiting(owner: str, client: str) -> None:
    of_owner, of_address, in_all = registry().waiting_for(owner, client)
    check_waiting(of_owner, of_address if client else 0, in_all)


def _submit(folder: WorkFolder, submission: Submission) -> None:
    name = folder.path.name
    found = registry().find(folder.path)
    if found is not None and found.state in ("queued", *ACTIVE):
        raise AlreadyStarted(f"{name} is {'waiting' if found.state == 'queued' else 'running'} already")
    state = folder.status.state
    if state in ("done", "running"):
        raise AlreadyStarted(f"{name} is {state} already")
    _check_waiting(submission.owner, submission.address)
    for marker in ("cancel", "pause", "worker.json"):
        (folder.path / "control" / marker).unlink(missing_ok=True)
    write_submission(folder, submission)
    folder.set_status(state="queued", reason="")
    registry().submit(folder.path, submission)


def request_map(
    run: Run, method: str, n: int, owner: str | None = None, *, address: str = "", **parameters: Any
) -> MapJob:
    """The job for this map, under way or done; everybody who requests the same map shares one job.

    Raises:
        ConfigError: for an unknown method or parameter, or one out of bounds; and as `start` does.
    """
    from aeexplorer.jobs.maps import estimated_seconds, find_map, submit_map

    owner = local_owner() if owner is None else owner
    _, job = find_map(run, method, n, **parameters)
    if job is None or not under_way(job):
        if job is None or job.status.state != "done":
            _check_waiting(owner, client_of(address))  # before there is a folder
        job = submit_map(run, method, n, **parameters)
        mark_used(job.path)
        if job.status.state == "done":
            return job
        with contextlib.suppress(AlreadyStarted):  # by another request for the same map
            start(job, owner, estimated_seconds(n, method, job.spec.parameters), address, new=True)
    registry().add_requester(job.path, owner)
    return job


def cancel(folder: WorkFolder, by: str | None = None) -> None:
    """Ask the worker to stop; it saves its state and ends within a second. A job that has not begun ends at once.

    A job that others requested too goes on for them. A training that a terminal started sees the request as well.

    Raises:
        ConfigError: when the job belongs to somebody else, or has ended already.
        Damaged: when its status cannot be read.
    """
    by, name = local_owner() if by is None else by, folder.path.name
    job = registry().find(folder.path)
    if job is None:
        require_owner(str(read_json(folder.path / "spec.json").get("owner", by)), by, f"job {name}", "stopped")
    else:
        requesters = registry().requesters(folder.path)
        require_owner(by if by in requesters else job.owner, by, f"job {name}", "stopped")
    state = folder.status.state
    if (job is None or job.state in ENDED) and state not in ("queued", "running"):
        raise ConfigError(f"{name} cannot be stopped: it is {state} already")
    if job is not None and registry().remove_requester(folder.path, by):
        return
    folder.request_cancel()
    if registry().move(folder.path, ("queued",), "cancelled", reason="") or (job is None and state == "queued"):
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
        if folder_key(folder.path) in queue_view().jobs:
            return True
    return folder.status.state == "running"


def queue_position(folder: WorkFolder) -> QueuePosition:
    """Where a job stands in the queue.

    Raises:
        OSError, Damaged: when the registry cannot be read.
    """
    return queue_view().position(folder_key(folder.path))


def active_jobs(owner: str | None = None) -> list[Job]:
    """The jobs that wait or run, of one owner or of all, in order of arrival; none when the registry cannot be read."""
    with contextlib.suppress(Damaged, OSError):
        return [job for job in queue_view().jobs.values() if job.state != "interrupted" and owner in (None, job.owner)]
    return []
