"""Where workers run. An engine starts a worker on a folder and can say whether it lives; the folder says the rest.

local: processes on this machine, one of them always warm. dask: tasks on a Dask cluster (see `cluster.py`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import psutil

from aeexplorer.config import ConfigError, unknown
from aeexplorer.jobs.registry import Job
from aeexplorer.runs.folders import Status, WorkFolder, process_identity, process_lives
from aeexplorer.runs.limits import worker_limit
from aeexplorer.store import Damaged, write_json

STARTER = "AEEXPLORER_STARTER"  # in a worker's environment: pid and start time of the process that started it

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What the supervisor asks of an engine."""

    def capacity(self) -> int:
        """Jobs that may run at once."""

    def launch(self, folder: WorkFolder) -> Mapping[str, Any]:
        """Start a worker; returns who it is (pid, process_started, host), or nothing where that is not known yet.

        Raises:
            OSError: when it cannot be started.
        """

    def lives(self, job: Job, status: Status) -> bool:
        """Whether somebody still works on a job that has not ended."""

    def stop(self, job: Job, status: Status) -> None:
        """Ask the worker to end; it saves its state first."""

    def kill(self, job: Job, status: Status) -> None:
        """End the worker at once, with all that it started."""

    def keep_warm(self) -> None:
        """Have what makes the next start quick; called often."""

    def notify(self, changed: Callable[[], None]) -> None:
        """Call this, where that is possible, when a worker begins or ends a job; it is looked for anyway."""

    def close(self) -> None:
        """Let go of idle workers; those at work go on."""


def make_engine() -> Engine:
    """The engine that AEEXPLORER_ENGINE names."""
    name = os.environ.get("AEEXPLORER_ENGINE") or "local"
    if name == "local":
        return LocalEngine(worker_limit())
    if name == "dask":
        from aeexplorer.jobs.cluster import DaskEngine

        return DaskEngine()
    raise ConfigError(unknown("AEEXPLORER_ENGINE", name, ("local", "dask")))


def start_worker(*arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """A worker process that neither Ctrl-C in the terminal of the server nor its end reaches, with a pipe to its
    standard input.

    `subprocess` rather than `multiprocessing`, whose spawn would run the app's script again in the child.
    """
    starter = process_identity()
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p)
    return subprocess.Popen(
        [sys.executable, "-m", "aeexplorer", "worker", *arguments], stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, STARTER: f"{starter['pid']} {starter['process_started']}"}, start_new_session=sys.platform != "win32",
        creationflags=0x00000200 if sys.platform == "win32" else 0,
    )  # fmt: skip


def signal_worker(pid: int, started: float, hard: bool) -> None:
    """SIGTERM to a worker, or SIGKILL to it and all that it started; nothing when it is another process by now."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        if not process_lives(pid, started):
            return
        if not hard:
            psutil.Process(pid).terminate()
        elif sys.platform == "win32" or os.getpgid(pid) != pid:
            psutil.Process(pid).kill()
        else:
            os.killpg(pid, signal.SIGKILL)


class LocalEngine:
    """Worker processes on this machine.

    A worker that has ended its job waits for the next one, with all that it has imported and compiled; the pipe on its
    standard input says which. One whose server is gone finishes its job and ends.
    """

    def __init__(self, workers: int, warm: bool = True) -> None:
        self.workers = workers
        self.warm = warm
        self._pool: dict[subprocess.Popen[bytes], Path | None] = {}
        self._changed: Callable[[], None] = lambda: None

    def capacity(self) -> int:
        return self.workers

    def launch(self, folder: WorkFolder) -> Mapping[str, Any]:
        self._look()
        idle = [process for process, at in self._pool.items() if at is None]
        for process in (*idle, None):
            process = process or self._start()
            identity = process_identity(process.pid)
            write_json(folder.path / "control" / "worker.json", identity)
            if self._hand_over(process, folder):
                return identity
        raise OSError("the worker ended before it began")

    def _start(self) -> subprocess.Popen[bytes]:
        process = start_worker("-", stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, args=(process,), name=f"worker {process.pid}", daemon=True).start()
        self._pool[process] = None
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Hear a worker begin and end its jobs, a line each, and wait for its own end."""
        assert process.stdout is not None
        with process.stdout:
            for _ in process.stdout:
                self._changed()
        process.wait()  # a child that nobody waits for stays in the process table
        self._changed()

    def _hand_over(self, process: subprocess.Popen[bytes], folder: WorkFolder) -> bool:
        assert process.stdin is not None
        try:
            process.stdin.write(f"{folder.path}\n".encode())
            process.stdin.flush()
        except OSError:
            self._drop(process)
            return False
        self._pool[process] = folder.path
        return True

    def _drop(self, process: subprocess.Popen[bytes]) -> None:
        self._pool.pop(process, None)
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def _look(self) -> None:
        """Bury workers that have ended, and see which of the others have ended their job."""
        for process, at in list(self._pool.items()):
            if process.poll() is not None:
                self._drop(process)
            elif at is not None and _ended(at):
                self._pool[process] = None

    def lives(self, job: Job, status: Status) -> bool:
        self._look()
        return (
            process_lives(job.pid, job.process_started)
            if job.pid
            else process_lives(status.pid, status.process_started)
        )

    def stop(self, job: Job, status: Status) -> None:
        signal_worker(job.pid, job.process_started, hard=False)

    def kill(self, job: Job, status: Status) -> None:
        signal_worker(job.pid, job.process_started, hard=True)

    def notify(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def keep_warm(self) -> None:
        self._look()
        if self.warm and len(self._pool) < self.workers and None not in self._pool.values():
            self._start()

    def close(self) -> None:
        for process in list(self._pool):
            self._drop(process)


def _ended(path: Path) -> bool:
    """Whether the worker on a folder has said its last word there: it takes that word back under a new lease only."""
    with contextlib.suppress(Damaged, OSError):
        return WorkFolder(path).recorded_status.state != "running" and not (path / "control" / "worker.json").exists()
    return not path.exists()
