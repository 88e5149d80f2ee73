"""The scenes of a map: samples behind points, and places decoded; the maps that are held for them."""

from __future__ import annotations

import numpy as np
import pytest
from live_runs import PLANE, RESTORE, live_home  # noqa: F401

from aeexplorer.config import ConfigError
from aeexplorer.live import map_cache
from aeexplorer.live.map_cache import cache_map, cached_map
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.projection import Projection, project

pytestmark = pytest.mark.usefixtures("live_home")


def test_samples_come_with_their_reconstructions_by_place_in_the_dataset() -> None:
    model = find_open_run(RESTORE).explorer
    data = model.dataset
    beyond = len(data.test) + 3
    frame = render("map_samples", {"run": RESTORE, "index": [5, 0, beyond]})
    assert np.array_equal(frame.arrays["samples"][:2], data.test.x[[5, 0]])
    assert np.array_equal(frame.arrays["samples"][2], data.train.x[3])
    expected = model.reconstruct(data.test.x[[5]])[0]
    assert np.abs(frame.arrays["reconstructions"][0] / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert frame.readouts["index"] == (5, 0, beyond)


@pytest.mark.parametrize("index", [[], [-1], [10**6], list(range(151))])
def test_samples_out_of_bounds_are_refused(index: list[int]) -> None:
    with pytest.raises(ConfigError, match="index"):
        render("map_samples", {"run": RESTORE, "index": index})


def test_without_the_data_samples_are_decoded_from_stored_codes() -> None:
    found = find_open_run(RESTORE)
    found.test = None
    frame = render("map_samples", {"run": RESTORE, "index": [2, 10**6]})
    assert frame.readouts["index"] == [2]
    decoded = found.explorer.decode(found.z[found.explorer.codes.index == 2])
    assert np.abs(frame.arrays["samples"][0] / 255 - decoded[0]).max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ConfigError, match="not on this computer"):
        render("map_samples", {"run": RESTORE, "index": [10**6]})


@pytest.mark.parametrize(("run", "method"), [(PLANE, "raw"), (RESTORE, "pca")])
def test_a_place_of_an_exact_map_is_decoded_by_its_code(run: str, method: str) -> None:
    found = find_open_run(run)
    drawn = project(found.z, method)
    cache_map("shown", drawn)
    at = drawn.points[7].tolist()
    frame = render("lift", {"run": run, "map_id": "shown", "at": at})
    code = drawn.lift(np.array([at]))
    assert np.allclose(frame.readouts["z"], code[0], atol=1e-5)
    assert np.abs(frame.arrays["picture"][0] / 255 - found.explorer.decode(code)[0]).max() <= 0.5 / 255 + 1e-5
    assert not frame.readouts["approximate"]
    assert len(frame.arrays["nearest"]) == 3


def test_a_place_between_clusters_of_an_approximate_map_is_off_it() -> None:
    found = find_open_run(RESTORE)
    points = np.where(np.arange(len(found.z))[:, None] % 2, 10.0, -10.0) + found.z[:, :2]
    cache_map("gap", Projection(points.astype(np.float32), found.z, "tsne", {}))
    here = render("lift", {"run": RESTORE, "map_id": "gap", "at": points[4].tolist()})
    between = render("lift", {"run": RESTORE, "map_id": "gap", "at": [0.0, 0.0]})
    assert here.readouts["approximate"] and here.readouts["status"] != "far from the data"
    assert between.readouts["status"] == "far from the data"


def test_a_map_that_no_page_shows_is_refused() -> None:
    with pytest.raises(ConfigError, match="map_id"):
        render("lift", {"run": PLANE, "map_id": "nothing", "at": [0, 0]})
    cache_map("other", project(find_open_run(RESTORE).z, "pca"))
    with pytest.raises(ConfigError, match="2 values, got 16"):
        render("lift", {"run": PLANE, "map_id": "other", "at": [0, 0]})


def test_the_maps_that_are_held_are_bounded() -> None:
    drawn = project(np.eye(5), "pca")
    for i in range(map_cache.CAPACITY + 5):
        cache_map(f"map-{i}", drawn)
    with pytest.raises(ConfigError):
        cached_map("map-0")
    assert cached_map(f"map-{map_cache.CAPACITY + 4}").projection is drawn
