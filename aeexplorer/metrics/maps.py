"""Compare maps with their codes and with each other: displacement of points, distances before and after."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.neighbourhood import finite_samples


def displacement(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The distance of each point to itself on another map, in units of the first map's spread.

    The maps are compared as they are: align them first (`projection.align`). The spread is the root mean squared
    distance of a point from the centre of its map.

    Args:
        a, b: (n, c), two maps of the same samples.

    Returns:
        (n,) float32.

    Raises:
        ConfigError: for mismatched shapes or values that are not finite.
    """
    first, second = finite_samples("a", a), finite_samples("b", b)
    if first.shape != second.shape:
        raise ConfigError(f"a and b must be maps of the same samples, got shapes {first.shape} and {second.shape}")
    spread = np.sqrt(np.square(first - first.mean(axis=0)).sum(axis=1).mean())
    moved: np.ndarray = np.linalg.norm(first - second, axis=1) / (spread or 1.0)
    return moved.astype(np.float32)


class Shepard(NamedTuple):
    """Distances of pairs of samples in the latent space (m,) and on the map (m,), float32, and Spearman's
    correlation."""

    codes: np.ndarray
    points: np.ndarray
    rank_correlation: float


def shepard(codes: ArrayLike, points: ArrayLike, pairs: int = 5000, seed: int = 0) -> Shepard:
    """The distances of random pairs in the latent space and on the map; a map that keeps all distances draws a line.

    Shepard, "The analysis of proximities", Psychometrika 1962; the correlation of the ranks is Spearman's.

    Args:
        codes: (n, K).
        points: (n, c), the map.
        pairs: number of pairs to draw; all pairs where there are no more.
        seed: of the draw.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, fewer than 3 samples, or fewer than 1 pair.
    """
    from scipy.stats import rankdata

    z, shown = finite_samples("codes", codes), finite_samples("points", points)
    n = len(z)
    if len(shown) != n:
        raise ConfigError(f"codes and points must be of the same samples, got {n} and {len(shown)}")
    if n < 3:
        raise ConfigError(f"distances of pairs need at least 3 samples, got {n}")
    if pairs < 1:
        raise ConfigError(f"pairs must be at least 1, got {pairs}")
    if n * (n - 1) // 2 <= pairs:
        first, second = np.triu_indices(n, 1)
    else:
        random = np.random.default_rng(seed)
        first = random.integers(n, size=pairs)
        second = (first + random.integers(1, n, size=pairs)) % n
    before = np.linalg.norm(z[first] - z[second], axis=1)
    after = np.linalg.norm(shown[first] - shown[second], axis=1)
    ranks = rankdata(before), rankdata(after)
    flat = min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0
    correlation = 0.0 if flat else float(np.corrcoef(*ranks)[0, 1])
    return Shepard(before.astype(np.float32), after.astype(np.float32), correlation)
