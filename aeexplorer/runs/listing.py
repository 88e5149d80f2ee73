"""Listing: the runs of the home, the pretrained ones, and one run by its name."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from aeexplorer.config import ConfigError
from aeexplorer.owners import LOCAL, require_owner
from aeexplorer.program_files import FAILING, PRETRAINED
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, home, read_json, remove_folder, signature


@dataclass(frozen=True)
class DamagedRun:
    """A folder among the runs that cannot be opened, and the reason."""

    path: Path
    reason: str

    @property
    def owner(self) -> str:
        """The owner according to the files that can still be read."""
        for name in ("spec.json", "control/job.json"):
            with contextlib.suppress(Damaged, OSError):
                if isinstance(found := read_json(self.path / name).get("owner"), str):
                    return found
        return LOCAL

    def delete(self, by: str | None = None) -> None:
        """Remove the folder.

        Raises:
            ConfigError: when it is somebody else's or already gone.
        """
        require_owner(self.owner, by, f"run {self.path.name}", "deleted")
        remove_folder(self.path)


def list_runs() -> list[Run | DamagedRun]:
    """All runs of the home, newest first; damaged ones with the reason."""
    return list(map(_run_in, reversed(_folders(home() / "runs"))))


def pretrained() -> list[Run]:
    """The pretrained runs, by name."""
    return [run for path in _folders(PRETRAINED) if isinstance(run := _run_in(path), Run)]


def _run_in(path: str) -> Run | DamagedRun:
    """The run in a folder, read anew only where a file of it was replaced: each rerun of a page lists all runs."""
    return copy.copy(_read(path, signature(f"{path}/spec.json"), signature(f"{path}/status.json")))


@functools.lru_cache(maxsize=4096)
def _read(path: str, spec: tuple[int, ...], status: tuple[int, ...]) -> Run | DamagedRun:
    try:
        run = Run(path)
        _ = run.recorded_status
    except (Damaged, OSError) as error:
        return DamagedRun(Path(path), str(error))
    return run


def _folders(root: Path) -> list[str]:
    """Sorted paths of the visible folders in a folder; strings, as `Path` is slow and each rerun of a page asks."""
    try:
        with os.scandir(root) as entries:
            return sorted([entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")])
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_run(name: str | Path) -> Run:
    """Find a run by path, by id among the runs of the home, or by name among the pretrained ones and those that
    fail on purpose.

    Raises:
        ConfigError: when there is none.
        Damaged: when it exists and cannot be opened.
    """
    text = str(name)
    candidates = [Path(text)]
    if re.fullmatch(r"(pretrained/)?\w[\w.-]*", text):
        candidates += [home() / "runs" / text, PRETRAINED / text.removeprefix("pretrained/"), FAILING / text]
    for path in candidates:
        with contextlib.suppress(OSError):  # a name too long to be a path
            if (path / "spec.json").is_file():
                return Run(path)
    raise ConfigError(f"unknown run {text!r}: it must be a run folder, an id in {home() / 'runs'} or a pretrained name")
