"""What a worker process does: the jobs whose folders it is handed, one after the other, each to its end."""

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

from aeexplorer.config import ConfigError, reason, unknown
from aeexplorer.jobs.locks import FileLock
from aeexplorer.runs.folders import WorkFolder, process_identity
from aeexplorer.runs.limits import MemoryBound
from aeexplorer.store import Damaged, read_json

NICENESS = 10
LEISURE_SECONDS = 3.0  # without a job, before a worker gets ready for maps
HEARTBEAT_SECONDS = 2.0
LOCK_SECONDS = 10.0  # for the worker before us to save its state
SPARE_SECONDS = 3600.0


_ready_for_maps = threading.Event()


@dataclass
class Desk:
    """One job at a worker, and what others want of it."""

    folder: WorkFolder
    changed: Callable[[], None] = lambda: None
    """Lets the server know at once that the work begins or has ended."""
    told_to_end: threading.Event = field(default_factory=threading.Event)

    @property
    def cancelled(self) -> bool:
        return self.folder.cancel_requested

    @property
    def paused(self) -> bool:
        """Another's turn has come."""
        return (self.folder.path / "control" / "pause").exists()

    @property
    def wanted(self) -> bool:
        return not (self.told_to_end.is_set() or self.cancelled or self.paused)

    def begin(self) -> bool:
        """Say that the work begins, unless nobody wants it any more; until here it can be killed without loss."""
        if self.cancelled:
            self.folder.set_status(state="cancelled", reason="")
        elif not self.wanted:
            self.folder.set_status(state="queued")
        else:
            self.folder.set_status(state="running", reason="", **process_identity())
            self.changed()
            return True
        return False


def work(path: str | Path, tethered: bool = False) -> int:
    """Do the job that lies in a folder; returns an exit status. Whatever happens, the folder's status says it.

    Args:
        path: the folder, or "-" to get ready first and then read folders from standard input, a line each.
        tethered: end, with the state saved, when standard input is closed.
    """
    with contextlib.suppress(ValueError, OSError):  # where there is no log, a crash leaves none
        faulthandler.enable()
    _step_back(beside_pages=str(path) == "-")
    if str(path) != "-":
        return _work(Path(path), tethered)
    changed = _bell()
    _warm_up()
    for line in _handed_over():
        status = _work(Path(line), tethered=False, changed=changed)
        changed()
        if status:
            return status  # what failed may have left anything behind: the next job gets a new process
    return 0


def _step_back(beside_pages: bool) -> None:
    """Let the pages come first.

    On the computer that serves them Linux then wakes their server on the core of a worker at once, as on an idle one;
    niceness alone makes it wait for milliseconds. Elsewhere such a worker could starve beside the work of others.
    """
    with contextlib.suppress(AttributeError, OSError):  # Windows has no niceness
        os.nice(NICENESS)
    # where Linux shares time between sessions first, niceness counts only within one, and this is one of its own
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICENESS))
    if beside_pages and sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _bell() -> Callable[[], None]:
    """Rings at the server: a line into what is standard output now, wherever that leads later."""
    line = os.dup(1)

    def ring() -> None:
        with contextlib.suppress(OSError):  # nobody is there any more
            os.write(line, b"\n")

    return ring


def _warm_up() -> None:
    """Import what every training needs."""
    import sklearn.datasets  # noqa: F401
    import torch

    import aeexplorer.runs.recording  # noqa: F401

    torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # the first optimiser of a process imports for a second


def _warm_up_for_maps() -> None:
    """Load what UMAP needs, once, and compile it if this computer never has; takes seconds of leisure."""
    if not _ready_for_maps.is_set():
        from aeexplorer.projection.methods import warm_up

        _ready_for_maps.set()
        warm_up()


