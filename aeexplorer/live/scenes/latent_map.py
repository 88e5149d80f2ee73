"""Live scenes of the Latent map page: the samples behind points, and any place of a map decoded."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.map_cache import cached_map
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.metrics import STATUSES

MOST_SAMPLES = 150
NEAREST = 3


class SamplesParams(Config):
    """`index` names samples of the dataset, see `Dataset.take`."""

    run: str
    index: tuple[Annotated[int, Field(ge=0, le=10**7)], ...] = Field(min_length=1, max_length=MOST_SAMPLES)


def samples(params: SamplesParams) -> Frame:
    """Samples and their reconstructions; without the data both are decoded from the stored codes.

    The readout `index` names the samples of the frame, in the order of its arrays.
    """
    opened = find_open_run(params.run)
    if opened.test is not None:
        x = opened.explorer.dataset.take(np.array(params.index)).x
        reconstructions = tiles(opened.explorer.reconstruct(x), opened.spec)
        arrays = {"samples": tiles(x, opened.spec), "reconstructions": reconstructions}
        return Frame(arrays, {"index": params.index}, opened.spec)
    rows = {int(place): row for row, place in enumerate(opened.explorer.codes.index)}
    known = [place for place in params.index if place in rows]
    if not known:
        raise ConfigError(f"index must name stored codes, because {opened.spec.title} is not on this computer")
    decoded = tiles(opened.explorer.decode(opened.z[[rows[place] for place in known]]), opened.spec)
    return Frame({"samples": decoded, "reconstructions": decoded}, {"index": known}, opened.spec)


class LiftParams(Config):
    """`map_id` is the name under which the page cached the map."""

    run: str
    map_id: str = Field(max_length=200)
    at: tuple[float, ...] = Field(min_length=2, max_length=3)


def lift(params: LiftParams) -> Frame:
    """The sample decoded at a place of a map, its distance to the data, and the nearest real samples.

    A code that is lifted between the neighbours of a place is always near known codes, so on t-SNE and UMAP the
    distance of the place to the points of the map counts too.
    """
    opened, cached = find_open_run(params.run), cached_map(params.map_id)
    projection = cached.projection
    z = cached.lift(np.array([params.at]), opened.explorer)
    near = opened.neighbourhood(z, NEAREST)
    status = int(near.status[0])
    if projection.approximate:
        status = max(status, cached.status(np.array(params.at)))
    arrays = {
        "picture": tiles(opened.explorer.decode(z), opened.spec),
        "nearest": tiles(opened.pictures_at(near.nearest[0, :NEAREST]), opened.spec),
    }
    readouts = {
        "status": STATUSES[status],
        "distance": near.distance[0],
        "approximate": projection.approximate,
        "z": z[0],
    }
    return Frame(arrays, readouts, opened.spec)
