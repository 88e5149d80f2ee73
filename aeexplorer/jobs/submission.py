"""The submission of a job, as its folder keeps it: control/job.json, written before the registry's row."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.store import Damaged, folders_in, home, read_json, write_json

KINDS = {"train": "runs", "map": "maps", "study": "studies", "read": "readings"}
"""Kind of job: directory of its folders in the home."""


class Submission(Config):
    """The person who submitted a job, and the time.

    Attributes:
        address: a hash of the submitter's network address, "" on this computer (see `owners.client_of`).
        submitted: Unix time; order of the queue when the registry is made again.
        estimated: expected seconds of work on this machine before calibration; 0 if unknown.
        interruptions: how often its worker vanished since it was submitted.
    """

    kind: str
    owner: Annotated[str, Field(max_length=200)]
    address: Annotated[str, Field(max_length=200)] = ""
    submitted: float = Field(default_factory=time.time)
    estimated: Annotated[float, Field(ge=0)] = 0.0
    interruptions: Annotated[int, Field(ge=0)] = 0


def write_submission(folder: WorkFolder, submission: Submission) -> None:
    """Write control/job.json, durably."""
    path = folder.path / "control" / "job.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, submission.model_dump())


def read_submission(folder: WorkFolder) -> Submission:
    """Read control/job.json.

    Raises:
        Damaged: when it is missing or cannot be read.
    """
    try:
        return Submission(**read_json(folder.path / "control" / "job.json"))
    except (ConfigError, TypeError) as error:
        raise Damaged(f"control/job.json in {folder.path.name} does not fit: {error}") from None


def submissions() -> Iterator[tuple[WorkFolder, Submission]]:
    """Every folder of the home that was once submitted, in the order of submission."""
    found: list[tuple[WorkFolder, Submission]] = []
    for root in KINDS.values():
        for path in folders_in(home() / root):
            with contextlib.suppress(Damaged, OSError):
                folder = WorkFolder(path)
                found.append((folder, read_submission(folder)))
    yield from sorted(found, key=lambda pair: (pair[1].submitted, pair[0].path.name))


def work_folders() -> Iterator[Path]:
    """Every work folder of the home, submitted or not, readable or not."""
    for root in KINDS.values():
        yield from folders_in(home() / root)
