"""Jobs: work that outlives a page. Each job is done by a process of its own that writes into a work folder."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aeexplorer.jobs.job import Job
    from aeexplorer.jobs.maps import MapJob, MapSpec, find_map, submit_map
    from aeexplorer.jobs.queue import active_jobs, cancel, pace, queue_position, request_map, start, under_way
    from aeexplorer.jobs.queue_view import QueuePosition
    from aeexplorer.jobs.supervisor import stop_supervising, supervise

_NAMES = {
    "maps": ("MapJob", "MapSpec", "find_map", "submit_map"),
    "queue": ("active_jobs", "cancel", "pace", "queue_position", "request_map", "start", "under_way"),
    "queue_view": ("QueuePosition",),
    "job": ("Job",),
    "supervisor": ("stop_supervising", "supervise"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import the file behind a name when it is first used: a page that shows no map never loads the map methods."""
    if name not in _MODULES:
        raise AttributeError(f"module 'aeexplorer.jobs' has no attribute {name!r}")
    return getattr(importlib.import_module(f"aeexplorer.jobs.{_MODULES[name]}"), name)
