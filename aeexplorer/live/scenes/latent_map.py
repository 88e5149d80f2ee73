"""Scenes of a map: the samples behind points, and any place of it decoded."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.map_cache import held
from aeexplorer.live.open_runs import STATUSES, OpenRun, as_floats, find_open_run

MOST_SAMPLES = 150
NEAREST = 3


class SamplesParams(Config):
    """`index` holds places in the dataset: its test split first, then training, then validation."""

    run: str
    index: tuple[Annotated[int, Field(ge=0, le=10**7)], ...] = Field(min_length=1, max_length=MOST_SAMPLES)


def samples(params: SamplesParams) -> Frame:
    """Samples and their reconstructions; where the data is not here both are decoded from the stored codes.

    The readout `index` names those that are there, in the order of the arrays.
    """
    found = find_open_run(params.run)
    if found.test is not None:
        x = np.stack([as_floats(_sample(found, place)) for place in params.index])
        arrays = {"samples": tiles(x, found.spec), "reconstructions": tiles(found.explorer.reconstruct(x), found.spec)}
        return Frame(arrays, {"index": params.index}, found.spec)
    rows = {int(place): row for row, place in enumerate(found.explorer.codes.index)}
    known = [place for place in params.index if place in rows]
    if not known:
        raise ConfigError(f"index must name stored codes, because {found.spec.title} is not on this machine")
    decoded = tiles(found.explorer.decode(found.z[[rows[place] for place in known]]), found.spec)
    return Frame({"samples": decoded, "reconstructions": decoded}, {"index": known}, found.spec)


def _sample(found: OpenRun, place: int) -> np.ndarray:
    data = found.explorer.dataset
    left = place
    for part in (data.test, data.train, data.validation):
        if left < len(part):
            sample: np.ndarray = part.x[left]
            return sample
        left -= len(part)
    raise ConfigError(f"index must be less than {place - left}, got {place}")


class LiftParams(Config):
    """`map_id` is what the page holds the map under."""

    run: str
    map_id: str = Field(max_length=200)
    at: tuple[float, ...] = Field(min_length=2, max_length=3)


def lift(params: LiftParams) -> Frame:
    """What a place of a map decodes to, how it lies, and the nearest real samples.

    A place that is lifted between its neighbours always has a code near known ones: how it lies among the points of the
    map then counts too.
    """
    found, holding = find_open_run(params.run), held(params.map_id)
    drawn = holding.projection
    if drawn.codes.shape[1] != found.latent_dim:
        raise ConfigError(f"map_id must be of codes with {found.latent_dim} values, got {drawn.codes.shape[1]}")
    z = drawn.lift(np.array([params.at]))
    near = found.neighbourhood(z, NEAREST)
    status = int(near.status[0])
    if drawn.approximate:
        status = max(status, holding.status(np.array(params.at)))
    arrays = {
        "picture": tiles(found.explorer.decode(z), found.spec),
        "nearest": tiles(found.pictures_at(near.nearest[0, :NEAREST]), found.spec),
    }
    readouts = {
        "status": STATUSES[status], "distance": near.distance[0], "approximate": drawn.approximate, "z": z[0],
    }  # fmt: skip
    return Frame(arrays, readouts, found.spec)
