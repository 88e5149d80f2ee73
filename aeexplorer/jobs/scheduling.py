"""Fair scheduling: the owner with the fewest active jobs in the lane comes first, then the owner served longest ago."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from aeexplorer.jobs.job import LANE, Job

NEXT = f"""
SELECT j.folder FROM (SELECT *, {LANE} AS lane FROM jobs WHERE state = 'queued') j
LEFT JOIN owners o ON o.owner = j.owner
LEFT JOIN (
    SELECT owner, {LANE} AS lane, count(*) AS n FROM jobs WHERE state IN ('starting', 'running') GROUP BY owner, lane
) busy ON busy.owner = j.owner AND busy.lane = j.lane
WHERE j.lane IN (?, ?) AND coalesce(busy.n, 0) < ?
ORDER BY coalesce(busy.n, 0), coalesce(o.served, 0), j.arrival LIMIT 1
"""
"""Select the queued job that starts next; parameters: two lanes, and the active jobs that an owner may have in one."""


def fair_order(waiting: Iterable[Job], served: Mapping[str, int]) -> tuple[Job, ...]:
    """Queued jobs in the order in which they would start if every job took the same time: owners take turns."""
    queues: dict[str, deque[Job]] = defaultdict(deque)
    for job in waiting:
        queues[job.owner].append(job)
    turns = [(served.get(owner, 0), queue[0].arrival, owner) for owner, queue in queues.items()]
    heapq.heapify(turns)
    clock, order = max(served.values(), default=0), []
    while turns:
        owner = heapq.heappop(turns)[2]
        order.append(queues[owner].popleft())
        clock += 1
        if queues[owner]:
            heapq.heappush(turns, (clock, queues[owner][0].arrival, owner))
    return tuple(order)
