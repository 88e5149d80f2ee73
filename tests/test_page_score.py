"""The score page: the runs it shows, the same numbers in Python, and what is missing as a sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_driver import alone, open_page, orphaned, said, trained
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer.live import open_runs
from aeexplorer.live.scenes import render
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import DialSpec
from aeexplorer.ui import score as parts

pytestmark = pytest.mark.long

__all__ = ["alone"]  # a fixture of every test here


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    open_runs.OPEN_RUNS.close()


def points(family: str = "score_dae", **knobs: object) -> Run:
    return trained(family, "two-moons", **{"batch_size": 512, "corruption": "gaussian", "level": 0.1} | knobs)


def chain(family: str = "score_dae", stops: tuple[float, ...] = (0.1, 0.2)) -> Run:
    data, dial = ae.load_dataset("two-moons"), DialSpec(knob="level", stops=stops, epochs_per_stop=1)
    run = new_run(family, data, dial=dial, epochs=1, batch_size=512, hidden=(8,), level=0.1)
    return train_run(run, data, bar=False)


def score(**query: str) -> AppTest:
    return open_page("score", **query)


def box(app: AppTest, label: str) -> str:
    return str(next(b.value for b in app.selectbox if b.label == label))


def test_without_a_run_of_points_it_says_so_and_leads_to_one() -> None:
    trained("dae")
    trained("dae", "two-moons", batch_size=512, corruption="masking")
    app = score()
    assert not app.exception
    assert "points in the plane" in app.info[0].value
    assert not app.selectbox


def test_one_model_is_shown_at_its_own_sigma() -> None:
    points(level=0.3)
    app = score(sigma="0.7")
    assert not app.exception and not app.error
    assert app.query_params["sigma"] == "0.3"
    assert "0.3²" in said(app)


def test_a_run_over_the_same_sigma_stands_beside_another_family_first() -> None:
    first, naive = chain(), chain("dae")
    points()
    chain("dae", (0.1, 0.4))
    app = score(run=first.id)
    assert not app.exception and not app.error
    assert (box(app, "Model"), box(app, "Compare with")) == (first.id, naive.id)
    assert next(b for b in app.selectbox if b.label == "Compare with").options[0] == "None"
    next(b for b in app.selectbox if b.label == "Compare with").select("nothing").run()
    assert not app.exception
    assert app.query_params["compare"] == "nothing"


@pytest.mark.parametrize("dial", [False, True])
def test_the_lines_of_python_give_the_same_numbers(dial: bool) -> None:
    run = chain() if dial else points()
    sigma = 0.13 if dial else 0.1
    app = score(run=run.id, sigma=f"{sigma}", at="0.25,-0.5")
    assert not app.exception and not app.error
    given: dict[str, object] = {}
    exec(app.code[0].value, given)
    field, way = parts.frames({"run": run.id, "sigma": sigma, "start": (0.25, -0.5)})
    assert given["cosine"] == pytest.approx(field.readouts["cosine"], abs=1e-5)
    assert given["relative_error"] == pytest.approx(field.readouts["relative_error"], abs=1e-4)
    np.testing.assert_allclose(given["path"], way.arrays["learned_way"], atol=1e-5)
    x, y = way.readouts["exact_restored"]
    assert f"({x:.2f}, {y:.2f}) = (0.25, -0.50) + {sigma:g}² ·" in said(app)


@pytest.mark.parametrize(
    "query",
    [
        {"sigma": "nan", "at": "x", "beside": "../../etc", "run": "../../etc/passwd"},
        {"sigma": "-1", "at": "1e9,1e9", "beside": ""},
        {"sigma": "", "at": "nan,0"},
        {"sigma": "9" * 40, "at": "1,2,3"},
    ],
)
def test_an_unusual_link_is_ignored_or_kept_in_bounds(query: dict[str, str]) -> None:
    run = chain()
    app = score(**query)
    assert not app.exception and not app.error
    assert 0.1 <= float(app.query_params["sigma"]) <= 0.2
    low, high = (render("score_data", {"run": run.id}).readouts[end] for end in ("low", "high"))
    at = np.array(app.query_params["at"].split(","), float)
    assert (low <= at).all() and (at <= high).all()


def test_the_sources_are_told_right() -> None:
    points()
    text = said(score())
    assert re.search(r"denoising autoencoder is from \[Vincent et al. 2008", text)
    assert re.search(r"the score is from \[Vincent 2011.* and \[Alain & Bengio 2014", text)


def test_without_the_dataset_it_says_what_is_missing() -> None:
    run = points()
    orphaned(run)
    app = score()
    assert not app.exception and not app.error
    assert "is not on this computer" in said(app)
    assert not app.code


def test_damaged_runs_are_sentences() -> None:
    first, beside = chain(), chain("dae")
    for file in (beside.path / "dial").iterdir():
        file.write_bytes(b"not a tensor")
    app = score(run=first.id)
    assert not app.exception and not app.error
    assert "cannot be opened" in said(app) and app.code
    for file in (first.path / "dial").iterdir():
        file.write_bytes(b"not a tensor")
    open_runs.OPEN_RUNS.close()
    app = score(run=first.id)
    assert not app.exception
    assert "cannot be opened" in app.error[0].value.replace("\\", "")


def test_the_arrows_can_be_taken_along() -> None:
    run, beside = chain(), chain("dae")
    field, _ = parts.frames({"run": run.id, "compare_run": beside.id, "sigma": 0.15, "start": (0.0, 0.0)})
    content = parts.as_file(field).content
    assert isinstance(content, bytes)
    head, *rows = content.decode().splitlines()
    assert head == "at_x,at_y,exact_x,exact_y,learned_x,learned_y,compare_learned_x,compare_learned_y"
    table = np.array([row.split(",") for row in rows], float)
    np.testing.assert_allclose(table[:, 2:4], field.arrays["exact"], rtol=1e-4, atol=1e-5)
