"""Plans: which stage is trained when, at which configuration, and for how long.

A plan is a list of stages, one after the other. Most families have one; a VQ-VAE with a prior has two. A dial is a plan
whose stages change a knob: another β, or another corruption level to train at, is another model. A dial trains one model
at the first stop and goes on from its weights at each next one ("warm-started"). What a chain learns is not what a fresh
model would have learned: units that a fresh VAE would have lost survive in it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from aeexplorer.config import Choice, Config, ConfigError
from aeexplorer.corruption import lookup
from aeexplorer.data.spec import Dataset, DataSpec, Split
from aeexplorer.families import Family
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.training.evaluation import rate_distortion, restoration
from aeexplorer.training.loop import Checkpoint, Progress, TrainingConfig, train

MOST_STOPS = 32

GRID = 4
"""Values per gap at which the curve is measured, the upper stop among them."""

TESTED = tuple(round(0.1 * i, 1) for i in range(11))
"""Corruption levels at which each value of a level dial is tested."""


@dataclass(frozen=True)
class Knob:
    """One row of `KNOBS`: a knob that a dial can turn.

    Attributes:
        scale: of the axis along which weights are interpolated.
        title: (config) -> what is turned, in words.
        refusal: (row, config) -> why a model has no such knob; "" where it has.
        default: (stops) -> where an ordinary look into the run stands.
        suggested: stops that show what the knob does.
        curve: names of the figures along the dial, "value" among them; see `Dial.curve`.
        measure: (model, test split, seed) -> those figures at one value.
    """

    name: str
    symbol: str
    scale: Literal["log", "linear"]
    title: Callable[[ModelConfig], str]
    refusal: Callable[[Family, ModelConfig], str]
    default: Callable[[tuple[float, ...]], float]
    suggested: tuple[float, ...]
    curve: frozenset[str]
    measure: Callable[[Autoencoder, Split, int], dict[str, np.ndarray]]


def _no_beta(row: Family, config: ModelConfig) -> str:
    if "posterior" not in row.traits or "beta" not in type(config).model_fields:
        return f"a dial over beta needs a family with a posterior, got {row.name}"
    if "rates" in row.traits:
        return f"a dial over beta needs a family of one β, got {row.name}, which answers at every one"
    if warmup := getattr(config, "warmup", 0):
        return f"warmup must be 0 for a dial, which would begin it anew at every stop, got {warmup:g}"
    return ""


def _no_level(row: Family, config: ModelConfig) -> str:
    return "a dial over level needs a corruption, got none" if config.corruption == "none" else ""


def _restored(model: Autoencoder, test: Split, seed: int) -> dict[str, np.ndarray]:
    return {"mse": restoration(model, test, TESTED, seed), "tested": np.array(TESTED)}


KNOBS: dict[str, Knob] = {
    knob.name: knob
    for knob in (
        Knob(
            "beta",
            "β",
            "log",
            title=lambda config: "β",
            refusal=_no_beta,
            default=lambda stops: min(stops, key=lambda stop: abs(math.log(stop))),
            suggested=(0.01, 0.1, 0.3, 1, 3, 10, 30),
            curve=frozenset({"value", "distortion", "rate", "kl", "active_units", "activity", "mean", "variance"}),
            measure=rate_distortion,
        ),
        Knob(
            "level",
            "level",
            "linear",
            title=lambda config: f"{lookup(config.corruption).title} level",
            refusal=_no_level,
            default=lambda stops: stops[len(stops) // 2],
            suggested=(0, 0.25, 0.5, 0.75, 1),
            curve=frozenset({"value", "tested", "mse"}),
            measure=_restored,
        ),
    )
}


class DialSpec(Config):
    """The knob of a dial run and where it stops. `TrainingConfig.epochs` are those of the first stop."""

    knob: Annotated[str, Choice(tuple(KNOBS))] = Field(
        description="What is turned: β of a VAE, or the corruption level"
    )
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
    def row(self) -> Knob:
        """The knob's row."""
        return KNOBS[self.knob]

    @property
    def scale(self) -> Literal["log", "linear"]:
        """Of the axis along which weights are interpolated."""
        return self.row.scale

    def title_of(self, config: ModelConfig) -> str:
        """What is turned of such a model, and how far."""
        return f"{self.row.title(config)} from {self.stops[0]:g} to {self.stops[-1]:g}"

    @property
    def default(self) -> float:
        """Where an ordinary look into the run stands."""
        return self.row.default(self.stops)

    def config_at(self, config: ModelConfig, value: float) -> ModelConfig:
        """The configuration with the knob at a value.

        Raises:
            ConfigError: when the family has no such knob, or the value is out of its bounds.
        """
        if self.knob not in type(config).model_fields:
            raise ConfigError(f"a dial needs a family with the knob {self.knob}, got one without")
        return config.replace(**{self.knob: value})

    def training_at(self, training: TrainingConfig, index: int) -> TrainingConfig:
        """The loop of one stop: its epochs, and a seed of its own."""
        epochs = self.epochs_per_stop if index else training.epochs
        return training.replace(epochs=epochs, seed=(training.seed + index) % 2**31)

    def epochs_before(self, training: TrainingConfig, index: int) -> int:
        """Epochs of the stops before one; of all where index is their number."""
        return training.epochs + (index - 1) * self.epochs_per_stop if index else 0


