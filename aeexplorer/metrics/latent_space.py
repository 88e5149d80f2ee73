"""Where codes lie among stored ones, and the plane on which codes of any size are shown."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

NEIGHBOURS = 5
NEAR, FEW = 0.95, 0.995
"""Quantiles of the stored codes' own mean distances up to which a code is near the data, and has few data nearby."""
STATUSES = ("near the data", "few data nearby", "far from the data")


class Neighbourhood(NamedTuple):
    """Where codes lie among the stored ones.

    Attributes:
        nearest: (n, k) places among the stored codes, the nearest first.
        distance: (n,) to the nearest stored code, in units of the latent space.
        status: (n,) places in `STATUSES`.
    """

    nearest: np.ndarray
    distance: np.ndarray
    status: np.ndarray


class StoredCodes:
    """Codes (n, K) among which others are located."""

    def __init__(self, codes: ArrayLike) -> None:
        self._codes = np.asarray(codes, dtype=np.float64)
        self._norms = np.square(self._codes).sum(1)

    def locate(self, z: ArrayLike, k: int = 6) -> Neighbourhood:
        """Where codes (n, K) lie among the stored ones.

        The mean distance of a code to its five nearest stored codes is compared with that of the stored codes, each
        left out of its own neighbours: up to their 95 % quantile a code is near the data, up to 99.5 % it has few
        data nearby, beyond that it is far from the data.
        """
        k = min(max(k, NEIGHBOURS), len(self._codes))
        squared = self._squared(np.asarray(z, dtype=np.float64))
        places = np.argpartition(squared, k - 1, axis=1)[:, :k]
        among = np.take_along_axis(squared, places, axis=1)
        order = np.argsort(among, axis=1)
        distances = np.sqrt(np.take_along_axis(among, order, axis=1))
        status = np.searchsorted(self._limits, distances[:, :NEIGHBOURS].mean(1))
        return Neighbourhood(np.take_along_axis(places, order, axis=1), distances[:, 0], status)

    def _squared(self, z: np.ndarray) -> np.ndarray:
        """Squared distances (n, stored)."""
        return np.maximum(np.square(z).sum(1)[:, None] - 2 * z @ self._codes.T + self._norms, 0)

    @cached_property
    def _limits(self) -> np.ndarray:
        """The two largest mean distances (2,), in units of the latent space."""
        squared = self._squared(self._codes)
        np.fill_diagonal(squared, np.inf)
        k = min(NEIGHBOURS, len(squared) - 1)
        if k < 1:
            return np.zeros(2)
        return np.quantile(np.sqrt(np.partition(squared, k - 1, axis=1)[:, :k]).mean(1), [NEAR, FEW])


class FlatSamples:
    """Samples (n, features) among which those that look most like others are found."""

    def __init__(self, samples: ArrayLike) -> None:
        self._samples = np.asarray(samples, dtype=np.float32)
        self._norms = np.einsum("nf,nf->n", self._samples, self._samples)

    def nearest(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places (m,) of the samples nearest to vectors (m, features), and the root mean squared differences (m,).

        Vectors that come together cost little more than one, because all samples are read once.
        """
        places = (self._norms - 2 * x @ self._samples.T).argmin(1)
        return places, np.sqrt(np.square(self._samples[places] - x).mean(1))


class PrincipalPlane(NamedTuple):
    """The plane of largest variance.

    Attributes:
        mean: (K,) the code in its middle.
        directions: (2, K) orthonormal.
        share: of the codes' variance that the two directions hold, 0 to 1.
    """

    mean: np.ndarray
    directions: np.ndarray
    share: float

    def place(self, z: np.ndarray) -> np.ndarray:
        """Where codes (n, K) stand on the plane, (n, 2)."""
        return ((z - self.mean) @ self.directions.T).astype(np.float32)


def principal_plane(codes: ArrayLike) -> PrincipalPlane:
    """The first two principal components of codes (n, K); codes of two values are their own plane.

    Of the two signs of a direction the one whose largest entry is positive.

    Raises:
        ConfigError: for fewer than two codes of two values.
    """
    stored = np.asarray(codes, dtype=np.float64)
    if stored.ndim == 2 and stored.shape[1] == 2:
        return PrincipalPlane(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), 1.0)
    if stored.ndim != 2 or stored.shape[1] < 2 or len(stored) < 2:
        raise ConfigError(f"codes must be at least 2 of at least 2 values for a map, got shape {stored.shape}")
    mean = stored.mean(0)
    _, lengths, directions = np.linalg.svd(stored - mean, full_matrices=False)
    largest = np.take_along_axis(directions[:2], np.abs(directions[:2]).argmax(1)[:, None], axis=1)
    directions = directions[:2] * np.where(largest < 0, -1, 1)
    share = float(np.square(lengths[:2]).sum() / max(np.square(lengths).sum(), 1e-12))
    return PrincipalPlane(mean.astype(np.float32), directions.astype(np.float32), share)
