"""Home: alive without training and network, honest about where the point lies, and never killed by what lies on
disk."""

from __future__ import annotations

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

from aeexplorer.config import ConfigError
from aeexplorer.explorer import open_run
from aeexplorer.plots import LIGHT, add_path, diverging, scatter_map
from aeexplorer.projection import project

__all__ = ["alone"]  # a fixture of every test here


def home(**query: str) -> AppTest:
    return open_page("home", **query)


def z_of(app: AppTest) -> list[float]:
    return [float(part) for part in str(app.query_params["z"]).split(",")]


def box(app: AppTest) -> str:
    return str(app.selectbox[0].value)


def test_an_empty_home_says_what_is_missing_and_where_to_get_it() -> None:
    app = home()
    assert not app.exception
    assert "no trained model" in app.subheader[0].value


def test_it_begins_at_the_code_of_the_picked_sample() -> None:
    run = trained(latent_dim=2)
    codes = run.codes
    app = home(sample=str(codes.index[7]))
    assert not app.exception and not app.error
    assert z_of(app) == pytest.approx(codes.z[7].tolist(), abs=1e-3)
    assert app.query_params["run"] == run.id
    assert "2 numbers in, 64 pixels out" in said(app)


def test_the_link_says_where_it_begins_and_the_lines_of_python_decode_it() -> None:
    run = trained(latent_dim=2)
    app = home(z="0.5,-1.25")
    assert z_of(app) == [0.5, -1.25]
    given: dict[str, np.ndarray] = {}
    exec(app.code[0].value, given)
    np.testing.assert_array_equal(given["sample"], open_run(run).decode(np.array([[0.5, -1.25]]))[0])


def test_only_a_two_dimensional_code_has_a_plane() -> None:
    flat = trained("ae", latent_dim=2)
    trained("vae", "wine", latent_dim=2, batch_size=32)
    deep = trained("ae", latent_dim=5)
    app = home(run=deep.id)
    assert not app.exception
    assert box(app) == flat.id, "another run of the same dataset takes its place"


def test_without_a_two_dimensional_run_it_says_so() -> None:
    trained("ae", latent_dim=5)
    app = home()
    assert not app.exception
    assert "2-D latent space" in app.info[0].value
    assert not app.selectbox


@pytest.mark.parametrize("dataset", ["two-moons", "wine", "heartbeats"])
def test_points_tables_and_sequences(dataset: str) -> None:
    trained("ae", dataset, latent_dim=2, batch_size=64)
    app = home()
    assert not app.exception and not app.error
    assert "values out" in said(app)


@pytest.mark.parametrize("z", ["nan,1", "1", "1,2,3", "far,away", "1e99,-1e99", ""])
def test_an_unusual_link_is_ignored(z: str) -> None:
    run = trained(latent_dim=2)
    app = home(z=z, run="../../etc/passwd", sample="-7")
    assert not app.exception
    assert np.abs(z_of(app)).max() <= np.abs(run.codes.z).max() + 1e-3


def test_a_damaged_run_is_a_sentence_and_a_door() -> None:
    run = trained(latent_dim=2)
    (run.path / "weights.safetensors").write_bytes(b"not a tensor")
    app = home()
    assert not app.exception
    assert "weights" in app.error[0].value
    (run.path / "spec.json").write_text("{")
    assert "no trained model" in home().subheader[0].value


def test_without_its_dataset_the_plane_still_works() -> None:
    run = trained(latent_dim=2)
    orphaned(run)
    app = home()
    assert not app.exception and not app.error
    assert len(z_of(app)) == 2
    assert "is not on this computer" in said(app)


def test_large_type_is_a_switch_that_stays() -> None:
    trained(latent_dim=2)
    app = home()
    assert "font-size: 125%" not in html_of(app)
    app.toggle[0].set_value(True).run()
    assert "font-size: 125%" in html_of(app)
    app.switch_page("../../pages/data.py").run()
    assert app.toggle[0].value and "font-size: 125%" in html_of(app)


def html_of(app: AppTest) -> str:
    return "".join(str(element.proto.body) for element in app.get("html"))


@pytest.mark.parametrize(("method", "dimensions"), [("raw", 1), ("raw", 2), ("pca", 5)])
def test_a_point_of_the_plane_is_lifted_to_its_code(method: str, dimensions: int) -> None:
    codes = np.random.default_rng(0).standard_normal((50, dimensions)).astype(np.float32)
    drawn = project(codes, method)
    lifted = drawn.lift(drawn.points)
    assert lifted.shape == codes.shape
    if dimensions <= 2:
        np.testing.assert_allclose(lifted, codes, atol=1e-5)
    np.testing.assert_allclose(drawn.transform(lifted)[:, :dimensions], drawn.points[:, :dimensions], atol=1e-5)
    with pytest.raises(ConfigError, match="dimensions"):
        drawn.lift(np.zeros((1, 3)))


def test_what_is_put_on_a_map() -> None:
    figure = scatter_map(np.random.default_rng(0).standard_normal((20, 2)), np.arange(20) % 2, ("a long name", "b"))
    add_path(figure, [[0.0, 0.0], [1.0, 1.0]], "#000000", "a <b>path</b>")
    assert "<b>" not in figure.data[-1].name
    with pytest.raises(ConfigError, match="points"):
        add_path(figure, [[1.0]], "#000000", "")


def test_residuals_in_two_colours() -> None:
    colours = diverging(np.array([[[0.0, 1.0, -1.0, 7.0]]]), LIGHT)
    assert colours.shape == (1, 1, 4, 3) and colours.dtype == np.uint8
    wanted = [LIGHT.panel, LIGHT.mark, LIGHT.accent, LIGHT.mark]
    assert ["#" + "".join(f"{c:02x}" for c in pixel) for pixel in colours[0, 0]] == wanted
