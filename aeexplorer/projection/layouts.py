"""Parts of every map: checks, the start of a layout, the shared graph, progress, and the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.metrics.neighbourhood import KNNGraph, finite_samples, neighbours

Progress = Callable[[float, np.ndarray | None], bool | None]
"""Called with the fraction done and, while a layout moves, a copy of its points; returning False cancels."""

SMALLEST_MAP = 4  # codes below which a neighbourhood means nothing

IDENTICAL = "all codes are identical: every point lies at the origin"

GRAPH_SHARE = 0.1  # of the progress, spent on the graph


class Cancelled(Exception):
    """The progress callback asked to stop."""


class MapConfig(Config):
    """Fields of every map of two or three dimensions."""

    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of everything random in the layout.")
    components: Literal[2, 3] = Field(2, description="Dimensions of the map.")


@dataclass(frozen=True)
class Layout:
    """The result of a method: the points (n, c), the parameters that it changed, and notices."""

    points: np.ndarray
    used: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    explained_variance: tuple[float, ...] | None = None
    axes: np.ndarray | None = None
    graph: KNNGraph | None = None


class Watch:
    """Reports the progress, and turns a False of the callback into `Cancelled`."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def __call__(self, fraction: float, points: np.ndarray | None = None) -> None:
        if self.progress is None:
            return
        shown = None if points is None else np.array(points, dtype=np.float32)
        if self.progress(float(fraction), shown) is False:
            raise Cancelled(f"cancelled at {fraction:.0%}")


def checked(values: ArrayLike, name: str = "codes") -> np.ndarray:
    """Codes or points as float64 (n, K).

    Raises:
        ConfigError: for an empty array, or values that are not finite or too large.
    """
    x = np.asarray(values)
    if x.ndim != 2 or x.size == 0:
        raise ConfigError(f"{name} must be (n, K) with at least 1 row and 1 dimension, got shape {x.shape}")
    return finite_samples(name, x)


def centred(x: np.ndarray) -> np.ndarray:
    """Codes (n, K) less their mean. Equal codes are exactly zero, and small differences survive a large offset."""
    differences = x - x[0]
    return differences - differences.mean(axis=0)


def principal_axes(z: np.ndarray, components: int, total: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Axes (components, K) and their share of the variance; axes without variance are zero.

    Pearson 1901, by the eigenvectors of the covariance. The largest entry of an axis is positive.

    Args:
        z: (n, K), centred.
        total: sum of squares of which the variance is a share; that of z by default.
    """
    total = float(np.square(z).sum()) if total is None else total
    values, vectors = np.linalg.eigh(z.T @ z)
    values, vectors = values[::-1][:components], vectors.T[::-1][:components]
    share = np.zeros(components)
    axes = np.zeros((components, z.shape[1]))
    # Rounding leaves eigenvalues up to this size in a covariance of lower rank.
    real = values > max(z.shape) * np.finfo(np.float64).eps * total
    signs = np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1))
    axes[: len(values)][real] = (vectors * signs)[real]
    share[: len(values)][real] = np.minimum(values[real] / total, 1)
    return axes, share


def start_from_pca(x: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray | None:
    """PCA scaled to unit deviation on its first axis with a little noise, or None for identical codes.

    Kobak & Linderman, "Initialization is critical for preserving global data structure in both t-SNE and UMAP", Nature
    Biotechnology 2021. The noise separates equal codes, and fills axes along which nothing varies.
    """
    z = centred(x)
    axes, variance = principal_axes(z, components)
    if not variance[0]:
        return None
    start = z @ axes.T
    return start / start[:, 0].std() + rng.normal(scale=0.01, size=start.shape)


def shared_graph(x: np.ndarray, k: int, watch: Watch, graph: KNNGraph | None) -> KNNGraph:
    """The given graph if it has at least k neighbours, else a new one."""
    if graph is not None and graph.k >= k:
        return graph
    return neighbours(x, k, lambda done: watch(GRAPH_SHARE * done))


class KnownRows:
    """Codes or points (n, K) among which the nearest of new ones are searched."""

    def __init__(self, rows: np.ndarray) -> None:
        from sklearn.neighbors import NearestNeighbors

        # Less the first row and at unit size: float32 distances lose their digits far from the origin and vanish near
        # it.
        self._origin = rows[0].astype(np.float64)
        self._rows = rows - self._origin
        self._size = np.abs(self._rows).max() or 1.0
        self._search = NearestNeighbors(algorithm="brute").fit(self._single(self._rows))
        self.spread = float(np.linalg.norm(self._rows - self._rows.mean(axis=0), axis=1).mean()) or 1.0
        """The mean distance to the mean, or 1 where all rows are equal."""

    def nearest(self, new: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest rows (m, k) of each new one (m, K), and their distances (m, k) in float64; at most all n."""
        new = new - self._origin
        near = self._search.kneighbors(self._single(new), min(k, len(self._rows)), return_distance=False)
        return near, np.linalg.norm(new[:, None] - self._rows[near], axis=2)

    def _single(self, rows: np.ndarray) -> np.ndarray:
        single: np.ndarray = (rows / self._size).astype(np.float32)
        return single


def enough(x: np.ndarray, title: str) -> None:
    """Refuse fewer codes than a neighbourhood needs."""
    if len(x) < SMALLEST_MAP:
        raise ConfigError(f"{title} needs at least {SMALLEST_MAP} codes, got {len(x)}")


def lowered(name: str, wanted: float, most: float, n: int) -> tuple[float, tuple[str, ...]]:
    """A parameter limited to what n codes allow, and a notice if that lowers it."""
    if wanted <= most:
        return wanted, ()
    return most, (f"{name} lowered from {wanted:g} to {most:g}: there are only {n} codes",)
