"""A work folder: something that a process works on, and that anyone can watch by reading files.

status.json      how it stands; replaced whole
events.jsonl     what happened, appended
control/         what people ask of the worker (cancel), and who the worker is
log.txt          what the worker printed
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.store import Damaged, append_event, read_events, read_json, write_json

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


class Status(Config):
    """How work stands.

    Attributes:
        reason: why it failed or was interrupted, one sentence.
        pid, process_started: the process that works on it, by number and start time, because numbers are used again.
        result: figures once done; of a training those on the test split (see `evaluation.evaluate`).
    """

    state: State = "queued"
    reason: str = ""
    pid: Annotated[int, Field(ge=0, lt=2**31)] = 0
    process_started: float = 0.0
    epochs: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    result: dict[str, float] = Field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")


def process_identity(pid: int | None = None) -> dict[str, Any]:
    """The fields of a `Status` that name a process; this one if none is given."""
    process = psutil.Process(pid)
    return {"pid": process.pid, "process_started": process.create_time()}


def process_lives(pid: int, started: float) -> bool:
    """Whether the process with this number is still the one that started then."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class WorkFolder:
    """Status, events and control of one folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()

    @staticmethod
    def prepare(folder: Path) -> None:
        """Fill a new folder with what every work folder has."""
        write_json(folder / "status.json", Status().model_dump())
        (folder / "control").mkdir()

    @property
    def status(self) -> Status:
        """How it stands now. Work whose process is gone is interrupted, whatever its file says."""
        status = self._read_status()
        if status.state == "running" and not process_lives(status.pid, status.process_started):
            return self._gone(status, "the process that worked on it ended without a word")
        if status.state == "queued":
            with contextlib.suppress(Damaged, KeyError, TypeError, ValueError):
                worker = read_json(self.path / "control" / "worker.json")
                if not process_lives(worker["pid"], worker["process_started"]):
                    return self._gone(status, "its worker ended before it began, log.txt says why")
        return status

    def _read_status(self) -> Status:
        try:
            return Status(**read_json(self.path / "status.json"))
        except (ConfigError, TypeError) as error:
            raise Damaged(f"status.json in {self.path.name} does not fit: {error}") from None

    def _gone(self, seen: Status, reason: str) -> Status:
        again = self._read_status()  # it may have finished between the reading and the look
        return again.replace(state="interrupted", reason=reason) if again == seen else again

    def set_status(self, **changes: Any) -> Status:
        """Replace some fields of the status."""
        status = self._read_status().replace(**changes)
        write_json(self.path / "status.json", status.model_dump())
        return status

    def append(self, event: Mapping[str, Any], durable: bool = False) -> None:
        """Append an event to the log."""
        append_event(self.path / "events.jsonl", event, durable)

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Events from a byte offset on, and the next offset."""
        return read_events(self.path / "events.jsonl", offset)

    def last_event(self, kind: str) -> dict[str, Any] | None:
        """The last event of a type, or None."""
        return next((e for e in reversed(self.events()[0]) if e.get("type") == kind), None)

    @property
    def cancel_requested(self) -> bool:
        return (self.path / "control" / "cancel").exists()

    def request_cancel(self, wanted: bool = True) -> None:
        """Ask the worker to stop, or take the request back."""
        marker = self.path / "control" / "cancel"
        if wanted:
            marker.parent.mkdir(exist_ok=True)
            marker.touch()
        else:
            marker.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Rename a folder out of sight, then delete it: it is gone for everyone at once, and the second of two is told.

    Raises:
        ConfigError: when it is already gone.
    """
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.replace(path, hidden)
    except FileNotFoundError:
        raise ConfigError(f"{path.name} is already gone") from None
    shutil.rmtree(hidden, ignore_errors=True)
