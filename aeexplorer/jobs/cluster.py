"""The Dask engine: the same workers, on the machines of a Dask cluster that share the home.

AEEXPLORER_ENGINE=dask, AEEXPLORER_DASK_SCHEDULER=tcp://host:8786 or tls://host:8786. Certificates are those of Dask's
own configuration (DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on); without TLS the cluster needs a network of its own,
because anyone who reaches a scheduler can run anything on its workers.

Only the path of a folder is sent. A task starts the same worker process as the local engine, and a job is cancelled by
the marker in its folder, because cancelling a future does not stop a task that runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aeexplorer.config import ConfigError
from aeexplorer.jobs.job import Job
from aeexplorer.jobs.processes import signal_worker, start_worker
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.runs.limits import short_workers

if TYPE_CHECKING:
    from distributed import Client, Future

SILENT_SECONDS = 10.0  # without a heartbeat, before the worker of a lost cluster counts as dead
CONNECT_SECONDS = 5.0
CAPACITY_SECONDS = 1.0
RETRIES = 2  # by Dask, when the machine of a task is lost

log = logging.getLogger(__name__)


def run_job(path: str) -> str:
    """Run one worker process on a folder, as a task, and return the state that it left.

    When this process ends, the worker saves its state and ends.
    """
    process = start_worker(path, "--tethered")
    try:
        process.wait()
    finally:
        if process.stdin is not None:
            process.stdin.close()
    return WorkFolder(path).recorded_status.state


class DaskEngine:
    """Tasks on a Dask cluster.

    Raises:
        ConfigError: when no scheduler is named, or Dask is not installed.
    """

    def __init__(self, address: str | None = None) -> None:
        self.address = address or os.environ.get("AEEXPLORER_DASK_SCHEDULER", "")
        if not self.address:
            raise ConfigError("AEEXPLORER_DASK_SCHEDULER must be the address of a scheduler, got nothing")
        try:
            import distributed  # noqa: F401
        except ImportError:
            raise ConfigError("AEEXPLORER_ENGINE=dask needs what requirements-dask.txt lists") from None
        self._client: Client | None = None
        self._last_failure = -CONNECT_SECONDS
        self._tasks: dict[str, Future] = {}
        self._heartbeats: dict[str, tuple[object, float]] = {}  # last heartbeat and when we first saw it
        self._capacity = (0, -CAPACITY_SECONDS)  # and when it was asked

    def _connected(self) -> Client | None:
        """The client, or None while the scheduler is away, which is tried again every few seconds."""
        from distributed import Client, Security

        if self._client is not None and self._client.status == "running":
            return self._client
        self._disconnect()
        if time.monotonic() - self._last_failure < CONNECT_SECONDS:
            return None
        try:
            security = Security(require_encryption=True) if self.address.startswith("tls://") else None
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False, security=security)
        except (OSError, ValueError) as error:
            self._last_failure = time.monotonic()
            log.warning("no Dask scheduler", extra={"address": self.address, "reason": str(error)})
        return self._client

    def _disconnect(self) -> None:
        """Close the client without waiting; tasks go on, and their heartbeats show it."""
        client, self._client = self._client, None
        self._tasks.clear()
        if client is not None:
            with contextlib.suppress(Exception):  # whatever the end of a broken connection raises
                client.close(timeout=1)

    def capacity(self) -> int:
        threads, asked = self._capacity
        if time.monotonic() - asked > CAPACITY_SECONDS:
            threads = 0
            if (client := self._connected()) is not None:
                with contextlib.suppress(OSError):
                    workers = client.scheduler_info(n_workers=-1)["workers"]
                    threads = sum(int(worker["nthreads"]) for worker in workers.values())
            self._capacity = threads, time.monotonic()
        return threads

    def reserve(self) -> int:
        """One thread, when there are several."""
        return min(1, max(self.capacity() - 1, 0), short_workers())

    def launch(self, folder: WorkFolder, alone: bool = False) -> Mapping[str, Any]:
        from distributed import fire_and_forget

        client = self._connected()
        if client is None:
            raise OSError(f"the Dask scheduler {self.address} cannot be reached")
        key = str(folder.path)
        self._heartbeats.pop(key, None)
        task = client.submit(run_job, key, pure=False, retries=RETRIES)
        fire_and_forget(task)
        self._tasks[key] = task
        return {"pid": 0, "process_started": 0.0, "host": ""}

    def lives(self, job: Job, status: Status) -> bool:
        key = str(job.path)
        task = self._tasks.get(key)
        if task is not None and self._client is not None and self._client.status == "running":
            if task.status == "pending":
                return True
            del self._tasks[key]
            return False
        return self._silence(key) < SILENT_SECONDS

    def _silence(self, key: str) -> float:
        """Seconds by this machine's monotonic clock since the worker's heartbeat last changed."""
        heartbeat: object = None
        with contextlib.suppress(OSError):
            heartbeat = (WorkFolder(key).path / "control" / "heartbeat").stat().st_mtime_ns
        now = time.monotonic()
        before, since = self._heartbeats.get(key, (object(), now))
        self._heartbeats[key] = heartbeat, now if heartbeat != before else since
        return now - self._heartbeats[key][1]

    def stop(self, job: Job, status: Status) -> None:
        if status.state == "queued" and (task := self._tasks.get(str(job.path))) is not None:
            task.cancel()

    def kill(self, job: Job, status: Status) -> None:
        if status.host == socket.gethostname():
            signal_worker(status.pid, status.process_started, hard=True)
        if (task := self._tasks.get(str(job.path))) is not None:
            task.cancel()

    def notify(self, changed: Callable[[], None]) -> None:
        """Do nothing: a scheduler may be away, so the supervisor reads the folders at its ticks."""

    def keep_warm(self) -> None:
        """Do nothing: the machines of a cluster are shared with others, so no idle worker waits there."""

    def close(self) -> None:
        self._disconnect()
