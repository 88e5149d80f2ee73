"""A worker process: it does the jobs whose folders it is given, one after the other, each to its end."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from aeexplorer.config import ConfigError, reason, unknown
from aeexplorer.jobs.submission import read_submission
from aeexplorer.owners import acting_as, local_owner
from aeexplorer.runs.folders import WorkFolder, process_identity
from aeexplorer.runs.limits import MemoryBound
from aeexplorer.store import Damaged, read_json

NICENESS = 10
IDLE_SECONDS = 3.0  # without a job, before a worker prepares for maps
HEARTBEAT_SECONDS = 2.0
LOCK_SECONDS = 10.0  # for the worker before this one to save its state
SPARE_SECONDS = 3600.0  # without a job, before a worker ends

_ready_for_maps = threading.Event()


@dataclass
class JobContext:
    """The job of a worker, and the state that others request: to run, to pause or to end."""

    folder: WorkFolder
    changed: Callable[[], None] = lambda: None
    """Tells the server at once that the job begins or has ended."""
    terminated: threading.Event = field(default_factory=threading.Event)

    @property
    def cancelled(self) -> bool:
        return self.folder.cancel_requested

    @property
    def paused(self) -> bool:
        """Whether the job has to make room for another owner's."""
        return (self.folder.path / "control" / "pause").exists()

    @property
    def wanted(self) -> bool:
        return not (self.terminated.is_set() or self.cancelled or self.paused)

    def begin(self) -> bool:
        """Set the status to "running" and return True, unless the job is not wanted any more."""
        if self.cancelled:
            self.folder.set_status(state="cancelled", reason="")
        elif not self.wanted:
            self.folder.set_status(state="queued")
        else:
            self.folder.set_status(state="running", reason="", **process_identity())
            self.changed()
            return True
        return False

    def let_go(self, folder: WorkFolder) -> None:
        """Note that the job was ended from outside: for good where a person asked for it."""
        folder.set_status(state="cancelled" if self.cancelled else "interrupted")


def run_worker(path: str | Path, tethered: bool = False, cold: bool = False) -> int:
    """Do the job in a folder; returns an exit status. The result, or the reason of a failure, is in the folder's
    status.

    Args:
        path: the folder, or "-" to import first and then read folders from standard input, one per line.
        tethered: save the state and end when standard input is closed.
        cold: import nothing before a folder is read.
    """
    with contextlib.suppress(ValueError, OSError):  # there may be no standard error
        faulthandler.enable()
    _lower_priority(beside_pages=str(path) == "-")
    if str(path) != "-":
        return _work(Path(path), tethered)
    changed = _notifier()
    if not cold:
        import aeexplorer.runs.recording  # noqa: F401 - what every training needs
    for line in _assigned_folders():
        status = _work(Path(line), tethered=False, changed=changed)
        changed()
        if status:
            return status  # a failed job may have left this process in any state: the next one gets a new process
    return 0


def _lower_priority(beside_pages: bool) -> None:
    """Give the pages precedence over this worker.

    On the computer that serves the pages the worker gets SCHED_IDLE: Linux then wakes the server on the worker's core
    at once, as on an idle one, where niceness alone makes it wait for milliseconds. On other computers it could starve
    a worker, as it does where other programs keep all cores busy: AEEXPLORER_WORKER_PRIORITY=normal is for those.
    """
    if os.environ.get("AEEXPLORER_WORKER_PRIORITY") == "normal":
        return
    with contextlib.suppress(AttributeError, OSError):  # Windows has no niceness
        os.nice(NICENESS)
    # With autogroups Linux shares time between sessions first. A worker of the server has a session of its own; the
    # session of a terminal, in which a worker was started by hand, keeps its share.
    with contextlib.suppress(AttributeError, OSError):
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(NICENESS))
    if beside_pages and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _notifier() -> Callable[[], None]:
    """A function that reports a change to the server: it writes a line to the current standard output."""
    line = os.dup(1)

    def notify() -> None:
        with contextlib.suppress(OSError):  # the server is gone
            os.write(line, b"\n")

    return notify


def _warm_up_for_maps() -> None:
    """Import what UMAP needs, once, and compile it if this computer never has, which takes seconds."""
    if not _ready_for_maps.is_set():
        from aeexplorer.projection.methods import warm_up

        _ready_for_maps.set()
        warm_up()


def _assigned_folders() -> Iterator[str]:
    """Folders from standard input; ends with the server, or when none came for an hour.

    An idle worker prepares for maps in another thread, so that a training that comes meanwhile begins at once.
    """
    while True:
        timers = threading.Timer(SPARE_SECONDS, os._exit, (0,)), threading.Timer(IDLE_SECONDS, _warm_up_for_maps)
        for timer in timers:
            timer.daemon = True
            timer.start()
        line = sys.stdin.readline().rstrip("\r\n")
        for timer in timers:
            timer.cancel()
        if not line:
            return
        yield line


