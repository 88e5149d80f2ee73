"""The health of the server in numbers, for monitoring."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from typing import Any

from filelock import FileLock, Timeout

from aeexplorer.jobs.job import ACTIVE
from aeexplorer.jobs.registry import registry
from aeexplorer.store import Damaged, home

LEAST_FREE = 1_000_000  # bytes: a job writes more than that


def health() -> dict[str, Any]:
    """Free space in bytes, jobs by state and whether a supervisor runs; `ok` when all is well, else with a reason."""
    state: dict[str, Any] = {"ok": True, "supervised": _supervised()}
    try:
        home().mkdir(parents=True, exist_ok=True)
        state["free_bytes"] = free = shutil.disk_usage(home()).free
        if free < LEAST_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(dir=home()):
            pass
        found = registry()
        state["queued"], state["running"] = len(found.jobs("queued")), len(found.jobs(*ACTIVE))
    except OSError as error:  # without the path: anyone may ask
        state |= {"ok": False, "reason": os.strerror(error.errno or errno.EIO)}
    except Damaged as error:
        state |= {"ok": False, "reason": str(error)}
    state["ok"] = bool(state["ok"] and state["supervised"])
    return state


def _supervised() -> bool:
    """Whether a supervisor, of this process or another, holds the lock of the home."""
    try:
        with FileLock(home() / "supervisor.lock", blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False
