"""Maps that pages show, held so that scenes can lift places from them; the last few of this server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.live.open_runs import NEIGHBOURS, ON_THE_DATA, ON_THE_MAP
from aeexplorer.metrics import neighbours
from aeexplorer.projection import Projection

CAPACITY = 64


class HeldMap:
    """A map, and how densely its points lie."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection

    def status(self, at: np.ndarray) -> int:
        """Where a place (c,) lies among the points, as a place in `STATUSES`: as lonely as points are, or lonelier; see
        `OpenRun.neighbourhood`, which says the same of codes."""
        k = min(NEIGHBOURS, len(self.projection.points))
        away = np.linalg.norm(self.projection.points - at, axis=1)
        return int(np.searchsorted(self._loneliness, np.partition(away, k - 1)[:k].mean()))

    @cached_property
    def _loneliness(self) -> np.ndarray:
        n = len(self.projection.points)
        if n < 2:
            return np.zeros(2)
        own = neighbours(self.projection.points, min(NEIGHBOURS, n - 1)).distances.mean(axis=1)
        return np.quantile(own, [ON_THE_DATA, ON_THE_MAP])


_held: OrderedDict[str, HeldMap] = OrderedDict()
_guard = threading.Lock()


def hold(name: str, projection: Projection) -> None:
    """Keep a map under a name; the one that was not asked for longest gives way."""
    with _guard:
        if name not in _held or _held[name].projection is not projection:
            _held[name] = HeldMap(projection)
        _held.move_to_end(name)
        while len(_held) > CAPACITY:
            _held.popitem(last=False)


def held(name: str) -> HeldMap:
    """The map of this name.

    Raises:
        ConfigError: when no page shows it any more.
    """
    with _guard:
        if name not in _held:
            raise ConfigError(f"map_id must name a map that a page shows, got {name[:60]!r}")
        _held.move_to_end(name)
        return _held[name]
