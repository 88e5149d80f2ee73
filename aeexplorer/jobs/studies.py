"""Studies as jobs. The folder of a study is named by a hash of the run and its knobs, so that whoever asks for the same
one shares it.

spec.json      the request
result.json    the result so far
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from aeexplorer.applications.studies import find_study
from aeexplorer.config import Config
from aeexplorer.explorer import open_run
from aeexplorer.jobs.cache import mark_used
from aeexplorer.jobs.queue import AlreadyStarted, start, under_way
from aeexplorer.jobs.registry import registry
from aeexplorer.owners import local_owner
from aeexplorer.runs.folders import RequestFolder
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, home, new_directory, read_json, write_json

WRITE_SECONDS = 0.3
FORMAT_OF_RESULTS = 1
"""Raised when a study finds something else than before: results that are kept are then found no more."""


class StudySpec(Config):
    """A request for a study; `key` is the name of the folder."""

    format: int = 1
    kind: Literal["study"] = "study"
    key: str
    study: str
    run: str
    knobs: dict[str, Any]


class StudyJob(RequestFolder[StudySpec]):
    """The folder of one study."""

    request = StudySpec

    @property
    def found(self) -> dict[str, Any]:
        """The result so far; empty before the first."""
        try:
            return read_json(self.path / "result.json")
        except (Damaged, OSError):
            return {}


def _path_of(run: Run, name: str, knobs: Config) -> Path:
    digest = hashlib.sha256((run.path / "codes.safetensors").read_bytes())
    digest.update(f"{run.spec.id} {name} {knobs.model_dump_json()} {FORMAT_OF_RESULTS}".encode())
    return home() / "studies" / digest.hexdigest()[:32]


def known_study(run: Run, name: str, **knobs: Any) -> StudyJob | None:
    """The job of a study, if somebody has asked for it.

    Raises:
        ConfigError: for an unknown study or knob.
    """
    _, given = find_study(name, **knobs)
    try:
        return StudyJob(_path_of(run, name, given))
    except (Damaged, OSError):
        return None


def request_study(run: Run, name: str, owner: str | None = None, address: str = "", **knobs: Any) -> StudyJob:
    """The job of a study, under way or done; one that ended otherwise is begun again.

    Raises:
        ConfigError: for an unknown study or knob, and as `queue.start` does.
    """
    study, given = find_study(name, **knobs)
    owner = local_owner() if owner is None else owner
    path = _path_of(run, name, given)
    job = known_study(run, name, **knobs)
    if job is not None and not under_way(job) and job.recorded_state != "done":
        shutil.rmtree(path, ignore_errors=True)
        job = None
    if job is None:
        spec = StudySpec(key=path.name, study=name, run=str(run.path), knobs=given.model_dump(mode="json"))
        with contextlib.suppress(FileExistsError), new_directory(path) as folder:
            write_json(folder / "spec.json", spec.model_dump(mode="json"))
            StudyJob.prepare(folder)
        job = StudyJob(path)
        with contextlib.suppress(AlreadyStarted):
            start(job, owner, study.seconds(given), address, new=True)
    mark_used(job.path)
    if job.recorded_state != "done":
        registry().add_requester(job.path, owner)
    return job


def compute_study(job: StudyJob, wanted: Callable[[], object]) -> bool:
    """Compute a study into its folder; whether it came to its end.

    Args:
        wanted: whether anyone still waits for it; asked at each step.
    """
    study, knobs = find_study(job.spec.study, **job.spec.knobs)
    begun = written = time.monotonic()
    found: dict[str, Any] = {}
    for share, found in study.run(open_run(job.spec.run), knobs):
        if not wanted():
            return False
        now = time.monotonic()
        if now - written > WRITE_SECONDS and share > 0:
            written, spent = now, now - begun
            write_json(job.path / "result.json", found)
            left = spent * (1 - share) / share
            job.append({"type": "progress", "fraction": share, "seconds": spent, "seconds_left": left})
    write_json(job.path / "result.json", found)
    job.set_status(state="done", seconds=round(time.monotonic() - begun, 3))
    return True
