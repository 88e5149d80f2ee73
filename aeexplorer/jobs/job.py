"""A job as a row of the registry: its columns, its states, and how a row is read."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from aeexplorer.store import home

JobState = Literal["queued", "starting", "running", "done", "failed", "cancelled", "interrupted"]
ACTIVE: tuple[JobState, ...] = ("starting", "running")
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled", "interrupted")

Lane = Literal["short", "long"]
SHORT_SECONDS = 120  # estimated, of any other job than a training that may use the workers kept for short jobs
LANE = f"CASE WHEN kind <> 'train' AND estimated <= {SHORT_SECONDS} THEN 'short' ELSE 'long' END"
"""`Job.lane` in SQL."""


@dataclass(frozen=True)
class Job:
    """One row of the registry.

    Attributes:
        folder: the work folder, relative to the home where it lies inside.
        address: a hash of the submitter's network address, "" on this computer.
        arrival: order of arrival; kept by a job that goes back into the queue.
        served: order of the last start; 0 before the first.
        interruptions: how often its worker vanished.
        estimated: expected seconds of work before calibration, 0 if unknown; seconds: what it took.
        pid, process_started, host, heartbeat: the lease: the worker process, and when (Unix time) it was last seen.
    """

    folder: str
    kind: str
    owner: str
    state: JobState
    reason: str = ""
    address: str = ""
    arrival: int = 0
    served: int = 0
    interruptions: int = 0
    estimated: float = 0.0
    seconds: float = 0.0
    pid: int = 0
    process_started: float = 0.0
    host: str = ""
    heartbeat: float = 0.0

    @property
    def path(self) -> Path:
        return home() / self.folder

    @property
    def lane(self) -> Lane:
        """Whether it may use the workers kept for short jobs. Trainings may not: they share theirs by time slices."""
        return "short" if self.kind != "train" and self.estimated <= SHORT_SECONDS else "long"


COLUMNS = tuple(f.name for f in fields(Job))
_TYPES = tuple({"int": int, "float": float}.get(str(f.type), str) for f in fields(Job))
_STATES = frozenset(get_args(JobState))
SELECT = f"SELECT {', '.join(COLUMNS)} FROM jobs"
INSERT = f"({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"


def job_of(row: Sequence[Any]) -> Job:
    """A row as a job, with every value checked, because SQLite has no check sums.

    Raises:
        sqlite3.DatabaseError: when a value does not fit.
    """
    for name, kind, value in zip(COLUMNS, _TYPES, row, strict=True):
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise sqlite3.DatabaseError(f"{name} of a job is {value!r}")
    job = Job(*row)
    if job.state not in _STATES or not 0 <= job.pid < 2**31 or "\0" in job.folder or not job.folder:
        raise sqlite3.DatabaseError(f"a job in {job.folder!r} is {job.state!r}")
    return job


def folder_key(path: Path) -> str:
    """The name of a work folder in the registry, the same whichever way its path leads there."""
    root = home().absolute()
    if not path.is_relative_to(root):
        root, path = root.resolve(), path.parent.resolve() / path.name
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
