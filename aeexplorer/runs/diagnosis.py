"""The diagnosis of a run: from its knobs, its events, its figures on the test split and its weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data import find_source, load_dataset
from aeexplorer.metrics.diagnosis import Evidence, Finding, diagnose
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.training.estimation import suggested
from aeexplorer.training.probes import probe


def diagnose_run(run: Run | str | Path, epochs: Sequence[dict[str, Any]] | None = None) -> list[Finding]:
    """The failures that a run shows so far, see `metrics.diagnosis`; of a training that goes on those of its losses.

    What needs the weights is measured on the test samples, where they are on this computer.

    Args:
        run: itself, or its path, id or pretrained name.
        epochs: the events of the finished epochs; read from the run if None.

    Raises:
        ConfigError: when there is no such run.
        Damaged: when its files cannot be read.
    """
    run = run if isinstance(run, Run) else find_run(run)
    return diagnose(gather_evidence(run, run.epochs() if epochs is None else epochs))


def gather_evidence(run: Run, epochs: Sequence[dict[str, Any]]) -> Evidence:
    """The evidence of a run, with the events of its finished epochs.

    Raises:
        Damaged: when its files cannot be read.
    """
    status, spec = run.status, run.spec
    knobs: dict[str, Any] = {**dict(run.config), **dict(spec.training)}
    ended = status.state == "done"
    train, validation = _losses(epochs)
    return Evidence(
        knobs=knobs,
        usual=_usual(run),
        traits=run.family.traits_of(run.config),
        train=train,
        validation=validation,
        figures={**status.result, **probed(run)} if ended else {},
        reason=status.reason if status.state == "failed" else "",
    )


def probed(run: Run) -> dict[str, float]:
    """The figures of `training.probes.probe`; of a dial at its default value, and nothing without weights or samples.

    Raises:
        Damaged: when its weights cannot be used.
    """
    dataset = run.spec.dataset
    try:
        if not run.has_weights or not find_source(dataset).available():
            return {}
        data = load_dataset(dataset)
    except ConfigError:  # data of that name are gone
        return {}
    if data.source != run.spec.source or data.spec.shape != run.spec.data.shape:
        return {}
    return probe(run.load_model(), data.test, run.family.traits_of(run.config), run.spec.training.seed)


def _losses(epochs: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation loss of each epoch (epochs,) of the last stage, of the terms that validation has."""
    stage = epochs[-1].get("stage", 0) if epochs else 0
    told = [e for e in epochs if e.get("stage", 0) == stage and e.get("validation")]
    train = [sum(e["train"].get(name, 0.0) for name in e["validation"]) for e in told]
    return np.array(train), np.array([sum(e["validation"].values()) for e in told])


def _usual(run: Run) -> dict[str, Any]:
    """The knobs that are suggested for the data and the family of a run."""
    try:
        n = find_source(run.spec.dataset).n_train
    except (ConfigError, Damaged):
        n = 1_000
    net = run.config.net
    config, training = suggested(run.family, run.spec.data, n, net)
    return {**dict(config), **dict(training)}
