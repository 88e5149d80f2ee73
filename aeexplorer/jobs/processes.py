"""Worker processes: how one is started and signalled, for every engine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from aeexplorer.runs.folders import process_identity, process_lives

STARTER = "AEEXPLORER_STARTER"  # in a worker's environment: pid and start time of the process that started it


def start_worker(*arguments: str, stdout: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start a worker process with a pipe to its standard input.

    It is in a session of its own, so that neither Ctrl-C in the server's terminal nor the server's end reaches it.
    `subprocess` rather than `multiprocessing`, whose spawn would run the app's script again in the child.
    """
    starter = process_identity()
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p)
    windows = sys.platform == "win32"
    return subprocess.Popen(
        [sys.executable, "-m", "aeexplorer", "worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, STARTER: f"{starter['pid']} {starter['process_started']}"},
        start_new_session=not windows,
        creationflags=0x00000200 if windows else 0,  # CREATE_NEW_PROCESS_GROUP
    )


def signal_worker(pid: int, started: float, hard: bool) -> None:
    """Send SIGTERM to a worker, or SIGKILL to it and all that it started; do nothing when the number is another's
    now."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        if not process_lives(pid, started):
            return
        if not hard:
            psutil.Process(pid).terminate()
        elif sys.platform == "win32" or os.getpgid(pid) != pid:
            psutil.Process(pid).kill()
        else:
            os.killpg(pid, signal.SIGKILL)
