"""Draw a map of codes, place new codes on it, and lift codes from its points."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError, unknown
from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection.layouts import KnownRows, Progress, Watch, checked
from aeexplorer.projection.linear import on_strip
from aeexplorer.projection.methods import METHODS
from aeexplorer.projection.tsne import LARGEST_SOLID, Placement

PLACEMENT_NEIGHBOURS = 5  # codes between which a new code is placed on a t-SNE or UMAP map
PLACEMENT_POWER = 8  # of the inverse distance: less drops codes into the gaps between clusters, more makes them jump


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of n codes, and how it was computed.

    Attributes:
        points: (n, c) float32.
        codes: (n, K) float32, or float64 where float32 would change them.
        method: a name in `METHODS`.
        parameters: the values that were used.
        notices: sentences about parameters that had to be changed.
        explained_variance: of PCA and axis, the share of the variance on each axis.
        seconds: wall time, the graph included.
        axes: (c, K) of PCA and axis, else None.
        graph: the neighbours of the codes, where the method computed them: pass it to the next `project` or `quality`.
    """

    points: np.ndarray
    codes: np.ndarray = field(repr=False)
    method: str
    parameters: dict[str, Any]
    notices: tuple[str, ...] = ()
    explained_variance: tuple[float, ...] | None = None
    seconds: float = 0.0
    axes: np.ndarray | None = field(default=None, repr=False)
    graph: KNNGraph | None = field(default=None, repr=False)

    @property
    def approximate(self) -> bool:
        """Whether `transform` and `lift` are approximations."""
        return METHODS[self.method].approximate

    @cached_property
    def _descent(self) -> Placement | None:
        """The gradient descent of t-SNE for new codes, unless the map is too large for it."""
        solid_and_large = self.points.shape[1] == 3 and len(self.points) > LARGEST_SOLID
        if self.method != "tsne" or solid_and_large or not self.points.any():
            return None
        return Placement(self._known_codes, self.points)

    def transform(self, codes: ArrayLike) -> np.ndarray:
        """Place new codes on the map.

        PCA, axis and raw do so exactly. t-SNE and UMAP have no function from codes to points: a new code goes to the
        mean of the points of its 5 nearest codes, weighted by the inverse 8th power of the distance (Shepard, "A
        two-dimensional interpolation function for irregularly-spaced data", 1968). From there t-SNE moves it by
        gradient descent as openTSNE does; a known code stays on its own point. The place of a code far from all others
        means nothing.

        Args:
            codes: (m, K).

        Returns:
            (m, c) float32.

        Raises:
            ConfigError: for codes of another dimension, or that are not finite.
        """
        new = self._fitting("codes", codes, self.codes.shape[1])
        if self.axes is not None:
            return ((new - self._mean) @ self.axes.T).astype(np.float32)
        if not self.approximate:
            return on_strip(new, np.zeros(len(new)))
        placed, distance = _between_neighbours(new, self._known_codes, self.points)
        moving = distance > 1e-6 * self._known_codes.spread
        if moving.any() and self._descent is not None:
            placed[moving] = self._descent.place(new[moving], placed[moving])
        return placed

    def lift(self, points: ArrayLike) -> np.ndarray:
        """Codes of points on the map.

        For PCA, axis and raw the inverse of `transform` on the map's own plane. For t-SNE and UMAP the mean of the
        codes of the 5 nearest points, weighted as in `transform`: an approximation that stays among known codes.

        Args:
            points: (m, c).

        Returns:
            (m, K) of the type of `codes`; of a PCA map the point of its plane through the mean code.

        Raises:
            ConfigError: for points of another dimension, or that are not finite.
        """
        where = self._fitting("points", points, self.points.shape[1])
        if self.axes is not None:
            return (self._mean + where @ self.axes).astype(self.codes.dtype)
        if not self.approximate:
            return where[:, : self.codes.shape[1]].astype(self.codes.dtype)
        return _between_neighbours(where, self._known_points, self.codes)[0]

    @cached_property
    def _mean(self) -> np.ndarray:
        return self.codes.mean(axis=0, dtype=np.float64)

    @cached_property
    def _known_codes(self) -> KnownRows:
        return KnownRows(self.codes)

    @cached_property
    def _known_points(self) -> KnownRows:
        return KnownRows(self.points)

    def _fitting(self, name: str, values: ArrayLike, width: int) -> np.ndarray:
        given = checked(values, name)
        if given.shape[1] != width:
            raise ConfigError(f"{name} must have {width} dimensions as the map has, got {given.shape[1]}")
        return given


def _between_neighbours(new: np.ndarray, known: KnownRows, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (m, c) between those of the nearest known rows, and the distances (m,) to the nearest."""
    near, distance = known.nearest(new, PLACEMENT_NEIGHBOURS)
    # Relative to the nearest, and with a floor for those that are the same in float32: no overflow at any scale.
    floored = np.maximum(distance, np.finfo(np.float32).eps * known.spread)
    weight = (floored.min(axis=1, keepdims=True) / floored) ** PLACEMENT_POWER
    weight /= weight.sum(axis=1, keepdims=True)
    between = np.einsum("mk,mkc->mc", weight, values[near].astype(np.float64))
    return between.astype(values.dtype), distance.min(axis=1)


def project(
    codes: ArrayLike,
    method: str = "pca",
    components: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
    graph: KNNGraph | None = None,
    **parameters: Any,
) -> Projection:
    """Draw a map of codes.

    Args:
        codes: (n, K), finite.
        method: a name in `METHODS`.
        components: 2 or 3; "raw" takes as many as the codes have.
        seed: of the layout.
        progress: see `Progress`.
        graph: neighbours of these codes from an earlier map; a graph with too few neighbours is replaced.
        **parameters: fields of the method's config.

    Raises:
        ConfigError: for an unknown method or parameter, a value out of bounds, codes that are not finite, or too few
            of them. A perplexity or a neighbourhood too large for n is lowered, with a notice.
        Cancelled: when `progress` returns False.
    """
    if method not in METHODS:
        raise ConfigError(unknown("method", method, METHODS))
    chosen = METHODS[method]
    knobs = {"seed": seed, **parameters}
    if "components" in chosen.config.model_fields:
        knobs["components"] = components
    config = chosen.config(**knobs)
    x = checked(codes)
    if graph is not None and len(graph.indices) != len(x):
        raise ConfigError(f"graph must be of the {len(x)} codes, got one of {len(graph.indices)}")
    started = time.perf_counter()
    watch = Watch(progress)
    watch(0.0)
    layout = chosen.layout(x, config, watch, graph)
    points = np.ascontiguousarray(layout.points, dtype=np.float32)
    watch(1.0, points)
    single = x.astype(np.float32)
    return Projection(
        points=points,
        codes=single if np.array_equal(single, x) else x,
        method=method,
        parameters=config.model_dump() | layout.used,
        notices=layout.notices,
        explained_variance=layout.explained_variance,
        seconds=time.perf_counter() - started,
        axes=layout.axes,
        graph=layout.graph,
    )
