"""Scenes of dials: all that moves with β, and what a level to train at is good for."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from aeexplorer.config import Choice, Config, ConfigError
from aeexplorer.corruption import CORRUPTIONS
from aeexplorer.explorer import Explorer
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import Samples, values_of
from aeexplorer.metrics import linear_probe
from aeexplorer.runs.dial import Dial

Kind = Annotated[str, Choice(tuple(CORRUPTIONS))]
ACTIVE_VARIANCE = 0.01
"""Variance of a posterior mean over test samples above which a unit is active (Burda et al. 2016, arXiv:1509.00519)."""
MAX_SAMPLES = 32
MAP_POINTS = 2_000
PER_CLASS = 5
PROBES = 5
"""Draws of the few labels over which the probe's accuracy is averaged."""
PROBED = 2_000
"""Training samples from which the few labels are drawn, and test samples on which the probe is judged."""
CELLS = 16
"""Parts of the gap between two snapshots, at whose ends the map is that of the model itself."""
RATES = 13
"""Values of β at which a multi-rate VAE is measured."""
NARROWEST = 3.2
"""Half of the map's width at least, in standard deviations of the prior."""


class CurveParams(Config):
    """The params that do not move with β.

    Attributes:
        twin: a dial over β of the same data with a code of two values, whose map is shown; without one the map is that
            of the run's own principal components.
        gated: a multi-rate VAE to compare with the dial.
    """

    run: str
    twin: str | None = None
    gated: str | None = None
    points: int = Field(MAP_POINTS, ge=2, le=MAP_POINTS)


class BetaParams(CurveParams):
    """`seed` locks the prior samples: β changes the decoder, not the codes that it decodes."""

    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    value: float = Field(1.0, gt=0, description="β")
    seed: int = Field(0, ge=0, le=2**32 - 1)


def beta(params: BetaParams) -> Frame:
    """A VAE at any β of its dial: samples, their reconstructions and as many prior samples.

    Array `map` (n, 2) holds test codes. Arrays `kl`, `mean`, `variance` and `active` (K,) hold for each dimension, the
    largest KL first, its KL, the moments of its aggregate posterior and whether it is active. Readouts are figures of
    the whole test set, interpolated between the measured values of β: D, R and βR in nats per sample, active units, and
    the two snapshots between which the weights are interpolated. `ellipse` holds two standard deviations of the
    aggregate posterior on the map.
    """
    opened = find_open_run(params.run)
    dial = dial_of(opened, "beta")
    value = min(max(params.value, dial.stops[0]), dial.stops[-1])
    model = opened.explorer.at(value)
    x = np.stack([values_of(sample, opened) for sample in params.samples])
    curve_at = at_value(dial, value)
    order = np.argsort(-curve_at["kl"], kind="stable")
    arrays = {
        "input": tiles(x, opened.spec),
        "reconstruction": tiles(model.reconstruct(x), opened.spec),
        "prior": tiles(model.sample(len(x), params.seed), opened.spec),
    } | {name: curve_at[name][order].astype(np.float32) for name in ("kl", "mean", "variance")}
    active = curve_at["activity"][order] > ACTIVE_VARIANCE
    arrays["active"] = active.astype(np.uint8)
    distortion, rate = float(curve_at["distortion"]), float(curve_at["rate"])
    readouts: dict[str, Any] = {
        "value": value,
        "distortion": distortion,
        "rate": rate,
        "weighted": value * rate,
        "loss": distortion + value * rate,
        "active_units": int(active.sum()),
        "units": len(order),
        "between": between(dial, value),
    }
    if params.gated:
        other, figures = _gated(params.gated, opened)
        model = other.explorer.at(value)
        arrays["gated_reconstruction"] = tiles(model.reconstruct(x), opened.spec)
        arrays["gated_prior"] = tiles(model.sample(len(x), params.seed), opened.spec)
        at = {name: float(np.interp(np.log(value), np.log(figures["value"]), rows)) for name, rows in figures.items()}
        readouts |= {
            "gated_distortion": at["distortion"],
            "gated_rate": at["rate"],
            "gated_loss": at["distortion"] + value * at["rate"],
            "gated_active_units": round(at["active_units"]),
            "gated_samples": min(PROBED, len(other.explorer.dataset.test)),
        }
    shown = find_open_run(params.twin) if params.twin else opened
    if shown.latent_dim > 1 and shown.test is not None:
        arrays["map"], on_map = _map(shown, value, params.points)
        readouts |= on_map
    return Frame(arrays, readouts, opened.spec)


