"""A work folder: the files of one job, written by a worker process and read by everybody else.

status.json      the state; replaced as a whole
events.jsonl     the events, appended
control/         requests to the worker (cancel, pause) and its identity
log.txt          the worker's output
"""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

import psutil
from pydantic import Field

from aeexplorer import store
from aeexplorer.config import Config, ConfigError
from aeexplorer.store import Damaged, DiskFull

RESERVE_BYTES = 65_536
TAIL_BYTES = 32_768

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


class Status(Config):
    """The state of a job.

    Attributes:
        reason: why it failed or was interrupted, one sentence.
        pid, process_started, host: the worker process; the start time tells it from a later one of the same number.
        result: figures once done; of a training those on the test split (see `evaluation.evaluate`).
    """

    state: State = "queued"
    reason: str = ""
    pid: Annotated[int, Field(ge=0, lt=2**31)] = 0
    process_started: float = 0.0
    host: str = ""
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    result: dict[str, float] = Field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


def is_number(value: object) -> bool:
    """Whether a value from a file is a finite number; JSON also has booleans, and 1e999."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def process_identity(pid: int | None = None) -> dict[str, Any]:
    """The fields of a `Status` that identify a process, by default this one."""
    process = psutil.Process(pid)
    return {"pid": process.pid, "process_started": _started(process), "host": socket.gethostname()}


def _started(process: psutil.Process) -> float:
    """When a process started, by a clock that nobody sets."""
    if sys.platform == "linux":  # there it is counted from the boot, and "since 1970" moves with the wall clock
        return round(process.create_time() - psutil.boot_time(), 2)
    return process.create_time()


def process_lives(pid: int, started: float) -> bool:
    """Whether the process with this number is still the one that started then."""
    try:
        process = psutil.Process(pid)
        return abs(_started(process) - started) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@functools.lru_cache(maxsize=2048)
def _parsed_status(content: bytes, name: str) -> Status:
    """The status.json of a folder, parsed; cached by its content, because each rerun of a page reads every run's."""
    try:
        return Status(**store.json_object(content, f"status.json in {name}"))
    except (ConfigError, TypeError) as error:
        raise Damaged(f"status.json in {name} does not fit: {error}") from None


class WorkFolder:
    """Status, events and control of one folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        if ".." in self.path.parts:
            self.path = self.path.resolve()

    @staticmethod
    def prepare(folder: Path) -> None:
        """Write the files that every new work folder has."""
        store.write_json(folder / "status.json", Status().model_dump())
        (folder / "control").mkdir()

    @property
    def status(self) -> Status:
        """The state now: "interrupted" when status.json says "running" and the worker is gone."""
        status = self.recorded_status
        here = status.host in ("", socket.gethostname())  # the registry knows the processes of other machines
        if status.state == "running" and here and not process_lives(status.pid, status.process_started):
            return self._interrupted(status, "its worker vanished")
        identity = self.path / "control" / "worker.json"
        if status.state == "queued" and identity.exists():
            with contextlib.suppress(Damaged, KeyError, TypeError, ValueError, OverflowError):
                worker = store.read_json(identity)
                if not process_lives(worker["pid"], worker["process_started"]):
                    return self._interrupted(status, "its worker ended before it began; log.txt says why")
        return status

    @property
    def recorded_status(self) -> Status:
        """The content of status.json, whether or not the worker still lives."""
        return _parsed_status(store.read_bytes(self.path / "status.json"), self.path.name)

    @property
    def recorded_state(self) -> str:
        """The state in status.json; "damaged" where it cannot be read."""
        try:
            return self.recorded_status.state
        except (Damaged, OSError):
            return "damaged"

    def _interrupted(self, seen: Status, reason: str) -> Status:
        again = self.recorded_status  # the worker may have finished since status.json was read
        return again.replace(state="interrupted", reason=reason) if again == seen else again

    def set_status(self, **changes: Any) -> Status:
        """Replace some fields of the status; on a full disk, free the space that `reserve_space` holds for it."""
        status = self.recorded_status.replace(**changes)
        try:
            store.write_json(self.path / "status.json", status.model_dump())
        except DiskFull:
            self.reserve_space(False)
            store.write_json(self.path / "status.json", status.model_dump())
        return status

    def reserve_space(self, wanted: bool = True) -> None:
        """Hold disk space for the last status, so that it can be written even when the disk is full."""
        reserve = self.path / "control" / "reserve"
        if wanted:
            reserve.parent.mkdir(exist_ok=True)
            store.write_atomic(reserve, bytes(RESERVE_BYTES))
        else:
            with contextlib.suppress(OSError):  # gone, or in a home that became read-only
                reserve.unlink()

    def append(self, event: Mapping[str, Any], durable: bool = False) -> None:
        """Append an event to the log."""
        store.append_event(self.path / "events.jsonl", event, durable)

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Events from a byte offset on, and the next offset."""
        return store.read_events(self.path / "events.jsonl", offset)

    def last_event(self, *kinds: str) -> dict[str, Any] | None:
        """The last event of some types, or None; the end of the log is read first, because a log may be long."""
        size = path.stat().st_size if (path := self.path / "events.jsonl").exists() else 0
        for tail in (TAIL_BYTES // 16, TAIL_BYTES, size):
            for event in reversed(self.events(max(size - tail, 0))[0]):
                if event.get("type") in kinds:
                    return event
            if tail >= size:
                break
        return None

    @property
    def last_progress(self) -> dict[str, float]:
        """The numbers of the last report of progress, such as "seconds_left"; empty before the first."""
        event = self.last_event("progress", "epoch") or {}
        return {name: value for name, value in event.items() if is_number(value)}

    @property
    def cancel_requested(self) -> bool:
        return (self.path / "control" / "cancel").exists()

    def request_cancel(self, wanted: bool = True) -> None:
        """Ask the worker to stop, or withdraw the request."""
        marker = self.path / "control" / "cancel"
        if wanted:
            marker.parent.mkdir(exist_ok=True)
            marker.touch()
        else:
            marker.unlink(missing_ok=True)


Request = TypeVar("Request", bound=Config)


class RequestFolder(WorkFolder, Generic[Request]):
    """A work folder whose spec.json says what was asked for: a configuration of the class `request`.

    Raises:
        Damaged: when it cannot be read.
    """

    request: type[Request]

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        try:
            self.spec = self.request(**store.read_json(self.path / "spec.json"))
        except (ConfigError, TypeError) as error:
            raise Damaged(f"spec.json in {self.path.name} does not fit: {error}") from None
