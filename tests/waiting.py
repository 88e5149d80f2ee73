"""How tests wait for other processes and threads: until a condition holds, however busy the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 300.0
"""Seconds that anything may take; what comes early is not waited for."""


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Ask until the answer is yes; what is dear to ask is asked less often, so that what is waited for has time."""
    end = time.monotonic() + seconds
    asked = time.monotonic()
    while not holds():
        now = time.monotonic()
        assert now < end, f"waited {seconds:.0f} seconds in vain"
        time.sleep(max(0.02, min(1.0, 2 * (now - asked))))
        asked = time.monotonic()
