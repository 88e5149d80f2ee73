"""Scenes of anomalies: what a threshold on a raw score decides, and the curves on which it moves."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.applications.anomalies import Trial, baselines, detection, trial
from aeexplorer.config import Config, ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.live.frame import Frame, signed_tiles, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.metrics import Detection

TESTED = 2_000
"""Labelled test samples that are judged."""
BINS = 40
POINTS = 160
"""Points of a curve at most."""
CUT = 0.99
"""Quantile of all scores up to which the axis of the histograms reaches; the last bars hold what lies beyond."""


class CurvesParams(Config):
    """`normal` are places of classes; `kind` is one of `Explorer.scores`."""

    run: str
    normal: tuple[Annotated[int, Field(ge=0, le=32_767)], ...] = Field(min_length=1, max_length=1_000)
    kind: str = Field("error", max_length=40)


class ThresholdParams(CurvesParams):
    """`weight` is the cost of a missed anomaly, that of a false alarm being 1."""

    threshold: float = 0.0
    weight: float = Field(1.0, gt=0, le=1_000)
    shown: int = Field(8, ge=1, le=32)


class _Judged(NamedTuple):
    """Data that stay while a threshold moves: samples as they travel, and their places by score, the lowest first."""

    tried: Trial
    found: Detection
    pictures: np.ndarray
    residuals: np.ndarray
    order: np.ndarray
    ordered: np.ndarray


@lru_cache(maxsize=4)
def _pictures(model: Explorer, normal: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    tried = trial(model, normal, TESTED)
    residuals = model.reconstruct(tried.x) - model.spec.values(tried.x)
    return tiles(tried.x, model.spec), signed_tiles(residuals, model.spec)


@lru_cache(maxsize=16)
def _judged(model: Explorer, normal: tuple[int, ...], kind: str) -> _Judged:
    found = detection(model, normal, kind, TESTED)
    order = np.argsort(found.scores, kind="stable")
    return _Judged(trial(model, normal, TESTED), found, *_pictures(model, normal), order, found.scores[order])


def _opened(params: CurvesParams) -> tuple[OpenRun, tuple[int, ...]]:
    """The open run, whose test samples must be here: a live request never downloads."""
    opened = find_open_run(params.run)
    if opened.test is None:
        raise ConfigError(f"run needs {opened.spec.title}, which is not on this computer")
    return opened, tuple(sorted(set(params.normal)))


def score_range(found: Detection) -> tuple[float, float]:
    """The lowest score and the end of the axis, between which a threshold is dragged."""
    low, high = float(found.scores.min()), float(np.quantile(found.scores, CUT))
    return (low, high) if high > low else (low, low + 1)


def threshold(params: ThresholdParams) -> Frame:
    """The samples nearest to a threshold on both sides, with what the reconstruction lacks or adds; the counts, and
    where the dots of all scores stand, of other methods at the threshold that makes as many alarms."""
    opened, normal = _opened(params)
    judged = _judged(opened.explorer, normal, params.kind)
    counts = judged.found.counts(params.threshold)
    n = len(judged.order)
    at = n - counts.found - counts.false_alarms  # places from here on are alarms
    below, above = judged.order[max(0, at - params.shown) : at][::-1], judged.order[at : at + params.shown]
    arrays: dict[str, np.ndarray] = {}
    for name, places in (("below", below), ("above", above)):
        arrays |= {name: judged.pictures[places], f"{name}_residual": judged.residuals[places]}
    readouts: dict[str, Any] = counts._asdict() | {
        "precision": counts.precision,
        "recall": counts.recall,
        "per_thousand": 1000 * counts.false_alarm_rate,
        "cost": counts.cost(params.weight),
        "least_cost": judged.found.cheapest(params.weight)[1],
        "places_below": judged.tried.places[below],
        "places_above": judged.tried.places[above],
        "captions_below": _captions(judged, below, opened.spec.classes),
        "captions_above": _captions(judged, above, opened.spec.classes),
        "false": counts.false_alarm_rate,
    }
    for name, other in baselines(opened.explorer, normal, TESTED).items():
        same = other.counts_at((n - at) / n)
        dots = {"false": same.false_alarm_rate, "recall": same.recall, "precision": same.precision}
        readouts |= {f"{name}_{figure}": value for figure, value in dots.items()}
    return Frame(arrays, readouts, opened.spec)


def _captions(judged: _Judged, places: np.ndarray, classes: tuple[str, ...]) -> list[str]:
    labels = judged.tried.y[places]
    names = [classes[y] if y < len(classes) else str(y) for y in labels]
    marks = ["anomaly" if odd else "normal" for odd in judged.tried.anomalous[places]]
    return [f"{name} · {mark}" for name, mark in zip(names, marks, strict=True)]


def curves(params: CurvesParams) -> Frame:
    """The curves that stay while a threshold moves: the outlines of two histograms, `edges` and the shares `normal` and
    `anomalous` of each kind, and the ROC and precision-recall curves of the score and of all baselines."""
    opened, normal = _opened(params)
    found = _judged(opened.explorer, normal, params.kind).found
    edges = np.linspace(*score_range(found), BINS + 1)
    arrays = {"edges": np.repeat(edges, 2)[1:-1]}
    inside = np.clip(found.scores, edges[0], edges[-1])
    for name, kind in (("normal", ~found.anomalous), ("anomalous", found.anomalous)):
        arrays[name] = np.repeat(np.histogram(inside[kind], edges)[0] / kind.sum(), 2)
    for name, one in {"model": found, **baselines(opened.explorer, normal, TESTED)}.items():
        (false, recall), (reached, precision) = one.roc(), one.precision_recall()
        arrays |= {f"{name}_false": _thinned(false), f"{name}_true": _thinned(recall)}
        arrays |= {f"{name}_recall": _thinned(reached), f"{name}_precision": _thinned(precision)}
    return Frame({name: array.astype(np.float32) for name, array in arrays.items()})


def _thinned(curve: np.ndarray) -> np.ndarray:
    """A few points of a curve, its ends among them."""
    return curve[np.unique(np.linspace(0, len(curve) - 1, POINTS).astype(int))]
