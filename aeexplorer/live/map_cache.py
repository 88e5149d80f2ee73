"""The maps that pages show, cached so that live scenes can decode places of them; the last few of this server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import neighbours
from aeexplorer.metrics.latent_space import FEW, NEAR, NEIGHBOURS
from aeexplorer.projection import Projection

CAPACITY = 64


class CachedMap:
    """A map and the density of its points.

    Args:
        level: the level of the codes that it was drawn from, 1 for the coarsest; 0 for whole codes.
        whole: (n, latent_dim) the whole codes of its points, where it is of one level.
    """

    def __init__(self, projection: Projection, level: int = 0, whole: np.ndarray | None = None) -> None:
        self.projection = projection
        self.level = level
        self.whole = whole

    def lift(self, places: np.ndarray, model: Explorer) -> np.ndarray:
        """Whole codes (m, latent_dim) of places (m, c); on a map of one level `Explorer.complete` adds the others, from
        the nearest code on the map.

        Raises:
            ConfigError: for a model with other codes than those of the map.
        """
        codes, part = self.projection.codes, model.part(self.level)
        if codes.shape[1] != part.stop - part.start:
            raise ConfigError(f"map_id must be of codes with {part.stop - part.start} values, got {codes.shape[1]}")
        lifted = self.projection.lift(places)
        if self.whole is None or not self.level:
            return lifted
        nearest = np.stack([np.square(codes - code).sum(axis=1) for code in lifted]).argmin(axis=1)
        return model.complete(lifted, self.level, self.whole[nearest])

    def status(self, place: np.ndarray) -> int:
        """The index in `STATUSES` of a place (c,): near the points, few points nearby, or far from the points.

        `OpenRun.neighbourhood` measures the same of codes.
        """
        k = min(NEIGHBOURS, len(self.projection.points))
        distances = np.linalg.norm(self.projection.points - place, axis=1)
        return int(np.searchsorted(self._limits, np.partition(distances, k - 1)[:k].mean()))

    @cached_property
    def _limits(self) -> np.ndarray:
        """Quantiles (2,) of the mean distance of a point to its nearest others."""
        n = len(self.projection.points)
        if n < 2:
            return np.zeros(2)
        distances = neighbours(self.projection.points, min(NEIGHBOURS, n - 1)).distances.mean(axis=1)
        return np.quantile(distances, [NEAR, FEW])


_cached: OrderedDict[str, CachedMap] = OrderedDict()
_lock = threading.Lock()


def cache_map(name: str, projection: Projection, level: int = 0, whole: np.ndarray | None = None) -> None:
    """Cache a map under a name, see `CachedMap`; the least recently used one is dropped."""
    with _lock:
        if name not in _cached or _cached[name].projection is not projection:
            _cached[name] = CachedMap(projection, level, whole)
        _cached.move_to_end(name)
        while len(_cached) > CAPACITY:
            _cached.popitem(last=False)


def cached_map(name: str) -> CachedMap:
    """The map of this name.

    Raises:
        ConfigError: when no page shows it any more.
    """
    with _lock:
        if name not in _cached:
            raise ConfigError(f"map_id must name a map that a page shows, got {name[:60]!r}")
        _cached.move_to_end(name)
        return _cached[name]
