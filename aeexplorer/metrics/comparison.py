"""Comparison of models on the same samples: PCA of the same code size, and differences of paired errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.linear import FITTED_SAMPLES, pca_axes

DRAWS = 1_000
"""Bootstrap samples of an interval."""


class PCACode(NamedTuple):
    """PCA as an encoder and a decoder, the best linear ones for squared error (Baldi & Hornik 1989).

    Attributes:
        mean: (features,) of the samples. axes: (features, k) with orthonormal columns.
    """

    mean: np.ndarray
    axes: np.ndarray

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Codes (n, k) float32 of samples (n, *shape); bytes are read as 0..1."""
        return ((_flat(x) - self.mean) @ self.axes).astype(np.float32)

    def decode(self, z: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Samples (n, *shape) float32 of codes (n, k)."""
        return (self.mean + z @ self.axes.T).astype(np.float32).reshape(-1, *shape)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """Encode and decode samples (n, *shape)."""
        return self.decode(self.encode(x), x.shape[1:])

    def errors(self, x: np.ndarray) -> np.ndarray:
        """Mean squared error per feature of each sample, (n,) float32."""
        difference = self.reconstruct(x).reshape(len(x), -1) - _flat(x)
        return np.square(difference).mean(1).astype(np.float32)


def pca_code(train: np.ndarray, dimensions: int) -> PCACode:
    """PCA of the first 10,000 training samples (n, *shape), with as many dimensions.

    Raises:
        ConfigError: for values that are not finite, or more dimensions than features.
    """
    fitted = train[:FITTED_SAMPLES]
    return PCACode(_flat(fitted).mean(0), pca_axes(fitted, dimensions))


class Paired(NamedTuple):
    """Errors of one model against those of another on the same samples.

    Attributes:
        better: share of the samples whose error is smaller.
        difference: mean difference, negative where it is better; low, high: its 95 % interval.
    """

    better: float
    difference: float
    low: float
    high: float


def paired(errors: ArrayLike, baseline: ArrayLike, seed: int = 0) -> Paired:
    """Compare errors (n,) with those of a baseline on the same samples; the interval is the percentile bootstrap over
    samples (Efron & Tibshirani 1993, chapter 13).

    Raises:
        ConfigError: for errors that are not of the same samples.
    """
    ours, theirs = np.asarray(errors, np.float64), np.asarray(baseline, np.float64)
    if ours.shape != theirs.shape or ours.ndim != 1 or not len(ours):
        raise ConfigError(f"errors must be one per sample of both models, got {ours.shape} and {theirs.shape}")
    difference = ours - theirs
    random, n = np.random.default_rng(seed), len(difference)
    means = np.array([difference[random.integers(0, n, n)].mean() for _ in range(DRAWS)])
    low, high = np.quantile(means, [0.025, 0.975])
    return Paired(float((difference < 0).mean()), float(difference.mean()), float(low), float(high))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1) / (255.0 if x.dtype == np.uint8 else 1.0)
