"""The recipe of a run that comes with the program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aeexplorer.training.plan import DialSpec


@dataclass(frozen=True)
class Recipe:
    """A recipe: dataset, family, the knobs that differ from the defaults, and its dial if it has one.

    Attributes:
        marks: values of the dial at which a separate model is trained to compare with, for as many epochs as the first
            stop.
        half: whether the weights are kept in float16, as a dial keeps them.
    """

    dataset: str
    family: str
    knobs: dict[str, Any]
    dial: DialSpec | None = None
    marks: tuple[float, ...] = ()
    half: bool = False

    @property
    def command(self) -> str:
        """The command that trains the same weights."""
        flags = " ".join(
            f"--{k.replace('_', '-')} {','.join(map(str, v)) if isinstance(v, tuple) else v}"
            for k, v in self.knobs.items()
        )
        if self.dial:
            stops = ",".join(f"{stop:g}" for stop in self.dial.stops)
            flags += f" --dial {self.dial.knob} --stops {stops} --epochs-per-stop {self.dial.epochs_per_stop}"
        return f"python -m aeexplorer train --dataset {self.dataset} --family {self.family} {flags}"
