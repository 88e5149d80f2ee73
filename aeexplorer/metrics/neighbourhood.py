"""Exact nearest neighbours, and how much of a neighbourhood a map keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

LARGEST = 1e15  # absolute value whose squared distances still fit float32
RANKED_SAMPLES = 5_000  # whose neighbourhoods are ranked; the neighbourhoods of more are averaged over a choice

_BLOCK_PAIRS = 40_000_000  # distances per step of a neighbour search, so that one takes a fraction of a second
_MARGIN = 8  # candidates beyond k, to settle the order of near-ties in float64


class KNNGraph(NamedTuple):
    """The k nearest other samples of each sample, nearest first.

    `indices` (n, k) int32 and Euclidean `distances` (n, k) float32.
    """

    indices: np.ndarray
    distances: np.ndarray

    @property
    def k(self) -> int:
        return self.indices.shape[1]

    def nearest(self, k: int) -> KNNGraph:
        """The same graph with the first k neighbours only."""
        return KNNGraph(self.indices[:, :k], self.distances[:, :k])


def neighbours(x: ArrayLike, k: int, progress: Callable[[float], object] | None = None) -> KNNGraph:
    """The exact k nearest neighbours of every sample among the others.

    The candidates come from scikit-learn's search (brute force, or a k-d tree in up to 3 dimensions), their distances
    are taken again in float64 and sorted by (distance, index): equal distances are in order of index, on one thread or
    many.

    Args:
        x: (n, ...), flattened to (n, features).
        k: 1 to n - 1.
        progress: called with the fraction done; what it raises ends the search.

    Returns:
        A graph with rows that never hold the sample itself.

    Raises:
        ConfigError: for k out of bounds, or values that are not finite.
    """
    from sklearn.neighbors import NearestNeighbors

    samples = finite_samples("x", x)
    n = len(samples)
    if not 1 <= k <= n - 1:
        raise ConfigError(f"k must be between 1 and {n - 1}, the number of other samples, got {k}")
    # Centred first: |a|² - 2ab + |b|² loses the digits of a distance far from the origin.
    centred = np.ascontiguousarray(samples - samples.mean(axis=0))
    single = centred.astype(np.float32)
    # Both searches are exact; a tree wins on maps, brute force on codes.
    algorithm = "kd_tree" if single.shape[1] <= 3 else "brute"
    search = NearestNeighbors(n_neighbors=min(n, k + 1 + _MARGIN), algorithm=algorithm).fit(single)
    graph = KNNGraph(np.empty((n, k), dtype=np.int32), np.empty((n, k), dtype=np.float32))
    block = max(256, min(2048, _BLOCK_PAIRS // n))
    for start in range(0, n, block):
        rows = np.arange(start, min(start + block, n))
        candidates = search.kneighbors(single[rows], return_distance=False)
        indices, squared = _in_order(centred, rows, candidates)
        if candidates.shape[1] < n:
            # As many equals as there are candidates: the search took any of them, the order asks for the first.
            tied = squared[:, k - 1] >= squared[:, -2] * (1 - 1e-6)
            for row in np.flatnonzero(tied):
                everyone = _in_order(centred, rows[row : row + 1], np.arange(n)[None])
                indices[row], squared[row] = (part[0, : indices.shape[1]] for part in everyone)
        graph.indices[rows], graph.distances[rows] = indices[:, :k], np.sqrt(squared[:, :k])
        if progress is not None:
            progress((rows[-1] + 1) / n)
    return graph


def _in_order(x: np.ndarray, rows: np.ndarray, candidates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort each row's candidates by (squared distance, index), the row itself last."""
    squared = np.zeros(candidates.shape)
    for feature in x.T:  # one feature at a time keeps memory at (rows, candidates) for wide samples
        squared += np.square(feature[candidates] - feature[rows, None])
    squared[candidates == rows[:, None]] = np.inf
    order = np.lexsort((candidates, squared))
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(squared, order, axis=1)


