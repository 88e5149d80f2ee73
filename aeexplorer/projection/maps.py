"""Draw a map of codes, place new codes on it, and say how much of the neighbourhood it kept."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError, unknown
from aeexplorer.metrics.neighbourhood import (
    KNNGraph,
    continuity,
    knn_recall,
    label_accuracy,
    neighbours,
    trustworthiness,
)
from aeexplorer.projection.methods import METHODS, SMALLEST_MAP, Progress, Watch, checked, on_strip

PLACING_NEIGHBOURS = 5  # codes between which a new code is placed on a t-SNE or UMAP map
PLACING_POWER = 8  # of the inverse distance: less drops codes into the gaps between clusters, more makes them jump


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of n codes and how it came about.

    Attributes:
        points: (n, c) float32.
        codes: (n, K) float32, what was projected.
        method: a name in `METHODS`.
        parameters: what was used, after any lowering.
        notices: sentences about what differs from what was asked.
        explained_variance: for PCA the share of the variance on each axis.
        seconds: wall time, the graph included.
        graph: the neighbours of the codes, where the method needed them: hand it to the next `project` or `quality`.
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
        """Whether `transform` is an approximation."""
        return METHODS[self.method].approximate

    def transform(self, codes: ArrayLike) -> np.ndarray:
        """Place new codes on the map.

        PCA and raw do so exactly. t-SNE and UMAP have no function from codes to points: a new code goes to the mean of
        the points of its 5 nearest codes, weighted by the inverse 8th power of the distance (Shepard, "A
        two-dimensional interpolation function for irregularly-spaced data", 1968). A known code lands on its own
        point, a code far from all others among strangers.

        Args:
            codes: (m, K).

        Returns:
            (m, c) float32.

        Raises:
            ConfigError: for codes of another dimension, or that are not finite.
        """
        new = checked(codes)
        if new.shape[1] != self.codes.shape[1]:
            raise ConfigError(f"codes must have {self.codes.shape[1]} dimensions as the map has, got {new.shape[1]}")
        if self.axes is not None:
            return ((new - self.codes.mean(axis=0, dtype=np.float64)) @ self.axes.T).astype(np.float32)
        if not self.approximate:
            return on_strip(new, np.zeros(len(new)))
        from sklearn.neighbors import NearestNeighbors

        k = min(PLACING_NEIGHBOURS, len(self.codes))
        search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self.codes)
        near = search.kneighbors(new.astype(np.float32), return_distance=False)
        distance = np.linalg.norm(new[:, None] - self.codes[near], axis=2)
        # Relative to the nearest, and with a floor for codes that are the same in float32: no overflow at any scale.
        floor = np.finfo(np.float32).eps * (np.linalg.norm(self.codes, axis=1).mean() or 1.0)
        distance = np.maximum(distance, floor)
        weight = (distance.min(axis=1, keepdims=True) / distance) ** PLACING_POWER
        weight /= weight.sum(axis=1, keepdims=True)
        return np.einsum("mk,mkc->mc", weight, self.points[near]).astype(np.float32)

    def lift(self, points: ArrayLike) -> np.ndarray:
        """Codes of points on the map: the inverse of `transform` on the map's own plane, for PCA and raw.

        Args:
            points: (m, c).

        Returns:
            (m, K) float32; of a PCA map the point of its plane through the mean code.

        Raises:
            ConfigError: for a map without an inverse, or points of another dimension.
        """
        if self.approximate:
            raise ConfigError(f"lift needs a map by PCA or of raw codes, got {self.method}")
        where = checked(points)
        if where.shape[1] != self.points.shape[1]:
            raise ConfigError(
                f"points must have {self.points.shape[1]} dimensions as the map has, got {where.shape[1]}"
            )
        if self.axes is not None:
            return (self.codes.mean(axis=0, dtype=np.float64) + where @ self.axes).astype(np.float32)
        return where[:, : self.codes.shape[1]].astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything but the graph as plain arrays, for `np.savez`; no pickle is involved."""
        said = {
            "method": self.method,
            "parameters": self.parameters,
            "notices": self.notices,
            "explained_variance": self.explained_variance,
            "seconds": self.seconds,
        }
        arrays = {"points": self.points, "codes": self.codes, "said": np.array(json.dumps(said))}
        return arrays if self.axes is None else arrays | {"axes": self.axes}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Projection:
        """The inverse of `arrays`, e.g. from `np.load(path, allow_pickle=False)`."""
        said = json.loads(str(arrays["said"]))
        variance = said.pop("explained_variance")
        return cls(
            points=arrays["points"],
            codes=arrays["codes"],
            axes=arrays.get("axes"),
            notices=tuple(said.pop("notices")),
            explained_variance=None if variance is None else tuple(variance),
            **said,
        )


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
        graph: neighbours of these codes from an earlier map; one with too few neighbours is computed anew.
        **parameters: fields of the method's config.

    Raises:
        ConfigError: for an unknown method or parameter, a value out of bounds, codes that are not finite, or too few
            of them. A perplexity or a neighbourhood too large for n is lowered, with a notice.
        Cancelled: when `progress` returns False.
    """
    if method not in METHODS:
        raise ConfigError(unknown("method", method, METHODS))
    chosen = METHODS[method]
    asked = {"seed": seed, **parameters}
    if "components" in chosen.config.model_fields:
        asked["components"] = components
    config = chosen.config(**asked)
    x = checked(codes)
    if graph is not None and len(graph.indices) != len(x):
        raise ConfigError(f"graph must be of the {len(x)} codes, got one of {len(graph.indices)}")
    started = time.perf_counter()
    watch = Watch(progress)
    watch(0.0)
    layout = chosen.layout(x, config, watch, graph)
    points = np.ascontiguousarray(layout.points, dtype=np.float32)
    watch(1.0, points)
    return Projection(
        points=points,
        codes=x.astype(np.float32),
        method=method,
        parameters=config.model_dump() | layout.used,
        notices=layout.notices,
        explained_variance=layout.explained_variance,
        seconds=time.perf_counter() - started,
        axes=layout.axes,
        graph=layout.graph,
    )


def quality(
    codes: ArrayLike,
    points: ArrayLike,
    labels: ArrayLike | None = None,
    k: int = 15,
    graph: KNNGraph | None = None,
) -> dict[str, float]:
    """How much of the true neighbourhood a map kept.

    Args:
        codes: (n, K).
        points: (n, c).
        labels: (n,) integers, -1 where unknown.
        k: size of a neighbourhood; lowered to less than half of the samples where there are few.
        graph: neighbours of the codes, if they are at hand.

    Returns:
        knn_recall (all points), trustworthiness and continuity (exact, on at most 2,000 samples), with labels also
        label_accuracy (leave one out); all in [0, 1]. `k` is the size that was used.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or fewer than 4 codes.
    """
    x, shown = checked(codes), np.asarray(points)
    if len(x) != len(shown):
        raise ConfigError(f"codes and points must be of the same samples, got {len(x)} and {len(shown)}")
    if len(x) < SMALLEST_MAP:
        raise ConfigError(f"the quality of a map needs at least {SMALLEST_MAP} codes, got {len(x)}")
    k = min(k, (len(x) - 1) // 2)
    truth = graph.nearest(k) if graph is not None and graph.k >= k else neighbours(x, k)
    found = {
        "k": k,
        "knn_recall": knn_recall(truth, neighbours(shown, k)),
        "trustworthiness": trustworthiness(x, shown, k),
        "continuity": continuity(x, shown, k),
    }
    if labels is not None and (known := int((np.asarray(labels) >= 0).sum())) > 1:
        found["label_accuracy"] = label_accuracy(shown, labels, min(k, known - 1))
    return found
