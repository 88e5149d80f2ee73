"""Jobs as processes on this machine, started so that neither a page reload nor a stopped server touches them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil

from aeexplorer.config import ConfigError
from aeexplorer.folders import WorkFolder, process_identity, process_lives
from aeexplorer.jobs.worker import SPARE_SECONDS
from aeexplorer.store import Damaged, read_json, write_json


def start(folder: WorkFolder) -> None:
    """Start a worker on a job that is not done; a training goes on from its last checkpoint.

    Of two callers at the same time one starts it and the other is told.

    Raises:
        ConfigError: when it is running or done already.
        Damaged: when its status cannot be read.
        OSError: when the folder cannot be written to.
    """
    with _alone(folder):
        if folder.status.state == "done":
            raise ConfigError(f"{folder.path.name} is done already")
        if worker_lives(folder):
            raise ConfigError(f"{folder.path.name} is running already")
        (folder.path / "control" / "worker.json").unlink(missing_ok=True)
        folder.request_cancel(False)
        folder.set_status(state="queued", reason="")
        identity = process_identity(_launch(folder))
        write_json(folder.path / "control" / "worker.json", identity)


def cancel(folder: WorkFolder) -> None:
    """Ask the worker to stop; it saves its state and ends within a second. What has not begun is ended at once.

    Raises:
        Damaged: when its status cannot be read.
    """
    folder.request_cancel()
    if folder.status.state == "queued":
        kill(folder)
        folder.set_status(state="cancelled", reason="")


def kill(folder: WorkFolder) -> None:
    """End the worker without a word: the job is then interrupted, and can go on from its last checkpoint."""
    with contextlib.suppress(Damaged, KeyError, psutil.Error):
        identity = read_json(folder.path / "control" / "worker.json")
        if process_lives(identity["pid"], identity["process_started"]):
            process = psutil.Process(identity["pid"])
            process.kill()
            with contextlib.suppress(psutil.TimeoutExpired):
                process.wait(5)


def worker_lives(folder: WorkFolder) -> bool:
    """Whether the process that was last started on this folder still runs."""
    try:
        identity = read_json(folder.path / "control" / "worker.json")
        return process_lives(identity["pid"], identity["process_started"])
    except (Damaged, KeyError):
        return False


def prepare() -> None:
    """Have a worker wait that has imported what takes seconds, so that the next start takes none."""
    global _spare
    with _sparing:
        if _spare is None or not _spare.usable():
            _spare = _Spare()


class _Spare:
    """A worker that waits for the name of a folder; it ends with this process, or when nobody needs it for long."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.environment = dict(os.environ)
        self.process = _worker("-", subprocess.PIPE, subprocess.DEVNULL)

    def usable(self) -> bool:
        fresh = time.monotonic() - self.begun < SPARE_SECONDS - 10
        return fresh and self.process.poll() is None and self.environment == dict(os.environ)

    def take(self, folder: WorkFolder) -> bool:
        """Hand a folder over; False when it cannot be."""
        assert self.process.stdin is not None
        usable = self.usable()
        with contextlib.suppress(OSError), self.process.stdin as line:
            if usable:
                line.write(f"{folder.path}\n".encode())
                line.flush()
                return True
        return False


_sparing = threading.Lock()
_spare: _Spare | None = None


def _launch(folder: WorkFolder) -> int:
    """Give the folder to the spare worker, or to a new one; returns its process number."""
    global _spare
    with _sparing:
        spare, _spare = _spare, None
        if spare is not None and spare.take(folder):
            return spare.process.pid
    with open(folder.path / "log.txt", "ab") as log:
        return _worker(str(folder.path), subprocess.DEVNULL, log).pid


def _worker(folder: str, stdin: int, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
    """`subprocess` rather than `multiprocessing`, whose spawn would run the app's script again in the child."""
    root = str(Path(__file__).resolve().parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p),
    }
    # neither Ctrl-C in the terminal of the server nor its end reaches the worker
    group = 0x00000200 if sys.platform == "win32" else 0
    process = subprocess.Popen(
        [sys.executable, "-m", "aeexplorer", "worker", folder], stdin=stdin, stdout=output, stderr=output,
        env=environment, start_new_session=sys.platform != "win32", creationflags=group,
    )  # fmt: skip
    # a child that nobody waits for stays in the process table
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process


@contextlib.contextmanager
def _alone(folder: WorkFolder) -> Iterator[None]:
    """Only one caller in here at a time, in this process or another; the system frees the lock of one that dies.

    Raises:
        ConfigError: when another caller is in here.
    """
    lock = folder.path / "control" / "start.lock"
    lock.parent.mkdir(exist_ok=True)
    with open(lock, "ab") as file:
        try:
            if sys.platform == "win32":
                import msvcrt

                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{folder.path.name} is being started already") from None
        yield