def kept_neighbours(codes: KNNGraph, points: KNNGraph) -> np.ndarray:
    """The share (n,) float32 of each row's neighbours that two graphs of the same shape have in common.

    Raises:
        ConfigError: for graphs of different shapes.
    """
    if codes.indices.shape != points.indices.shape:
        raise ConfigError(f"graphs must have one shape, got {codes.indices.shape} and {points.indices.shape}")
    both = np.sort(np.concatenate([codes.indices, points.indices], axis=1), axis=1)
    shared: np.ndarray = (both[:, 1:] == both[:, :-1]).sum(axis=1)
    return (shared / codes.k).astype(np.float32)


def label_accuracy(points: ArrayLike, labels: ArrayLike, k: int = 15) -> float:
    """Leave-one-out accuracy of a majority vote of the k nearest neighbours; a tie goes to the smaller label.

    Args:
        points: (n, c), a map or codes.
        labels: (n,) integers; rows labelled -1 neither count nor vote.
        k: neighbours that vote.

    Returns:
        In [0, 1].

    Raises:
        ConfigError: for mismatched shapes, fewer than two labelled samples, or k out of bounds.
    """
    where, label = finite_samples("points", points), np.asarray(labels)
    if label.shape != where.shape[:1]:
        raise ConfigError(f"labels must be one per sample: {len(where)}, got shape {label.shape}")
    known = label >= 0
    if known.sum() < 2:
        raise ConfigError(f"at least 2 samples must be labelled, got {int(known.sum())}")
    return vote_accuracy(label[known], neighbours(where[known], k).indices)


def vote_accuracy(labels: np.ndarray, indices: np.ndarray) -> float:
    """`label_accuracy` of samples that are all labelled (n,), from the neighbours (n, k) of each."""
    classes, truth = np.unique(labels, return_inverse=True)
    ballots = truth[indices] + len(classes) * np.arange(len(indices))[:, None]
    # Only the labels that were voted for are counted: a full (n, classes) table is large with thousands of classes.
    ballot, count = np.unique(ballots, return_counts=True)
    voter, label = np.divmod(ballot, len(classes))
    order = np.lexsort((label, -count, voter))
    winners = label[order][np.unique(voter[order], return_index=True)[1]]
    return float(np.mean(winners == truth))


@dataclass(frozen=True, eq=False)
class NearestSamples:
    """The nearest others of one sample by its code and by its pixels: rows (k,) int32, nearest first."""

    by_code: np.ndarray
    by_pixels: np.ndarray

    @property
    def shared(self) -> np.ndarray:
        """Rows that are nearest by both, in ascending order."""
        shared: np.ndarray = np.intersect1d(self.by_code, self.by_pixels)
        return shared


def nearest_samples(codes: ArrayLike, samples: ArrayLike, row: int, k: int = 8) -> NearestSamples:
    """The k nearest others of one sample, by Euclidean distance of the codes and of the samples themselves.

    Args:
        codes: (n, K).
        samples: (n, *shape), the same samples; bytes count as numbers.
        row: of the sample.
        k: at least 1; lowered to n - 1 where there are fewer others.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or a row or k out of bounds.
    """
    z, x = np.asarray(codes, dtype=np.float64), np.asarray(samples)
    n = len(z)
    if z.ndim != 2 or len(x) != n:
        raise ConfigError(f"codes and samples must be of the same samples, got shapes {z.shape} and {x.shape}")
    if not 0 <= row < n:
        raise ConfigError(f"row must be between 0 and {n - 1}, got {row}")
    if n < 2 or k < 1:
        raise ConfigError(f"k must be at least 1 of at least 2 samples, got {k} of {n}")
    return NearestSamples(_nearest(z, row, k), _nearest(x.reshape(n, -1), row, k))


