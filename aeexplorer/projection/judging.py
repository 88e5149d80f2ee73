"""Measure how much of the true neighbourhood a map kept, in four numbers and point by point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.neighbourhood import (
    RANKED_SAMPLES,
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
        knn_recall, trustworthiness and continuity, with labels also label_accuracy (leave one out); all in [0, 1]. `k`
        is the size of a neighbourhood, and `ranked` the number of samples over whose neighbourhoods trustworthiness and
        continuity are averaged, with ranks among all samples.

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
    truth = graph.nearest(k) if graph is not None and given else neighbours(x, k, lambda f: report(0.3 * f))
    near = neighbours(shown, k, lambda f: report(0.3 + 0.3 * f))
    kept = kept_neighbours(truth, near)
    figures: dict[str, float] = {"k": k, "knn_recall": float(kept.mean(dtype=np.float64))}
    if labels is not None:
        known = np.asarray(labels) >= 0
        if known.all():
            figures["label_accuracy"] = vote_accuracy(np.asarray(labels), near.indices)
        elif known.sum() > 1:
            figures["label_accuracy"] = label_accuracy(shown, labels, min(k, int(known.sum()) - 1))
    figures["trustworthiness"], figures["continuity"] = rank_agreement(
        x, shown, truth, near, lambda f: report(0.6 + 0.4 * f)
    )
    figures["ranked"] = min(len(x), RANKED_SAMPLES)
    return figures, kept