def _handed_over() -> Iterator[str]:
    """Folders as they come; ends with the server, or when nothing came for an hour.

    A worker with nothing to do gets ready for maps beside waiting, so that a training that comes meanwhile begins at once.
    """
    while True:
        timers = threading.Timer(SPARE_SECONDS, os._exit, (0,)), threading.Timer(LEISURE_SECONDS, _warm_up_for_maps)
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
    desk = Desk(WorkFolder(path), changed)
    lock = FileLock(path / "control" / "work.lock")
    try:
        if not _acquired(lock):
            return 0  # another worker has it
        with _log_into(path / "log.txt"), _listening(desk, tethered), MemoryBound(lambda said: _give_up(desk, said)):
            return _do(desk)
    except OSError as error:
        with contextlib.suppress(OSError, Damaged):
            desk.folder.set_status(state="failed", reason=reason(error))
        return 1
    finally:
        with contextlib.suppress(OSError):
            (path / "control" / "worker.json").unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock) -> bool:
    pause = threading.Event()
    for _ in range(int(LOCK_SECONDS / 0.1)):
        if lock.acquire():
            return True
        pause.wait(0.1)
    return False


def _do(desk: Desk) -> int:
    folder = desk.folder
    try:
        if folder.recorded_status.state in ("done", "failed", "cancelled"):
            return 0
        kind = str(read_json(folder.path / "spec.json").get("kind"))
        if kind not in _KINDS:
            raise ConfigError(unknown("kind of job", kind, _KINDS))
        _KINDS[kind](desk)
    except Exception as error:
        traceback.print_exc()
        with contextlib.suppress(OSError, Damaged):
            folder.set_status(state="failed", reason=_reason(error))
        return 1
    return 0


def _reason(error: Exception) -> str:
    said = str(error).strip().splitlines()[0] if str(error).strip() else ""
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        from aeexplorer.runs.limits import memory_limit

        return f"it needed more memory than the {memory_limit() / 1e9:.1f} GB that a worker may take"
    if isinstance(error, OSError) and error.strerror:
        return reason(error)
    return (
        said if isinstance(error, ConfigError | Damaged | RuntimeError) and said else f"{type(error).__name__}: {said}"
    )


def _give_up(desk: Desk, reason: str) -> None:
    """End this process at once: the work cannot be asked to, and the machine has no time to wait."""
    with contextlib.suppress(OSError, Damaged):
        desk.folder.set_status(state="failed", reason=reason)
    os._exit(1)


@contextlib.contextmanager
def _log_into(path: Path) -> Iterator[None]:
    """What is printed meanwhile goes to the log of the job."""
    kept = os.dup(1), os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
        os.close(log)


@contextlib.contextmanager
def _listening(desk: Desk, tethered: bool) -> Iterator[None]:
    """Hear SIGTERM and the end of the tether, and let others see that we live."""
    before = signal.signal(signal.SIGTERM, lambda *_: desk.told_to_end.set())
    over = threading.Event()

    def beat() -> None:
        heart = desk.folder.path / "control" / "heartbeat"
        while True:
            with contextlib.suppress(OSError):
                heart.touch()
            if over.wait(HEARTBEAT_SECONDS):
                return

    def hold() -> None:
        while os.read(0, 1024):
            pass
        desk.told_to_end.set()

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    if tethered:
        threading.Thread(target=hold, name="tether", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGTERM, before)


def _train(desk: Desk) -> None:
    from aeexplorer.data import load_dataset
    from aeexplorer.runs.recording import Paused, record
    from aeexplorer.runs.run import Run

    run = Run(desk.folder.path)
    data = load_dataset(run.spec.dataset)
    if not desk.begin():
        return
    recording = record(run, data)
    for _ in recording:
        if desk.cancelled:
            recording.close()
            return
        if not desk.wanted:
            stop = Paused("queued", "another's turn") if desk.paused else Paused("interrupted", "it was told to end")
            with contextlib.suppress(StopIteration):
                recording.throw(stop)
            return


def _map(desk: Desk) -> None:
    from aeexplorer.jobs.maps import MapJob, compute_map
    from aeexplorer.projection import Cancelled

    job = MapJob(desk.folder.path)
    if not desk.begin():
        return
    try:
        compute_map(job, lambda: desk.wanted)
    except Cancelled:
        job.set_status(state="cancelled" if desk.cancelled else "interrupted")


_KINDS: dict[str, Callable[[Desk], None]] = {"train": _train, "map": _map}
