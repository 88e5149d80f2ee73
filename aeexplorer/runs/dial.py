"""Dials: one run that holds a chain of snapshots along a knob, and answers for every value between them.

Another β, or another corruption level to train at, is another model. A dial trains one model at the first stop and goes
on from its weights at each next one ("warm-started"); between two snapshots the weights are interpolated linearly, in
log β or in the level. What a chain learns is not what a fresh model would have learned: units that a fresh VAE would
have lost survive in it. Hence the marks, models trained separately at a few values.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import lookup
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.families import Family
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.store import Damaged, load_tensors, read_json, save_tensors, write_json
from aeexplorer.training.evaluation import rate_distortion, restoration
from aeexplorer.training.loop import Checkpoint, Progress, TrainingConfig, train

Knob = Literal["beta", "level"]

MOST_STOPS = 32

GRID = 4
"""Values per gap at which the curve is measured, the upper stop among them."""

TESTED = tuple(round(0.1 * i, 1) for i in range(11))
"""Corruption levels at which each value of a level dial is tested."""

CURVES: dict[Knob, frozenset[str]] = {
    "beta": frozenset({"value", "distortion", "rate", "kl", "active_units", "activity", "mean", "variance"}),
    "level": frozenset({"value", "tested", "mse"}),
}
"""What is measured along a dial of each knob; see `Dial.curve`."""


class DialSpec(Config):
    """The knob of a dial run and where it stops. `TrainingConfig.epochs` are those of the first stop."""

    knob: Knob = Field(description="What is turned: β of a VAE, or the corruption level")
    stops: tuple[float, ...] = Field(description="Values with a snapshot, ascending")
    epochs_per_stop: int = Field(4, ge=1, le=10_000, description="Epochs at each stop after the first")

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not 2 <= len(self.stops) <= MOST_STOPS:
            raise ValueError(f"stops must be 2 to {MOST_STOPS} values, got {len(self.stops)}")
        if any(a >= b for a, b in zip(self.stops, self.stops[1:], strict=False)):
            raise ValueError(f"stops must ascend, got {', '.join(f'{stop:g}' for stop in self.stops)}")
        if self.stops[0] < 0 or (self.scale == "log" and self.stops[0] == 0):
            bound = "above 0" if self.scale == "log" else "at least 0"
            raise ValueError(f"stops must be {bound}, got {self.stops[0]:g}")
        return self

    @property
    def scale(self) -> Literal["log", "linear"]:
        """Of the axis along which weights are interpolated."""
        return "log" if self.knob == "beta" else "linear"

    def title_of(self, config: ModelConfig) -> str:
        """What of such a model is turned, and how far."""
        what = "β" if self.knob == "beta" else f"{lookup(config.corruption).title} level"
        return f"{what} from {self.stops[0]:g} to {self.stops[-1]:g}"

    @property
    def default(self) -> float:
        """Where an ordinary look into the run stands: the stop nearest to β = 1, or the middle one."""
        return (
            min(self.stops, key=lambda s: abs(math.log(s))) if self.knob == "beta" else self.stops[len(self.stops) // 2]
        )

    def config_at(self, config: ModelConfig, value: float) -> ModelConfig:
        """The configuration with the knob at a value.

        Raises:
            ConfigError: when the family has no such knob, or the value is out of its bounds.
        """
        if self.knob not in type(config).model_fields:
            raise ConfigError(f"a dial needs a family with the knob {self.knob}, got one without")
        if self.knob == "level" and config.corruption == "none":
            raise ConfigError("a dial over level needs a corruption, got none")
        return config.replace(**{self.knob: value})

    def training_at(self, training: TrainingConfig, index: int) -> TrainingConfig:
        """The loop of one stop: its epochs, and a seed of its own."""
        epochs = self.epochs_per_stop if index else training.epochs
        return training.replace(epochs=epochs, seed=(training.seed + index) % 2**31)

    def epochs_before(self, training: TrainingConfig, index: int) -> int:
        """Epochs of the stops before one; of all where index is their number."""
        return training.epochs + (index - 1) * self.epochs_per_stop if index else 0


class Between(NamedTuple):
    """Two neighbouring stops, and how far a value lies from the lower (0) to the upper (1) on the dial's scale."""

    lower: float
    upper: float
    weight: float


