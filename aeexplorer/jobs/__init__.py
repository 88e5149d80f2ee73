"""Work that outlives a page: each job is done by a process of its own that writes into a work folder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeexplorer.jobs.maps import MapJob, MapSpec, find_map, submit_map
    from aeexplorer.jobs.queue import Outlook, active_jobs, cancel, outlook, pace, request_map, start, under_way
    from aeexplorer.jobs.registry import Job
    from aeexplorer.jobs.supervisor import stop_supervising, supervise

_HOMES = {
    "MapJob": "maps", "MapSpec": "maps", "find_map": "maps", "submit_map": "maps",
    "Outlook": "queue", "active_jobs": "queue", "cancel": "queue", "outlook": "queue", "pace": "queue",
    "request_map": "queue",
    "start": "queue", "under_way": "queue",
    "Job": "registry",
    "stop_supervising": "supervisor", "supervise": "supervisor",
}  # fmt: skip

__all__ = [
    "Job", "MapJob", "MapSpec", "Outlook",
    "active_jobs", "cancel", "find_map", "outlook", "pace", "request_map", "start", "stop_supervising", "submit_map",
    "supervise", "under_way",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'aeexplorer.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"aeexplorer.jobs.{_HOMES[name]}"), name)
