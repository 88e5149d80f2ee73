"""Scenes of a point in the latent space: decode it, tell where it lies, encode a sample there."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer.config import Config
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_run import OpenRun, neighbourhood_readouts
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import MAX_TILES, Sample, values_of, vector

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
    opened = find_open_run(params.run)
    z = np.stack([vector(code, opened) for code in params.z])
    return Frame({"tiles": tiles(opened.explorer.decode(z), opened.spec)}, spec=opened.spec)


class CodesParams(Config):
    run: str
    limit: int = Field(2_000, ge=1, le=2_000)


def codes(params: CodesParams) -> Frame:
    """The stored codes themselves: z, their classes (255 for none) and the names of the classes; of codes with two
    values or more also where they stand on the map, `points`."""
    opened = find_open_run(params.run)
    z, labels = opened.z[: params.limit], opened.labels[: params.limit]
    classes = np.where(labels < 0, 255, labels)
    arrays: dict[str, np.ndarray] = {"z": z.astype(np.float32), "labels": classes.astype(np.uint8)}
    if opened.latent_dim > 1:
        arrays["points"] = opened.plane.place(z)
    return Frame(arrays, {"classes": opened.spec.classes, "latent_dim": opened.latent_dim, "title": opened.spec.title})


class PlaneParams(Config):
    """With `at`, a place on the map, the code is `z` moved there: the part that the map does not show stays. With
    `difference` the readouts tell how much the decoded sample differs from the real one that looks most like it."""

    run: str
    z: tuple[float, ...]
    at: tuple[float, float] | None = None
    neighbours: int = Field(6, ge=0, le=24)
    difference: bool = False


def plane(params: PlaneParams) -> Frame:
    """One code: the sample it decodes to, whether it lies near the data, the nearest real samples, and the posterior of
    the nearest one."""
    opened = find_open_run(params.run)
    z = vector(params.z, opened)
    if params.at is not None:
        z = z + (np.array(params.at, np.float32) - opened.plane.place(z[None])[0]) @ opened.plane.directions
    arrays, readouts = _surroundings(opened, z, params.neighbours)
    if opened.latent_dim > 1:
        readouts["at"] = opened.plane.place(z[None])[0]
    x = opened.explorer.decode(z[None])
    arrays["picture"] = tiles(x, opened.spec)
    if params.difference:
        readouts["difference"] = opened.nearest_samples(x, z[None])[1][0]
    return Frame(arrays, {"z": z, **readouts}, opened.spec)


class EncodeParams(Config):
    run: str
    sample: Sample
    neighbours: int = Field(6, ge=0, le=24)


def encode(params: EncodeParams) -> Frame:
    """A sample put on the plane: its code, its reconstruction, the share of test samples that are reconstructed better
    (`worse_than`), and its neighbours."""
    opened = find_open_run(params.run)
    x = values_of(params.sample, opened)[None]
    z = opened.explorer.encode(x)[0]
    arrays, readouts = _surroundings(opened, z, params.neighbours)
    reconstruction = opened.explorer.decode(z)
    error = float(opened.spec.errors(reconstruction, x)[0])
    arrays |= {"sample": tiles(x, opened.spec), "picture": tiles(reconstruction, opened.spec)}
    readouts |= _vote(opened, z) | {"z": z, "mse": error, "worse_than": opened.share_below(error)}
    return Frame(arrays, readouts, opened.spec)


def _surroundings(opened: OpenRun, z: np.ndarray, neighbours: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    near = opened.neighbourhood(z[None], neighbours)
    places = near.nearest[0][:neighbours]
    arrays = {"nearest": tiles(opened.pictures_at(places), opened.spec)} if neighbours else {}
    readouts = neighbourhood_readouts(near)
    readouts["nearest"] = places
    readouts["nearest_labels"] = [_name(opened, label) for label in opened.labels[places]]
    readouts["nearest_are"] = "samples" if opened.test is not None else "reconstructions"
    sample = opened.samples_at(near.nearest[0][:1])
    if sample is not None and "posterior" in opened.explorer.traits:
        mean, logvar = opened.explorer.posterior(sample)
        arrays["ellipse"] = np.concatenate([mean[0], np.exp(logvar[0] / 2)]).astype(np.float32)
    return arrays, readouts


def _vote(opened: OpenRun, z: np.ndarray) -> dict[str, Any]:
    """The class most of the 15 nearest stored codes have, and their share."""
    near = opened.labels[opened.neighbourhood(z[None], VOTERS).nearest[0][:VOTERS]]
    near = near[near >= 0]
    if not len(near):
        return {"label": None, "share": None}
    counts = np.bincount(near)
    return {"label": _name(opened, int(counts.argmax())), "share": float(counts.max() / len(near))}


def _name(opened: OpenRun, label: int) -> str | None:
    classes = opened.spec.classes
    return classes[label] if 0 <= label < len(classes) else None
