"""Few labels, Disentanglement, Units and Generate to order: their figures, their scene and their pages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained

import aeexplorer as ae
from aeexplorer.__main__ import main
from aeexplorer.applications import augmentation, disentanglement, units
from aeexplorer.applications.few_labels import as_markdown, winners, with_classifiers
from aeexplorer.config import ConfigError
from aeexplorer.explorer import open_run
from aeexplorer.jobs.studies import compute_study, request_study
from aeexplorer.live.scenes import render
from aeexplorer.plots.bands import bands, dots, matrix
from aeexplorer.ui import few_labels

__all__ = ["alone"]  # a fixture of every test here

pytestmark = pytest.mark.usefixtures("idle")


def shapes(**knobs: object) -> ae.Run:
    return trained("beta_vae", "shapes", latent_dim=3, samples=2_000, **knobs)


@pytest.mark.long
def test_the_command_scores_shapes_and_refuses_data_without_factors(capsys: pytest.CaptureFixture[str]) -> None:
    run = shapes()
    assert main(["disentanglement", run.id, "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"mig", "dci", "sap", "factor_vae", "beta_vae"} <= set(found)
    assert all(0 <= found[name] <= 1 for name in disentanglement.TITLES)
    model = open_run(run)
    assert disentanglement.factor_codes(model).categorical == (0,)
    with pytest.raises(ConfigError, match="needs data with exact factors of variation"):
        disentanglement.factor_codes(open_run(trained(latent_dim=2)))


def test_where_scores_disagree_it_is_said() -> None:
    row = dict.fromkeys(disentanglement.TITLES, 0.1)
    a, b = row | {"group": "a", "mig": 0.3, "sap": 0.0}, row | {"group": "b", "sap": 0.4}
    assert "disagree" in disentanglement.disagreement([a, b])
    wide = [a | {"mig": 0.9}, a | {"mig": 0.0}, b]
    assert "By MIG, seeds of one group differ more than the groups." in disentanglement.disagreement(wide)
    assert "nothing to compare" in disentanglement.disagreement([a])


def test_units_are_dimensions_or_entries_and_correlate_with_what_makes_them() -> None:
    model = open_run(trained("ae", latent_dim=3, epochs=3))
    found = units.units_of(model)
    assert not found.entries and found.activations.shape == (270, 3)
    high, low = units.extremes(found, 1, 5)
    assert found.activations[high, 1].min() >= np.sort(found.activations[:, 1])[-5]
    assert found.activations[low, 1].max() <= np.sort(found.activations[:, 1])[4]
    correlations = units.correlates(model, found, 1)
    y = model.dataset.test.y[model.codes.index]
    assert correlations["class 3"] == pytest.approx(np.corrcoef(found.activations[:, 1], y == 3)[0, 1])
    assert list(correlations.values()) == sorted(correlations.values(), key=lambda v: -abs(v))
    book = open_run(trained("vqvae", latent_dim=16, positions=4, codebook_size=16))
    entries = units.units_of(book)
    assert entries.entries and (entries.activations.sum(1) == 4).all()


def test_orders_are_of_the_codes_of_a_class() -> None:
    run = trained("vae", latent_dim=4, epochs=10)
    model, base = open_run(run), {"run": run.id, "n": 6, "label": 2, "target": 7}
    own = model.codes.z[model.codes.labels == 2]
    still = render("order", base | {"temperature": 0.0}).arrays["tiles"]
    expected = np.rint(255 * model.decode(own.mean(0)))[0]
    assert np.abs(still.astype(float) - expected).max() <= 1
    near = render("order", base | {"order": "near", "sample": {"code": 5}, "temperature": 0.0}).arrays["tiles"]
    assert np.abs(near.astype(float) - np.rint(255 * model.decode(model.codes.z[5]))[0]).max() <= 1
    moved = render("order", base | {"order": "attribute", "strength": 1.0})
    assert set(moved.readouts) >= {"near_data", "as_ordered", "seen"} and len(moved.readouts["seen"]) == 6
    with pytest.raises(ConfigError, match="label must be a class of the stored codes, got 12"):
        render("order", base | {"label": 12})
    told = trained("cvae", latent_dim=2)
    assert len(render("order", {"run": told.id, "label": 3, "n": 4}).arrays["tiles"]) == 4


def test_augmentation_counts_draws_of_every_way() -> None:
    model = open_run(trained("cvae", latent_dim=4))
    knobs = augmentation.Knobs(budgets=(1, 5), draws=2, generated=2)
    *_, (share, found) = augmentation.study(model, knobs)
    assert share == 1 and set(found["accuracy"]) == set(augmentation.WAYS)
    assert all(len(of["5"]) == 2 and 0 < np.mean(of["5"]) <= 1 for of in found["accuracy"].values())
    assert np.mean(found["accuracy"]["real"]["5"]) > np.mean(found["accuracy"]["real"]["1"])
    assert "change the accuracy by" in augmentation.verdict(found)


def test_figures_carry_their_values() -> None:
    figure = bands(["1", "5"], {"a": [[0.2, 0.4], []], "b": [[0.5], [0.7]]}, x="labels", y="accuracy")
    assert list(figure.data[0].x) == ["1"] and figure.data[0].y[0] == pytest.approx(0.3)
    assert figure.data[0].error_y.array[0] == pytest.approx(0.1)
    figure = dots({"seeds": {"MIG": [0.1, 0.2], "SAP": [0.3]}}, y="score")
    assert list(figure.data[0].y) == [0.1, 0.2, 0.3] and list(figure.data[0].x) == ["MIG", "MIG", "SAP"]
    figure = matrix([[0.25, 1.0]], ["z"], ["<b>", "scale"])
    assert figure.data[0].text[0][0] == "0.25" and "<b>" not in figure.data[0].x[0]


@pytest.mark.long
def test_the_pages_show_what_studies_find() -> None:
    run = trained("vae", latent_dim=3)
    for page, words in (("few_labels", "numbers in place of 64"), ("generate_to_order", "near the data")):
        app = open_page(page)
        assert not app.exception and not app.error and words in said(app)
    job = request_study(run, "augmentation", budgets=(1, 2, 5, 10, 50), draws=1)
    assert compute_study(job, lambda: True)
    job = request_study(run, "few_labels", budgets=few_labels.BUDGETS, draws=3, tuned=False)
    assert compute_study(job, lambda: True)
    semi = trained("m2", latent_dim=2, labels=30, epochs=2)
    found = with_classifiers(job.found, run, [run, semi, trained("m2", "wine", latent_dim=2, batch_size=32, epochs=2)])
    assert found["budgets"] == [1, 2, 3, 5, 10, 50, 0] and winners(found).keys() >= {"3", "all"}
    assert found["accuracy"]["M2"] == {"3": [semi.status.result["accuracy"]]}
    assert any(line.startswith("| M2, trained with its labels | – | – | 0.") for line in as_markdown(found))
    app = open_page("few_labels", run=run.id, draws="3", tuned="no")
    assert not app.exception and "Best by labels per class" in said(app)
    for order in ("near", "attribute"):
        assert not open_page("generate_to_order", run=run.id, order=order).exception


@pytest.mark.long
def test_units_of_every_kind_have_a_page() -> None:
    trained("vae", latent_dim=3)
    app = open_page("units")
    assert not app.exception and not app.error and "Strongest" in said(app)
    run = trained("vqvae", latent_dim=16, positions=4, codebook_size=16)
    assert not open_page("units", run=run.id).exception
    run = trained("ae", "wine", latent_dim=2, batch_size=32)
    assert not open_page("units", run=run.id).exception


@pytest.mark.long
def test_disentanglement_shows_the_matrix_and_the_scores_of_all_runs() -> None:
    assert "no model of data with exact factors" in said(open_page("disentanglement"))
    run = shapes()
    app = open_page("disentanglement")
    assert not app.exception and not app.error and "strong cell" in said(app)
    job = request_study(run, "disentanglement", runs=(run.reference,))
    assert compute_study(job, lambda: True) and job.found["runs"][0]["group"].startswith("β-VAE")
    app = open_page("disentanglement")
    assert not app.exception and "nothing to compare" in said(app)


def test_without_the_data_pages_say_how_to_get_them() -> None:
    orphaned(trained(latent_dim=3))
    for page in ("few_labels", "units", "generate_to_order"):
        app = open_page(page)
        assert not app.exception and "is not on this computer" in said(app)