class Mark(Config):
    """A model trained separately at one value, to check a chain by; figures on the whole test set.

    Attributes:
        distortion, rate: D and R in nats per sample.
        steps: optimiser steps that it was trained for.
    """

    value: float
    distortion: float
    rate: float
    active_units: int
    seed: int
    steps: int


@dataclass(frozen=True)
class Snapshot:
    """The model at one stop: weights by name, float32, and the curve measured from the stop before up to this one."""

    value: float
    weights: dict[str, Tensor]
    curve: dict[str, np.ndarray]


class Dial:
    """The snapshots that a dial run has so far. Safe in threads: nothing in it changes.

    Args:
        make: a model of the run's family for a configuration, without weights.
    """

    def __init__(
        self, spec: DialSpec, snapshots: Sequence[Snapshot], config: ModelConfig,
        make: Callable[[ModelConfig], Autoencoder], marks: Sequence[Mark] = (),
    ) -> None:  # fmt: skip
        self.spec = spec
        self.snapshots = tuple(snapshots)
        self.marks = tuple(marks)
        self._config, self._make = config, make

    @property
    def knob(self) -> Knob:
        return self.spec.knob

    @property
    def scale(self) -> Literal["log", "linear"]:
        return self.spec.scale

    @cached_property
    def stops(self) -> tuple[float, ...]:
        """The stops trained so far, ascending."""
        return tuple(s.value for s in self.snapshots)

    @property
    def complete(self) -> bool:
        """Whether every stop has been trained."""
        return len(self.stops) == len(self.spec.stops)

    @property
    def default(self) -> float:
        """`DialSpec.default`, or the last stop while that is still to come."""
        return min(self.spec.default, self.stops[-1])

    def between(self, value: float) -> Between:
        """Where a value stands, held to the range trained so far; at a stop the weight is 0 or 1 exactly.

        Raises:
            ConfigError: for NaN.
        """
        if math.isnan(value):
            raise ConfigError(f"{self.knob} must be a number, got NaN")
        value = min(max(value, self.stops[0]), self.stops[-1])
        upper = bisect_left(self.stops, value)
        lower = max(upper - 1, 0)
        a, b = self.stops[lower], self.stops[upper]
        if a == b:
            return Between(a, b, 0.0)
        axis = math.log if self.scale == "log" else float
        return Between(a, b, 1.0 if value == b else (axis(value) - axis(a)) / (axis(b) - axis(a)))

    def model_at(self, value: float) -> Autoencoder:
        """A model in eval mode with the weights of this value, held to the range trained so far."""
        stand = self.between(value)
        lower = self.snapshots[self.stops.index(stand.lower)].weights
        upper = self.snapshots[self.stops.index(stand.upper)].weights
        held = min(max(value, self.stops[0]), self.stops[-1])
        model: Autoencoder = _with_weights(self._template, _blend(lower, upper, stand.weight))
        model.config = self.spec.config_at(self._config, held)
        return model

    @cached_property
    def _template(self) -> Autoencoder:
        """A model without weights: making one anew takes as long as decoding a few hundred samples."""
        with torch.device("meta"):
            return self._make(self._config).eval()

    def grown(self, weights: Mapping[str, Tensor]) -> Dial:
        """The dial with the weights of the next stop, not measured yet."""
        snapshot = Snapshot(self.spec.stops[len(self.snapshots)], _widened(weights), {})
        return Dial(self.spec, [*self.snapshots, snapshot], self._config, self._make, self.marks)

    @cached_property
    def curve(self) -> dict[str, np.ndarray]:
        """Figures on the whole test set along the dial, `GRID` values per gap, each array (g, ...) ascending in `value`.

        Of β those of `evaluation.rate_distortion`; of the level "mse" (g, m) at the levels "tested" (m,).
        """
        parts = [s.curve for s in self.snapshots]
        found = {name: np.concatenate([p[name] for p in parts]) for name in parts[0] if name != "tested"}
        return found | ({"tested": parts[0]["tested"]} if "tested" in parts[0] else {})


