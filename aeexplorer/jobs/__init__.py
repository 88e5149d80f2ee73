"""Work that outlives a page: each job is a process of its own that writes into a work folder."""

from aeexplorer.jobs.local import cancel, kill, prepare, start, worker_lives
from aeexplorer.jobs.maps import MapJob, MapSpec, find_map, submit_map

__all__ = ["MapJob", "MapSpec", "cancel", "find_map", "kill", "prepare", "start", "submit_map", "worker_lives"]
