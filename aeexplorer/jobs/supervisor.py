"""The supervisor: one thread per home that starts queued jobs, watches running ones and resumes interrupted ones.

Its state is in the registry and the folders, so after it was killed another one goes on from there.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from filelock import FileLock, Timeout

from aeexplorer.jobs.cache import remove_old_readings, trim_results
from aeexplorer.jobs.engines import Engine, make_engine
from aeexplorer.jobs.job import ACTIVE, Job, Lane
from aeexplorer.jobs.json_log import close_log, open_log
from aeexplorer.jobs.registry import Registry, file_id, registry
from aeexplorer.jobs.submission import read_submission, write_submission
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.runs.limits import setting
from aeexplorer.store import Damaged, home, read_json

TICK_SECONDS = 0.25  # while there is work; local workers report begin and end at once
IDLE_SECONDS = 1.0  # between looks for jobs that other processes submitted
SWEEP_SECONDS = 30.0
RESUMES = 2
STOP_SECONDS = 10.0  # for a worker to save its state before it is killed,
READING_STOP_SECONDS = 0.5  # or, of a reading, to end between two pictures: it has nothing to save
SLICE_SECONDS = 5  # a training's time slice while other owners wait,
SLICE_SHARE = 0.3  # or this share of the whole training, so that short ones alternate too,
SHORTEST_SECONDS = 0.2  # but at least this, because a change of jobs costs a twentieth of a second

log = logging.getLogger(__name__)


class Supervisor(threading.Thread):
    """Supervises a home until `stop`. Of several, in this process or others, only the one that holds the lock works."""

    def __init__(self, registry: Registry, engine: Engine | None = None, slice_seconds: float | None = None) -> None:
        super().__init__(name="supervisor", daemon=True)
        self.registry = registry
        self.engine = engine or make_engine()
        self.slice = (
            setting("AEEXPLORER_SLICE_SECONDS", SLICE_SECONDS, 1, 86_400) if slice_seconds is None else slice_seconds
        )
        self.lock = FileLock(home() / "supervisor.lock")
        self._lock_id: tuple[int, int] | None = None  # device and inode of the file when it was locked
        self._wake = threading.Event()
        self.engine.notify(self.wake)
        self._stopping = threading.Event()
        self._slice_start: dict[str, float] = {}  # monotonic start of a job's slice
        self._worked_before: dict[str, float] = {}  # seconds that a job had worked before its slice
        self._slice_end = math.inf  # monotonic time at which a training has to be paused
        self._stop_requested: dict[str, float] = {}  # monotonic time at which a worker was asked to end
        self._swept = -SWEEP_SECONDS
        self._logged_errors: dict[str, str] = {}

    def wake(self) -> None:
        """Start the next tick now."""
        self._wake.set()

    def stop(self) -> None:
        """End the supervision; jobs go on."""
        self._stopping.set()
        self._wake.set()
        if self.is_alive():
            self.join(10)

    def run(self) -> None:
        while not self._stopping.is_set():
            busy = False
            with self._errors_logged():
                if self._holds_lock():
                    busy = self.tick()
            self._wake.wait(self._pause() if busy else IDLE_SECONDS)
            self._wake.clear()
        self.engine.close()
        self.registry.close()
        self.lock.release()

    def _holds_lock(self) -> bool:
        """Whether this supervisor is the one that works; it takes the lock when it is free."""
        if self.lock.is_locked and file_id(self.lock.lock_file) != self._lock_id:  # the home was emptied or replaced
            self.lock.release()
            close_log()
            open_log()
        if not self.lock.is_locked:
            with contextlib.suppress(Timeout):
                self.lock.acquire(blocking=False)
                self._lock_id = file_id(self.lock.lock_file)
        return self.lock.is_locked

    def _pause(self) -> float:
        """Seconds until the next tick while there is work."""
        return min(max(self._slice_end - time.monotonic(), 0.01), TICK_SECONDS)

    @contextlib.contextmanager
    def _errors_logged(self, about: str = "") -> Iterator[None]:
        """Log an error about one job, once rather than at every tick, and go on with the others."""
        try:
            yield
            self._logged_errors.pop(about, None)
        except Exception as error:
            if self._logged_errors.get(about) != str(error):
                self._logged_errors[about] = str(error)
                log.exception("supervisor met an error", extra={"job": about, "reason": str(error)})

    def tick(self) -> bool:
        """Settle active jobs and start queued ones; returns whether there are any."""
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self.registry.adopt_missing()
            trim_results()
            remove_old_readings()
            self._swept = time.monotonic()
        self._slice_end = math.inf
        for job in self.registry.jobs(*ACTIVE):
            with self._errors_logged(job.folder):
                self._settle(job)
        active, waiting = self.registry.jobs(*ACTIVE), self.registry.waiting()
        while waiting and (lanes := self._free_lanes(active, waiting)):
            taken = self.registry.take_next(self.per_owner(), lanes)
            if taken is None:
                break
            self._launch(taken)
            active, waiting = self.registry.jobs(*ACTIVE), self.registry.waiting()
        self._preempt(active, waiting)
        self.engine.keep_warm()
        return bool(active or waiting)

    def _free_lanes(self, active: list[Job], waiting: Mapping[tuple[str, Lane], int]) -> list[Lane]:
        """The lanes that may start a job now.

        Short jobs have the reserved workers to themselves, and the others too while no long job waits. Without a
        reserve both lanes share all workers.
        """
        capacity, reserve = self.engine.capacity(), self.engine.reserve()
        short = sum(job.lane == "short" for job in active)
        lanes: list[Lane] = []
        if len(active) < capacity:
            if len(active) - short < capacity - reserve:
                lanes.append("long")
            if not reserve or short < reserve or all(lane == "short" for _, lane in waiting):
                lanes.append("short")
        return lanes

    def per_owner(self) -> int:
        """Jobs of one owner at once in a lane: AEEXPLORER_PER_OWNER, else all workers but one, left to the others."""
        return setting("AEEXPLORER_PER_OWNER", max(1, self.engine.capacity() - self.engine.reserve() - 1), 1, 1024)

    # one job

    def _launch(self, job: Job) -> None:
        """Start a worker on a job, unless it has ended meanwhile."""
        folder = WorkFolder(job.path)
        try:
            status = folder.recorded_status
            if status.state in ("done", "failed", "cancelled") or folder.cancel_requested:
                ended = status.state if status.state in ("done", "failed") else "cancelled"
                if status.state != ended:
                    folder.set_status(state=ended, reason="")
                self.registry.move(job.path, ("starting",), ended, reason=status.reason, seconds=float(status.seconds))
                return
            (folder.path / "control" / "pause").unlink(missing_ok=True)
            folder.set_status(state="queued", reason=status.reason)
            # a reading needs nothing that trainings import, and takes a third of the memory without it
            lease = self.engine.launch(folder, alone=job.kind == "read")
        except (Damaged, OSError) as error:
            if not folder.path.is_dir():
                self.registry.forget(job.path)
            else:
                self._fail(job, folder, str(error))
            return
        self._slice_start[job.folder], self._worked_before[job.folder] = time.monotonic(), _worked(folder)[0]
        self._stop_requested.pop(job.folder, None)
        self.registry.move(job.path, ("starting",), "starting", heartbeat=time.time(), **lease)

    def _settle(self, job: Job) -> None:
        """Bring the row of an active job in line with its folder, and handle a vanished worker."""
        folder = WorkFolder(job.path)
        try:
            status = folder.recorded_status
        except Damaged as error:
            if folder.path.is_dir():
                self.engine.kill(job, Status())
                self._fail(job, folder, str(error))
            else:  # nobody wants what its worker may still be at
                self.engine.kill(job, Status())
                self.registry.forget(job.path)
            return
        if status.state in ("done", "failed", "cancelled"):
            self.registry.move(job.path, ACTIVE, status.state, reason=status.reason, seconds=float(status.seconds))
            for times in (self._slice_start, self._worked_before, self._stop_requested):
                times.pop(job.folder, None)
            return
        if job.pid == 0:
            job = self._with_lease(job, folder, status)
        if status.state == "interrupted":  # the worker saved its state and ended, as it was asked to
            self._requeue(job, folder, status)
        elif status.state == "queued" and job.state == "running":  # it was paused for another
            self.registry.move(job.path, ("running",), "queued", reason=status.reason, pid=0)
        elif not self.engine.lives(job, status):
            if folder.recorded_status == status:  # it may have ended since its status was read
                self._resume(job, folder, status)
        else:
            if status.state == "running" and job.state == "starting":
                lease: dict[str, str | float] = {
                    "pid": status.pid,
                    "process_started": float(status.process_started),
                    "host": status.host,
                }
                self.registry.move(job.path, ("starting",), "running", heartbeat=time.time(), **lease)
            if folder.cancel_requested:
                self._end(job, status)

    @staticmethod
    def _with_lease(job: Job, folder: WorkFolder, status: Status) -> Job:
        """The job with the lease from its folder, when the supervisor died before the registry had it."""
        with contextlib.suppress(Damaged, KeyError, TypeError, ValueError):
            lease = read_json(folder.path / "control" / "worker.json")
            return replace(job, pid=int(lease["pid"]), process_started=float(lease["process_started"]))
        if status.state == "running":
            return replace(job, pid=status.pid, process_started=status.process_started)
        return job

    def _end(self, job: Job, status: Status) -> None:
        """Ask the worker of a cancelled job to end, and kill it when it does not."""
        now = time.monotonic()
        asked = self._stop_requested.setdefault(job.folder, now)
        if asked == now:
            self.engine.stop(job, status)
        elif now - asked > (READING_STOP_SECONDS if job.kind == "read" else STOP_SECONDS):
            log.warning("worker killed: it did not end in time", extra={"job": job.folder})
            self.engine.kill(job, status)

    def _resume(self, job: Job, folder: WorkFolder, status: Status) -> None:
        """Queue a job whose worker vanished again, from its last checkpoint; fail it after the third time."""
        where = _last_epoch(folder)
        (folder.path / "control" / "worker.json").unlink(missing_ok=True)
        if folder.cancel_requested:
            folder.set_status(state="cancelled", reason="")
            self.registry.move(job.path, ACTIVE, "cancelled")
            return
        count = job.interruptions + 1
        with contextlib.suppress(Damaged):
            write_submission(folder, read_submission(folder).replace(interruptions=count))
        self.registry.move(job.path, ACTIVE, "interrupted", interruptions=count)
        if count > RESUMES:
            reason = f"its worker vanished {count} times, the last time {where}; log.txt may say why"
            folder.set_status(state="failed", reason=reason)
            self.registry.move(job.path, ("interrupted",), "failed", reason=reason)
        else:
            self._requeue(job, folder, status)

    def _requeue(self, job: Job, folder: WorkFolder, status: Status) -> None:
        reason = f"interrupted {_last_epoch(folder)}, it goes on from its last checkpoint"
        if status.state != "queued" or status.reason != reason:
            folder.set_status(state="queued", reason=reason)
        self.registry.move(job.path, (*ACTIVE, "interrupted"), "queued", reason=reason, pid=0, host="")

    def _fail(self, job: Job, folder: WorkFolder, reason: str) -> None:
        with contextlib.suppress(Damaged, OSError):
            folder.set_status(state="failed", reason=reason)
        self.registry.move(job.path, ACTIVE, "failed", reason=reason)

    # time slices

    def _preempt(self, active: list[Job], waiting: Mapping[tuple[str, Lane], int]) -> None:
        """Pause the training whose slice ended first, when an owner with fewer active jobs waits for its worker."""
        lanes = ("long",) if self.engine.reserve() else ("short", "long")
        owners = {owner for owner, lane in waiting if lane in lanes}
        if not owners or "long" in self._free_lanes(active, waiting):
            return
        active_jobs = Counter(job.owner for job in active if job.lane in lanes)
        fewest = min(active_jobs[owner] for owner in owners)
        left = {
            job: self._slice_left(job)
            for job in active
            if job.kind == "train" and job.state == "running" and active_jobs[job.owner] > fewest
        }
        if not left:
            return
        job = min(left, key=lambda j: left[j])
        pause = job.path / "control" / "pause"
        if pause.exists():
            return
        if left[job] > 0:
            self._slice_end = time.monotonic() + left[job]
            return
        log.info("training paused for another owner", extra={"job": job.folder, "owner": job.owner})
        pause.touch()

    def _slice_left(self, job: Job) -> float:
        """Seconds that a training may go on while others wait.

        A slice is counted in seconds of training: counted from the start, a short one would end before the first step.
        """
        worked, left = _worked(WorkFolder(job.path))
        expected = worked + left or job.estimated * self.registry.calibration()
        whole = min(max(SLICE_SHARE * expected, SHORTEST_SECONDS), self.slice) if expected > 0 else self.slice
        passed = time.monotonic() - self._slice_start.setdefault(job.folder, time.monotonic())
        return min(whole - (worked - self._worked_before.setdefault(job.folder, worked)), self.slice - passed)


def _worked(folder: WorkFolder) -> tuple[float, float]:
    """Seconds that a training took so far and expects to take yet; zeros before its first report."""
    with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
        progress = folder.last_progress
        return float(progress["seconds"]), float(progress["seconds_left"])
    return 0.0, 0.0


def _last_epoch(folder: WorkFolder) -> str:
    epoch = folder.last_event("epoch") or {}
    return f"after epoch {epoch['epoch']}" if isinstance(epoch.get("epoch"), int) else "before its first epoch ended"


_supervisors: dict[str, Supervisor] = {}
_starting = threading.Lock()


def supervise() -> Supervisor:
    """This process's supervisor of the home; it is started when there is none."""
    with _starting:
        key = str(home())
        found = _supervisors.get(key)
        if found is None or not found.is_alive():
            open_log()
            found = _supervisors[key] = Supervisor(registry())
            found.start()
        return found


def stop_supervising() -> None:
    """End every supervisor of this process; jobs go on."""
    with _starting:
        for supervisor in _supervisors.values():
            supervisor.stop()
        _supervisors.clear()
        close_log()
