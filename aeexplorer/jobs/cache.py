"""The cache of computed results on disk: maps, codes and graphs, the least recently used removed first."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from aeexplorer.config import ConfigError
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import setting
from aeexplorer.store import Damaged, folders_in, home, is_temporary, read_json, remove_folder

DEFAULT_MB = 1024
LEFTOVER_SECONDS = 3600.0
RESULTS = ("maps", "codes", "graphs", "studies")
READING_SECONDS = 6 * 3600.0
"""Seconds for which files stay that were read and not kept."""
ROOTS = ("runs", "data", "readings", *RESULTS)
_KEY = re.compile("[0-9a-f]{32}")


def mark_used(path: Path) -> None:
    """Note that a result is used now."""
    with contextlib.suppress(OSError):  # from a read-only home nothing is removed either
        os.utime(path)


def size_of(path: Path) -> int:
    """Bytes in a folder; files that vanish meanwhile count as 0."""
    total = 0
    for file in path.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.lstat().st_size
    return total


def trim_results(limit_mb: int | None = None) -> list[str]:
    """Remove the least recently used maps, codes, graphs and studies until the rest fits into AEEXPLORER_CACHE_MB.

    Maps that are being computed stay, and so do the maps of pinned runs.

    Returns:
        names of the folders removed.
    """
    limit = (setting("AEEXPLORER_CACHE_MB", DEFAULT_MB, 0, 10**9) if limit_mb is None else limit_mb) * 1_000_000
    found = []
    for path in [path for root in RESULTS for path in folders_in(home() / root) if _KEY.fullmatch(path.name)]:
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path, size_of(path)))
    total, removed = sum(size for _, _, size in found), []
    for _, path, size in sorted(found):
        if total <= limit:
            break
        if _removable(path):
            with contextlib.suppress(ValueError, OSError):
                remove_folder(path)
                removed.append(path.name)
                total -= size
    return removed


def _removable(path: Path) -> bool:
    try:
        if WorkFolder(path).status.active:
            return False
        run = Path(str(read_json(path / "spec.json")["run"]))
    except (Damaged, OSError, KeyError):
        return time.time() - path.stat().st_mtime > 60
    with contextlib.suppress(Damaged):
        return not read_json(run / "label.json").get("pinned")
    return True


def leftovers(older_than: float = LEFTOVER_SECONDS) -> list[Path]:
    """Temporaries older than some seconds, which killed processes left half-written or half-deleted.

    Only names that this program gives count, and links are never followed.
    """
    roots = [home(), *(home() / name for name in ROOTS if not (home() / name).is_symlink())]
    folders = [folder for root in roots[1:] for folder in folders_in(root)]
    found = []
    for folder in [*roots, *folders, *(inner for outer in folders for inner in folders_in(outer))]:
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if is_temporary(entry.name) and time.time() - entry.stat(follow_symlinks=False).st_mtime > older_than:
                    found.append(folder / entry.name)
    return found


def remove_leftovers(older_than: float = LEFTOVER_SECONDS) -> list[Path]:
    """Remove the `leftovers`; returns those removed."""
    removed = []
    for path in leftovers(older_than):
        with contextlib.suppress(OSError):
            shutil.rmtree(
                path
            ) if path.is_dir() and not path.is_symlink() else path.unlink()  # of a link, only the link
            removed.append(path)
    return removed


def remove_old_readings(older_than: float = READING_SECONDS) -> list[Path]:
    """Remove readings of which nothing was heard for some seconds and that are not under way; returns those removed."""
    removed = []
    for path in folders_in(home() / "readings"):
        with contextlib.suppress(Damaged, OSError, ConfigError):
            old = time.time() - (path / "status.json").stat().st_mtime > older_than
            if old and not WorkFolder(path).status.active:
                remove_folder(path)
                removed.append(path)
    return removed