def _gated(run: str, opened: OpenRun) -> tuple[OpenRun, dict[str, np.ndarray]]:
    """An open multi-rate VAE with its figures along its range of β.

    Raises:
        ConfigError: for another family, or samples of another shape.
    """
    other = find_open_run(run)
    if "rates" not in other.explorer.traits or other.spec.shape != opened.spec.shape:
        raise ConfigError(
            f"gated must be one net for every β on samples of shape {opened.spec.shape}, "
            f"got {other.explorer.family.name} on {other.spec.shape}"
        )
    return other, _along(other.explorer)


@lru_cache(maxsize=16)
def _along(model: Explorer) -> dict[str, np.ndarray]:
    """D, R and active units of a net for every β over its range; kept per open run, since nothing of it is stored."""
    values = np.geomspace(model.config.lowest, model.config.highest, RATES)
    test = model.dataset.test.take(np.arange(min(PROBED, len(model.dataset.test))))
    rows = [model.at(float(value)).rate_distortion(test) for value in values]
    return {"value": values} | {
        name: np.array([float(row[name]) for row in rows]) for name in ("distortion", "rate", "active_units")
    }


def dial_of(opened: OpenRun, knob: str) -> Dial:
    """The dial of an open run.

    Raises:
        ConfigError: for a run of one model, or a dial over something else.
    """
    dial = opened.explorer.dial
    if dial is None or dial.knob != knob:
        raise ConfigError(f"run must be a dial over {knob}, got {dial.knob if dial else 'a run of one model'}")
    return dial


def at_value(dial: Dial, value: float) -> dict[str, np.ndarray]:
    """The figures of a dial's curve at any value, linear between the measured ones on the dial's scale."""
    curve = dial.curve
    axis = np.log if dial.scale == "log" else np.asarray
    place = float(np.interp(axis(value), axis(curve["value"]), np.arange(len(curve["value"]))))
    low = min(int(place), len(curve["value"]) - 1)
    high = min(low + 1, len(curve["value"]) - 1)
    part = place - low
    return {
        name: (1 - part) * rows[low] + part * rows[high]
        for name, rows in curve.items()
        if name not in ("value", "tested")
    }


def between(dial: Dial, value: float) -> tuple[float, float]:
    """The two snapshots between which a value stands, the same twice at one of them."""
    stand = dial.between(value)
    return {0.0: (stand.lower, stand.lower), 1.0: (stand.upper, stand.upper)}.get(stand.weight, stand[:2])


def _map(shown: OpenRun, value: float, points: int) -> tuple[np.ndarray, dict[str, Any]]:
    """Where the posterior means of test samples stand, (n, 2), with the aggregate posterior as an ellipse.

    To encode them with every frame would take longer than all else in it, so they stand on the straight line between
    where the models at either end of a sixteenth of the gap between two snapshots put them.
    """
    dial = dial_of(shown, "beta")
    lower, upper, weight = dial.between(value)
    cell = min(int(weight * CELLS), CELLS - 1)
    ends = [_places(shown, lower * (upper / lower) ** (at / CELLS))[:points] for at in (cell, cell + 1)]
    on_map = ends[0] + np.float32(weight * CELLS - cell) * (ends[1] - ends[0])
    curve_at = at_value(dial, value)
    directions = shown.plane.directions
    spread = (directions * np.maximum(curve_at["variance"] - curve_at["activity"], 0)) @ directions.T
    covariance = np.cov(on_map.T.astype(np.float64)) + spread
    lengths, axes = np.linalg.eigh(covariance)
    centre, radii = on_map.mean(0), 2 * np.sqrt(np.maximum(lengths, 0))
    # the curve is smooth in β, so the window is too: points travel and never jump
    widest = float(np.sqrt(curve_at["variance"].max()) + np.abs(curve_at["mean"]).max())
    return on_map, {
        "ellipse": {"centre": centre, "radii": radii, "angle": float(np.arctan2(axes[1, 0], axes[0, 0]))},
        "prior": shown.plane.place(np.zeros((1, shown.latent_dim)))[0],
        "reach": max(NARROWEST, 2.4 * widest),
    }


