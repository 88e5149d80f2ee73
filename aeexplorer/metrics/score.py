"""The score of smoothed data, exactly: what the residual of a denoising autoencoder is held against.

Data x_1 … x_m smoothed by Gaussian noise have the density p_σ(x) = 1/m Σ_i N(x; x_i, σ²I), a mixture with one component
per sample, so its score ∇ log p_σ is known. So is the mean of what a noisy sample may have been,
E[x | x̃] = x̃ + σ² ∇ log p_σ(x̃) (Miyasawa 1961; Robbins 1956, who credits Tweedie): the best denoiser.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

_LEAST = -680.0  # of exponents: what is smaller still would be a denormal number, which takes many times as long
_BLOCK = 64  # rows at once, so that their weights stay in a core's cache


class SmoothedData:
    """The mixture of one Gaussian per sample, for any σ.

    Args:
        points: samples, (m, d).

    Raises:
        ConfigError: for anything but a finite (m, d) with at least one sample.
    """

    def __init__(self, points: ArrayLike) -> None:
        found = np.asarray(points, dtype=np.float64)
        if found.ndim != 2 or not found.size or not np.isfinite(found).all():
            raise ConfigError(f"points must be finite (m, d) with at least 1 sample, got shape {found.shape}")
        self.points = found
        self._half = np.square(found).sum(1) / 2
        self._weighed = np.concatenate([found, np.ones((len(found), 1))], axis=1)

    def mean(self, x: ArrayLike, sigma: float) -> np.ndarray:
        """E[x | x̃], (n, d) float64, for noisy samples x̃ (n, d): the mean of the samples, weighed by how likely each is.

        One step of mean shift (Cheng 1995), repeated a way uphill.

        Raises:
            ConfigError: for samples of another size, or σ that is not above 0.
        """
        wanted = np.asarray(x, dtype=np.float64)
        if wanted.ndim != 2 or wanted.shape[1] != self.points.shape[1]:
            raise ConfigError(f"x must be (n, {self.points.shape[1]}) like the points, got shape {wanted.shape}")
        _check(sigma)
        found = []
        for rows in _blocks(wanted):
            # log weights up to what all samples share: (x·x_i - |x_i|²/2) / σ²
            weights = rows @ self.points.T
            weights -= self._half
            weights /= sigma**2
            weights -= weights.max(axis=1, keepdims=True)
            np.maximum(weights, _LEAST, out=weights)
            np.exp(weights, out=weights)
            sums = weights @ self._weighed
            found.append(sums[:, :-1] / sums[:, -1:])
        return np.concatenate(found) if found else wanted.copy()

    def score(self, x: ArrayLike, sigma: float) -> np.ndarray:
        """∇ log p_σ at x (n, d), in units of 1 / data."""
        return (self.mean(x, sigma) - np.asarray(x, dtype=np.float64)) / sigma**2

    def density(self, columns: ArrayLike, rows: ArrayLike, sigma: float) -> np.ndarray:
        """p_σ of samples in the plane on a grid, (len(rows), len(columns)); see `field`."""
        return self.field(columns, rows, sigma)[0]

    def field(self, columns: ArrayLike, rows: ArrayLike, sigma: float, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Density (len(rows), len(columns)) and score (…, …, 2) of samples in the plane on a grid, in far less time than
        `score` takes: a Gaussian is a product over the axes, and so are the sums over samples.

        Right within 20σ of a sample; farther away the density is no number any more that a score could be made of.

        Args:
            every: the score of each such column and row alone, from the one in the middle of the first `every`.

        Raises:
            ConfigError: for samples that are not (m, 2), or σ that is not above 0.
        """
        if self.points.shape[1] != 2:
            raise ConfigError(f"points must be (m, 2) for a grid, got shape {self.points.shape}")
        _check(sigma)
        axes = [np.asarray(axis, dtype=np.float64) for axis in (columns, rows)]
        across, up = (
            np.exp(np.maximum(-0.5 * np.square((axis[:, None] - values) / sigma), _LEAST / 2))
            for axis, values in zip(axes, self.points.T, strict=True)
        )
        density = up @ across.T / (len(self.points) * 2 * np.pi * sigma**2)
        across, up, axes = across[every // 2 :: every], up[every // 2 :: every], [a[every // 2 :: every] for a in axes]
        sums = [up @ (across * self.points[:, 0]).T, (up * self.points[:, 1]) @ across.T]
        mean = np.stack(sums, axis=2) / (up @ across.T)[:, :, None]
        return density, (mean - np.stack(np.meshgrid(*axes), axis=2)) / sigma**2

    def distance(self, x: ArrayLike) -> np.ndarray:
        """From x (n, d) to the nearest sample, (n,)."""
        wanted = np.asarray(x, dtype=np.float64)
        return np.concatenate([np.sqrt(self._squared(part).min(axis=1)) for part in _blocks(wanted)] or [np.empty(0)])

    @cached_property
    def spacing(self) -> float:
        """Distance within which 99 of 100 samples have their nearest other one; 0 of a single sample."""
        if len(self.points) < 2:
            return 0.0
        second = [np.partition(self._squared(part), 1, axis=1)[:, 1] for part in _blocks(self.points)]
        return float(np.quantile(np.sqrt(np.concatenate(second)), 0.99))

    def _squared(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(np.square(x).sum(1)[:, None] - 2 * (x @ self.points.T - self._half), 0)


def _blocks(x: np.ndarray) -> list[np.ndarray]:
    return [x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK)]


class Agreement(NamedTuple):
    """How like two fields of arrows are.

    Attributes:
        cosine: of the angle between two arrows, mean over the places; 1 where all directions agree.
        relative_error: length of the difference over length of the second field, both root mean squares.
    """

    cosine: float
    relative_error: float


def score_agreement(learned: ArrayLike, exact: ArrayLike) -> Agreement:
    """How well a learned score (n, d) agrees with the exact one at the same places.

    Raises:
        ConfigError: for arrays that are not (n, d) of one shape with at least one place.
    """
    a, b = np.asarray(learned, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ConfigError(f"learned and exact must be (n, d) of one shape, got {a.shape} and {b.shape}")
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(1) / np.maximum(lengths, np.finfo(float).tiny)
    error = np.square(a - b).sum() / max(np.square(b).sum(), np.finfo(float).tiny)
    return Agreement(float(cosine.mean()), float(np.sqrt(error)))


def walk(start: ArrayLike, step: Callable[[np.ndarray], np.ndarray], shortest: float, most: int = 100) -> np.ndarray:
    """The way of a point that is denoised again and again, x ← r(x), without noise.

    Args:
        start: (d,).
        step: r, samples (1, d) to samples (1, d).
        shortest: it ends with the first step shorter than this, in units of the data.
        most: steps at most.

    Returns:
        (steps + 1, d), the start first.
    """
    way = [np.asarray(start, dtype=np.float64)]
    while len(way) <= most:
        way.append(np.asarray(step(way[-1][None]), dtype=np.float64)[0])
        if np.linalg.norm(way[-1] - way[-2]) < shortest:
            break
    return np.stack(way)


def _check(sigma: float) -> None:
    if not 0 < sigma < np.inf:
        raise ConfigError(f"sigma must be above 0, got {sigma}")
