"""Keeps the garbage collection after every script run short.

Streamlit collects all generations after each run (`runner.postScriptGC`). With torch and plotly loaded that takes a
third of a second in which every session waits. Objects that are frozen are not looked at: what was imported is frozen,
and frozen again whenever more was imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import sys

from starlette.concurrency import run_in_threadpool

# What the first visits need beyond what every page does: two seconds of imports that the start does not wait for.
SOON_NEEDED = ("pandas", "sklearn.datasets", "sklearn.neighbors", "torch._dynamo")
LOOK_SECONDS = 2.0


def freeze() -> None:
    """Take every object that exists now out of the collector's sight."""
    gc.collect()
    gc.freeze()


async def keep_frozen() -> None:
    """Import what is soon needed, and freeze again whenever something was imported; runs until it is cancelled."""
    for name in SOON_NEEDED:
        with contextlib.suppress(ImportError):
            await run_in_threadpool(importlib.import_module, name)
    frozen = 0
    while True:
        if len(sys.modules) != frozen:
            frozen = len(sys.modules)
            await run_in_threadpool(freeze)
        await asyncio.sleep(LOOK_SECONDS)
