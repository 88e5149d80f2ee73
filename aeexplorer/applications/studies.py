"""Studies: what takes seconds or minutes to find out about a run, and grows while it is watched.

A study is a generator of its share done and its result so far, which is JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aeexplorer.applications import augmentation, disentanglement, few_labels, lossless, restoration
from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.explorer import Explorer

Progress = tuple[float, dict[str, Any]]


@dataclass(frozen=True)
class Study:
    """One row of `STUDIES`.

    Attributes:
        title: what people read while it runs.
        knobs: what can be asked of it.
        run: yields the share done and the result so far.
        seconds: expected on one core, of a run and knobs.
    """

    name: str
    title: str
    knobs: type[Config]
    run: Callable[[Explorer, Any], Iterator[Progress]]
    seconds: Callable[[Any], float]


STUDIES: dict[str, Study] = {
    study.name: study
    for study in (
        Study("lossless", "Lossless file", lossless.Knobs, lossless.study, lambda knobs: 0.02 * knobs.n),
        Study("restoration", "Restoring", restoration.Knobs, restoration.study, lambda knobs: 0.03 * knobs.n),
        Study("augmentation", "Augmentation", augmentation.Knobs, augmentation.study, augmentation.seconds),
        Study(
            "disentanglement",
            "Disentanglement",
            disentanglement.Knobs,
            disentanglement.study,
            lambda knobs: 6.0 * len(knobs.runs),
        ),
        Study("few_labels", "Few labels", few_labels.Knobs, few_labels.study, few_labels.seconds),
    )
}


def find_study(name: str, **knobs: Any) -> tuple[Study, Any]:
    """The row of a study, and its knobs.

    Raises:
        ConfigError: for an unknown study or knob.
    """
    if name not in STUDIES:
        raise ConfigError(unknown("study", name, STUDIES))
    return STUDIES[name], STUDIES[name].knobs(**knobs)
