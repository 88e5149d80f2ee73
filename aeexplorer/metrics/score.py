"""The exact score of smoothed data, to compare with the residual of a denoising autoencoder.

Data x_1 … x_m smoothed by Gaussian noise have the density p_σ(x) = 1/m Σ_i N(x; x_i, σ²I), a mixture with one component
per sample, so their score ∇ log p_σ is known. So is the posterior mean E[x | x̃] = x̃ + σ² ∇ log p_σ(x̃) of the clean
sample (Miyasawa 1961; Robbins 1956, who credits Tweedie), the optimal denoiser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

_LEAST = -680.0  # smallest exponent: exp of less is a denormal number, with which arithmetic is many times slower
LANGEVIN_STEP = 0.15  # η: the step as a share of σ²; where the score is -x / σ² a step takes that share of the way
_BLOCK = 64  # rows at a time, so that their weights stay in a core's cache


class SmoothedData:
    """A mixture of one Gaussian per sample, for any σ.

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
        """E[x | x̃] (n, d) float64 for noisy samples x̃ (n, d): the mean of the data, each weighted by its likelihood.

        This is one step of mean shift (Cheng 1995, https://doi.org/10.1109/34.400568).

        Raises:
            ConfigError: for samples of another size, or σ that is not above 0.
        """
        wanted = np.asarray(x, dtype=np.float64)
        if wanted.ndim != 2 or wanted.shape[1] != self.points.shape[1]:
            raise ConfigError(f"x must be (n, {self.points.shape[1]}) like the points, got shape {wanted.shape}")
        _check(sigma)
        found = []
        for rows in _blocks(wanted):
            # log weights (rows, m) up to a constant per row: (x̃·x_i - |x_i|²/2) / σ²
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
        """∇ log p_σ at x (n, d), in inverse units of the data."""
        return (self.mean(x, sigma) - np.asarray(x, dtype=np.float64)) / sigma**2

    def field(self, columns: ArrayLike, rows: ArrayLike, sigma: float, every: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Density (len(rows), len(columns)) and score (…, …, 2) on a grid in the plane.

        Far faster than `score`: a Gaussian is a product over the axes, so the sums over samples are matrix products.
        Correct within 20σ of a sample; farther away the density underflows.

        Args:
            every: compute the score at every such column and row only, starting with the middle one of the first few.

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
        """The distance from each x (n, d) to the nearest sample, (n,)."""
        wanted = np.asarray(x, dtype=np.float64)
        return np.concatenate([np.sqrt(self._squared(part).min(axis=1)) for part in _blocks(wanted)] or [np.empty(0)])

    @cached_property
    def spacing(self) -> float:
        """The distance within which 99 % of the samples have their nearest neighbour; 0 for a single sample."""
        if len(self.points) < 2:
            return 0.0
        second = [np.partition(self._squared(part), 1, axis=1)[:, 1] for part in _blocks(self.points)]
        return float(np.quantile(np.sqrt(np.concatenate(second)), 0.99))

    def _squared(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(np.square(x).sum(1)[:, None] - 2 * (x @ self.points.T - self._half), 0)


def _blocks(x: np.ndarray) -> list[np.ndarray]:
    return [x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK)]


class Agreement(NamedTuple):
    """The agreement of two vector fields.

    Attributes:
        cosine: mean cosine of the angle between the two vectors at a point; 1 where all directions agree.
        relative_error: root mean square of the difference over root mean square of the second field.
    """

    cosine: float
    relative_error: float


def score_agreement(learned: ArrayLike, exact: ArrayLike) -> Agreement:
    """Compare a learned score (n, d) with the exact one at the same points.

    Raises:
        ConfigError: for arrays that are not (n, d) of one shape with at least one point.
    """
    a, b = np.asarray(learned, dtype=np.float64), np.asarray(exact, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2 or not a.size:
        raise ConfigError(f"learned and exact must be (n, d) of one shape, got {a.shape} and {b.shape}")
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = (a * b).sum(1) / np.maximum(lengths, np.finfo(float).tiny)
    error = np.square(a - b).sum() / max(np.square(b).sum(), np.finfo(float).tiny)
    return Agreement(float(cosine.mean()), float(np.sqrt(error)))


def walk(start: ArrayLike, step: Callable[[np.ndarray], np.ndarray], shortest: float, most: int = 100) -> np.ndarray:
    """The path of a point under repeated denoising, x ← r(x), without noise.

    Args:
        start: (d,).
        step: r, samples (1, d) to samples (1, d).
        shortest: the path ends with the first step shorter than this, in units of the data.
        most: largest number of steps.

    Returns:
        (steps + 1, d), the start first.
    """
    way = [np.asarray(start, dtype=np.float64)]
    while len(way) <= most:
        way.append(np.asarray(step(way[-1][None]), dtype=np.float64)[0])
        if np.linalg.norm(way[-1] - way[-2]) < shortest:
            break
    return np.stack(way)


def annealed_langevin(
    start: ArrayLike,
    score: Callable[[np.ndarray, float], np.ndarray],
    sigmas: Sequence[float],
    steps: int,
    seed: int = 0,
) -> np.ndarray:
    """Sample by annealed Langevin dynamics: x ← x + α_i s(x, σ_i) + sqrt(2 α_i) ε with α_i = η σ_i², for each σ from
    the largest to the smallest (Song & Ermon 2019, https://arxiv.org/abs/1907.05600, algorithm 1, with half its α).

    Args:
        start: (n, d) particles.
        score: (particles (n, d), σ) -> (n, d).
        sigmas: decreasing.
        steps: for each σ.

    Returns:
        (1 + steps · sigmas, n, d) float32: the particles after each step, the start first.

    Raises:
        ConfigError: for a σ that is not above 0, or no step.
    """
    if steps < 1:
        raise ConfigError(f"steps must be at least 1, got {steps}")
    random = np.random.default_rng(seed)
    x = np.asarray(start, np.float64)
    path = [x]
    for sigma in sigmas:
        _check(sigma)
        size = LANGEVIN_STEP * sigma**2
        for _ in range(steps):
            x = x + size * score(x, sigma) + np.sqrt(2 * size) * random.standard_normal(x.shape)
            path.append(x)
    return np.stack(path).astype(np.float32)


def _check(sigma: float) -> None:
    if not 0 < sigma < np.inf:
        raise ConfigError(f"sigma must be above 0, got {sigma}")
