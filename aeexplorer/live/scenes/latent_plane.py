"""Scenes of a point in the latent space: decode it, say where it lies, put a sample there, fill the whole plane."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.interpolation import PATHS, manifold_grid
from aeexplorer.interpolation import grid as patch
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_runs import STATUSES, OpenRun, as_floats, find_open_run, neighbourhood_readouts
from aeexplorer.live.scenes.samples import Sample, code_of, values_of, vector

MAX_TILES = 400
VOTERS = 15


class EchoParams(Config, extra="allow"):
    """Anything; it comes back as the readouts."""


def echo(params: EchoParams) -> Frame:
    """The params themselves: what a round trip costs without a model."""
    return Frame(readouts=params.model_extra or {})


class DecodeParams(Config):
    run: str
    z: tuple[tuple[float, ...], ...] = Field(min_length=1, max_length=MAX_TILES)


def decode(params: DecodeParams) -> Frame:
    """A list of codes as samples."""
    found = find_open_run(params.run)
    z = np.stack([vector(code, found) for code in params.z])
    return Frame({"tiles": tiles(found.explorer.decode(z), found.spec)}, spec=found.spec)


class CodesParams(Config):
    run: str
    limit: int = Field(2_000, ge=1, le=2_000)


def codes(params: CodesParams) -> Frame:
    """The stored codes themselves: z, their classes (255 for none) and the names of the classes; of codes with two values
    or more also where they stand on the map, `points`."""
    found = find_open_run(params.run)
    z, labels = found.z[: params.limit], found.labels[: params.limit]
    classes = np.where(labels < 0, 255, labels)
    arrays: dict[str, np.ndarray] = {"z": z.astype(np.float32), "labels": classes.astype(np.uint8)}
    if found.latent_dim > 1:
        arrays["points"] = found.on_map(z)
    return Frame(arrays, {"classes": found.spec.classes, "latent_dim": found.latent_dim, "title": found.spec.title})


class PlaneParams(Config):
    """With `at`, a place on the map, the code is `z` moved there: what the map does not show of it stays."""

    run: str
    z: tuple[float, ...]
    at: tuple[float, float] | None = None
    neighbours: int = Field(6, ge=0, le=24)


def plane(params: PlaneParams) -> Frame:
    """One code: the sample it decodes to, whether it lies on the data, the nearest real samples, and the posterior
    of the nearest one."""
    found = find_open_run(params.run)
    z = vector(params.z, found)
    if params.at is not None:
        z = z + (np.array(params.at, np.float32) - found.on_map(z[None])[0]) @ found.axes.directions
    arrays, readouts = _surroundings(found, z, params.neighbours)
    if found.latent_dim > 1:
        readouts["at"] = found.on_map(z[None])[0]
    arrays["picture"] = tiles(found.explorer.decode(z), found.spec)
    return Frame(arrays, {"z": z, **readouts}, found.spec)


class EncodeParams(Config):
    run: str
    sample: Sample
    neighbours: int = Field(6, ge=0, le=24)


def encode(params: EncodeParams) -> Frame:
    """A sample put on the plane: its code, its reconstruction, where it lies, and what its neighbours are."""
    found = find_open_run(params.run)
    x = values_of(params.sample, found)[None]
    z = found.explorer.encode(x)[0]
    arrays, readouts = _surroundings(found, z, params.neighbours)
    back = found.explorer.decode(z)
    arrays |= {"sample": tiles(x, found.spec), "picture": tiles(back, found.spec)}
    readouts |= _vote(found, z)
    return Frame(arrays, {"z": z, "mse": float(np.square(back - x).mean()), **readouts}, found.spec)


class GridParams(Config):
    run: str
    n: int = Field(12, ge=2, le=20, description="Samples along one side.")
    span: float = Field(0.9, gt=0, lt=1, description="Prior probability between the outermost quantiles.")


def grid(params: GridParams) -> Frame:
    """The whole plane of a model with a 2-d code, evenly spaced in the probability of the prior, or where there is none
    of a Gaussian with the means and deviations of the stored codes."""
    found = find_open_run(params.run)
    if found.latent_dim != 2:
        raise ConfigError(f"run must have a code of 2 values for a grid, got {found.latent_dim}")
    z = manifold_grid(params.n, params.span)
    if "normal_prior" not in found.explorer.traits:
        z = found.z.mean(0) + z * found.z.std(0)
    return Frame({"tiles": tiles(found.explorer.decode(z), found.spec), "z": z}, {"n": params.n}, found.spec)


class CornersParams(Config):
    run: str
    corners: tuple[Sample, Sample, Sample, Sample]
    rows: int = Field(7, ge=2, le=20)
    columns: int = Field(7, ge=2, le=20)
    kind: Literal["lerp", "slerp"] = "lerp"
    u: float = Field(0.5, ge=0, le=1, description="Place between left and right that is shown on its own.")
    v: float = Field(0.5, ge=0, le=1, description="Place between top and bottom.")


def corners(params: CornersParams) -> Frame:
    """The patch between four samples, in reading order: array `tiles`, and at (u, v) `at` with the real sample nearest
    to it."""
    found = find_open_run(params.run)
    ends = np.stack([code_of(s, found) for s in params.corners])
    way = PATHS[params.kind]
    left, right = way(ends[0], ends[2], [params.v])[0], way(ends[1], ends[3], [params.v])[0]
    filled = patch(ends, params.rows, params.columns, params.kind).reshape(-1, found.latent_dim)
    z = np.concatenate([filled, way(left, right, [params.u])])
    x, near = tiles(found.explorer.decode(z), found.spec), found.neighbourhood(z)
    status = [STATUSES[s] for s in near.status]
    readouts = {
        "rows": params.rows, "columns": params.columns, "status": status[:-1], "at_status": status[-1:],
        "at_distance": near.distance[-1],
    }  # fmt: skip
    arrays = {"tiles": x[:-1], "at": x[-1:], "nearest": tiles(found.pictures_at(near.nearest[-1, :1]), found.spec)}
    return Frame(arrays, readouts, found.spec)


def _surroundings(found: OpenRun, z: np.ndarray, neighbours: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    near = found.neighbourhood(z[None], neighbours)
    places = near.nearest[0][:neighbours]
    arrays = {"nearest": tiles(found.pictures_at(places), found.spec)} if neighbours else {}
    readouts = neighbourhood_readouts(near)
    readouts["nearest"] = places
    readouts["nearest_labels"] = [_name(found, label) for label in found.labels[places]]
    readouts["nearest_are"] = "samples" if found.test is not None else "reconstructions"
    sample = found.samples_at(near.nearest[0][:1])
    if sample is not None and "posterior" in found.explorer.traits:
        mean, logvar = found.explorer.posterior(as_floats(sample))
        arrays["ellipse"] = np.concatenate([mean[0], np.exp(logvar[0] / 2)]).astype(np.float32)
    return arrays, readouts


def _vote(found: OpenRun, z: np.ndarray) -> dict[str, Any]:
    """The class most of the 15 nearest stored codes have, and their share."""
    near = found.labels[found.neighbourhood(z[None], VOTERS).nearest[0][:VOTERS]]
    near = near[near >= 0]
    if not len(near):
        return {"label": None, "share": None}
    counts = np.bincount(near)
    return {"label": _name(found, int(counts.argmax())), "share": float(counts.max() / len(near))}


def _name(found: OpenRun, label: int) -> str | None:
    classes = found.spec.classes
    return classes[label] if 0 <= label < len(classes) else None
