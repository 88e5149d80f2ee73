"""Plans: which configuration is trained when. A dial is a chain of stops along a knob, trained in one go.

Another β, or another corruption level to train at, is another model. A dial trains one model at the first stop and goes
on from its weights at each next one ("warm-started"). What a chain learns is not what a fresh model would have learned:
units that a fresh VAE would have lost survive in it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import lookup
from aeexplorer.data.spec import Dataset
from aeexplorer.families import Family
from aeexplorer.models.base import Autoencoder, ModelConfig
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
