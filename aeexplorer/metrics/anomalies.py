"""Anomalies: raw scores of oddness, and how well a threshold on a score tells anomalies from normal samples."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

NEIGHBOURS = 5
COMPONENTS = 32
FITTED = 5_000
"""Samples to which a baseline is fitted at most."""
BASELINES = ("pca", "nearest_neighbour", "isolation_forest")


SCORES = {
    "error": "Reconstruction error",
    "smooth_error": "Reconstruction error, smoothed",
    "latent": "Latent distance (nearest codes)",
    "both": "Error and latent distance",
    "mahalanobis": "Latent distance (Mahalanobis)",
    "kl": "KL to the prior",
    "neg_elbo": "−ELBO",
}
"""Titles of the kinds of `Explorer.anomaly_scores`."""


SMOOTHED = 7
"""Steps over which `smoothed_errors` averages."""


def smoothed_errors(difference: ArrayLike) -> np.ndarray:
    """Mean squares (n,) of the differences (n, steps, ...) between samples and reconstructions, each averaged over 7
    neighbouring steps, or all of them where there are fewer: noise averages out, what differs over many steps stays."""
    given = np.asarray(difference, np.float64)
    averaged = np.lib.stride_tricks.sliding_window_view(given, min(SMOOTHED, given.shape[1]), axis=1).mean(-1)
    found: np.ndarray = np.square(averaged).reshape(len(given), -1).mean(1)
    return found


class Counts(NamedTuple):
    """Counts at a threshold: anomalies found and missed, false alarms, and normal samples passed."""

    found: int
    missed: int
    false_alarms: int
    passed: int

    @property
    def precision(self) -> float:
        """Share of anomalies among the alarms; 1 without alarms."""
        alarms = self.found + self.false_alarms
        return self.found / alarms if alarms else 1.0

    @property
    def recall(self) -> float:
        """Share of the anomalies that are found, the true-positive rate."""
        return self.found / (self.found + self.missed)

    @property
    def false_alarm_rate(self) -> float:
        """Share of the normal samples that are alarmed at, the false-positive rate."""
        return self.false_alarms / (self.false_alarms + self.passed)

    def cost(self, weight: float = 1.0) -> float:
        """Cost per 1,000 samples: 1 for a false alarm, `weight` for a missed anomaly."""
        return 1000 * (self.false_alarms + weight * self.missed) / sum(self)


class Detection:
    """Raw scores of samples, the higher the odder, and which of the samples are anomalies.

    A sample is an alarm when its score is at least the threshold.

    Args:
        scores: (n,).
        anomalous: (n,) booleans.

    Raises:
        ConfigError: for mismatched shapes, scores that are not finite, or only one kind of sample.
    """

    def __init__(self, scores: ArrayLike, anomalous: ArrayLike) -> None:
        self.scores, self.anomalous = np.asarray(scores, np.float64), np.asarray(anomalous, bool)
        if self.scores.ndim != 1 or self.scores.shape != self.anomalous.shape:
            shapes = f"{self.scores.shape} and {self.anomalous.shape}"
            raise ConfigError(f"scores and anomalous must be (n,) both, got shapes {shapes}")
        if not np.isfinite(self.scores).all():
            raise ConfigError("scores must be finite, got NaN or infinity")
        self.anomalies = int(self.anomalous.sum())
        self.normals = len(self.scores) - self.anomalies
        if not self.anomalies or not self.normals:
            raise ConfigError(
                f"anomalous must mark some samples and not all, got {self.anomalies} of {len(self.scores)}"
            )

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(-self.scores, kind="stable")

    @cached_property
    def _falling(self) -> np.ndarray:
        return -self.scores[self._order]

    @cached_property
    def _found(self) -> np.ndarray:
        """Anomalies among the first 0, 1, … n samples, the highest scores first."""
        return np.concatenate([[0], np.cumsum(self.anomalous[self._order])])

    @cached_property
    def _ends(self) -> np.ndarray:
        """Numbers of alarms that a threshold can give: samples of one score are alarms together."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self._falling)) + 1, [len(self.scores)]])

    def counts(self, threshold: float) -> Counts:
        """Counts at a threshold."""
        return self._counts(int(np.searchsorted(self._falling, -threshold, side="right")))

    def counts_at(self, share: float) -> Counts:
        """Counts at the threshold that raises alarms for this share of the samples, as near as scores allow."""
        return self._counts(int(self._ends[np.abs(self._ends - share * len(self.scores)).argmin()]))

    def _counts(self, alarms: int) -> Counts:
        found = int(self._found[alarms])
        false = alarms - found
        return Counts(found, self.anomalies - found, false, self.normals - false)

    def roc(self) -> tuple[np.ndarray, np.ndarray]:
        """The ROC curve: false-alarm rate and recall (m,) at every threshold, from the strictest on."""
        found = self._found[self._ends]
        return (self._ends - found) / self.normals, found / self.anomalies

    def precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Recall and precision (m,) at every threshold with an alarm, from the strictest on."""
        alarms = self._ends[1:]
        found = self._found[alarms]
        return found / self.anomalies, found / alarms

    @property
    def auroc(self) -> float:
        """Area under the ROC curve: the chance that an anomaly has the higher score than a normal sample, ties half."""
        false, recall = self.roc()
        return float(np.trapezoid(recall, false))

    @property
    def average_precision(self) -> float:
        """Precision at each threshold, weighted by the recall that it adds."""
        recall, precision = self.precision_recall()
        return float((np.diff(recall, prepend=0) * precision).sum())

    def cheapest(self, weight: float = 1.0) -> tuple[float, float]:
        """The threshold of the least cost, and that cost (see `Counts.cost`)."""
        found = self._found[self._ends]
        costs = self._ends - found + weight * (self.anomalies - found)
        best = int(costs.argmin())
        alarms = int(self._ends[best])
        threshold = -self._falling[alarms - 1] if alarms else np.nextafter(self.scores.max(), np.inf)
        return float(threshold), float(1000 * costs[best] / len(self.scores))


class NormalCodes:
    """Codes (n, K) of normal samples, from which the code of an anomaly is far away."""

    def __init__(self, codes: ArrayLike) -> None:
        from sklearn.covariance import LedoitWolf
        from sklearn.neighbors import NearestNeighbors

        z = np.asarray(codes, np.float64)
        if z.ndim != 2 or len(z) < 2:
            raise ConfigError(f"codes must be at least 2 of shape (n, K), got shape {z.shape}")
        self._gaussian = LedoitWolf().fit(z)
        self._neighbours = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(z)), algorithm="brute").fit(z)

    def mahalanobis(self, z: ArrayLike) -> np.ndarray:
        """Squared Mahalanobis distances (m,) to a Gaussian fitted to the codes (its covariance shrunk as by Ledoit &
        Wolf 2004, https://doi.org/10.1016/S0047-259X(03)00096-4)."""
        found: np.ndarray = self._gaussian.mahalanobis(np.asarray(z, np.float64))
        return found

    def neighbours(self, z: ArrayLike) -> np.ndarray:
        """Mean distances (m,) to the five nearest codes."""
        found: np.ndarray = self._neighbours.kneighbors(np.asarray(z, np.float64))[0].mean(1)
        return found


def standardised(scores: ArrayLike, normal: ArrayLike) -> np.ndarray:
    """The logarithms of positive scores (n,) in standard deviations of those of held-out normal samples (m,), from
    their mean; such scores of different units may be added."""
    tiny = np.finfo(np.float64).tiny
    held = np.log(np.maximum(np.asarray(normal, np.float64), tiny))
    found: np.ndarray = (np.log(np.maximum(np.asarray(scores, np.float64), tiny)) - held.mean()) / max(
        held.std(), 1e-12
    )
    return found


class NormalReference(NamedTuple):
    """The codes that latent distances are measured to, and the errors and distances (m,) of held-out normal samples."""

    codes: NormalCodes
    errors: np.ndarray
    distances: np.ndarray

    def combined(self, errors: ArrayLike, z: ArrayLike) -> np.ndarray:
        """The logarithms of errors (n,) and of the distances of codes z (n, K), each standardised, added."""
        return standardised(errors, self.errors) + standardised(self.codes.neighbours(z), self.distances)


def baseline_scores(train: ArrayLike, x: ArrayLike, seed: int = 0) -> dict[str, np.ndarray]:
    """Raw scores (n,) of samples by methods that need no autoencoder, fitted to normal samples.

    Args:
        train: (m, features), the first 5,000 are used. x: (n, features).

    Returns:
        pca: squared error per feature of up to 32 principal components. nearest_neighbour: distance to the nearest
        normal sample. isolation_forest: how few random cuts isolate a sample (Liu et al. 2008,
        https://doi.org/10.1109/ICDM.2008.17).
    """
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    normal, new = np.asarray(train, np.float32)[:FITTED], np.asarray(x, np.float32)
    few = min(COMPONENTS, (min(normal.shape) + 1) // 2)
    pca = PCA(few, svd_solver="randomized", random_state=seed).fit(normal)
    restored = pca.inverse_transform(pca.transform(new))
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(normal)
    forest = IsolationForest(random_state=seed).fit(normal)
    return {
        "pca": np.square(new - restored).mean(1, dtype=np.float64),
        "nearest_neighbour": nearest.kneighbors(new)[0][:, 0].astype(np.float64),
        "isolation_forest": -forest.score_samples(new),
    }
