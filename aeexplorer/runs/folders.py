"""A work folder: something that a process works on, and that anyone can watch by reading files.

status.json      how it stands; replaced whole
events.jsonl     what happened, appended
control/         what people ask of the worker (cancel), and who the worker is
log.txt          what the worker printed
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import secrets
import shutil
import socket
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.store import (
    Damaged,
    DiskFull,
    append_event,
    json_object,
    read_bytes,
    read_events,
    read_json,
    write_atomic,
    write_json,
)

RESERVE_BYTES = 65_536
TAIL_BYTES = 32_768

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


class Status(Config):
    """How work stands.

    Attributes:
        reason: why it failed or was interrupted, one sentence.
        pid, process_started, host: the process that works on it, by number, start time and machine, because numbers
            are used again.
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


def process_identity(pid: int | None = None) -> dict[str, Any]:
    """The fields of a `Status` that name a process; this one if none is given."""
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
def _parsed_spec(content: bytes, name: str) -> Status:
    """What the status.json of a folder says; kept by its content, because each rerun of a page asks every run."""
    try:
        return Status(**json_object(content, f"status.json in {name}"))
    except (ConfigError, TypeError) as error:
        raise Damaged(f"status.json in {name} does not fit: {error}") from None


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
        status = self.recorded_status
        here = status.host in ("", socket.gethostname())  # of another machine's processes the registry knows
        if status.state == "running" and here and not process_lives(status.pid, status.process_started):
            return self._gone(status, "the process that worked on it ended without a word")
        if status.state == "queued":
            with contextlib.suppress(Damaged, KeyError, TypeError, ValueError):
                worker = read_json(self.path / "control" / "worker.json")
                if not process_lives(worker["pid"], worker["process_started"]):
                    return self._gone(status, "its worker ended before it began, log.txt says why")
        return status

    @property
    def recorded_status(self) -> Status:
        """What its file says, whether or not the process that it names still lives."""
        return _parsed_spec(read_bytes(self.path / "status.json"), self.path.name)

    def _gone(self, seen: Status, reason: str) -> Status:
        again = self.recorded_status  # it may have finished between the reading and the look
        return again.replace(state="interrupted", reason=reason) if again == seen else again

    def set_status(self, **changes: Any) -> Status:
        """Replace some fields of the status; on a full disk in the room that `keep_room` kept."""
        status = self.recorded_status.replace(**changes)
        try:
            write_json(self.path / "status.json", status.model_dump())
        except DiskFull:
            self.keep_room(False)
            write_json(self.path / "status.json", status.model_dump())
        return status

    def keep_room(self, wanted: bool = True) -> None:
        """Keep room on the disk for the last status, so that a full disk does not keep it from being said."""
        reserve = self.path / "control" / "reserve"
        if wanted:
            reserve.parent.mkdir(exist_ok=True)
            write_atomic(reserve, bytes(RESERVE_BYTES))
        else:
            reserve.unlink(missing_ok=True)

    def append(self, event: Mapping[str, Any], durable: bool = False) -> None:
        """Append an event to the log."""
        append_event(self.path / "events.jsonl", event, durable)

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Events from a byte offset on, and the next offset."""
        return read_events(self.path / "events.jsonl", offset)

    def last_event(self, *kinds: str) -> dict[str, Any] | None:
        """The last event of some types, or None; looked for at the end of the log first, which may be long."""
        size = path.stat().st_size if (path := self.path / "events.jsonl").exists() else 0
        for tail in (TAIL_BYTES // 16, TAIL_BYTES, size):
            for event in reversed(self.events(max(size - tail, 0))[0]):
                if event.get("type") in kinds:
                    return event
            if tail >= size:
                break
        return None

    @property
    def last_progress(self) -> dict[str, Any]:
        """How far it had come when it last said so, with "seconds" and "seconds_left"; empty before it did."""
        return self.last_event("progress", "epoch") or {}

    def bundle(self) -> bytes:
        """The folder as one zip archive, without checkpoints and controls."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(p for p in self.path.rglob("*") if p.is_file() and not p.name.startswith(".")):
                inside = file.relative_to(self.path)
                if inside.parts[0] not in ("checkpoint", "control"):
                    archive.write(file, Path(self.path.name) / inside)
        return buffer.getvalue()

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
