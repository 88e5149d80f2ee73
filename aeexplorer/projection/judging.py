"""Measure how much of the true neighbourhood a map kept, in four numbers and point by point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.neighbourhood import (
    KNNGraph,
    kept_neighbours,
    label_accuracy,
    neighbours,
    rank_agreement,
    vote_accuracy,
)
from aeexplorer.projection.layouts import SMALLEST_MAP, checked


def quality(
    codes: ArrayLike,
    points: ArrayLike,
    labels: ArrayLike | None = None,
    k: int = 15,
    graph: KNNGraph | None = None,
) -> dict[str, float]:
    """Measure how much of the true neighbourhood a map kept.

    Args:
        codes: (n, K).
        points: (n, c).
        labels: (n,) integers, -1 where unknown.
        k: size of a neighbourhood; lowered to less than half of the samples where there are few.
        graph: neighbours of the codes, if they are known.

    Returns:
        knn_recall (all points), trustworthiness and continuity (exact, on at most 2,000 samples), with labels also
        label_accuracy (leave one out); all in [0, 1]. `k` is the size that was used.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or fewer than 4 codes.
    """
    return judge(codes, points, labels, k, graph)[0]


def judge(
    codes: ArrayLike,
    points: ArrayLike,
    labels: ArrayLike | None = None,
    k: int = 15,
    graph: KNNGraph | None = None,
    progress: Callable[[float], object] | None = None,
) -> tuple[dict[str, float], np.ndarray]:
    """Measure the figures of `quality`, and the share (n,) float32 of each code's neighbours that the map kept.

    `progress` is called with the fraction done; what it raises ends the search.
    """
    x, shown = checked(codes), checked(points, "points")
    if len(x) != len(shown):
        raise ConfigError(f"codes and points must be of the same samples, got {len(x)} and {len(shown)}")
    if len(x) < SMALLEST_MAP:
        raise ConfigError(f"the quality of a map needs at least {SMALLEST_MAP} codes, got {len(x)}")
    report = progress or (lambda done: None)
    k = min(k, (len(x) - 1) // 2)
    given = graph is not None and graph.k >= k
    truth = graph.nearest(k) if graph is not None and given else neighbours(x, k, lambda f: report(0.4 * f))
    near = neighbours(shown, k, lambda f: report(0.4 + 0.4 * f))
    kept = kept_neighbours(truth, near)
    figures: dict[str, float] = {"k": k, "knn_recall": float(kept.mean(dtype=np.float64))}
    if labels is not None:
        known = np.asarray(labels) >= 0
        if known.all():
            figures["label_accuracy"] = vote_accuracy(np.asarray(labels), near.indices)
        elif known.sum() > 1:
            figures["label_accuracy"] = label_accuracy(shown, labels, min(k, int(known.sum()) - 1))
    report(0.8)
    figures["trustworthiness"], figures["continuity"] = rank_agreement(x, shown, k, progress=lambda: report(0.9))
    return figures, kept
