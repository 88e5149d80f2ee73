"""Reconstruct: one sample through a model and back, with and without the samples at hand."""

from __future__ import annotations

import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

from aeexplorer.explorer import open_run

__all__ = ["alone"]  # a fixture of every test here


def explore(**query: str) -> AppTest:
    return open_page("reconstruct", **query)


def labelled(kind: object, label: str) -> object:
    return next(widget for widget in kind if widget.label == label)


def test_an_empty_home_leads_to_training() -> None:
    app = explore()
    assert not app.exception
    assert "no trained model" in said(app)


@pytest.mark.parametrize(
    ("family", "dataset", "latent_dim"),
    [
        ("dae", "digits", 4),
        ("vqvae", "digits", 16),
        ("vae", "heartbeats", 3),
        ("ae", "wine", 2),
        ("ae", "two-moons", 1),
        ("ae", "swiss-roll", 2),
    ],
)
def test_every_kind_of_data_and_code(family: str, dataset: str, latent_dim: int) -> None:
    trained(family, dataset, latent_dim=latent_dim, batch_size=64)
    app = explore()
    assert not app.exception and not app.error


def test_the_error_shown_is_the_error_of_the_picked_sample() -> None:
    run = trained(latent_dim=4)
    app = explore(sample="7")
    model = open_run(run)
    assert app.metric[0].value == f"{model.errors(model.dataset.test.x[7:8])[0]:.4g}"
    assert labelled(app.number_input, "Test sample").value == 7


def test_another_sample_is_in_the_link() -> None:
    trained(latent_dim=4)
    app = explore()
    labelled(app.number_input, "Test sample").set_value(12).run()
    assert not app.exception
    assert app.query_params["sample"] == "12"
    labelled(app.selectbox, "Class").set_value("3").run()
    labelled(app.button, "Random").click().run()
    assert not app.exception
    picked = int(app.query_params["sample"])
    assert open_run(app.query_params["run"]).dataset.test.y[picked] == 3


@pytest.mark.long
def test_a_denoiser_is_given_a_corrupted_sample_and_the_pattern_is_locked() -> None:
    trained("dae", latent_dim=8, hidden=(64,), epochs=15)
    app = explore()
    assert labelled(app.selectbox, "Corrupt the input").value == "gaussian"
    error = app.metric[0].value
    labelled(app.slider, "Corruption level").set_value(0.0).run()
    assert app.metric[0].value != error
    labelled(app.slider, "Corruption level").set_value(0.5).run()
    assert app.metric[0].value == error
    labelled(app.button, "New noise").click().run()
    assert app.metric[0].value != error


def test_without_the_data_stored_codes_still_work() -> None:
    orphaned(trained(latent_dim=4))
    app = explore()
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)


def test_a_damaged_run_is_a_sentence() -> None:
    run = trained(latent_dim=4)
    (run.path / "codes.safetensors").unlink()
    app = explore()
    assert not app.exception
    assert app.error and "codes.safetensors is missing" in said(app)


@pytest.mark.parametrize("query", [{"sample": "-5"}, {"sample": "99999999"}, {"sample": "x"}, {"run": "nobody"}])
def test_unusual_links(query: dict[str, str]) -> None:
    trained(latent_dim=4)
    app = explore(**query)
    assert not app.exception and not app.error
    assert 0 <= labelled(app.number_input, "Test sample").value < 270