def _blend(lower: Mapping[str, Tensor], upper: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
    if weight in (0.0, 1.0):
        return dict(upper if weight else lower)
    return {k: torch.lerp(v, upper[k], weight) if v.is_floating_point() else v for k, v in lower.items()}


def _with_weights(module: Any, weights: Mapping[str, Tensor], prefix: str = "") -> Any:
    """A module that has these weights and shares all else with `module`."""
    other = copy.copy(module)
    other._parameters = {k: nn.Parameter(weights[prefix + k], requires_grad=False) for k in module._parameters}
    other._buffers = {k: weights[prefix + k] for k in module._buffers}
    other._modules = {k: _with_weights(child, weights, f"{prefix}{k}.") for k, child in module._modules.items()}
    return other


def save_snapshot(folder: Path, index: int, weights: Mapping[str, Tensor], curve: Mapping[str, np.ndarray]) -> None:
    """Save one stop of a dial run whole."""
    (folder / "dial").mkdir(exist_ok=True)
    tensors = {f"weights.{k}": v for k, v in weights.items()}
    tensors |= {f"curve.{k}": torch.from_numpy(v) for k, v in curve.items()}
    save_tensors(folder / "dial" / _name(index), tensors)


def load_snapshots(
    folder: Path,
    spec: DialSpec,
    fitting: Callable[[dict[str, Tensor], str], dict[str, Tensor]],
    most: int | None = None,
) -> list[Snapshot]:
    """The stops that a dial run has so far.

    Args:
        fitting: gives weights back if they fit the run; it is also told their file.
        most: read no more stops than these.

    Raises:
        Damaged: when there is none yet, or one cannot be used.
    """
    snapshots: list[Snapshot] = []
    there = [i for i in range(len(spec.stops)) if (folder / "dial" / _name(i)).exists()]
    for index, value in enumerate(spec.stops[: max(there, default=0) + 1][:most]):
        file = folder / "dial" / _name(index)
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "curve": {}}
        for name, tensor in load_tensors(file).items():
            part, _, key = name.partition(".")
            parts.setdefault(part, {})[key] = tensor
        weights = _widened(fitting(parts["weights"], f"dial/{file.name}"))
        if missing := CURVES[spec.knob] - parts["curve"].keys():
            raise Damaged(f"dial/{file.name} in {folder.name} has no curve of {min(missing)}")
        snapshots.append(Snapshot(value, weights, {k: v.numpy() for k, v in parts["curve"].items()}))
    return snapshots


def _name(index: int) -> str:
    """Of the file of a stop."""
    return f"{index:02d}.safetensors"


def save_marks(folder: Path, marks: Sequence[Mark]) -> None:
    """Store the marks of a dial run, ascending."""
    ordered = sorted(marks, key=lambda m: (m.value, m.seed))
    write_json(folder / "marks.json", {"marks": [m.model_dump() for m in ordered]})


def load_marks(folder: Path) -> tuple[Mark, ...]:
    """The marks of a dial run; none where it has no file of them.

    Raises:
        Damaged: when the file cannot be used.
    """
    if not (folder / "marks.json").exists():
        return ()
    try:
        return tuple(Mark(**m) for m in read_json(folder / "marks.json")["marks"])
    except (ConfigError, KeyError, TypeError) as error:
        raise Damaged(f"marks.json in {folder.name} does not fit: {error}") from None


def halved(model: Autoencoder) -> dict[str, Tensor]:
    """The weights as a snapshot keeps them: float16 is half the size, and a pixel moves by less than 0.01."""
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    return {k: v.half() if v.is_floating_point() else v.clone() for k, v in weights.items()}


def _widened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def measure(dial: Dial, test: Split, seed: int) -> dict[str, np.ndarray]:
    """The curve from the last stop but one, exclusive, up to the last, each array (g, ...)."""
    values = [dial.stops[-1]]
    if len(dial.stops) > 1:
        below, last = dial.stops[-2:]
        space = np.geomspace(below, last, GRID + 1) if dial.scale == "log" else np.linspace(below, last, GRID + 1)
        values = [*space[1:-1].tolist(), last]
    rows = [_figures(dial.knob, dial.model_at(value), test, seed) for value in values]
    curve = {name: np.stack([row[name] for row in rows]) for name in rows[0]} | {"value": np.array(values)}
    return curve | ({"tested": np.array(TESTED)} if dial.knob == "level" else {})


