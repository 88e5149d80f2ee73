"""The diagnosis: every failure is named by its numbers, and ordinary runs are left in peace."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer.data import DATASETS
from aeexplorer.metrics.diagnosis import CHECKS, Evidence, diagnose, effective_number, sharpness, shuffled
from aeexplorer.program_files import FAILING
from aeexplorer.runs.diagnosis import diagnose_run
from aeexplorer.runs.failures import FAILURES
from aeexplorer.runs.listing import find_run, pretrained
from aeexplorer.runs.pretraining import FAILING_RECIPES, SIZE_LIMIT, make
from aeexplorer.runs.run import Run

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")
KNOBS = {"latent_dim": 8, "learning_rate": 0.002, "patience": 0}


@pytest.mark.parametrize("name", FAILURES)
def test_a_planted_failure_is_named_and_its_change_mends_it(name: str) -> None:
    failure = FAILURES[name]
    failing, mended = (find_run(run) for run in failure.recipes)
    (found,) = diagnose_run(failing)
    assert (found.name, found.change) == (failure.finding, failure.change)
    assert any(letter.isdigit() for letter in found.numbers) and found.advice.startswith("Try ")
    assert diagnose_run(mended) == []


@pytest.mark.long
def test_every_failure_has_a_run_and_a_page_shows_it() -> None:
    assert {failure.finding for failure in FAILURES.values()} >= set(CHECKS) - {"constant"}
    assert {path.name for path in FAILING.iterdir()} == set(FAILING_RECIPES)
    for name, recipe in FAILING_RECIPES.items():
        run = Run(FAILING / name)
        found = {**run.config.model_dump(), **run.spec.training.model_dump()}
        assert {knob: found[knob] for knob in recipe.knobs} == recipe.knobs
        assert sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file()) < SIZE_LIMIT / 4
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/failures.py")
    for name in ("overfit", "divergence", "identity"):
        app.query_params["failure"] = name
        app.run()
        assert not app.exception
        assert FAILURES[name].story in " ".join(text.value.replace("\\", "") for text in app.markdown)
        assert len(app.warning) == len(app.success) == 1


@pytest.mark.long
def test_pretrained_runs_are_left_in_peace() -> None:
    for run in pretrained():
        if DATASETS[run.spec.dataset].available():
            assert diagnose_run(run) == [], run.id


@pytest.mark.long
def test_ordinary_trainings_are_left_in_peace(home: Path) -> None:
    data = ae.load_dataset("two-moons", n=400)
    for family in ("ae", "vae", "dae"):
        run = ae.train(family, data, epochs=30, latent_dim=1, hidden=(32,), batch_size=32, bar=False)
        assert diagnose_run(run) == []


@pytest.mark.long
def test_a_run_that_fails_on_purpose_is_made_again(tmp_path: Path) -> None:
    made = make(["failing-divergence", "mended-blur"], failing=tmp_path)
    # processors round differently, and a training amplifies that: a thousandth was seen
    assert made["failing-divergence"] == {} and made["mended-blur"] == pytest.approx(
        find_run("mended-blur").status.result, rel=5e-3
    )
    assert {path.name for path in tmp_path.iterdir()} == set(made)


def test_a_change_is_filled_in_on_train(idle: None) -> None:
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/train.py")
    app.query_params["like"], app.query_params["change"] = "failing-overfit", "patience:10"
    app.run()
    assert not app.exception and not app.warning
    values = {field.label: field.value for field in [*app.text_input, *app.number_input]}
    assert str(values["Early-stopping patience"]) == "10" and str(values["Batch size"]) == "16"
    app.query_params["like"], app.query_params["change"] = "failing-overfit", "patience:-1"
    app.run()
    assert "cannot be filled in: patience must be" in app.warning[0].value.replace("\\", "")


def test_causes_are_named_and_symptoms_are_not() -> None:
    figures = {"silent_units": 95.0, "hidden_units": 100.0, "active_units": 0.0, "kl": 0.01}
    dead = Evidence(KNOBS, traits=frozenset({"posterior"}), figures=figures)
    assert [finding.name for finding in diagnose(dead)] == ["silent_units"]
    alive = Evidence(KNOBS, traits=frozenset({"posterior"}), figures={"active_units": 0.0, "kl": 0.01})
    assert [finding.name for finding in diagnose(alive)] == ["collapsed"]
    assert diagnose(Evidence(KNOBS)) == []


def test_curves_that_part_are_overfitting_and_those_that_only_level_off_are_not() -> None:
    epoch = np.arange(60)
    train = 10 * np.exp(-epoch / 10)
    parting = 4 + 6 * np.exp(-epoch / 10) + 0.03 * epoch
    (found,) = diagnose(Evidence(KNOBS, train=train, validation=parting))
    assert found.name == "overfit" and f"epoch {parting.argmin() + 1} " in found.numbers
    assert diagnose(Evidence(KNOBS, train=train, validation=4 + 6 * np.exp(-epoch / 10))) == []
    assert diagnose(Evidence(KNOBS, train=train, validation=train + 0.2)) == []
    noise = 0.2 * (-1.0) ** (epoch + 1)  # the last loss lies above the lowest by chance
    assert diagnose(Evidence(KNOBS, train=train, validation=4 + 6 * np.exp(-epoch / 10) + noise)) == []
    assert [f.name for f in diagnose(Evidence(KNOBS, train=train, validation=parting + noise))] == ["overfit"]


def test_measures_of_the_diagnosis() -> None:
    assert effective_number(np.array([5, 5, 0, 5])) == pytest.approx(3)
    assert effective_number(np.array([9])) == 1
    x = np.random.default_rng(0).random((40, 6, 6))
    mixed = shuffled(x)
    assert np.array_equal(np.sort(mixed, 0), np.sort(x, 0)) and not np.array_equal(mixed, x)
    ramp = np.broadcast_to(np.arange(6.0), (3, 6, 6))
    assert sharpness(ramp) == pytest.approx(0) and sharpness(x) > 0.1
    assert math.isclose(sharpness(2 * x), 2 * sharpness(x))
