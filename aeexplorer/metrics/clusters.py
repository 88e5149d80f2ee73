"""Cluster codes by k-means or HDBSCAN, and measure the agreement with the classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.neighbourhood import finite_samples

MOST_CLUSTERS = 200


@dataclass(frozen=True, eq=False)
class Clusters:
    """A partition of n codes.

    Attributes:
        labels: (n,) int64, the cluster of each code, -1 for the noise of HDBSCAN. Cluster 0 is the largest.
        centres: (k, K) float32, the mean code of each cluster.
        sizes: (k,) int64.
        ari, nmi: agreement with the classes over the codes that have one, noise counted as a group; None without
            classes.
        notices: sentences about parameters that had to be changed.
    """

    labels: np.ndarray
    centres: np.ndarray = field(repr=False)
    sizes: np.ndarray
    ari: float | None = None
    nmi: float | None = None
    notices: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.centres)


def clusters(
    codes: ArrayLike,
    method: Literal["kmeans", "hdbscan"] = "kmeans",
    *,
    k: int = 10,
    min_cluster_size: int = 15,
    classes: ArrayLike | None = None,
    seed: int = 0,
) -> Clusters:
    """Cluster codes.

    k-means: Lloyd 1982 with k-means++ starts (Arthur & Vassilvitskii 2007), 4 starts, the best kept. HDBSCAN: Campello,
    Moulavi & Sander 2013. ARI: Hubert & Arabie 1985, adjusted for chance. NMI: normalised by the mean of the entropies.
    All as scikit-learn computes them.

    Args:
        codes: (n, K); a map's points work as well.
        method: "kmeans" or "hdbscan".
        k: clusters of k-means, 2 to 200.
        min_cluster_size: of HDBSCAN, at least 2.
        classes: (n,) integers, -1 where unknown.
        seed: of the k-means starts; HDBSCAN has nothing random.

    Raises:
        ConfigError: for an unknown method, mismatched shapes, values that are not finite or parameters out of bounds.
            A k or a cluster size too large for n is lowered, with a notice.
    """
    z = finite_samples("codes", codes)
    n = len(z)
    if n < 4:
        raise ConfigError(f"clusters need at least 4 codes, got {n}")
    if method == "kmeans":
        if not 2 <= k <= MOST_CLUSTERS:
            raise ConfigError(f"k must be between 2 and {MOST_CLUSTERS}, got {k}")
        different = len(np.unique(z, axis=0))
        partition, notices = _k_means(z, min(k, different), seed), _lowered("k", k, different, "different codes")
    elif method == "hdbscan":
        if min_cluster_size < 2:
            raise ConfigError(f"min_cluster_size must be at least 2, got {min_cluster_size}")
        most = n // 2
        partition = _density(z, min(min_cluster_size, most))
        notices = _lowered("min_cluster_size", min_cluster_size, most, f"usable of {n} codes")
    else:
        raise ConfigError(f"method must be kmeans or hdbscan, got {method!r}")
    labels = _largest_first(partition)
    sizes = np.bincount(labels[labels >= 0])
    if not len(sizes):
        notices += ("no cluster was found: every code counts as noise",)
    centres = np.stack([z[labels == c].mean(axis=0) for c in range(len(sizes))]) if len(sizes) else z[:0]
    ari, nmi = (None, None) if classes is None else _agreement(labels, np.asarray(classes))
    return Clusters(labels, centres.astype(np.float32), sizes, ari, nmi, notices)


def _k_means(z: np.ndarray, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    if k == 1:
        return np.zeros(len(z), dtype=np.int64)
    labels: np.ndarray = KMeans(k, n_init=4, random_state=seed).fit(z).labels_
    return labels


def _density(z: np.ndarray, size: int) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    labels: np.ndarray = HDBSCAN(min_cluster_size=size, copy=True).fit(z).labels_
    return labels


def _largest_first(labels: np.ndarray) -> np.ndarray:
    """Number the clusters by size, then by first member, so that colours do not change with the start."""
    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    real = names >= 0
    order = names[real][np.lexsort((first[real], -sizes[real]))]
    renamed = np.full(len(labels), -1, dtype=np.int64)
    for number, name in enumerate(order):
        renamed[labels == name] = number
    return renamed


def _lowered(name: str, wanted: int, most: int, of: str) -> tuple[str, ...]:
    return (f"{name} lowered from {wanted} to {most}: there are only {most} {of}",) if wanted > most else ()


def _agreement(labels: np.ndarray, classes: np.ndarray) -> tuple[float | None, float | None]:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    if classes.shape != labels.shape:
        raise ConfigError(f"classes must be one per code: {len(labels)}, got shape {classes.shape}")
    known = classes >= 0
    if not known.any():
        return None, None
    pair = classes[known], labels[known]
    return float(adjusted_rand_score(*pair)), float(normalized_mutual_info_score(*pair))


def class_purity(labels: ArrayLike) -> float:
    """The share of the commonest class among the labelled samples of a selection.

    Args:
        labels: (n,) integers, -1 where unknown.

    Returns:
        In (0, 1].

    Raises:
        ConfigError: where no sample is labelled.
    """
    known = np.asarray(labels)
    known = known[known >= 0]
    if not known.size:
        raise ConfigError("class purity needs at least 1 labelled sample, got none")
    return float(np.bincount(known).max() / known.size)
