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
from aeexplorer.data.own import folder_of, own_data, remove_own
from aeexplorer.owners import LOCAL, require_owner, viewer
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
    """All runs of the home that whoever looks may see, newest first; damaged ones with the reason."""
    runs = list(map(_run_in, reversed(_folders(home() / "runs"))))
    if not [run for run in runs if isinstance(run, Run) and run.spec.source]:
        return runs
    me, seen = viewer(), own_data()
    return [
        run
        for run in runs
        if isinstance(run, DamagedRun) or not run.spec.source or run.owner == me or run.spec.dataset in seen
    ]


def visible(run: Run) -> bool:
    """Whether whoever looks may see a run: one of private data shows their samples, so only who may see those."""
    return not run.spec.source or run.owner == viewer() or run.spec.dataset in own_data()


def runs_of(dataset: str) -> list[Run]:
    """The runs that need a dataset to show samples, whosever they are."""
    found = map(_run_in, _folders(home() / "runs"))
    return [run for run in found if isinstance(run, Run) and run.spec.dataset == dataset]


def remove_data(name: str, by: str | None = None, *, although_runs: bool = False) -> list[Run]:
    """Remove own data; returns the runs of them, which can no longer show samples.

    Raises:
        ConfigError: when there are none of this name, they are somebody else's, or runs need them.
    """
    folder_of(name)
    needed = runs_of(name)
    if needed and not although_runs:
        named = ", ".join(run.id for run in needed[:3])
        more = f" and {len(needed) - 3} more" if len(needed) > 3 else ""
        raise ConfigError(f"{name} is needed by {len(needed)} run{'s' if len(needed) > 1 else ''}: {named}{more}")
    remove_own(name, by)
    return needed


def pretrained() -> list[Run]:
    """The pretrained runs, by name."""
    return list(_runs_in(PRETRAINED, signature(str(PRETRAINED))))


@functools.lru_cache(maxsize=4)
def _runs_in(folder: Path, written: tuple[int, ...]) -> tuple[Run, ...]:
    """The runs in a folder that came along, read once while none of them is replaced."""
    return tuple(run for path in _folders(folder) if isinstance(run := _run_in(path), Run))


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
            if (path / "spec.json").is_file() and visible(run := Run(path)):
                return run
    raise ConfigError(f"unknown run {text!r}: it must be a run folder, an id in {home() / 'runs'} or a pretrained name")
