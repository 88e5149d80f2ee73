"""How tests wait for other processes and threads: until a condition holds, however busy the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds that anything may take; what comes early is not waited for."""


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds:.0f} seconds in vain"
        time.sleep(0.02)