def _work(path: Path, tethered: bool, changed: Callable[[], None] = lambda: None) -> int:
    context = JobContext(WorkFolder(path), changed)
    lock = FileLock(path / "control" / "work.lock")
    try:
        lock.acquire(timeout=LOCK_SECONDS)
        with (
            _output_into(path / "log.txt"),
            _signals(context, tethered),
            MemoryBound(lambda exceeded: _abort(context, exceeded)),
        ):
            return _run_job(context)
    except Timeout:
        return 0  # another worker has it
    except OSError as error:
        with contextlib.suppress(OSError, Damaged):
            context.folder.set_status(state="failed", reason=reason(error))
        return 1
    finally:
        with contextlib.suppress(OSError):
            (path / "control" / "worker.json").unlink(missing_ok=True)
        lock.release()


def _run_job(context: JobContext) -> int:
    folder = context.folder
    try:
        if folder.recorded_status.state in ("done", "failed", "cancelled"):
            return 0
        kind = str(read_json(folder.path / "spec.json").get("kind"))
        if kind not in _JOBS:
            raise ConfigError(unknown("kind of job", kind, _JOBS))
        with acting_as(_owner_of(folder)):
            _JOBS[kind](context)
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(OSError, Damaged):
            folder.set_status(state="failed", reason=_reason(error))
        return 1
    return 0


def _owner_of(folder: WorkFolder) -> str:
    """In whose name a job is done: that of who submitted it."""
    with contextlib.suppress(Damaged):
        return read_submission(folder).owner
    return str(read_json(folder.path / "spec.json").get("owner", local_owner()))


def _reason(error: Exception) -> str:
    message = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        from aeexplorer.runs.limits import memory_limit

        return f"it needed more memory than the {memory_limit() / 1e9:.1f} GB that a worker may take"
    if isinstance(error, OSError) and error.strerror:
        return reason(error)
    known = isinstance(error, ConfigError | Damaged | RuntimeError) and message
    return message if known else f"{type(error).__name__}: {message}"


def _abort(context: JobContext, exceeded: str) -> None:
    """Fail the job and end this process at once, because a computation that takes too much memory cannot be asked
    to."""
    with contextlib.suppress(OSError, Damaged):
        context.folder.set_status(state="failed", reason=exceeded)
    os._exit(1)


@contextlib.contextmanager
def _output_into(path: Path) -> Iterator[None]:
    """Redirect standard output and error into a file meanwhile."""
    originals = os.dup(1), os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for number, copy in zip((1, 2), originals, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(log)


@contextlib.contextmanager
def _signals(context: JobContext, tethered: bool) -> Iterator[None]:
    """Handle SIGTERM and the end of standard input, and touch the heartbeat file every few seconds."""
    before = signal.signal(signal.SIGTERM, lambda *_: context.terminated.set())
    over = threading.Event()

    def beat() -> None:
        heartbeat = context.folder.path / "control" / "heartbeat"
        while True:
            try:
                heartbeat.touch()
            except FileNotFoundError:  # the folder is gone, and with it everybody who could want the result
                context.terminated.set()
            except OSError:
                pass
            if over.wait(HEARTBEAT_SECONDS):
                return

    def wait_for_end() -> None:
        while os.read(0, 1024):
            pass
        context.terminated.set()

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    if tethered:
        threading.Thread(target=wait_for_end, name="tether", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGTERM, before)


def _train(context: JobContext) -> None:
    from aeexplorer.data import load_dataset
    from aeexplorer.runs.recording import Paused, record
    from aeexplorer.runs.run import Run

    run = Run(context.folder.path)
    data = load_dataset(run.spec.dataset)
    if not context.begin():
        return
    recording = record(run, data)
    for _ in recording:
        if context.cancelled:
            recording.close()
            return
        if not context.wanted:
            stop = Paused("interrupted", "its worker was asked to end")
            if context.paused:
                stop = Paused("queued", "paused for another owner's job")
            with contextlib.suppress(StopIteration):
                recording.throw(stop)
            return


def _map(context: JobContext) -> None:
    from aeexplorer.jobs.maps import MapJob, compute_map
    from aeexplorer.projection import Cancelled

    job = MapJob(context.folder.path)
    if not context.begin():
        return
    try:
        compute_map(job, lambda: context.wanted)
    except Cancelled:
        context.let_go(job)


def _study(context: JobContext) -> None:
    from aeexplorer.jobs.studies import StudyJob, compute_study

    job = StudyJob(context.folder.path)
    if context.begin() and not compute_study(job, lambda: context.wanted):
        context.let_go(job)


def _read(context: JobContext) -> None:
    from aeexplorer.data.reading import Cancelled
    from aeexplorer.jobs.readings import ReadingJob, compute_reading

    job = ReadingJob(context.folder.path)
    if not context.begin():
        return
    try:
        compute_reading(job, lambda: context.wanted)
    except Cancelled:
        context.let_go(job)


_JOBS: dict[str, Callable[[JobContext], None]] = {"train": _train, "map": _map, "study": _study, "read": _read}
