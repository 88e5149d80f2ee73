"""Runs held open: the explorer of a run and what scenes ask of it at the screen's rate."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data import DataSpec, Split, is_available
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.runs.listing import find_run

CAPACITY = 16
NEIGHBOURS = 5
ON_THE_DATA, ON_THE_MAP = 0.95, 0.995
PCA_SAMPLES = 5_000
STATUSES = ("on the data", "sparse", "off the map")

# A name, never a path: what comes over a socket must not open folders elsewhere.
_NAME = re.compile(r"(pretrained/)?[A-Za-z0-9_][\w.-]{0,199}")


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


class Axes(NamedTuple):
    """The map on which codes of any number of values are shown.

    Attributes:
        mean: (latent_dim,) the code in its middle.
        directions: (2, latent_dim) orthonormal.
        share: of the stored codes' variance that the two directions hold, 0 to 1.
    """

    mean: np.ndarray
    directions: np.ndarray
    share: float


class OpenRun:
    """An open run: its explorer, its neighbourhood and its test samples."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.spec: DataSpec = explorer.spec
        self.latent_dim: int = explorer.latent_dim
        self.along: dict[float, np.ndarray] = {}  # what scenes keep of a dial, by its value

    @cached_property
    def test(self) -> Split | None:
        """The test split, or None where the data is not on this machine: a live request never downloads."""
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
        """The samples (n, *shape) behind stored codes, or None where the data is not on this machine."""
        return None if self.test is None else self.test.x[self.explorer.codes.index[places]]

    def pictures_at(self, places: np.ndarray) -> np.ndarray:
        """The samples behind stored codes, or what the codes decode to where the data is not here."""
        samples = self.samples_at(places)
        return self.explorer.decode(self.z[places]) if samples is None else samples

    @cached_property
    def axes(self) -> Axes:
        """A code of two values is its own map; of more values the two first principal components of the stored codes.

        Raises:
            ConfigError: for a code of one value.
        """
        if self.latent_dim == 2:
            return Axes(np.zeros(2, np.float32), np.eye(2, dtype=np.float32), 1.0)
        if self.latent_dim < 2 or len(self.z) < 2:
            raise ConfigError(
                f"run must have at least 2 codes of at least 2 values for a map, got shape {self.z.shape}"
            )
        stored = self.z.astype(np.float64)
        mean = stored.mean(0)
        _, lengths, directions = np.linalg.svd(stored - mean, full_matrices=False)
        directions = directions[:2]
        # of the two signs of a direction the one whose largest entry is positive
        largest = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], axis=1)
        directions = directions * np.where(largest < 0, -1, 1)
        share = float(np.square(lengths[:2]).sum() / max(np.square(lengths).sum(), 1e-12))
        return Axes(mean.astype(np.float32), directions.astype(np.float32), share)

    def on_map(self, z: np.ndarray) -> np.ndarray:
        """Where codes (n, latent_dim) stand on the map, (n, 2)."""
        mean, directions, _ = self.axes
        return ((z - mean) @ directions.T).astype(np.float32)

    def neighbourhood(self, z: np.ndarray, k: int = 6) -> Neighbourhood:
        """Where codes (n, latent_dim) lie among the stored ones.

        A code is as lonely as its mean distance to the five nearest stored codes; the stored codes' own loneliness,
        each left out of its neighbours, is the scale. Up to its 95 % quantile a code is on the data, up to 99.5 %
        sparse, beyond that off the map.
        """
        k = min(max(k, NEIGHBOURS), len(self.z))
        squared = self._squared(z)
        places = np.argpartition(squared, k - 1, axis=1)[:, :k]
        found = np.take_along_axis(squared, places, axis=1)
        order = np.argsort(found, axis=1)
        nearest = np.take_along_axis(places, order, axis=1)
        distances = np.sqrt(np.take_along_axis(found, order, axis=1))
        lonely = distances[:, :NEIGHBOURS].mean(1)
        return Neighbourhood(nearest, distances[:, 0], np.searchsorted(self._loneliness, lonely))

    def _squared(self, z: np.ndarray) -> np.ndarray:
        """Squared distances (n, stored)."""
        stored, norms = self._stored
        wanted = np.asarray(z, dtype=np.float64)
        return np.maximum(np.square(wanted).sum(1)[:, None] - 2 * wanted @ stored.T + norms, 0)

    @cached_property
    def _stored(self) -> tuple[np.ndarray, np.ndarray]:
        stored = self.z.astype(np.float64)
        return stored, np.square(stored).sum(1)

    @cached_property
    def _loneliness(self) -> np.ndarray:
        """The two thresholds, in units of the latent space."""
        squared = self._squared(self.z)
        np.fill_diagonal(squared, np.inf)
        k = min(NEIGHBOURS, len(squared) - 1)
        if k < 1:
            return np.array([0.0, 0.0])
        own = np.sqrt(np.partition(squared, k - 1, axis=1)[:, :k]).mean(1)
        return np.quantile(own, [ON_THE_DATA, ON_THE_MAP])

    @cached_property
    def pca(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (features,) and `latent_dim` principal components (k, features) of up to 5,000 training samples.

        Raises:
            ConfigError: where the data is not on this machine.
        """
        from sklearn.decomposition import PCA

        if self.test is None:
            raise ConfigError(f"kinds must not include pca, because {self.spec.title} is not on this machine")
        x = as_floats(self.explorer.dataset.train.x[:PCA_SAMPLES]).reshape(-1, self.spec.size)
        found = PCA(min(self.latent_dim, *x.shape), svd_solver="randomized", random_state=0).fit(x)
        return found.mean_.astype(np.float32), found.components_.astype(np.float32)


def as_floats(x: np.ndarray) -> np.ndarray:
    """Samples as a model sees them: uint8 pictures as 0..1, floats as they are; float32."""
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32, copy=False)


@dataclass
class _Entry:
    weights: Path
    written: int
    opened: OpenRun


class OpenRuns:
    """The last few runs held open, by name; one whose weights changed is opened again. Safe in threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._open: OrderedDict[str, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def find(self, run: str) -> OpenRun:
        """The open run of this id or pretrained name.

        Raises:
            ConfigError: for a name that is none, or a run that is not here.
            Damaged: when it cannot be opened.
        """
        opened = self._fresh(run) or self._open_now(run)
        if (noted := _noted.get()) is not None:
            noted[run] = opened
        return opened

    def is_open(self, run: str, opened: OpenRun | None) -> bool:
        """Whether this is the open run of that name, with its newest weights."""
        return opened is not None and self._fresh(run) is opened

    def _open_now(self, run: str) -> OpenRun:
        if not _NAME.fullmatch(run):
            raise ConfigError(f"run must be an id or a pretrained name, got {run[:60]!r}")
        with self._guard:
            opening = self._opening.setdefault(run, threading.Lock())
        with opening:
            found = self._fresh(run)
            if found:
                return found
            explorer = open_run(find_run(run))
            weights = explorer.run.weights_path
            entry = _Entry(weights, weights.stat().st_mtime_ns, OpenRun(explorer))
            with self._guard:
                self._open[run] = entry
                while len(self._open) > self._capacity:
                    self._open.popitem(last=False)
                self._opening.pop(run, None)
            return entry.opened

    def _fresh(self, run: str) -> OpenRun | None:
        with self._guard:
            entry = self._open.get(run)
            if entry is None:
                return None
            self._open.move_to_end(run)
        try:
            newest = entry.opened.explorer.run.weights_path
            if newest == entry.weights and newest.stat().st_mtime_ns == entry.written:
                return entry.opened
        except OSError:
            pass
        with self._guard:
            self._open.pop(run, None)
        return None

    def close(self) -> None:
        """Forget every open run."""
        with self._guard:
            self._open.clear()


OPEN_RUNS = OpenRuns()

_noted: ContextVar[dict[str, OpenRun] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_runs() -> Iterator[dict[str, OpenRun]]:
    """The open runs that are asked for inside, by name."""
    runs: dict[str, OpenRun] = {}
    token = _noted.set(runs)
    try:
        yield runs
    finally:
        _noted.reset(token)


def find_open_run(run: str) -> OpenRun:
    """The open run of this id or pretrained name; see `OpenRuns.find`."""
    return OPEN_RUNS.find(run)


def explorer(run: str) -> Explorer:
    """The explorer of a run that pages and the channel share."""
    return OPEN_RUNS.find(run).explorer


def neighbourhood_readouts(found: Neighbourhood, place: int = 0) -> dict[str, Any]:
    """What people are told about one code: status, distance, the places of its nearest stored codes."""
    return {
        "status": STATUSES[int(found.status[place])],
        "distance": float(found.distance[place]),
        "nearest": found.nearest[place].tolist(),
    }
