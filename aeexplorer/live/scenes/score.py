"""Scenes of the score in the plane: exact and learned arrows, their agreement, and the path of a point along them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.live.frame import Frame
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.beta import between
from aeexplorer.metrics import STATUSES, Agreement, SmoothedData, annealed_langevin, score_agreement, walk

SIDE = 28
"""Arrows along the longer side of the plane."""
FINE = 3
"""Values of the density along the side of an arrow's cell."""
REACH = 3.0
"""Largest distance of an arrow from the data, in σ: farther out a net only extrapolates."""
NOISY = 200
"""Noisy test samples over which the agreement is measured."""
BESIDE = 0.25
"""Distance from the data at which a walk starts by default, in units of the data."""
SHORTEST = 1 / 10
"""A walk ends with a step shorter than this part of σ."""
STEPS = 60
MARGIN = 0.06
NOISES, LANGEVIN_STEPS = 12, 10
"""Values of σ of annealed Langevin dynamics, and steps at each."""


class Plane:
    """Data shared by the scenes of one dataset, or of one class of it: its mixture, the shown part of the plane,
    the places of arrows in it, `cell` apart and `away` from the data, and noise that is locked."""

    def __init__(self, train: np.ndarray, test: np.ndarray) -> None:
        self.data = SmoothedData(train)
        least, most = self.data.points.min(0), self.data.points.max(0)
        self.cell = float((most - least).max()) * (1 + 2 * MARGIN) / SIDE or 1.0
        # whole cells around the data on either axis
        half = np.ceil((most - least) * (0.5 + MARGIN) / self.cell) * self.cell
        self.low, self.high = (least + most) / 2 - half, (least + most) / 2 + half
        self.places = np.stack(np.meshgrid(*self.axes()), axis=2).reshape(-1, 2)
        self.away = self.data.distance(self.places)
        self.clean = test[:NOISY].astype(np.float64)
        self.noise = np.random.default_rng(0).standard_normal(self.clean.shape)

    def axes(self, parts: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows of the arrows, or of cells divided into so many parts."""
        columns, rows = (
            low + self.cell / parts * (np.arange(parts * round((high - low) / self.cell)) + 0.5)
            for low, high in zip(self.low, self.high, strict=True)
        )
        return columns, rows

    def noisy(self, sigma: float) -> np.ndarray:
        """Test samples (n, 2) with noise of this σ; its pattern stays."""
        return self.clean + sigma * self.noise


class DataParams(Config):
    run: str
    limit: int = Field(2_000, ge=1, le=5_000)


def data(params: DataParams) -> Frame:
    """The part of the plane that does not move: samples of the training split, the corners of the plane, the least and
    the largest σ of the run, and a place at some distance from the data where a walk may start."""
    opened = find_open_run(params.run)
    shown = plane(opened)
    start = shown.places[np.abs(shown.away - BESIDE).argmin()]
    readouts = {
        "low": shown.low,
        "high": shown.high,
        "cell": shown.cell,
        "sigmas": sigmas(opened.explorer),
        "start": start,
    }
    return Frame({"points": shown.data.points[: params.limit].astype(np.float32)}, readouts)


class FieldParams(Config):
    run: str
    compare_run: str | None = None
    sigma: float = Field(0.1, gt=0, le=1, description="Standard deviation of the noise.")


def field(params: FieldParams) -> Frame:
    """The arrows: `at` (n, 2) no farther than 3σ from data, there `exact` and of each run `learned` (n, 2); `density`
    (rows, columns), the top row first, as bytes of its share of the highest; and the agreement over noisy test
    samples."""
    shown, models = _opened(params)
    sigma, near = params.sigma, shown.away <= REACH * params.sigma
    at, noisy = shown.places[near], shown.noisy(sigma)
    density, exact = shown.data.field(*shown.axes(FINE), sigma, every=FINE)
    arrays = {
        "at": at.astype(np.float32),
        "exact": exact.reshape(-1, 2)[near].astype(np.float32),
        "density": np.rint(255 * density[::-1] / density.max()).astype(np.uint8),
    }
    readouts: dict[str, Any] = {"sigma": sigma}
    wanted = shown.data.score(noisy, sigma)
    for prefix, model in models.items():
        scores = learned(model, np.concatenate([at, noisy]), sigma)
        arrays[f"{prefix}learned"] = scores[: len(at)].astype(np.float32)
        agreement = score_agreement(scores[len(at) :], wanted)
        readouts |= {f"{prefix}{name}": value for name, value in agreement._asdict().items()}
        readouts[f"{prefix}between"] = between(model.dial, sigma) if model.dial else None
    return Frame(arrays, readouts)


class CurveParams(Config):
    run: str
    compare_run: str | None = None
    points: int = Field(17, ge=2, le=65)


def curve(params: CurveParams) -> Frame:
    """The agreement along σ: arrays `sigma`, and of each run `cosine` and `relative_error` (points,)."""
    _, models = _opened(params)
    label = models[""].label
    at = tuple(np.geomspace(*sigmas(models[""]), params.points).tolist())
    arrays = {"sigma": np.array(at, np.float32)}
    for prefix, model in models.items():
        agreements = _agreements(model, label, at)
        arrays[f"{prefix}cosine"] = np.array([a.cosine for a in agreements], np.float32)
        arrays[f"{prefix}relative_error"] = np.array([a.relative_error for a in agreements], np.float32)
    return Frame(arrays)


@lru_cache(maxsize=32)
def _agreements(model: Explorer, label: int | None, at: tuple[float, ...]) -> list[Agreement]:
    """Kept per open run: everybody who looks at it asks for the same curve."""
    shown = _plane(model.run.spec.dataset, label)
    noisy = [shown.noisy(sigma) for sigma in at]
    exact = _exact(model.run.spec.dataset, label, at)
    return [score_agreement(learned(model, x, s), e) for x, s, e in zip(noisy, at, exact, strict=True)]


@lru_cache(maxsize=8)
def _exact(dataset: str, label: int | None, at: tuple[float, ...]) -> list[np.ndarray]:
    shown = _plane(dataset, label)
    return [shown.data.score(shown.noisy(sigma), sigma) for sigma in at]


class WalkParams(FieldParams):
    start: tuple[float, float]


def way(params: WalkParams) -> Frame:
    """The way of a point that is denoised again and again until it hardly moves: `exact_way` by the mean of the
    smoothed data, `learned_way` by each run (steps + 1, 2); where each ends, and the score and r(x) at the start."""
    shown, models = _opened(params)
    sigma, start = params.sigma, np.array([params.start])
    steps = {"exact": lambda x: shown.data.mean(x, sigma)}
    steps |= {f"{prefix}learned": _at(model, sigma).reconstruct for prefix, model in models.items()}
    arrays, readouts = dict[str, np.ndarray](), dict[str, Any]()
    for name, step in steps.items():
        gone = walk(params.start, step, SHORTEST * sigma, STEPS)
        arrays[f"{name}_way"] = gone.astype(np.float32)
        distance = float(shown.data.distance(gone[-1:])[0])
        readouts |= {
            f"{name}_steps": len(gone) - 1,
            f"{name}_distance": distance,
            f"{name}_status": _status(shown, distance),
            f"{name}_restored": gone[1],
            f"{name}_score": (gone[1] - start[0]) / sigma**2,
        }
    readouts["distance"] = float(shown.data.distance(start)[0])
    return Frame(arrays, readouts)


class ParticlesParams(Config):
    run: str
    n: int = Field(500, ge=1, le=1_000, description="Particles.")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of their first places and of the noise.")


def particles(params: ParticlesParams) -> Frame:
    """Particles that sample the data by annealed Langevin dynamics along the learned score: array `way` (steps + 1, n,
    2), readouts `sigmas` (steps + 1,), the noise at each step, and `status`, the share that ends near the data."""
    opened = find_open_run(params.run)
    shown, model = plane(opened), opened.explorer
    low, high = sigmas(model)
    random = np.random.default_rng(params.seed)
    start = random.uniform(shown.low, shown.high, (params.n, 2))
    annealed = np.geomspace(high, low, NOISES if low < high else 1)
    steps = LANGEVIN_STEPS if low < high else NOISES * LANGEVIN_STEPS

    def score(x: np.ndarray, sigma: float) -> np.ndarray:
        return learned(model, np.clip(x, shown.low - high, shown.high + high), sigma)

    way = annealed_langevin(start, score, annealed.tolist(), steps, params.seed)
    near = float((shown.data.distance(way[-1].astype(np.float64)) <= 3 * low).mean())
    return Frame({"way": way.reshape(-1, 2)}, {"n": params.n, "near": near, "sigmas": np.repeat(annealed, steps)})


def learned(model: Explorer, x: np.ndarray, sigma: float) -> np.ndarray:
    """(r(x) - x) / σ² of places (n, 2): what a run says the score is."""
    return (_at(model, sigma).reconstruct(x.astype(np.float32)) - x) / sigma**2


def sigmas(model: Explorer) -> tuple[float, float]:
    """The least and the largest σ that a run can be asked at: the ends of its dial, or that of its training."""
    stops = model.dial.stops if model.dial else (model.config.level,)
    return stops[0], stops[-1]


def plane(opened: OpenRun) -> Plane:
    """The plane of a run's dataset; of a model that is told a class, of the samples of that class.

    Raises:
        ConfigError: where its samples are not two numbers, it was not trained on Gaussian noise, or the data is not on
            this machine.
    """
    spec = opened.spec
    if (spec.kind, spec.shape) != ("vector", (2,)):
        raise ConfigError(f"run must be of samples of 2 values, got {spec.kind} data of shape {spec.shape}")
    if opened.explorer.config.corruption != "gaussian":
        raise ConfigError(f"run must be trained on gaussian noise, got {opened.explorer.config.corruption}")
    if opened.test is None:
        raise ConfigError(f"run needs {spec.title}, which is not on this computer")
    return _plane(opened.explorer.run.spec.dataset, opened.explorer.label)


@lru_cache(maxsize=8)
def _plane(dataset: str, label: int | None) -> Plane:
    data = load_dataset(dataset)
    train, test = (part.x if label is None else part.x[part.y == label] for part in (data.train, data.test))
    if not len(train) or not len(test):
        raise ConfigError(f"class {label} of {data.spec.title} must have training and test samples, got none")
    return Plane(train, test)


def _opened(params: FieldParams | CurveParams) -> tuple[Plane, dict[str, Explorer]]:
    """The plane, and the runs by the prefix of what they say."""
    opened = find_open_run(params.run)
    models = {"": opened.explorer}
    if params.compare_run:
        other = find_open_run(params.compare_run)
        if other.explorer.run.spec.dataset != opened.explorer.run.spec.dataset:
            raise ConfigError(f"compare_run must be of {opened.spec.name}, got one of {other.spec.name}")
        plane(other)
        models["compare_"] = other.explorer
    for prefix, model in models.items():
        low, high = sigmas(model)
        if isinstance(params, FieldParams) and not low <= params.sigma <= high:
            allowed = f"between {low:g} and {high:g}" if low < high else f"{low:g}"
            raise ConfigError(f"sigma must be {allowed}, at which {prefix}run was trained, got {params.sigma:g}")
    return plane(opened), models


@lru_cache(maxsize=16)
def _at(model: Explorer, sigma: float) -> Explorer:
    """Arrows, numbers and walk are of the same few models."""
    return model.at(sigma) if model.dial else model


def _status(shown: Plane, distance: float) -> str:
    """Whether a point lies among samples: as near to one as they lie to each other, three times that, or farther."""
    bounds = shown.data.spacing, 3 * shown.data.spacing
    return STATUSES[int(np.searchsorted(bounds, distance))]