def _figures(knob: Knob, model: Autoencoder, test: Split, seed: int) -> dict[str, np.ndarray]:
    return rate_distortion(model, test, seed) if knob == "beta" else {"mse": restoration(model, test, TESTED, seed)}


@dataclass(frozen=True)
class _Place:
    """Where a chain can go on: in which stop, and where in it."""

    inner: Progress
    index: int
    steps_before: int
    seconds_before: float

    def checkpoint(self) -> Checkpoint:
        inside = self.inner.checkpoint()
        return Checkpoint(inside.tensors, {
            "step": self.steps_before + self.inner.step, "stop": self.index, "inside": inside.scalars,
            "seconds_before": self.seconds_before,
        })  # fmt: skip


def train_chain(
    model: Autoencoder, data: Dataset, config: TrainingConfig, spec: DialSpec, checkpoint: Checkpoint | None = None
) -> Iterator[Progress]:
    """Train at each stop in turn, each from the best weights of the one before, upwards only: units that a VAE lost at
    a large β do not come back on the way down.

    It reports as `training.train` does, counted over all stops. At a report with `settled` the model holds what its
    stop learned; resuming at any report gives bitwise the same chain.
    """
    first, inside, seconds = 0, None, 0.0
    if checkpoint is not None:
        first, seconds = checkpoint.scalars["stop"], checkpoint.scalars["seconds_before"]
        inside = Checkpoint(checkpoint.tensors, checkpoint.scalars["inside"])
    count = len(spec.stops)
    epochs = spec.epochs_before(config, count)
    for index in range(first, count):
        model.config = spec.config_at(model.config, spec.stops[index])
        before, spent = spec.epochs_before(config, index), inside.scalars["seconds"] if inside else 0.0
        for progress in train(model, data, spec.training_at(config, index), inside):
            per_epoch = progress.steps // progress.epochs
            spent = progress.seconds
            yield dataclasses.replace(
                progress, epoch=before + progress.epoch, epochs=epochs, step=before * per_epoch + progress.step,
                steps=epochs * per_epoch, seconds=seconds + spent, best_epoch=before + progress.best_epoch,
                finished=progress.finished if index == count - 1 else None, stop=index, stops=count,
                _loop=_Place(progress, index, before * per_epoch, seconds),
            )  # fmt: skip
        seconds, inside = seconds + spent, None


def check_dial(row: Family, config: ModelConfig, training: TrainingConfig, spec: DialSpec) -> TrainingConfig:
    """Refuse a dial that does not fit a family; else the loop as one training of all stops, for its cost.

    Raises:
        ConfigError: naming the knob, the stop and its bound, or the epochs of all stops together.
    """
    if spec.knob == "beta" and "posterior" not in row.traits:
        raise ConfigError(f"a dial over beta needs a family with a posterior, got {row.name}")
    if spec.knob == "beta" and "rates" in row.traits:
        raise ConfigError(f"a dial over beta needs a family of one β, got {row.name}, which answers at every one")
    if warmup := getattr(config, "warmup", 0):
        raise ConfigError(f"warmup must be 0 for a dial, which would begin it anew at every stop, got {warmup:g}")
    for value in spec.stops:
        spec.config_at(config, value)
    return training.replace(epochs=spec.epochs_before(training, len(spec.stops)))


def mark(config: Any, training: TrainingConfig, n_train: int, result: Mapping[str, float]) -> Mark:
    """The mark of a separately trained VAE from its figures on the test split (see `evaluation.evaluate`)."""
    return Mark(
        value=config.beta, distortion=result["reconstruction"], rate=result["kl"],
        active_units=int(result["active_units"]), seed=training.seed,
        steps=math.ceil(n_train / training.batch_size) * training.epochs,
    )  # fmt: skip
