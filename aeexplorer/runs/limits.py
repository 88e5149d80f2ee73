"""The resources that one job may use: checked before it starts and enforced while it runs.

AEEXPLORER_MEMORY_MB   memory of one worker (default: three quarters of the machine's, divided by the workers)
AEEXPLORER_PARAMETERS  trainable parameters of a model, in millions (default 200)
AEEXPLORER_HOURS       expected hours of a training (default 24)

Jobs in the queue, at most: AEEXPLORER_WAITING_PER_OWNER of one owner (default 50), AEEXPLORER_WAITING_PER_ADDRESS from
one network address (default 100) and AEEXPLORER_WAITING in all (default 1000).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil

from aeexplorer.config import ConfigError, setting

if TYPE_CHECKING:
    from aeexplorer.training.estimation import Estimate

WORKER_BYTES = 400_000_000  # of a worker that has imported everything and trained nothing
WATCH_SECONDS = 0.2


def worker_limit() -> int:
    """Number of workers on this machine: AEEXPLORER_WORKERS, else all cores but one, which serves the pages."""
    return setting("AEEXPLORER_WORKERS", max(1, (os.cpu_count() or 2) - 1), 1, 1024)


def short_workers() -> int:
    """Number of further workers that only short jobs use: AEEXPLORER_SHORT_WORKERS, else 1."""
    return setting("AEEXPLORER_SHORT_WORKERS", 1, 0, 1024)


def memory_limit() -> int:
    """Bytes of memory that one worker may use."""
    share = int(0.75 * psutil.virtual_memory().total / worker_limit() / 1e6)
    return setting("AEEXPLORER_MEMORY_MB", max(share, 1_000), 100, 10**9) * 1_000_000


def check_cost(cost: Estimate, pace: float = 1.0) -> None:
    """Refuse a training that needs more than is allowed.

    Args:
        pace: seconds that trainings took on this machine per estimated second.

    Raises:
        ConfigError: with the need, the limit, and the knob that lowers it.
    """
    parameters = setting("AEEXPLORER_PARAMETERS", 200, 1, 10**6) * 1_000_000
    if cost.parameters > parameters:
        raise ConfigError(
            f"the model would have {cost.parameters:,} parameters, limit {parameters:,}: "
            "use narrower layers or a smaller latent_dim"
        )
    needed, limit = cost.memory_bytes + WORKER_BYTES, memory_limit()
    if needed > limit:
        raise ConfigError(
            f"the training would need {needed / 1e6:,.0f} MB of memory, limit {limit / 1e6:,.0f} MB: "
            "use a smaller batch_size or narrower layers"
        )
    hours, most = cost.seconds * pace / 3600, setting("AEEXPLORER_HOURS", 24, 1, 100_000)
    if hours > most:
        raise ConfigError(f"the training would take {hours:.6g} hours, limit {most}: use fewer epochs or samples")


def check_waiting(of_owner: int, of_address: int, in_all: int) -> None:
    """Refuse one more job when too many wait.

    Args:
        of_owner, of_address, in_all: number of jobs that wait, of its owner, from its network address (0 where that is
            this computer) and in all.

    Raises:
        ConfigError: with the limit and the number found.
    """
    for name, default, found, whose in (
        ("AEEXPLORER_WAITING_PER_OWNER", 50, of_owner, "of one person"),
        ("AEEXPLORER_WAITING_PER_ADDRESS", 100, of_address, "from one network address"),
        ("AEEXPLORER_WAITING", 1000, in_all, "in all"),
    ):
        limit = setting(name, default, 1, 100_000)
        if found >= limit:
            raise ConfigError(f"at most {limit} jobs {whose} may wait, found {found}")


class MemoryBound:
    """Hold this process to `memory_limit`: on Linux an allocation beyond it fails; a thread watches the rest."""

    def __init__(self, exceeded: Callable[[str], None]) -> None:
        self._exceeded = exceeded
        self._done = threading.Event()
        self.limit = memory_limit()

    def __enter__(self) -> MemoryBound:
        self._limit_allocations(self.limit)
        threading.Thread(target=self._watch, name="memory watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._limit_allocations(None)

    @property
    def sentence(self) -> str:
        return f"it needed more memory than the {self.limit / 1e9:.1f} GB that a worker may take"

    @staticmethod
    def _limit_allocations(limit: int | None) -> None:
        """Set RLIMIT_DATA, which counts writable allocations, and not the address space that CUDA only reserves."""
        if sys.platform != "linux":
            return
        import resource

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = hard if limit is None else psutil.Process().memory_info().data + limit
        resource.setrlimit(resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._done.wait(WATCH_SECONDS):
            if process.memory_info().rss > self.limit:
                self._exceeded(self.sentence)
                return
