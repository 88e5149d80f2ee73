"""Anomaly detection: some classes are normal, all others are anomalies that a model has to find by a raw score."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data import Dataset
from aeexplorer.data.spec import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import BASELINES, SCORES, Detection, baseline_scores

TITLES = {
    **SCORES,
    "pca": "PCA, reconstruction error",
    "nearest_neighbour": "Nearest training sample",
    "isolation_forest": "Isolation forest",
}
"""Titles of the scores of models and baselines."""

USUAL = ("normal", "benign")
"""Names of classes that are the normal ones until somebody says otherwise."""


class Trial(NamedTuple):
    """Labelled test samples, and which of them are anomalies.

    Attributes:
        x: (n, *shape). y: (n,) classes. places: (n,) in the test split. anomalous: (n,) booleans.
    """

    x: np.ndarray
    y: np.ndarray
    places: np.ndarray
    anomalous: np.ndarray


def classes_of(data: Dataset) -> list[int]:
    """The classes of the test samples, at least two.

    Raises:
        ConfigError: where there are fewer, with what is needed.
    """
    found = np.unique(data.test.y[data.test.y >= 0]).tolist()
    if len(found) < 2:
        raise ConfigError(
            f"anomalies need labelled test samples of at least 2 classes, got {len(found)} in {data.spec.title}"
        )
    return found


def class_places(spec: DataSpec, names: Sequence[str]) -> tuple[int, ...]:
    """The places of classes that are given by name or by place.

    Raises:
        ConfigError: for an unknown class.
    """
    places = []
    for name in names:
        if name in spec.classes:
            places.append(spec.classes.index(name))
        elif name.isdigit() and (not spec.classes or int(name) < len(spec.classes)):
            places.append(int(name))
        else:
            raise ConfigError(unknown("class", name, spec.classes))
    return tuple(sorted(set(places)))


def usual_normal(model: Explorer) -> tuple[int, ...]:
    """The classes that are normal until somebody says otherwise: those that the run was trained on, where classes were
    left out; else the class of that name, or all but the first."""
    known, left_out = classes_of(model.dataset), model.run.spec.training.leave_out
    if left_out:
        return tuple(y for y in known if y not in left_out)
    named = tuple(i for i, name in enumerate(model.spec.classes) if name.lower() in USUAL)
    return named or tuple(known[1:])


def trial(model: Explorer, normal: Sequence[int], most: int | None = None) -> Trial:
    """The labelled test samples, or the first `most` of them.

    Raises:
        ConfigError: where they are not of two kinds.
    """
    known = classes_of(model.dataset)
    if not set(normal) & set(known) or set(known) <= set(normal):
        raise ConfigError(f"normal must name some classes of {model.spec.title} and not all, got {tuple(normal)}")
    test = model.dataset.test
    places = np.flatnonzero(test.y >= 0)[:most]
    return Trial(test.x[places], test.y[places], places, ~np.isin(test.y[places], list(normal)))


def flat(x: np.ndarray, spec: DataSpec) -> np.ndarray:
    """Samples (n, *spec.shape) as vectors (n, features) float32, as a model sees them."""
    return spec.values(x).reshape(len(x), -1)


@lru_cache(maxsize=8)
def baselines(model: Explorer, normal: tuple[int, ...], most: int | None = None) -> dict[str, Detection]:
    """Results of methods without an autoencoder on the same samples; kept, because they take seconds."""
    tried = trial(model, normal, most)
    train = flat(model.normal_samples(model.dataset.train, normal).x, model.spec)
    found = baseline_scores(train, flat(tried.x, model.spec))
    return {name: Detection(found[name], tried.anomalous) for name in BASELINES}


@lru_cache(maxsize=32)
def detection(model: Explorer, normal: tuple[int, ...], kind: str, most: int | None = None) -> Detection:
    """Result of one score of a model on the labelled test samples."""
    tried = trial(model, normal, most)
    return Detection(model.anomaly_scores(tried.x, kind, normal), tried.anomalous)


def figures(model: Explorer, normal: Sequence[int], most: int | None = None) -> dict[str, Any]:
    """AUROC and average precision of every score of a model and of every baseline, by name."""
    key = tuple(sorted(normal))
    found = {kind: detection(model, key, kind, most) for kind in model.scores} | baselines(model, key, most)
    return {
        "auroc": {name: one.auroc for name, one in found.items()},
        "average_precision": {name: one.average_precision for name, one in found.items()},
    }


def verdict(auroc: dict[str, float]) -> str:
    """Name the best score in a sentence, and say whether the combined score is better than the error alone."""
    best = max(auroc, key=auroc.__getitem__)
    rival = max(BASELINES, key=auroc.__getitem__)
    own = max((name for name in auroc if name not in BASELINES), key=auroc.__getitem__)
    text = f"{TITLES[best]} ranks anomalies best (AUROC {auroc[best]:.3f})"
    if best in BASELINES:
        text += f"; the best score of the model has {auroc[own]:.3f}"
    else:
        text += f"; the best method without an autoencoder has {auroc[rival]:.3f} ({TITLES[rival]})"
    gain = auroc["both"] - auroc["error"]
    how = "better" if gain > 0 else "worse"
    same = f"The combined score is {how} than the error alone by {abs(gain):.3f}."
    return f"{text}. {'The combined score is as good as the error alone.' if abs(gain) < 0.0005 else same}"
