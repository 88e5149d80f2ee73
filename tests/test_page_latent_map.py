"""The map: direct for PCA and raw codes, by a job for t-SNE and UMAP, kept, and honest about what it kept."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

from aeexplorer.config import ConfigError
from aeexplorer.jobs import MapJob, find_map, submit_map, under_way
from aeexplorer.jobs.maps import compute_map
from aeexplorer.projection import coordinates_csv
from aeexplorer.runs import Run

__all__ = ["alone"]  # a fixture of every test here


def page(**query: str) -> AppTest:
    return open_page("latent_map", **query)


def choose(app: AppTest, method: str) -> AppTest:
    control = next(group for group in app.button_group if group.label == "Map")
    return control.set_value(method).run()


def drawn(run: Run, method: str = "tsne", **parameters: object) -> MapJob:
    """A finished map with the parameters the page begins with, computed here instead of in a worker."""
    first = {"tsne": {"perplexity": 30.0, "seed": 0}, "umap": {"n_neighbors": 15, "min_dist": 0.1, "seed": 0}}[method]
    job = submit_map(run, method, len(run.codes.z), **first, components=2, **parameters)
    compute_map(job, lambda: True)
    return job


def test_an_empty_home_leads_to_training() -> None:
    app = page()
    assert not app.exception
    assert "no trained model" in said(app)


@pytest.mark.parametrize(("latent_dim", "first"), [(1, "raw"), (2, "raw"), (3, "raw"), (5, "pca")])
def test_the_first_map_is_drawn_at_once_with_its_figures(latent_dim: int, first: str) -> None:
    trained("ae", latent_dim=latent_dim)
    app = page()
    assert not app.exception and not app.error
    figures = {metric.label: float(metric.value) for metric in app.metric}
    assert set(figures) == {"kNN recall", "Trustworthiness", "Continuity", "Label accuracy"}
    assert all(0 <= value <= 1 for value in figures.values())
    assert (figures["Trustworthiness"] > 0.999) or first == "pca" or latent_dim == 1


def test_a_map_that_was_drawn_before_is_shown_at_once() -> None:
    run = trained(latent_dim=5)
    job = drawn(run)
    app = choose(page(), "tsne")
    assert not app.exception and not app.error
    shown = next(metric for metric in app.metric if metric.label == "kNN recall")
    assert shown.value == f"{job.finished().quality['knn_recall']:.3f}"
    assert "Distances between clusters" in said(app)


def test_a_map_is_asked_for_watched_and_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained(latent_dim=5)
    app = choose(page(), "tsne")
    assert not app.metric
    monkeypatch.setattr("aeexplorer.jobs.queue.supervise", lambda: SimpleNamespace(wake=lambda: None))
    next(b for b in app.button if b.label == "Draw the t-SNE map").click().run()
    assert not app.exception
    _, job = find_map(run, "tsne", 270, perplexity=30.0, seed=0, components=2)
    assert job is not None and under_way(job)
    next(b for b in app.button if b.label == "Cancel").click().run()
    assert job.status.state == "cancelled"
    app.run()
    assert "cancelled" in said(app)
    assert any(b.label == "Draw it again" for b in app.button)


def test_a_map_is_drawn_by_a_worker() -> None:
    run = trained(latent_dim=5)
    app = choose(page(), "tsne")
    next(b for b in app.button if b.label == "Draw the t-SNE map").click().run()
    end = time.monotonic() + 120
    while time.monotonic() < end and not app.metric:
        time.sleep(0.5)
        app.run()
    assert not app.exception
    assert len(app.metric) == 4, said(app)
    assert submit_map(run, "tsne", 270, perplexity=30.0, seed=0, components=2).status.state == "done"


def test_a_failed_map_says_why_and_can_be_tried_again() -> None:
    run = trained(latent_dim=5)
    job = submit_map(run, "tsne", 270, perplexity=30.0, seed=0, components=2)
    job.set_status(state="failed", reason="the disk is full")
    app = choose(page(), "tsne")
    assert "the disk is full" in app.error[0].value
    assert any(b.label == "Draw it again" for b in app.button)


def test_a_damaged_map_can_be_drawn_again() -> None:
    run = trained(latent_dim=5)
    job = drawn(run)
    (job.path / "map.safetensors").write_bytes(b"nothing")
    app = choose(page(), "tsne")
    assert not app.exception
    assert "map" in app.error[0].value
    again = submit_map(run, "tsne", 270, perplexity=30.0, seed=0, components=2)
    assert again.status.state == "queued"


def test_without_the_data_the_map_works() -> None:
    orphaned(trained(latent_dim=2))
    app = page()
    assert not app.exception and not app.error
    assert len(app.metric) == 4
    assert "is not on this computer" in said(app)


def test_it_is_coloured_by_exact_factors_too() -> None:
    trained("ae", "shapes", latent_dim=2, samples=500)
    app = page()
    box = next(b for b in app.selectbox if b.label == "Colour by")
    assert "Orientation" in box.options
    box.set_value("orientation").run()
    assert not app.exception


def test_a_damaged_run_is_a_sentence() -> None:
    run = trained(latent_dim=2)
    (run.path / "codes.safetensors").write_bytes(b"")
    app = page()
    assert not app.exception
    assert app.error


def test_the_table_of_coordinates_runs_nothing() -> None:
    text = coordinates_csv(
        np.array([[-1.5, 2.0], [0.0, 1e-9]]), np.array([3, 4]), np.array([0, -1]), ('=HYPERLINK("x")',)
    )
    lines = text.splitlines()
    assert lines[0] == "test_sample,class,x,y"
    assert lines[1] == '3,"\'=HYPERLINK(""x"")",-1.5,2'
    assert lines[2] == "4,,0,1e-09"
    with pytest.raises(ConfigError, match="same samples"):
        coordinates_csv(np.zeros((2, 2)), np.zeros(3), np.zeros(2))
