"""Corruption: the right runs beside each other, honest about what was trained, and the same numbers in Python."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from PIL import Image
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer.explorer import open_run
from aeexplorer.live import open_runs
from aeexplorer.live.scenes import render
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import DialSpec
from aeexplorer.ui import corruption as parts
from aeexplorer.ui.shared.companions import told_apart
from aeexplorer.ui.shared.page_footer import loss_equation

__all__ = ["alone"]  # a fixture of every test here


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    open_runs.OPEN_RUNS.close()


def corruption(**query: str) -> AppTest:
    return open_page("corruption", **query)


def box(app: AppTest, label: str) -> str:
    return str(next(b.value for b in app.selectbox if b.label == label))


def pair(dataset: str = "digits", **knobs: object) -> tuple[Run, Run]:
    """A denoising autoencoder and a plain one of the same size."""
    return trained("dae", dataset, latent_dim=4, **knobs), trained("ae", dataset, latent_dim=4, **knobs)


def test_without_a_denoiser_it_says_so_and_leads_to_one() -> None:
    trained("ae")
    app = corruption()
    assert not app.exception
    assert "denoising autoencoder" in app.info[0].value
    assert not app.selectbox


def test_the_plain_autoencoder_of_the_same_size_stands_beside() -> None:
    dae, ae = pair()
    trained("ae", latent_dim=8)
    trained("vae", latent_dim=4)
    app = corruption()
    assert not app.exception and not app.error
    assert (box(app, "Model"), box(app, "Compare with")) == (dae.id, ae.id)
    assert re.search(r"DAE [\d.]+, AE [\d.]+ \(sum over 64 pixels, mean of 10 samples\)", said(app))
    next(b for b in app.selectbox if b.label == "Compare with").select("nothing").run()
    assert not app.exception
    assert ", AE" not in said(app)
    assert app.query_params["compare"] == "nothing"


def test_a_run_that_does_not_denoise_gives_way_to_one_of_its_dataset() -> None:
    dae, _ = pair()
    trained("dae", "wine", batch_size=32)
    vae = trained("vae", latent_dim=2)
    app = corruption(run=vae.id)
    assert box(app, "Model") == dae.id
    assert app.query_params["run"] == dae.id


@pytest.mark.parametrize(
    ("kind", "words"),
    [("gaussian", "Trained on this kind"), ("masking", "(σ = 0.5);] has never seen masking")],
)
def test_it_says_whether_the_kind_was_trained(kind: str, words: str) -> None:
    pair()
    assert words in said(corruption(kind=kind))


def test_a_run_trained_on_clean_samples_says_that() -> None:
    assert "never seen" in parts.about_training(trained("ae"), "gaussian")


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "../../etc", "level": "nan", "pattern": "-3", "samples": "class-99", "sample": "1e9", "beside": "x"},
        {"level": "7", "pattern": "9" * 40, "sample": "99999999", "run": "../../etc/passwd"},
        {"level": "", "pattern": "", "samples": "drawn", "kind": ""},
    ],
)
def test_an_unusual_link_is_ignored_or_kept_in_bounds(query: dict[str, str]) -> None:
    pair()
    app = corruption(**query)
    assert not app.exception and not app.error
    assert 0 <= float(app.query_params["level"]) <= 1


def test_the_lines_of_python_give_the_number_at_the_foot() -> None:
    pair()
    app = corruption(kind="salt_and_pepper", level="0.3", pattern="5", sample="7")
    given: dict[str, np.ndarray] = {}
    exec(app.code[0].value, given)
    ours, theirs = (f"{given[name].mean() * 64:.3g}" for name in ("errors", "other_errors"))
    assert f"DAE {ours}, AE {theirs} (" in said(app)


def test_the_picked_sample_is_shown_first_of_its_class_and_stays_there() -> None:
    dae, _ = pair()
    labels = open_run(dae).dataset.test.y
    for query in ({}, {"samples": "any"}, {"samples": f"class-{labels[50]}"}):
        app = corruption(sample="50", **query)
        x = _places(app)
        assert x[list(labels[x]).index(labels[50])] == 50
        next(b for b in app.button if b.label == "Shuffle").click().run()
        others = _places(app)
        assert 50 in others and others != x
    assert set(labels[others]) == {labels[50]}


def _places(app: AppTest) -> list[int]:
    found = re.search(r"test\.x\[\[([\d, ]+)\]\]", app.code[0].value)
    assert found
    return [int(place) for place in found[1].split(",")]


@pytest.mark.parametrize("dataset", ["heartbeats", "wine", "two-moons"])
@pytest.mark.long
def test_sequences_tables_and_points(dataset: str) -> None:
    pair(dataset, batch_size=32)
    app = corruption()
    assert not app.exception and not app.error
    assert "values, mean of" in said(app)


def test_without_the_dataset_stored_codes_stand_in() -> None:
    for run in pair():
        orphaned(run)
    app = corruption()
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app) and "stored codes in place of" in said(app)
    assert "model.decode(model.codes.z[" in app.code[0].value


def test_damaged_runs_are_sentences() -> None:
    dae, ae = pair()
    (ae.path / "weights.safetensors").write_bytes(b"not a tensor")
    app = corruption()
    assert not app.exception and not app.error
    assert "cannot be opened" in said(app) and ", AE" not in said(app)
    (dae.path / "weights.safetensors").write_bytes(b"not a tensor")
    app = corruption()
    assert not app.exception
    assert "weights" in app.error[0].value


def test_what_is_taken_along() -> None:
    dae, ae = pair()
    params = {"run": dae.id, "compare_run": ae.id, "samples": [{"index": 1}, {"index": 2}]}
    spec = open_run(dae).spec
    taken = parts.as_file(render("corrupt", params), spec)
    assert callable(taken.content)  # made when it is asked for
    picture = Image.open(io.BytesIO(taken.content()))
    assert picture.width / picture.height == pytest.approx(2 / 5, rel=0.05)  # two samples in five rows
    beats = trained("dae", "heartbeats", batch_size=64)
    frame = render("corrupt", {"run": beats.id, "samples": [{"index": 3}]})
    table = parts.as_file(frame, open_run(beats).spec).content
    assert callable(table)
    rows = table().decode().splitlines()
    assert [row.split(",")[0] for row in rows] == ["row", "clean", "corrupted", "reconstruction"]
    np.testing.assert_allclose(np.array(rows[1].split(",")[2:], float), frame.arrays["clean"][0], rtol=1e-5, atol=1e-6)


def test_names_where_there_is_little_room() -> None:
    assert told_apart(trained("dae"), trained("sparse_ae")) == ("DAE", "Sparse AE")
    assert told_apart(trained("beta_vae"), None) == ("β-VAE", "")
    assert told_apart(trained("ae", latent_dim=3), trained("ae", latent_dim=4)) == ("AE 3-D", "AE 4-D")
    ours, theirs = trained("dae", level=0.2, title="gentle"), trained("dae", level=0.9, title="harsh")
    assert told_apart(ours, theirs) == ("gentle", "harsh")


@pytest.mark.parametrize(
    ("family", "dataset", "loss"), [("dae", "digits", "CE"), ("dae", "wine", "SE"), ("ae", "digits", "CE")]
)
def test_the_equation_is_the_loss_that_the_run_minimises(family: str, dataset: str, loss: str) -> None:
    run = trained(family, dataset, corruption="gaussian", batch_size=32)
    assert rf"\mathrm{{{loss}}}\big(x,\, g(f(\tilde x))\big)" in loss_equation(run)
    assert loss_equation(run) in corruption(run=run.id).markdown[0].value
    squared = trained(family, "digits", corruption="gaussian", loss="mse")
    assert r"\mathrm{SE}" in loss_equation(squared)


def chain(kind: str = "gaussian", **knobs: object) -> Run:
    data = ae.load_dataset("digits")
    spec = DialSpec(knob="level", stops=(0.0, 0.4, 0.8), epochs_per_stop=1)
    knobs = {"epochs": 1, "hidden": (16,), "latent_dim": 4, "corruption": kind} | knobs
    return train_run(new_run("dae", data, dial=spec, **knobs), data, bar=False)


@pytest.mark.long
def test_chains_of_the_same_size_are_offered_by_their_kind() -> None:
    first, masked = chain(), chain("masking")
    chain("salt_and_pepper", latent_dim=5)
    pair()
    assert parts.dials_by_kind(first) == {"gaussian": first.id, "masking": masked.id}
    app = corruption(run=first.id, kind="masking")
    assert not app.exception and not app.error
    assert app.query_params["run"] == masked.id  # the kind of the link chooses the chain
    assert "warm-started" in said(app)


def test_a_chain_that_is_picked_brings_its_kind() -> None:
    first, masked = chain(), chain("masking")
    app = corruption(run=first.id)
    assert app.query_params["kind"] == "gaussian"
    next(b for b in app.selectbox if b.label == "Model").select(masked.id).run()
    assert not app.exception and not app.error
    assert (app.query_params["run"], app.query_params["kind"]) == (masked.id, "masking")


def test_the_lines_of_python_stand_at_the_level_trained_at() -> None:
    run = chain()
    app = corruption(run=run.id, compare="nothing", trained="0.6", level="0.3")
    assert not app.exception and not app.error
    assert app.query_params["trained"] == "0.6"
    given: dict[str, np.ndarray] = {}
    exec(app.code[0].value, given)
    assert f"DAE {given['errors'].mean() * 64:.3g} (" in said(app)


@pytest.mark.parametrize("level", ["nan", "-1", "7", "x"])
def test_an_unusual_level_trained_at_is_kept_in_the_range(level: str) -> None:
    run = chain()
    app = corruption(run=run.id, trained=level)
    assert not app.exception and not app.error
    assert 0 <= float(app.query_params["trained"]) <= 0.8


def test_a_chain_with_one_snapshot_is_shown_without_the_second_slider() -> None:
    run = chain()
    for file in sorted((run.path / "dial").iterdir())[1:]:
        file.unlink()
    app = corruption(run=run.id)
    assert not app.exception and not app.error
    assert "trained" not in app.query_params
