"""The Dask engine: the same workers, on the machines of a Dask cluster that see the same home.

AEEXPLORER_ENGINE=dask, AEEXPLORER_DASK_SCHEDULER=tcp://host:8786 or tls://host:8786. Certificates are those of Dask's own
configuration (DASK_DISTRIBUTED__COMM__TLS__CA_FILE and so on); without TLS the cluster needs a network of its own, because
whoever reaches a scheduler can run anything on its workers.

Only the path of a folder travels. A task starts the same worker process as the local engine, and cancelling goes through
the folder's marker, because cancelling a future does not stop a task that runs.
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
from aeexplorer.jobs.engines import signal_worker, start_worker
from aeexplorer.jobs.registry import Job
from aeexplorer.runs.folders import Status, WorkFolder

if TYPE_CHECKING:
    from distributed import Client, Future

SILENT_SECONDS = 10.0  # without a heartbeat, before a worker of a lost cluster is given up
CONNECT_SECONDS = 5.0
CAPACITY_SECONDS = 1.0
RETRIES = 2  # by Dask, when the machine of a task is lost

log = logging.getLogger(__name__)


def run_job(path: str) -> str:
    """What a task does: one worker process on a folder, to its end; returns the state that it left.

    The worker ends, with its state saved, when this process ends.
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
        self._tried = -CONNECT_SECONDS
        self._tasks: dict[str, Future] = {}
        self._beats: dict[str, tuple[object, float]] = {}
        self._places = (0, -CAPACITY_SECONDS)

    def _connected(self) -> Client | None:
        """The client, or None while the scheduler is away; then it is tried again every few seconds."""
        from distributed import Client, Security

        if self._client is not None and self._client.status == "running":
            return self._client
        self._let_go()
        if time.monotonic() - self._tried < CONNECT_SECONDS:
            return None
        try:
            security = Security(require_encryption=True) if self.address.startswith("tls://") else None
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False, security=security)
        except (OSError, ValueError) as error:
            self._tried = time.monotonic()
            log.warning("no Dask scheduler", extra={"address": self.address, "reason": str(error)})
        return self._client

    def _let_go(self) -> None:
        """Close the client without waiting; tasks go on, and what became of them is seen by their heartbeats."""
        client, self._client = self._client, None
        self._tasks.clear()
        if client is not None:
            with contextlib.suppress(Exception):  # whatever the end of a broken connection raises
                client.close(timeout=1)

    def capacity(self) -> int:
        places, asked = self._places
        if time.monotonic() - asked > CAPACITY_SECONDS:
            places = 0
            if (client := self._connected()) is not None:
                with contextlib.suppress(OSError):
                    workers = client.scheduler_info(n_workers=-1)["workers"]
                    places = sum(int(worker["nthreads"]) for worker in workers.values())
            self._places = places, time.monotonic()
        return places

    def launch(self, folder: WorkFolder) -> Mapping[str, Any]:
        from distributed import fire_and_forget

        client = self._connected()
        if client is None:
            raise OSError(f"the Dask scheduler {self.address} cannot be reached")
        key = str(folder.path)
        self._beats.pop(key, None)
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
        """Seconds by our clock since the worker's heartbeat last changed."""
        beat: object = None
        with contextlib.suppress(OSError):
            beat = (WorkFolder(key).path / "control" / "heartbeat").stat().st_mtime_ns
        now = time.monotonic()
        before, since = self._beats.get(key, (object(), now))
        self._beats[key] = beat, now if beat != before else since
        return now - self._beats[key][1]

    def stop(self, job: Job, status: Status) -> None:
        if status.state == "queued" and (task := self._tasks.get(str(job.path))) is not None:
            task.cancel()

    def kill(self, job: Job, status: Status) -> None:
        if status.host == socket.gethostname():
            signal_worker(status.pid, status.process_started, hard=True)
        if (task := self._tasks.get(str(job.path))) is not None:
            task.cancel()

    def notify(self, changed: Callable[[], None]) -> None:
        """A scheduler may be away, and then nobody says anything; folders are looked at instead."""

    def keep_warm(self) -> None:
        """Workers of a cluster are not kept warm: their machines are not ours to fill."""

    def close(self) -> None:
        self._let_go()
