"""Plans: the stages of a training in order, each with its configuration and its epochs.

Most families have one stage; a VQ-VAE with a prior has two. A dial is a plan whose parts change a knob, because a model
for another β, or for another corruption level in training, is another model. It trains at the first stop and continues
from those weights at each next stop (a warm start). Such a chain does not learn what separately trained models learn:
units stay active that a VAE trained from scratch would have lost.
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
from aeexplorer.training.config import TrainingConfig, used_samples
from aeexplorer.training.evaluation import rate_distortion, restoration
from aeexplorer.training.loop import Checkpoint, Progress, train

MOST_STOPS = 32
"""Largest number of stops of a dial."""

GRID = 4
"""Values per gap between two stops at which the curve is measured, the upper stop included."""

TESTED = tuple(round(0.1 * i, 1) for i in range(11))
"""Corruption levels at which a level dial is tested."""


@dataclass(frozen=True)
class Knob:
    """One row of `KNOBS`: a knob along which a dial can be trained.

    Attributes:
        scale: scale of the axis along which weights are interpolated.
        title: (config) -> the knob in words.
        refusal: (row, config) -> the reason why a model has no such knob; "" where it has.
        default: (stops) -> the value that is shown where nobody chose one.
        suggested: stops that show the effect of the knob.
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
        return f"a dial over beta needs a family with one β per model, got {row.name}, one model for every β"
    if "sampled_rate" in row.traits:
        return f"a dial over beta needs a rate of each dimension, got {row.name}"
    if warmup := getattr(config, "warmup", 0):
        return f"warmup must be 0 for a dial, where it would restart at every stop, got {warmup:g}"
    if capacity := getattr(config, "capacity", 0):
        return f"capacity must be 0 for a dial over beta, whose rate it would hold, got {capacity:g}"
    if warm_start := getattr(config, "warm_start", 0):
        return f"warm_start must be 0 for a dial, whose stops are trained in one stage, got {warm_start:g}"
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
    """The knob of a dial and its stops. `TrainingConfig.epochs` are the epochs of the first stop."""

    knob: Annotated[str, Choice(tuple(KNOBS))] = Field(description="The knob: β of a VAE, or the corruption level")
    stops: tuple[float, ...] = Field(description="Values at which a model is trained and kept, ascending")
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
        """Scale of the axis along which weights are interpolated."""
        return self.row.scale

    def title_of(self, config: ModelConfig) -> str:
        """The knob and its range in words: "β from 0.1 to 10"."""
        return f"{self.row.title(config)} from {self.stops[0]:g} to {self.stops[-1]:g}"

    @property
    def default(self) -> float:
        """The value that is shown where nobody chose one."""
        return self.row.default(self.stops)

    def config_at(self, config: ModelConfig, value: float) -> ModelConfig:
        """The configuration with the knob at `value`.

        Raises:
            ConfigError: when the family has no such knob, or the value is outside its bounds.
        """
        if self.knob not in type(config).model_fields:
            raise ConfigError(f"a dial needs a family with the knob {self.knob}, got one without")
        return config.replace(**{self.knob: value})

    def training_at(self, training: TrainingConfig, index: int) -> TrainingConfig:
        """The training configuration of one stop: its epochs, and a seed of its own."""
        epochs = self.epochs_per_stop if index else training.epochs
        return training.replace(epochs=epochs, seed=(training.seed + index) % 2**31)

    def epochs_before(self, training: TrainingConfig, index: int) -> int:
        """Epochs of all stops before `index`; of all stops for `index = len(stops)`."""
        return training.epochs + (index - 1) * self.epochs_per_stop if index else 0


class Part(NamedTuple):
    """One part of a plan: the index and name of the model's stage, the configuration, and the loop's configuration."""

    stage: int
    name: str
    config: ModelConfig
    training: TrainingConfig


@dataclass(frozen=True)
class Plan:
    """The parts of a training in order; each begins with the best weights of the one before."""

    parts: tuple[Part, ...]

    def epochs_before(self, index: int) -> int:
        """Epochs of all parts before `index`."""
        return sum(part.training.epochs for part in self.parts[:index])

    @property
    def epochs(self) -> int:
        """Epochs of all parts together."""
        return self.epochs_before(len(self.parts))


def make_plan(
    row: Family, config: ModelConfig, training: TrainingConfig, data: DataSpec, dial: DialSpec | None = None
) -> Plan:
    """Make the plan of a training: the stages of the model, or the stops of a dial.

    Each part has a seed of its own; the first part has the training's.

    Raises:
        ConfigError: when a dial does not fit the family, or there are fewer epochs than stages.
    """
    if dial is not None:
        if refusal := dial.row.refusal(row, config):
            raise ConfigError(refusal)
        training.replace(epochs=dial.epochs_before(training, len(dial.stops)))
        return Plan(
            tuple(
                Part(0, f"{dial.row.symbol} = {stop:g}", dial.config_at(config, stop), dial.training_at(training, i))
                for i, stop in enumerate(dial.stops)
            )
        )
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
    """A position in a plan from which it can be resumed: the part, and the position within its training."""

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
    """The index of the part to resume, the checkpoint within it, and the seconds spent on the parts before."""
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

    Reports as `loop.train` does, counted over all parts. At a report with `settled` the model holds the result of its
    part. Resuming at any report gives bitwise the same weights.
    """
    first, inside, seconds = _resumed(checkpoint)
    count, epochs = len(plan.parts), plan.epochs
    # every part has a seed of its own, but all of them are trained on the same labels
    data = dataclasses.replace(data, train=used_samples(data.train, plan.parts[0].training))
    for index, part in enumerate(plan.parts[first:], first):
        model.config = part.config
        before, spent = plan.epochs_before(index), inside.scalars["seconds"] if inside else 0.0
        for progress in train(model, data, part.training, inside, model.stages()[part.stage]):
            per_epoch = progress.steps // progress.epochs
            spent = progress.seconds
            yield dataclasses.replace(
                progress,
                epoch=before + progress.epoch,
                epochs=epochs,
                step=before * per_epoch + progress.step,
                steps=epochs * per_epoch,
                seconds=seconds + spent,
                best_epoch=before + progress.best_epoch,
                finished=progress.finished if index == count - 1 else None,
                stage=index,
                stages=count,
                stage_name=part.name,
                _loop=_Place(progress, index, before * per_epoch, seconds),
            )
        seconds, inside = seconds + spent, None
