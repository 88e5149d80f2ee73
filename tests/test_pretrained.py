"""The models that come along: complete, small, honest about their figures, and useful without their data."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import aeexplorer as ae
from aeexplorer.data import DATASETS
from aeexplorer.metrics import SmoothedData, score_agreement
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs.dial import load_marks
from aeexplorer.runs.pretraining import RECIPES, SIZE_LIMIT, card, make
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import GRID

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", RECIPES)
class TestEach:
    def test_is_complete_and_small(self, name: str) -> None:
        folder = PRETRAINED / name
        recipe = RECIPES[name]
        files = {"spec.json", "status.json", "codes.safetensors", "README.md", "draws.json"}
        files.add("dial" if recipe.dial else "weights.safetensors")
        assert {p.name for p in folder.iterdir()} == files | ({"marks.json"} if recipe.marks else set())
        assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) <= SIZE_LIMIT

    def test_is_what_its_recipe_says(self, name: str) -> None:
        run, recipe = Run(PRETRAINED / name), RECIPES[name]
        assert (run.id, run.spec.dataset, run.spec.family) == (name, recipe.dataset, recipe.family)
        assert run.spec.dial == recipe.dial
        found = {**run.config.model_dump(), **run.spec.training.model_dump()}
        assert {k: found[k] for k in recipe.knobs} == recipe.knobs
        assert run.status.state == "done" and run.status.result
        assert (run.path / "README.md").read_text("utf-8") == card(run, name, recipe)

    def test_works_without_data(self, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path))
        model = ae.open_run(f"pretrained/{name}")
        n = min(2_000, DATASETS[model.spec.name].n_test)
        classes = set(range(len(model.spec.classes))) or {-1}
        assert model.codes.z.shape == (n, model.latent_dim) and set(model.codes.labels) == classes
        walk = model.decode(ae.interpolate(model.codes.z[0], model.codes.z[1], steps=5))
        assert walk.shape == (5, *model.spec.value_shape)
        assert model.decode(model.codes.z[:50]).std() > 0.05
        assert model.sample(4, seed=1).shape == (4, *model.spec.value_shape)

    def test_stored_codes_are_those_of_the_data(self, name: str) -> None:
        model = ae.open_run(f"pretrained/{name}")
        if not DATASETS[model.spec.name].available():
            pytest.skip(f"{model.spec.name} is not on this machine")
        stored = model.codes
        test = model.dataset.test
        assert np.array_equal(test.y[stored.index], stored.labels)
        some = stored.index[:100]
        codes = model.encode(test.x[some], test.y[some] if "label" in model.traits else None)
        np.testing.assert_allclose(codes, stored.z[:100], atol=1e-3)

    def test_card_gives_figures_that_are_measured_again(self, name: str) -> None:
        model = ae.open_run(f"pretrained/{name}")
        if not DATASETS[model.spec.name].available():
            pytest.skip(f"{model.spec.name} is not on this machine")
        again = model.evaluate()
        for key, value in model.run.status.result.items():
            assert again[key] == pytest.approx(value, rel=2e-3), key


@pytest.mark.parametrize("name", [n for n, r in RECIPES.items() if r.dial])
class TestEachDial:
    def test_has_every_stop_and_a_curve_of_them(self, name: str) -> None:
        model, recipe = ae.open_run(f"pretrained/{name}"), RECIPES[name]
        dial, result = model.dial, model.run.status.result
        assert dial is not None and recipe.dial is not None and dial.stops == recipe.dial.stops
        value = dial.curve["value"]
        assert (np.diff(value) > 0).all() and set(dial.stops) <= set(value.tolist())
        assert len(value) == 1 + GRID * (len(dial.stops) - 1)
        at = value.tolist().index(dial.default)
        if dial.knob == "beta":
            assert dial.curve["rate"][at] == pytest.approx(result["kl"], rel=1e-3)
            assert dial.curve["active_units"][at] == result["active_units"]
        else:
            assert dial.curve["mse"][at, 0] == pytest.approx(result["mse"], rel=1e-3)
        assert all(np.isfinite(figures).all() for figures in dial.curve.values())

    def test_is_marked_by_models_trained_apart(self, name: str) -> None:
        recipe = RECIPES[name]
        marks = load_marks(PRETRAINED / name)
        assert tuple(m.value for m in marks) == recipe.marks and len(marks) in (0, 3)
        for mark in marks:
            per_epoch = math.ceil(DATASETS[recipe.dataset].n_train / recipe.knobs.get("batch_size", 128))
            assert mark.steps == recipe.knobs["epochs"] * per_epoch
            assert mark.seed != recipe.knobs["seed"] and mark.distortion > 0 <= mark.rate


def test_all_models_together_are_small() -> None:
    assert sum(p.stat().st_size for p in PRETRAINED.rglob("*") if p.is_file()) <= 70_000_000


def test_all_dials_over_pictures_together_are_small() -> None:
    pictures = ("digits", "mnist", "fashion-mnist")
    dials = [PRETRAINED / name for name, recipe in RECIPES.items() if recipe.dial and recipe.dataset in pictures]
    assert sum(p.stat().st_size for folder in dials for p in folder.rglob("*") if p.is_file()) <= 20_000_000


@pytest.mark.parametrize("dataset", ["two-moons", "swiss-roll", "pinwheel"])
def test_chains_over_sigma_learn_the_score(dataset: str) -> None:
    """At 0.1 as at a stop, and between two stops; the ordinary net beside them does not."""
    data = ae.load_dataset(dataset)
    exact, errors = SmoothedData(data.train.x), {}
    for sigma in (0.1, 0.12):
        noisy = data.test.x + sigma * np.random.default_rng(5).standard_normal(data.test.x.shape).astype(np.float32)
        for kind in ("score", "dae"):
            restored = ae.open_run(f"pretrained/{dataset}-{kind}").at(sigma).reconstruct(noisy)
            found = score_agreement((restored - noisy) / sigma**2, exact.score(noisy, sigma))
            errors[kind] = found.relative_error
            assert kind == "dae" or found.cosine >= 0.97
        assert errors["dae"] > 4 * errors["score"]


def test_denoising_halves_the_error_of_a_plain_autoencoder() -> None:
    if not DATASETS["mnist"].available():
        pytest.skip("mnist is not on this machine")
    x = ae.load_dataset("mnist").test.x[:2_000]
    noisy = ae.corrupt(x, "gaussian", 0.5, seed=3)
    plain, denoising = (ae.open_run(f"pretrained/mnist-{f}").errors(noisy, x).mean() for f in ("ae", "dae"))
    assert denoising < 0.5 * plain


def test_make_refuses_an_unknown_name() -> None:
    with pytest.raises(ae.ConfigError, match="unknown pretrained model 'mnist-va', did you mean mnist-vae"):
        make(["mnist-va"])


def test_make_writes_a_run_with_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aeexplorer.runs import pretraining

    quick = pretraining.Recipe("digits", "vae", {"latent_dim": 2, "hidden": (16,), "epochs": 2, "seed": 0})
    monkeypatch.setitem(RECIPES, "digits-quick", quick)
    figures = make(["digits-quick"], root=tmp_path)
    run = Run(tmp_path / "digits-quick")
    assert run.id == "digits-quick" and run.status.result == figures["digits-quick"]
    assert quick.command.endswith("--family vae --latent-dim 2 --hidden 16 --epochs 2 --seed 0")
    assert quick.command in (run.path / "README.md").read_text("utf-8")
    assert json.loads((run.path / "status.json").read_text())["pid"] == 0
    assert [p.name for p in tmp_path.iterdir()] == ["digits-quick"]