def _places(shown: OpenRun, value: float) -> np.ndarray:
    """Where the test samples of the stored codes stand at a value, (n, 2), kept with the open run."""
    assert shown.test is not None
    if value not in shown.along:
        codes = shown.explorer.codes
        x, labels = shown.test.x[codes.index[:MAP_POINTS]], codes.labels[:MAP_POINTS]
        shown.along[value] = shown.plane.place(shown.explorer.at(value).encode(x, labels))
    return shown.along[value]


def curve(params: CurveParams) -> Frame:
    """The part of the page that stays while β moves: arrays `value`, `rate`, `distortion` (g,) along the dial, and
    `labels` (n,) of the map's points, 255 for none; and the largest KL of a dimension anywhere on the dial."""
    opened = find_open_run(params.run)
    shown = find_open_run(params.twin) if params.twin else opened
    rows = dial_of(opened, "beta").curve
    arrays = {name: rows[name].astype(np.float32) for name in ("value", "rate", "distortion")}
    if params.gated:
        _, figures = _gated(params.gated, opened)
        arrays |= {f"gated_{name}": figures[name].astype(np.float32) for name in ("rate", "distortion")}
    labels = shown.labels[: params.points]
    arrays["labels"] = np.where(labels < 0, 255, labels).astype(np.uint8)
    return Frame(arrays, {"kl_max": float(rows["kl"].max())})


class TrainedParams(Config):
    """`chains` are dials that take the place of `run`, by the kind that they were trained on."""

    run: str
    chains: dict[Kind, str] = Field({}, max_length=8)
    kind: Kind = "gaussian"


def trained(params: TrainedParams) -> Frame:
    """A dial over the level: arrays `trained` (g,), `tested` (m,), `mse` (g, m) on the whole test set, and where there
    are classes `probe` (g,), what a linear probe makes of clean test codes with a few labels of each class."""
    opened = find_open_run(params.chains.get(params.kind, params.run))
    dial = dial_of(opened, "level")
    rows = dial.curve
    arrays = {"trained": rows["value"], "tested": rows["tested"], "mse": rows["mse"]}
    probe = _probed(opened.explorer, len(dial.stops)) if opened.test is not None else None
    arrays |= {"probe": probe} if probe is not None else {}
    return Frame({name: array.astype(np.float32) for name, array in arrays.items()}, {"per_class": PER_CLASS})


@lru_cache(maxsize=16)
def _probed(model: Explorer, stops: int) -> np.ndarray | None:
    """Kept per open run and the snapshots that it has: everybody who looks at it asks for the same curve."""
    assert model.dial is not None
    data = model.dataset
    train, test = data.train, data.test
    if len(np.unique(train.y[train.y >= 0])) < 2:
        return None
    x, y, x_test, y_test = train.x[:PROBED], train.y[:PROBED], test.x[:PROBED], test.y[:PROBED]
    accuracies = []
    for value in model.dial.curve["value"]:
        z, z_test = (model.at(float(value)).encode(part) for part in (x, x_test))
        accuracies.append(np.mean([linear_probe(z, y, z_test, y_test, PER_CLASS, seed) for seed in range(PROBES)]))
    return np.array(accuracies)