class Part(NamedTuple):
    """One stage of a plan: which stage of the model, at which configuration, for how long and with which seed."""

    stage: int
    name: str
    config: ModelConfig
    training: TrainingConfig


@dataclass(frozen=True)
class Plan:
    """What is trained, one part after the other; each begins with the best weights of the one before."""

    parts: tuple[Part, ...]

    def epochs_before(self, index: int) -> int:
        """Epochs of the parts before one; of all where index is their number."""
        return sum(part.training.epochs for part in self.parts[:index])

    @property
    def epochs(self) -> int:
        """Epochs of all parts together."""
        return self.epochs_before(len(self.parts))


def make_plan(
    row: Family, config: ModelConfig, training: TrainingConfig, data: DataSpec, dial: DialSpec | None = None
) -> Plan:
    """The plan of a training: the stages of the model, or the stops of a dial.

    Each part has a seed of its own, the first that of the training.

    Raises:
        ConfigError: naming the knob, the stop and its bound, the epochs of all stops together, or fewer epochs than stages.
    """
    if dial is not None:
        if refusal := dial.row.refusal(row, config):
            raise ConfigError(refusal)
        training.replace(epochs=dial.epochs_before(training, len(dial.stops)))
        return Plan(tuple(
            Part(0, f"{dial.row.symbol} = {stop:g}", dial.config_at(config, stop), dial.training_at(training, i))
            for i, stop in enumerate(dial.stops)
        ))  # fmt: skip
    stages = row.stages(config, data)
    if training.epochs < len(stages):
        raise ConfigError(f"epochs must be at least {len(stages)}, one for each stage, got {training.epochs}")
    whole, spent, parts = sum(share for _, share in stages), 0.0, []
    begin = 0
    for i, (name, share) in enumerate(stages):
        spent += share
        end = min(max(round(training.epochs * spent / whole), begin + 1), training.epochs - (len(stages) - 1 - i))
        parts.append(Part(i, name, config, training.replace(epochs=end - begin, seed=(training.seed + i) % 2**31)))
        begin = end
    return Plan(tuple(parts))


@dataclass(frozen=True)
class _Place:
    """Where a plan can go on: in which part, and where in it."""

    inner: Progress
    index: int
    steps_before: int
    seconds_before: float

    def checkpoint(self) -> Checkpoint:
        inside = self.inner.checkpoint()
        scalars = {
            "step": self.steps_before + self.inner.step,
            "stage": self.index,
            "inside": inside.scalars,
            "seconds_before": self.seconds_before,
        }
        return Checkpoint(inside.tensors, scalars)


def _resumed(checkpoint: Checkpoint | None) -> tuple[int, Checkpoint | None, float]:
    """Which part to go on with, where in it, and the seconds spent on the parts before."""
    if checkpoint is None:
        return 0, None, 0.0
    scalars = checkpoint.scalars
    if "inside" not in scalars:  # written before trainings had plans
        return 0, checkpoint, 0.0
    index = scalars["stage"] if "stage" in scalars else scalars["stop"]
    return index, Checkpoint(checkpoint.tensors, scalars["inside"]), scalars["seconds_before"]


def train_plan(
    model: Autoencoder, data: Dataset, plan: Plan, checkpoint: Checkpoint | None = None
) -> Iterator[Progress]:
    """Train the parts of a plan in turn, each from the best weights of the one before.

    A dial over β goes upwards only: few of the units that a VAE lost at a large β come back on the way down.

    It reports as `loop.train` does, counted over all parts. At a report with `settled` the model holds what its part
    learned; resuming at any report gives bitwise the same weights.
    """
    first, inside, seconds = _resumed(checkpoint)
    count, epochs = len(plan.parts), plan.epochs
    for index, part in enumerate(plan.parts[first:], first):
        model.config = part.config
        before, spent = plan.epochs_before(index), inside.scalars["seconds"] if inside else 0.0
        for progress in train(model, data, part.training, inside, model.stages()[part.stage]):
            per_epoch = progress.steps // progress.epochs
            spent = progress.seconds
            yield dataclasses.replace(
                progress, epoch=before + progress.epoch, epochs=epochs, step=before * per_epoch + progress.step,
                steps=epochs * per_epoch, seconds=seconds + spent, best_epoch=before + progress.best_epoch,
                finished=progress.finished if index == count - 1 else None, stage=index, stages=count,
                stage_name=part.name, _loop=_Place(progress, index, before * per_epoch, seconds),
            )  # fmt: skip
        seconds, inside = seconds + spent, None
