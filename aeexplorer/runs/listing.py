"""Listing: the runs of the home, the pretrained ones, and one run by its name."""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from aeexplorer.config import ConfigError
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs.owners import LOCAL, require_owner
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, home, read_json, remove_folder


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
    found: list[Run | DamagedRun] = []
    for path in reversed(_folders(home() / "runs")):
        try:
            run = Run(path)
            _ = run.status
            found.append(run)
        except (Damaged, OSError) as error:
            found.append(DamagedRun(Path(path), str(error)))
    return found


def pretrained() -> list[Run]:
    """The pretrained runs, by name."""
    runs = []
    for path in _folders(PRETRAINED):
        with contextlib.suppress(Damaged):
            runs.append(Run(path))
    return runs


def _folders(root: Path) -> list[str]:
    """Sorted paths of the visible folders in a folder; strings, as `Path` is slow and each rerun of a page asks."""
    try:
        with os.scandir(root) as entries:
            return sorted([entry.path for entry in entries if entry.is_dir() and not entry.name.startswith(".")])
    except (FileNotFoundError, NotADirectoryError):
        return []


def find_run(name: str | Path) -> Run:
    """Find a run by path, by id among the runs of the home, or by name among the pretrained ones.

    Raises:
        ConfigError: when there is none.
        Damaged: when it exists and cannot be opened.
    """
    text = str(name)
    candidates = [Path(text)]
    if re.fullmatch(r"(pretrained/)?\w[\w.-]*", text):
        candidates += [home() / "runs" / text, PRETRAINED / text.removeprefix("pretrained/")]
    for path in candidates:
        with contextlib.suppress(OSError):  # a name too long to be a path
            if (path / "spec.json").is_file():
                return Run(path)
    raise ConfigError(f"unknown run {text!r}: it must be a run folder, an id in {home() / 'runs'} or a pretrained name")
