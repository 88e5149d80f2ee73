"""Home: alive without training and network, honest about where the point lies, and never killed by what lies on disk."""

from __future__ import annotations

import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

__all__ = ["alone"]  # a fixture of every test here


def home(**query: str) -> AppTest:
    return open_page("home", **query)


def test_an_empty_home_says_what_is_missing_and_where_to_get_it() -> None:
    app = home()
    assert not app.exception
    assert "no trained model" in app.subheader[0].value
    assert not app.slider


def test_a_two_dimensional_run_is_moved_by_two_sliders() -> None:
    run = trained(latent_dim=2)
    app = home()
    assert not app.exception and not app.error
    assert [slider.label for slider in app.slider] == ["z₁", "z₂"]
    start = app.slider[0].value
    app.slider[0].set_value(app.slider[0].max).run()
    assert not app.exception
    assert app.slider[0].value != start
    assert not app.query_params["z"].startswith(f"{start:g},")
    assert app.query_params["run"] == run.id


def test_the_first_point_lies_on_the_data_and_a_far_one_does_not() -> None:
    run = trained(latent_dim=2)
    assert "on the data" in said(home())
    # a single distant code stretches the plane, so that its corner is far from every code
    codes = run.codes
    codes.z[0] = 40
    run.save_codes(codes)
    app = home(z="-30,30")
    app.slider[0].set_value(app.slider[0].min)
    app.slider[1].set_value(app.slider[1].max).run()
    assert "off the map" in said(app)


@pytest.mark.parametrize("latent_dim", [1, 5])
def test_other_dimensions_have_a_plane_too(latent_dim: int) -> None:
    trained("ae", latent_dim=latent_dim)
    app = home()
    assert not app.exception
    assert len(app.slider) == min(latent_dim, 2)
    if latent_dim > 2:
        assert "main axes" in said(app)


@pytest.mark.parametrize("dataset", ["two-moons", "wine", "heartbeats"])
def test_points_tables_and_sequences(dataset: str) -> None:
    trained("ae", dataset, latent_dim=2, batch_size=64)
    app = home()
    assert not app.exception and not app.error


@pytest.mark.parametrize("z", ["nan,1", "1", "1,2,3", "far,away", "1e99,-1e99", ""])
def test_an_unusual_link_is_ignored_or_kept_in_bounds(z: str) -> None:
    trained(latent_dim=2)
    app = home(z=z, run="../../etc/passwd")
    assert not app.exception
    assert all(slider.min <= slider.value <= slider.max for slider in app.slider)


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
    assert len(app.slider) == 2
    assert "is not on this computer" in said(app)
