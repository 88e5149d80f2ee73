"""Dials: the snapshots of one run along a knob, and a model for every value between them.

`training/plan.py` trains the snapshots one after the other, each from the weights of the one before. Between two
snapshots the weights are interpolated linearly in log β, or in the corruption level. A chain does not learn what
separately trained models learn; marks are such models at a few values, to compare with.
"""

from __future__ import annotations

import copy
import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from aeexplorer.config import Config, ConfigError
from aeexplorer.models.base import Autoencoder, ModelConfig
from aeexplorer.store import Damaged, load_tensors, read_json, save_tensors, write_json
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.plan import DialSpec


class Between(NamedTuple):
    """Two neighbouring stops, and how far a value lies from the lower (0) to the upper (1) on the dial's scale."""

    lower: float
    upper: float
    weight: float


class Mark(Config):
    """A model trained separately at one value, to compare a chain with; figures on the whole test set.

    Attributes:
        distortion, rate: D and R in nats per sample.
        steps: optimiser steps of its training.
    """

    value: float
    distortion: float
    rate: float
    active_units: int
    seed: int
    steps: int


@dataclass(frozen=True)
class Snapshot:
    """The model at one stop: weights by name, float32, and the curve from the stop before (exclusive) to this one."""

    value: float
    weights: dict[str, Tensor]
    curve: dict[str, np.ndarray]


class Dial:
    """The snapshots of a dial run so far. Safe in threads, because nothing in it changes.

    Args:
        make: builds a model of the run's family from a configuration.
    """

    def __init__(
        self,
        spec: DialSpec,
        snapshots: Sequence[Snapshot],
        config: ModelConfig,
        make: Callable[[ModelConfig], Autoencoder],
        marks: Sequence[Mark] = (),
    ) -> None:
        self.spec = spec
        self.snapshots = tuple(snapshots)
        self.marks = tuple(marks)
        self._config, self._make = config, make

    @property
    def knob(self) -> str:
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
        """`DialSpec.default`, or the last stop while that stop is not trained yet."""
        return min(self.spec.default, self.stops[-1])

    def between(self, value: float) -> Between:
        """The neighbouring stops of a value, clipped to the trained range; at a stop the weight is exactly 0 or 1.

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
        """A model in eval mode with the weights of this value, clipped to the trained range."""
        at = self.between(value)
        lower = self.snapshots[self.stops.index(at.lower)].weights
        upper = self.snapshots[self.stops.index(at.upper)].weights
        clipped = min(max(value, self.stops[0]), self.stops[-1])
        model: Autoencoder = _with_weights(self._template, _interpolated(lower, upper, at.weight))
        model.config = self.spec.config_at(self._config, clipped)
        return model

    @cached_property
    def _template(self) -> Autoencoder:
        """A model without weights, made once: building one takes as long as decoding a few hundred samples."""
        with torch.device("meta"):
            return self._make(self._config).eval()

    def extended(self, weights: Mapping[str, Tensor]) -> Dial:
        """The dial with the weights of the next stop added, its curve not measured yet."""
        snapshot = Snapshot(self.spec.stops[len(self.snapshots)], widened(weights), {})
        return Dial(self.spec, [*self.snapshots, snapshot], self._config, self._make, self.marks)

    @cached_property
    def curve(self) -> dict[str, np.ndarray]:
        """Figures on the whole test set along the dial, `GRID` values per gap, each (g, ...) ascending in "value" (g,).

        Along β the figures of `evaluation.rate_distortion`; along the level "mse" (g, m) at the levels "tested" (m,).
        """
        parts = [s.curve for s in self.snapshots]
        joined = {name: np.concatenate([p[name] for p in parts]) for name in parts[0] if name != "tested"}
        return joined | ({"tested": parts[0]["tested"]} if "tested" in parts[0] else {})


def _interpolated(lower: Mapping[str, Tensor], upper: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
    if weight in (0.0, 1.0):
        return dict(upper if weight else lower)
    return {k: torch.lerp(v, upper[k], weight) if v.is_floating_point() else v for k, v in lower.items()}


def _with_weights(module: Any, weights: Mapping[str, Tensor], prefix: str = "") -> Any:
    """A module with these weights that shares everything else with `module`.

    `load_state_dict` would need a second copy of all modules for each value of a slider; this replaces three
    dictionaries of each module.
    """
    other = copy.copy(module)
    other._parameters = {k: nn.Parameter(weights[prefix + k], requires_grad=False) for k in module._parameters}
    other._buffers = {k: weights[prefix + k] for k in module._buffers}
    other._modules = {k: _with_weights(child, weights, f"{prefix}{k}.") for k, child in module._modules.items()}
    return other


def save_snapshot(folder: Path, index: int, weights: Mapping[str, Tensor], curve: Mapping[str, np.ndarray]) -> None:
    """Save the weights and the curve of one stop in one file, replaced whole."""
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
    """Load the snapshots of a dial run so far.

    Args:
        fitting: (weights, file name) -> the weights, after checking that they fit the run.
        most: the largest number of snapshots to load.

    Raises:
        Damaged: when there is no snapshot yet, or one cannot be used.
    """
    snapshots: list[Snapshot] = []
    there = [i for i in range(len(spec.stops)) if (folder / "dial" / _name(i)).exists()]
    for index, value in enumerate(spec.stops[: max(there, default=0) + 1][:most]):
        file = folder / "dial" / _name(index)
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "curve": {}}
        for name, tensor in load_tensors(file).items():
            part, _, key = name.partition(".")
            parts.setdefault(part, {})[key] = tensor
        weights = widened(fitting(parts["weights"], f"dial/{file.name}"))
        if missing := spec.row.curve - parts["curve"].keys():
            raise Damaged(f"dial/{file.name} in {folder.name} has no curve of {min(missing)}")
        snapshots.append(Snapshot(value, weights, {k: v.numpy() for k, v in parts["curve"].items()}))
    return snapshots


def _name(index: int) -> str:
    """The name of a stop's file."""
    return f"{index:02d}.safetensors"


def save_marks(folder: Path, marks: Sequence[Mark]) -> None:
    """Store the marks of a dial run, ascending."""
    ordered = sorted(marks, key=lambda m: (m.value, m.seed))
    write_json(folder / "marks.json", {"marks": [m.model_dump() for m in ordered]})


def load_marks(folder: Path) -> tuple[Mark, ...]:
    """Load the marks of a dial run; none where it has no such file.

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
    """The weights as a snapshot stores them: float16 takes half the space and changes a pixel by less than 0.01."""
    weights = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    return {k: v.half() if v.is_floating_point() else v.clone() for k, v in weights.items()}


def widened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that were stored in float16 as float32."""
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def mark(config: Any, training: TrainingConfig, n_train: int, result: Mapping[str, float]) -> Mark:
    """The mark of a separately trained VAE with these test figures (see `evaluation.evaluate`)."""
    return Mark(
        value=config.beta,
        distortion=result["reconstruction"],
        rate=result["kl"],
        active_units=int(result["active_units"]),
        seed=training.seed,
        steps=math.ceil(n_train / training.batch_size) * training.epochs,
    )
