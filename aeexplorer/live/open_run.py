"""An open run: its explorer, and what scenes ask of it at the screen's rate."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data import DataSpec, Split, is_available
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import STATUSES, FlatSamples, Neighbourhood, PrincipalPlane, StoredCodes, principal_plane

PCA_SAMPLES = 5_000


class OpenRun:
    """The explorer of a run, its stored codes and its test samples."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.spec: DataSpec = explorer.spec
        self.latent_dim: int = explorer.latent_dim
        self.along: dict[float, np.ndarray] = {}  # what scenes keep of a dial, by its value

    @cached_property
    def test(self) -> Split | None:
        """The test split, or None where the data is not on this computer: a live request never downloads."""
        return self.explorer.dataset.test if is_available(self.explorer.run.spec.dataset) else None

    @cached_property
    def z(self) -> np.ndarray:
        """Stored codes (n, latent_dim)."""
        return self.explorer.codes.z

    @property
    def labels(self) -> np.ndarray:
        """Classes (n,) of the stored codes, -1 where there is none."""
        return self.explorer.codes.labels

    def samples_at(self, places: np.ndarray) -> np.ndarray | None:
        """The samples (n, *shape) behind stored codes, or None where the data is not on this computer."""
        return None if self.test is None else self.test.x[self.explorer.codes.index[places]]

    def pictures_at(self, places: np.ndarray) -> np.ndarray:
        """The samples behind stored codes, or what the codes decode to where the data is not here."""
        samples = self.samples_at(places)
        return self.explorer.decode(self.z[places]) if samples is None else samples

    @cached_property
    def plane(self) -> PrincipalPlane:
        """The map of the codes: their first two principal components; codes of two values are their own map.

        Raises:
            ConfigError: for codes of one value.
        """
        return principal_plane(self.z)

    def neighbourhood(self, z: np.ndarray, k: int = 6) -> Neighbourhood:
        """Where codes (n, latent_dim) lie among the stored ones, see `StoredCodes.locate`."""
        return self._stored.locate(z, k)

    @cached_property
    def _stored(self) -> StoredCodes:
        return StoredCodes(self.z)

    def nearest_samples(self, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, list[float | None]]:
        """The test samples behind stored codes that look most like samples (m, *shape), and the root mean squared
        differences of their values; where the data is not here what the codes nearest to z (m, latent_dim) decode to,
        and None."""
        if self._flat_samples is None:
            return self.pictures_at(self.neighbourhood(z).nearest[:, 0]), [None] * len(z)
        places, differences = self._flat_samples.nearest(x.reshape(len(x), -1))
        return self.pictures_at(places), differences.tolist()

    @cached_property
    def _flat_samples(self) -> FlatSamples | None:
        """The samples behind the stored codes as a model sees them."""
        samples = self.samples_at(np.arange(len(self.z)))
        return None if samples is None else FlatSamples(self.spec.values(samples).reshape(len(samples), -1))

    def share_below(self, error: float) -> float | None:
        """The share of the test samples behind stored codes whose error is less than this; None where the
        data is not here."""
        return None if self._errors is None else float(np.searchsorted(self._errors, error) / len(self._errors))

    @cached_property
    def _errors(self) -> np.ndarray | None:
        """The errors (n,) of the samples behind the stored codes, ascending."""
        samples = self.samples_at(np.arange(len(self.z)))
        return None if samples is None else np.sort(self.explorer.errors(samples))

    @cached_property
    def pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (features,) and `latent_dim` principal components (k, features) of up to 5,000 training samples.

        Raises:
            ConfigError: where the data is not on this computer.
        """
        from sklearn.decomposition import PCA

        if self.test is None:
            raise ConfigError(f"kinds must not include pca, because {self.spec.title} is not on this computer")
        x = self.spec.values(self.explorer.dataset.train.x[:PCA_SAMPLES]).reshape(-1, self.spec.size)
        fitted = PCA(min(self.latent_dim, *x.shape), svd_solver="randomized", random_state=0).fit(x)
        return fitted.mean_.astype(np.float32), fitted.components_.astype(np.float32)


def neighbourhood_readouts(near: Neighbourhood, place: int = 0) -> dict[str, Any]:
    """The readouts of one code: status, distance, the places of its nearest stored codes."""
    return {
        "status": STATUSES[int(near.status[place])],
        "distance": float(near.distance[place]),
        "nearest": near.nearest[place].tolist(),
    }
