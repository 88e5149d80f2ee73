"""Where workers run. An engine starts a worker on a folder and can say whether it lives; the folder says the rest.

local: processes on this machine, one of them always warm. dask: tasks on a Dask cluster (see `cluster.py`).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from aeexplorer.config import ConfigError, unknown
from aeexplorer.jobs.job import Job
from aeexplorer.jobs.processes import signal_worker, start_worker
from aeexplorer.runs.folders import Status, WorkFolder, process_identity, process_lives
from aeexplorer.runs.limits import short_workers, worker_limit
from aeexplorer.store import Damaged, write_json


class Engine(Protocol):
    """The methods of an engine that the supervisor calls."""

    def capacity(self) -> int:
        """Number of jobs that may run at once."""

    def reserve(self) -> int:
        """Number of these places that only short jobs use."""

    def launch(self, folder: WorkFolder, alone: bool = False) -> Mapping[str, Any]:
        """Start a worker; returns its lease (pid, process_started, host), with pid 0 where that is not known yet.

        Args:
            alone: where a process may serve many jobs, in one that serves this job only.

        Raises:
            OSError: when it cannot be started.
        """

    def lives(self, job: Job, status: Status) -> bool:
        """Whether a worker still holds a job that has not ended."""

    def stop(self, job: Job, status: Status) -> None:
        """Ask the worker to end; it saves its state first."""

    def kill(self, job: Job, status: Status) -> None:
        """End the worker at once, with all that it started."""

    def keep_warm(self) -> None:
        """Prepare whatever makes the next start quick; called at every tick."""

    def notify(self, changed: Callable[[], None]) -> None:
        """Call `changed`, where that is possible, when a worker begins or ends a job; ticks see it later anyway."""

    def close(self) -> None:
        """End idle workers; those with a job finish it."""


def make_engine() -> Engine:
    """Make the engine that AEEXPLORER_ENGINE names.

    Raises:
        ConfigError: for an unknown name, or a Dask engine that is not set up.
    """
    name = os.environ.get("AEEXPLORER_ENGINE") or "local"
    if name == "local":
        return LocalEngine(worker_limit() + short_workers(), short_workers())
    if name == "dask":
        from aeexplorer.jobs.cluster import DaskEngine

        return DaskEngine()
    raise ConfigError(unknown("AEEXPLORER_ENGINE", name, ("local", "dask")))


class LocalEngine:
    """A pool of worker processes on this machine.

    A worker that has ended its job waits for the next one, with all that it has imported and compiled; the server
    writes the next folder into the pipe on its standard input. A worker whose server is gone finishes its job and ends;
    so does one that was started for a job alone.
    """

    def __init__(self, workers: int, reserved: int = 0) -> None:
        self.workers = workers
        self.reserved = reserved
        self._pool: dict[subprocess.Popen[bytes], Path | None] = {}  # each worker's folder; None while it is idle
        self._changed: Callable[[], None] = lambda: None

    def capacity(self) -> int:
        return self.workers

    def reserve(self) -> int:
        return self.reserved

    def launch(self, folder: WorkFolder, alone: bool = False) -> Mapping[str, Any]:
        self._refresh()
        idle = [] if alone else [process for process, at in self._pool.items() if at is None]
        for process in (*idle, None):
            process = process or self._start(*["--cold"] * alone)
            identity = process_identity(process.pid)
            write_json(folder.path / "control" / "worker.json", identity)
            if self._assign(process, folder):
                if alone:
                    self._close(process)
                return identity
        raise OSError("the worker ended before it began")

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        process = start_worker("-", *options, stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, args=(process,), name=f"worker {process.pid}", daemon=True).start()
        self._pool[process] = None
        return process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on the lines that a worker writes when it begins and ends a job, and reap it when it ends."""
        assert process.stdout is not None
        with process.stdout:
            for _ in process.stdout:
                self._changed()
        process.wait()  # a child that is never waited for stays in the process table
        self._changed()

    def _assign(self, process: subprocess.Popen[bytes], folder: WorkFolder) -> bool:
        """Write a folder into a worker's pipe; False when the worker is gone."""
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
        """Forget a worker; one that lives ends after its job, because its pipe is closed."""
        self._pool.pop(process, None)
        self._close(process)

    @staticmethod
    def _close(process: subprocess.Popen[bytes]) -> None:
        """Close a worker's pipe: it ends after its job."""
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _refresh(self) -> None:
        """Drop workers that have ended, mark as idle those whose job has ended, and end those whose job is gone."""
        for process, at in list(self._pool.items()):
            if process.poll() is not None:
                self._drop(process)
            elif at is not None and not at.exists():
                process.kill()  # it may be at it for long yet, and the next job would wait
                self._drop(process)
            elif at is not None and _released(at):
                assert process.stdin is not None
                if process.stdin.closed:
                    self._drop(process)
                else:
                    self._pool[process] = None

    def lives(self, job: Job, status: Status) -> bool:
        self._refresh()
        if job.pid:
            return process_lives(job.pid, job.process_started)
        return process_lives(status.pid, status.process_started)

    def stop(self, job: Job, status: Status) -> None:
        signal_worker(job.pid, job.process_started, hard=False)

    def kill(self, job: Job, status: Status) -> None:
        signal_worker(job.pid, job.process_started, hard=True)

    def notify(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def keep_warm(self) -> None:
        self._refresh()
        if len(self._pool) < self.workers and None not in self._pool.values():
            self._start()

    def close(self) -> None:
        self._refresh()
        for process, at in list(self._pool.items()):
            self._drop(process)
            if at is None:
                process.kill()  # while it imports and compiles it would not notice that its pipe is closed


def _released(path: Path) -> bool:
    """Whether the worker on a folder is done with it: its last act there is to remove worker.json."""
    with contextlib.suppress(Damaged, OSError):
        return WorkFolder(path).recorded_status.state != "running" and not (path / "control" / "worker.json").exists()
    return False
