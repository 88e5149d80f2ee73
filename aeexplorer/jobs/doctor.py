"""The doctor: checks every file in the home, says what is wrong, and mends what it can."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aeexplorer.jobs.cache import leftovers, remove_leftovers
from aeexplorer.jobs.job import ACTIVE, folder_key
from aeexplorer.jobs.maps import MapJob
from aeexplorer.jobs.orphans import orphans
from aeexplorer.jobs.readings import ReadingJob
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.studies import StudyJob
from aeexplorer.jobs.submission import read_submission, submissions, work_folders
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.run import Run
from aeexplorer.store import EVENT_BYTES, Damaged, home, load_arrays, load_tensors, read_json

LOW_DISK = 500_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: where, what, and the command or step that mends it."""

    where: str
    what: str
    mend: str = ""


def examine() -> list[Finding]:
    """Find everything that is wrong in the home; changes nothing, and never raises for what it finds."""
    if not home().is_dir():
        return []
    folders = (finding for path in work_folders() for finding in examine_folder(path))
    processes = (Finding(f"process {orphan.pid}", orphan.what, "doctor --clean") for orphan in orphans())
    return [*_check_disk(), *_check_registry(), *folders, *processes]


def _check_disk() -> Iterator[Finding]:
    try:
        with tempfile.TemporaryFile(dir=home()):
            pass
    except OSError as error:
        yield Finding(str(home()), f"cannot be written to: {error.strerror}", "make it writable or set AEEXPLORER_HOME")
    free = shutil.disk_usage(home()).free
    if free < LOW_DISK:
        yield Finding(str(home()), f"has {free / 1e6:.0f} MB of free space left", "free some, or set AEEXPLORER_HOME")
    for path in leftovers():
        yield Finding(str(path), "was left by a killed process", "doctor --clean")


def _check_registry() -> Iterator[Finding]:
    registry = Registry()
    if fault := registry.fault():
        yield Finding("registry.sqlite", f"is damaged: {fault}", "doctor --rebuild")
        return
    for path in registry.damaged_files():
        what = "was damaged and set aside; a new registry was made from the folders"
        yield Finding(path.name, what, "doctor --clean")
    if not registry.path.exists():
        return
    try:
        known = {job.folder: job for job in registry.jobs()}
    except (Damaged, OSError) as error:
        yield Finding("registry.sqlite", f"cannot be used: {error}")
        return
    registry.close()
    for folder, _ in submissions():
        job = known.pop(folder_key(folder.path), None)
        state = folder.recorded_state
        if job is None:
            yield Finding(folder_key(folder.path), "is not in the registry", "doctor --rebuild")
        elif state in ("done", "failed", "cancelled") and job.state not in (state, *ACTIVE):
            yield Finding(folder_key(folder.path), f"is {state}, and the registry says {job.state}", "doctor --rebuild")
    for key in known:
        if not (home() / key).is_dir():
            yield Finding(key, "is in the registry and its folder is gone", "doctor --rebuild")


def examine_folder(path: Path) -> Iterator[Finding]:
    """Find what is wrong with one run or map, by reading each file the way that the program reads it."""
    name = folder_key(path)
    checks: list[Callable[[], Any]] = [lambda: WorkFolder(path).recorded_status]
    if (path / "control" / "job.json").exists():
        checks.append(lambda: read_submission(WorkFolder(path)))
    checks.extend(_CHECKS[path.parent.name](path))
    for check in checks:
        try:
            check()
        except (Damaged, ValueError, OSError) as error:
            yield Finding(name, str(error), "delete it, or put the file back from a copy")
    yield from _check_events(path)
    with contextlib.suppress(Damaged, OSError):
        status = WorkFolder(path).status
        if status.state == "interrupted" and WorkFolder(path).recorded_status.state == "running":
            yield Finding(name, status.reason, "the app resumes what it started; else continue it yourself")


def _run_checks(path: Path) -> Iterator[Callable[[], Any]]:
    yield lambda: Run(path)
    if (path / "label.json").exists():
        yield lambda: read_json(path / "label.json")
    with contextlib.suppress(Damaged, OSError):
        run = Run(path)
        done = WorkFolder(path).recorded_status.state == "done"
        if done or run.has_weights:
            yield (lambda: _check_dial(run, done)) if run.spec.dial else run.load_model
            yield lambda: run.codes
        for checkpoint in sorted((path / "checkpoint").glob("[0-9]*")):
            yield lambda at=checkpoint: load_tensors(at / "tensors.safetensors")  # type: ignore[misc]
            yield lambda at=checkpoint: read_json(at / "scalars.json")  # type: ignore[misc]
        for frame in sorted((path / "snapshots").glob("[!.]*.safetensors")):
            yield lambda at=frame: load_arrays(at)  # type: ignore[misc]


def _check_dial(run: Run, done: bool) -> None:
    dial = run.load_dial()
    if done and not dial.complete:
        raise Damaged(f"dial/ must hold {len(dial.spec.stops)} snapshots when the run is done, got {len(dial.stops)}")


def _map_checks(path: Path) -> Iterator[Callable[[], Any]]:
    yield lambda: MapJob(path)
    if WorkFolder(path).recorded_state == "done":
        yield lambda: MapJob(path).finished()


def _study_checks(path: Path) -> Iterator[Callable[[], Any]]:
    yield lambda: StudyJob(path)


def _reading_checks(path: Path) -> Iterator[Callable[[], Any]]:
    yield lambda: ReadingJob(path)


_CHECKS = {"runs": _run_checks, "maps": _map_checks, "studies": _study_checks, "readings": _reading_checks}


def _check_events(path: Path) -> Iterator[Finding]:
    file, name = path / "events.jsonl", folder_key(path)
    if not os.path.lexists(file):
        return
    if not file.is_file():
        yield Finding(name, "events.jsonl must be a regular file", "delete it")
    elif (size := file.stat().st_size) > EVENT_BYTES:
        what = f"events.jsonl has {size / 1e6:.0f} MB, of which {EVENT_BYTES / 1e6:.0f} are shown"
        yield Finding(name, what, "delete it, when nobody needs the replay of the training")
    else:
        unreadable = 0
        for line in file.read_bytes().split(b"\n")[:-1]:
            try:
                unreadable += not isinstance(json.loads(line.decode()), dict)
            except (ValueError, RecursionError):
                unreadable += 1
        if unreadable:
            yield Finding(name, f"{unreadable} lines of events.jsonl cannot be read; the others are used")


def clean() -> list[Path]:
    """Remove leftovers of killed processes and registries that were set aside; returns what was removed."""
    removed = remove_leftovers()
    for path in Registry().damaged_files():
        with contextlib.suppress(OSError):
            path.unlink()
            removed.append(path)
    return removed
