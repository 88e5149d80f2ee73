"""The supervisor: one thread per home that starts what is queued, watches what runs and mends what was interrupted.

It keeps nothing that the registry and the folders do not say, so another one goes on where it was killed.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from aeexplorer.jobs.cache import trim_results
from aeexplorer.jobs.engines import Engine, make_engine
from aeexplorer.jobs.journal import close_journal, keep_journal
from aeexplorer.jobs.locks import FileLock
from aeexplorer.jobs.registry import ACTIVE, Job, Registry
from aeexplorer.jobs.submission import read_submission, write_submission
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.runs.limits import setting
from aeexplorer.store import Damaged, home, read_json

TICK_SECONDS = 0.25  # while there is work; what workers here begin and end is seen at once
IDLE_SECONDS = 1.0  # until work of another process is seen
SWEEP_SECONDS = 30.0
RESUMES = 2
STOP_SECONDS = 10.0  # for a worker to save its state, before it is killed
SLICE_SECONDS = 5  # of a job before one of an owner who has less goes first,
TURN_SHARE = 0.3  # or this share of what it takes in all, so that short jobs take turns too,
SHORTEST_SECONDS = 0.2  # but so much at least, because a change costs a twentieth of a second

log = logging.getLogger(__name__)


class Supervisor(threading.Thread):
    """Supervises a home until `stop`. Of several, in this process or others, the one that holds the lock works."""

    def __init__(self, registry: Registry, engine: Engine | None = None, slice_seconds: float | None = None) -> None:
        super().__init__(name="supervisor", daemon=True)
        self.registry = registry
        self.engine = engine or make_engine()
        self.slice = (
            setting("AEEXPLORER_SLICE_SECONDS", SLICE_SECONDS, 1, 86_400) if slice_seconds is None else slice_seconds
        )
        self.lock = FileLock(home() / "supervisor.lock")
        self._wake = threading.Event()
        self.engine.notify(self.wake)
        self._stopping = threading.Event()
        self._since: dict[str, float] = {}  # monotonic start of a job's turn
        self._worked: dict[str, float] = {}  # seconds that a job had worked before its turn
        self._turn_over = math.inf  # monotonic time at which somebody has to give way
        self._stopped_at: dict[str, float] = {}  # monotonic time at which a worker was asked to end
        self._swept = -SWEEP_SECONDS
        self._troubles: dict[str, str] = {}

    def wake(self) -> None:
        """Look at the queue now."""
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
            with self._reported():
                if self.lock.acquire():
                    busy = self.tick()
            self._wake.wait(self._pause() if busy else IDLE_SECONDS)
            self._wake.clear()
        self.engine.close()
        self.registry.close()
        self.lock.release()

    def _pause(self) -> float:
        """Seconds until the next look while there is work."""
        return min(max(self._turn_over - time.monotonic(), 0.01), TICK_SECONDS)

    @contextlib.contextmanager
    def _reported(self, about: str = "") -> Iterator[None]:
        """Whatever one job or one look meets is said, once and not every second, and the others are looked after."""
        try:
            yield
            self._troubles.pop(about, None)
        except Exception as error:
            if self._troubles.get(about) != str(error):
                self._troubles[about] = str(error)
                log.exception("supervisor met an error", extra={"job": about, "reason": str(error)})

    def tick(self) -> bool:
        """Look at everything once; whether there is work."""
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self.registry.adopt_missing()
            trim_results()
            self._swept = time.monotonic()
        self._turn_over = math.inf
        active, waiting = self._under_way()
        for job in active:
            with self._reported(job.folder):
                self._settle(job)
        if active:
            active, waiting = self._under_way()
        free = self.engine.capacity() - len(active)
        while free > 0 and waiting and (next_one := self.registry.take(self.per_owner())) is not None:
            free -= self._launch(next_one)
            active, waiting = self._under_way()
        if free <= 0 and waiting:
            self._give_way(active, waiting)
        self.engine.keep_warm()
        return bool(active or waiting)

    def _under_way(self) -> tuple[list[Job], list[Job]]:
        """Jobs that somebody works on, and those that wait."""
        found = self.registry.jobs("queued", *ACTIVE)
        return [job for job in found if job.state != "queued"], [job for job in found if job.state == "queued"]

    def per_owner(self) -> int:
        """Jobs of one owner at once: AEEXPLORER_PER_OWNER, else all but one, which stays for the others."""
        return setting("AEEXPLORER_PER_OWNER", max(1, self.engine.capacity() - 1), 1, 1024)

    # one job

    def _launch(self, job: Job) -> int:
        """Start a job whose turn it is; 1 if it took a place."""
        folder = WorkFolder(job.path)
        try:
            status = folder.recorded_status
            if status.state in ("done", "failed", "cancelled") or folder.cancel_requested:
                ended = status.state if status.state in ("done", "failed") else "cancelled"
                if status.state != ended:
                    folder.set_status(state=ended, reason="")
                self.registry.move(job.path, ("starting",), ended, reason=status.reason, seconds=float(status.seconds))
                return 0
            (folder.path / "control" / "pause").unlink(missing_ok=True)
            folder.set_status(state="queued", reason=status.reason)
            lease = self.engine.launch(folder)
        except (Damaged, OSError) as error:
            if not folder.path.is_dir():
                self.registry.forget(job.path)
            else:
                self._fail(job, folder, str(error))
            return 0
        self._since[job.folder], self._worked[job.folder] = time.monotonic(), _worked(folder)[0]
        self._stopped_at.pop(job.folder, None)
        self.registry.move(job.path, ("starting",), "starting", heartbeat=time.time(), **lease)
        return 1

    def _settle(self, job: Job) -> None:
        """Bring the row of a job under way in line with its folder, and deal with a worker that is gone."""
        folder = WorkFolder(job.path)
        try:
            status = folder.recorded_status
        except Damaged as error:
            if folder.path.is_dir():
                self.engine.kill(job, Status())
                self._fail(job, folder, str(error))
            else:
                self.registry.forget(job.path)
            return
        if status.state in ("done", "failed", "cancelled"):
            self.registry.move(job.path, ACTIVE, status.state, reason=status.reason, seconds=float(status.seconds))
            for kept in (self._since, self._worked, self._stopped_at):
                kept.pop(job.folder, None)
            return
        if job.pid == 0:
            job = self._with_lease(job, folder, status)
        if status.state == "interrupted":  # it saved its state and ended, as it was told
            self._requeue(job, folder, status)
        elif status.state == "queued" and job.state == "running":  # it gave way to another
            self.registry.move(job.path, ("running",), "queued", reason=status.reason, pid=0)
        elif not self.engine.lives(job, status):
            if folder.recorded_status == status:  # it may have ended between the reading and the look
                self._interrupted(job, folder, status)
        else:
            if status.state == "running" and job.state == "starting":
                self.registry.move(job.path, ("starting",), "running", pid=status.pid, heartbeat=time.time(),
                                   process_started=float(status.process_started), host=status.host)  # fmt: skip
            if folder.cancel_requested:
                self._end(job, status)

    @staticmethod
    def _with_lease(job: Job, folder: WorkFolder, status: Status) -> Job:
        """The lease that the folder tells, where the registry was not told in time."""
        with contextlib.suppress(Damaged, KeyError, TypeError, ValueError):
            said = read_json(folder.path / "control" / "worker.json")
            return replace(job, pid=int(said["pid"]), process_started=float(said["process_started"]))
        return (
            replace(job, pid=status.pid, process_started=status.process_started) if status.state == "running" else job
        )

    def _end(self, job: Job, status: Status) -> None:
        now = time.monotonic()
        asked = self._stopped_at.setdefault(job.folder, now)
        if asked == now:
            self.engine.stop(job, status)
        elif now - asked > STOP_SECONDS:
            log.warning("worker killed: it did not end in time", extra={"job": job.folder})
            self.engine.kill(job, status)

    def _interrupted(self, job: Job, folder: WorkFolder, status: Status) -> None:
        """The worker is gone without a word: go on from the last checkpoint, twice at most."""
        where = _where(folder)
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
            reason = f"its worker ended without a word {count} times, the last time {where}; log.txt may say why"
            folder.set_status(state="failed", reason=reason)
            self.registry.move(job.path, ("interrupted",), "failed", reason=reason)
        else:
            self._requeue(job, folder, status)

    def _requeue(self, job: Job, folder: WorkFolder, status: Status) -> None:
        reason = f"interrupted {_where(folder)}, it goes on from its last checkpoint"
        if status.state != "queued" or status.reason != reason:
            folder.set_status(state="queued", reason=reason)
        self.registry.move(job.path, (*ACTIVE, "interrupted"), "queued", reason=reason, pid=0, host="")

    def _fail(self, job: Job, folder: WorkFolder, reason: str) -> None:
        with contextlib.suppress(Damaged, OSError):
            folder.set_status(state="failed", reason=reason)
        self.registry.move(job.path, ACTIVE, "failed", reason=reason)

    # turns

    def _give_way(self, active: list[Job], waiting: list[Job]) -> None:
        """Ask the training whose turn was over first to go back into the queue, when somebody has less."""
        under_way = {j.owner: sum(a.owner == j.owner for a in active) for j in [*active, *waiting]}
        fewest = min(under_way[job.owner] for job in waiting)
        left = {
            job: self._turn_left(job)
            for job in active
            if job.kind == "train" and job.state == "running" and under_way[job.owner] > fewest
        }
        if not left:
            return
        job = min(left, key=lambda j: left[j])
        pause = job.path / "control" / "pause"
        if pause.exists():
            return
        if left[job] > 0:
            self._turn_over = time.monotonic() + left[job]
            return
        log.info("job gives way", extra={"job": job.folder, "owner": job.owner})
        pause.touch()

    def _turn_left(self, job: Job) -> float:
        """Seconds that a training may go on while others wait.

        A turn is counted in seconds of training, because a short one would else be all beginnings.
        """
        worked, left = _worked(WorkFolder(job.path))
        expected = worked + left or job.estimated * self.registry.calibration()
        turn = min(max(TURN_SHARE * expected, SHORTEST_SECONDS), self.slice) if expected > 0 else self.slice
        passed = time.monotonic() - self._since.setdefault(job.folder, time.monotonic())
        return min(turn - (worked - self._worked.setdefault(job.folder, worked)), self.slice - passed)


def _worked(folder: WorkFolder) -> tuple[float, float]:
    """Seconds that a training took so far, and those it expects to take yet; zeros before it has said so."""
    with contextlib.suppress(OSError, KeyError, TypeError, ValueError):
        said = folder.last_progress
        return float(said["seconds"]), float(said["seconds_left"])
    return 0.0, 0.0


def _where(folder: WorkFolder) -> str:
    epoch = folder.last_event("epoch") or {}
    return f"after epoch {epoch['epoch']}" if isinstance(epoch.get("epoch"), int) else "before its first epoch ended"


_supervisors: dict[str, Supervisor] = {}
_starting = threading.Lock()


def supervise() -> Supervisor:
    """This process's supervisor of the home, started when there is none."""
    with _starting:
        key = str(home())
        found = _supervisors.get(key)
        if found is None or not found.is_alive():
            keep_journal()
            found = _supervisors[key] = Supervisor(Registry())
            found.start()
        return found


def stop_supervising() -> None:
    """End every supervisor of this process; jobs go on."""
    with _starting:
        for supervisor in _supervisors.values():
            supervisor.stop()
        _supervisors.clear()
        close_journal()