def _nearest(values: np.ndarray, row: int, k: int) -> np.ndarray:
    squared = np.zeros(len(values))
    for start in range(0, len(values), 4096):  # a block at a time: pictures as floats are large
        block = values[start : start + 4096].astype(np.float64) - values[row]
        squared[start : start + 4096] = np.square(block).sum(axis=1)
    if not np.isfinite(squared).all():
        raise ConfigError("codes and samples must be finite, got NaN or infinity")
    squared[row] = np.inf
    return np.argsort(squared, kind="stable")[: min(k, len(squared) - 1)].astype(np.int32)


def rank_agreement(
    codes: ArrayLike,
    points: ArrayLike,
    codes_graph: KNNGraph,
    points_graph: KNNGraph,
    progress: Callable[[float], object] = lambda done: None,
) -> tuple[float, float]:
    """Trustworthiness and continuity: 1 if the map invents no neighbour, and 1 if it tears none apart.

    Venna & Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001, equations 1 and 2. Ranks are
    exact, among all samples. Of more than `RANKED_SAMPLES` the neighbourhoods of a random choice are averaged, which
    estimates the same numbers.

    Args:
        codes: (n, K).
        points: (n, c), the map.
        codes_graph, points_graph: the k nearest neighbours of both, k less than n / 2.
        progress: called with the fraction done; what it raises ends the search.

    Returns:
        Both in [0, 1].

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or k out of bounds.
    """
    z, shown, k = finite_samples("codes", codes), finite_samples("points", points), codes_graph.k
    if len(shown) != len(z):
        raise ConfigError(f"codes and points must be of the same samples, got {len(z)} and {len(shown)}")
    if not 1 <= k < len(z) / 2:
        raise ConfigError(f"k must be at least 1 and less than half of the {len(z)} samples, got {k}")
    rows = np.arange(len(z))
    if len(z) > RANKED_SAMPLES:
        rows = np.sort(np.random.default_rng(0).choice(len(z), RANKED_SAMPLES, replace=False))
    trust = _agreement(z, points_graph, rows, lambda done: progress(done / 2))
    return trust, _agreement(shown, codes_graph, rows, lambda done: progress((1 + done) / 2))


def _agreement(truth: np.ndarray, near: KNNGraph, rows: np.ndarray, progress: Callable[[float], object]) -> float:
    """One less the mean excess over k of the neighbours' ranks in truth (n, K), scaled so that the worst is 0."""
    from scipy.spatial.distance import cdist

    n, k = near.indices.shape
    excess, block = 0, max(1, _BLOCK_PAIRS // (8 * n))
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        distances = cdist(truth[part], truth, "sqeuclidean")
        distances[np.arange(len(part)), part] = np.inf
        for distance, order, neighbour in zip(distances, np.sort(distances, axis=1), near.indices[part], strict=True):
            own = distance[neighbour]
            rank = 1 + np.searchsorted(order, own)
            for i in np.flatnonzero(np.searchsorted(order, own, side="right") > rank):
                # equal distances rank in order of index
                rank[i] += np.count_nonzero(distance[: neighbour[i]] == own[i])
            excess += int(np.maximum(rank - k, 0).sum())
        progress((start + len(part)) / len(rows))
    return 1 - 2 * excess / (len(rows) * k * (2 * n - 3 * k - 1))


def finite_samples(name: str, values: ArrayLike) -> np.ndarray:
    """Values (n, ...) as float64 (n, features).

    Raises:
        ConfigError: for no samples, values that are not finite, or values whose squares overflow float32.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim < 2 or x.size == 0:
        raise ConfigError(f"{name} must be (n, features) with at least one sample, got shape {x.shape}")
    x = x.reshape(len(x), -1)
    broken = ~np.isfinite(x).all(axis=1)
    if broken.any():
        raise ConfigError(f"{name} must be finite, got NaN or infinity in {int(broken.sum())} of {len(x)} rows")
    if (largest := np.abs(x).max()) > LARGEST:
        raise ConfigError(f"{name} must lie between -{LARGEST:g} and {LARGEST:g}, got an absolute value of {largest:g}")
    return x
