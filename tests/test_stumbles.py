"""Ten more ways to stumble: input as people give it, each met with the right answer or a sentence."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import clusters
from aeexplorer.projection.export import coordinates_csv

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


@pytest.fixture(scope="module")
def model() -> Explorer:
    return ae.open_run("pretrained/digits-vae")


def open_page(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page(f"../../pages/{page}.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def test_the_title_of_a_column_is_no_formula() -> None:
    table = coordinates_csv(np.zeros((1, 2)), [0], [0], ["a"], {"=1+1": [2.0]})
    assert table.splitlines()[0] == "sample,class,x,y,'=1+1"


def test_a_class_name_with_a_newline_stays_in_its_cell() -> None:
    table = coordinates_csv(np.zeros((1, 2)), [0], [0], ["a\n=1+1"])
    assert '"a\n=1+1"' in table


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_clusters_do_not_depend_on_the_offset_or_the_scale_of_the_codes(method: str) -> None:
    random = np.random.default_rng(0)
    z = np.concatenate([random.normal(at, 0.1, (60, 3)) for at in (0, 3, 6)])
    for moved in (z + 1e7, z * 1e-8, z * 1e8):
        found = clusters(moved, method, **({"k": 3} if method == "kmeans" else {"min_cluster_size": 10}))
        assert len(found) == 3 and [len(set(found.labels[i : i + 60])) for i in (0, 60, 120)] == [1, 1, 1]


def test_codes_of_half_precision_are_projected_like_their_values() -> None:
    z = (1000 * np.random.default_rng(0).standard_normal((200, 4))).astype(np.float16)
    assert np.allclose(ae.project(z, "pca").points, ae.project(z.astype(np.float64), "pca").points, rtol=1e-3, atol=0.1)


@pytest.mark.parametrize("order", ["F", "reversed", "readonly"])
def test_samples_are_encoded_whatever_their_memory_looks_like(model: Explorer, order: str) -> None:
    x = model.dataset.test.x[:6]
    given = np.asfortranarray(x) if order == "F" else x[::-1].copy()[::-1]
    given.flags.writeable = order != "readonly"
    assert np.array_equal(model.encode(given), model.encode(x))


def test_no_samples_have_no_codes(model: Explorer) -> None:
    assert model.encode(np.empty((0, 8, 8), np.uint8)).shape == (0, 16)
    assert model.decode(np.empty((0, 16))).shape == (0, 8, 8)


def test_threads_that_sample_with_one_seed_get_the_same(model: Explorer) -> None:
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(model.sample(32, seed=7))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and all(np.array_equal(samples, found[0]) for samples in found)


@pytest.mark.parametrize("seed", [-1, 2**70, 1.5])
def test_a_seed_that_is_none_is_refused_with_a_sentence(model: Explorer, seed: float) -> None:
    with pytest.raises(ConfigError, match="seed must be"):
        model.sample(4, seed=seed)


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("latent_map", {"run": "digits-vae", "maps": "nothing,,pca", "colour": "<b>", "n": "1e9"}),
        ("data", {"dataset": "nobody"}),
        ("interpolate", {"run": "digits-vae", "ends": "7", "t": "0,5"}),
        ("generate", {"run": "digits-vae", "view": "nowhere", "temperature": "0,7"}),
        ("runs", {"family": "nobody", "state": "\x00", "find": "(" * 50}),
    ],
)
@pytest.mark.long
def test_a_link_with_values_that_are_none_opens_its_page(page: str, query: dict[str, str], idle: None) -> None:
    app = open_page(page, **query)
    assert not app.exception and not app.error
    assert app.get("html")


@pytest.mark.parametrize("level", ["0,3", float("nan"), -0.1, None])
def test_a_level_that_is_none_is_refused_with_a_sentence(level: object) -> None:
    with pytest.raises(ConfigError, match="level must be"):
        ae.corrupt(np.zeros((2, 8, 8), np.uint8), "gaussian", level)
