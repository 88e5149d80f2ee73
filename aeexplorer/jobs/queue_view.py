"""A view of the queue, read once per tick for everybody: the active and waiting jobs, and where each one stands.

Every session polls, and a page asks about each of its jobs. With a thousand jobs waiting, each would read all of them;
so they share one view, which is read anew after a change by this process, and after `VIEW_SECONDS` for those of others.
"""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from aeexplorer.jobs.job import ACTIVE, Job, Lane
from aeexplorer.jobs.registry import registry
from aeexplorer.jobs.scheduling import fair_order
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import short_workers, worker_limit
from aeexplorer.store import home

VIEW_SECONDS = 0.25
UNKNOWN_SECONDS = 30.0  # assumed of a job that was not estimated


@dataclass(frozen=True)
class QueuePosition:
    """Where a job stands in the queue. Short and long jobs wait in lanes of their own.

    Attributes:
        before: the jobs that start before it, in their order; None when it does not wait.
        running: the jobs that now use the workers of its lane.
        starts_in: expected seconds until it starts, if the others take as long as estimated.
    """

    before: tuple[Job, ...] | None = None
    running: tuple[Job, ...] = ()
    starts_in: float = 0.0


@dataclass(frozen=True, eq=False)
class QueueView:
    """The jobs that wait or run, in order of arrival, and what their order depends on.

    Attributes:
        served: order of each owner's last start.
        pace: seconds that trainings took here per estimated second.
    """

    jobs: Mapping[str, Job]
    served: Mapping[str, int]
    pace: float

    @cached_property
    def _lanes(self) -> dict[Lane, _LaneView]:
        shared = not short_workers()
        views: dict[Lane, _LaneView] = {}
        workers_of: dict[Lane, int] = {"long": worker_limit(), "short": short_workers() or worker_limit()}
        for lane, workers in workers_of.items():
            found = [job for job in self.jobs.values() if shared or job.lane == lane]
            order = fair_order([job for job in found if job.state == "queued"], self.served)
            active = tuple(job for job in found if job.state in ACTIVE)
            views[lane] = _LaneView(order, active, self._starts(order, active, workers))
        return views

    def position(self, key: str) -> QueuePosition:
        """Where the job of a work folder stands."""
        job = self.jobs.get(key)
        if job is None or job.state != "queued":
            return QueuePosition()
        lane = self._lanes[job.lane]
        place = lane.places[key]
        return QueuePosition(lane.order[:place], lane.active, lane.starts[place])

    def _starts(self, order: Iterable[Job], active: Sequence[Job], workers: int) -> tuple[float, ...]:
        """Expected seconds until each waiting job starts."""
        ends = [self._seconds_left(job) for job in active] + [0.0] * max(workers - len(active), 0)
        heapq.heapify(ends)
        starts = []
        for job in order:
            starts.append(heapq.heappop(ends))
            heapq.heappush(ends, starts[-1] + (job.estimated * self.pace or UNKNOWN_SECONDS))
        return tuple(starts)

    def _seconds_left(self, job: Job) -> float:
        with contextlib.suppress(OSError):
            left = WorkFolder(job.path).last_progress.get("seconds_left")
            if isinstance(left, int | float):
                return float(left)
        return job.estimated * self.pace or UNKNOWN_SECONDS


@dataclass(frozen=True, eq=False)
class _LaneView:
    """The queue of one lane in its order, its active jobs, and when each waiting job is expected to start."""

    order: tuple[Job, ...]
    active: tuple[Job, ...]
    starts: tuple[float, ...]
    places: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {job.folder: place for place, job in enumerate(self.order)})


@dataclass(frozen=True)
class _Kept:
    view: QueueView
    changes: int
    until: float


_views: dict[Path, _Kept] = {}
_reading = threading.Lock()


def queue_view() -> QueueView:
    """The view of this moment, shared by all sessions of this process.

    Raises:
        OSError, Damaged: when the registry cannot be read.
    """
    index, key = registry(), home()
    with _reading:
        kept = _views.get(key)
        changes = index.changes
        if kept is None or kept.changes != changes or time.monotonic() > kept.until:
            jobs = {job.folder: job for job in index.jobs("queued", "interrupted", *ACTIVE)}
            view = QueueView(jobs, index.served() if jobs else {}, index.calibration() if jobs else 1.0)
            kept = _views[key] = _Kept(view, changes, time.monotonic() + VIEW_SECONDS)
        return kept.view
