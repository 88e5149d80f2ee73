"""How the server is, in numbers, for whoever watches it."""

from __future__ import annotations

import shutil
from typing import Any

from aeexplorer.jobs.locks import FileLock
from aeexplorer.jobs.registry import ACTIVE
from aeexplorer.store import Damaged, home


def health() -> dict[str, Any]:
    """Free space in bytes, jobs by state, and whether somebody looks after them; `ok` when all is well."""
    from aeexplorer.jobs.queue import registry

    said: dict[str, Any] = {"ok": True, "supervised": _supervised()}
    try:
        home().mkdir(parents=True, exist_ok=True)
        said["free_bytes"] = shutil.disk_usage(home()).free
        books = registry()
        said["queued"], said["running"] = len(books.jobs("queued")), len(books.jobs(*ACTIVE))
    except (OSError, Damaged) as error:
        said |= {"ok": False, "reason": str(error)}
    said["ok"] = bool(said["ok"] and said["supervised"])
    return said


def _supervised() -> bool:
    """Whether a supervisor, of this process or another, holds the lock of the home."""
    lock = FileLock(home() / "supervisor.lock")
    try:
        if lock.acquire():
            lock.release()
            return False
    except OSError:
        return False
    return True
