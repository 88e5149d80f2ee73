"""A class is chosen once and bound for every page and scene of a conditional model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from page_driver import alone, open_page, said, trained

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.jobs.codes import codes_for_map
from aeexplorer.live.frame import tiles
from aeexplorer.live.open_runs import OPEN_RUNS, find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.metrics import SmoothedData
from aeexplorer.program_files import PAGES as PAGES_FOLDER
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.plan import DialSpec

__all__ = ["alone"]

OVER_BETA = DialSpec(knob="beta", stops=(0.1, 1.0), epochs_per_stop=1)
PAGES: dict[str, tuple[str, DialSpec | None]] = {
    **dict.fromkeys(("home", "interpolate", "corruption", "generate", "reconstruct", "latent_map"), ("digits", None)),
    "beta": ("digits", OVER_BETA),
    "score": ("two-moons", None),
    "compression": ("digits", None),
    "units": ("digits", None),
}
ANOTHER_WAY = {"anomalies", "generate_to_order", "restore"}
"""Pages whose own controls choose classes, or the model that fits."""

CLASSLESS = {
    "columns", "compare", "data", "disentanglement", "failures", "families", "few_labels", "glossary", "overfitting", "runs", "start",
    "train",
} | ANOTHER_WAY  # fmt: skip
"""Pages that show no model, several, or one that cannot be told a class."""
"""Pages that decode, with data and dial of a run that they show."""


def conditional(dataset: str = "digits", dial: DialSpec | None = None, **knobs: Any) -> Run:
    data, knobs = load_dataset(dataset), {"latent_dim": 2, "epochs": 1, "hidden": (16,), "batch_size": 64} | knobs
    return train_run(new_run("cvae", data, dial=dial, **knobs), data, bar=False)


def test_a_scene_decodes_for_the_class_in_the_name() -> None:
    run = trained("cvae", latent_dim=2)
    z = [[0.0, 0.0]]
    shown = {label: render("decode", {"run": f"{run.id}@{label}", "z": z}).arrays["tiles"] for label in (3, 8)}
    for label, picture in shown.items():
        opened = find_open_run(f"{run.id}@{label}")
        np.testing.assert_array_equal(picture, tiles(opened.explorer.decode(np.zeros((1, 2))), opened.spec))
        assert opened.explorer.label == label and opened is find_open_run(f"{run.id}@{label}")
    assert (shown[3] != shown[8]).any()
    assert OPEN_RUNS.is_open(f"{run.id}@3", find_open_run(f"{run.id}@3"))
    for name, reason in (
        (f"{run.id}@10", "label must be one of"),
        (f"{run.id}@x", "the class of a run must be a number"),
        (f"{run.id}@-1", "the class of a run must be a number"),
    ):
        with pytest.raises(ConfigError, match=reason):
            find_open_run(name)
    plain = trained("vae", latent_dim=2)
    with pytest.raises(ConfigError, match="family must take a label"):
        find_open_run(f"{plain.id}@1")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.long
def test_every_page_that_decodes_has_one_box_of_classes(page: str, idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The box, the scenes that the page asks for, and the lines of Python all tell the model the same class."""
    dataset, dial = PAGES[page]
    run = conditional(
        dataset, dial, corruption="gaussian" if page in ("corruption", "reconstruct", "score") else "none"
    )
    assert {path.stem for path in PAGES_FOLDER.glob("*.py")} - set(PAGES) == CLASSLESS
    opened: list[str] = []
    find = OPEN_RUNS.find
    monkeypatch.setattr(OPEN_RUNS, "find", lambda name: opened.append(name) or find(name))
    app = open_page(page, run=run.id, **{"class": "1"})
    assert not app.exception, app.exception
    boxes = [box for box in app.selectbox if box.key == "class"]
    assert [box.value for box in boxes] == [1]
    shown = opened[opened.index(f"{run.id}@1") :]  # Home, where the test begins, was told nothing
    assert set(shown) == {f"{run.id}@1"}
    assert f"model = ae.open_run({run.id!r}).given(1)" in app.code[-1].value
    opened.clear()
    boxes[0].set_value(0).run()
    assert not app.exception and "class" not in app.query_params
    assert set(opened) == {f"{run.id}@0"}
    assert "cannot" not in said(app)


def test_the_class_is_told_to_whom_the_model_is_compared_with() -> None:
    told, other = conditional(), conditional(latent_dim=3)
    app = open_page("interpolate", run=told.id, compare=other.id, **{"class": "3"})
    assert not app.exception and "told" not in said(app)
    assert OPEN_RUNS.is_open(f"{other.id}@3", find_open_run(f"{other.id}@3"))


@pytest.mark.long
def test_the_score_of_a_class_is_that_of_its_samples() -> None:
    run = conditional("two-moons", corruption="gaussian", level=0.1)
    data = load_dataset("two-moons")
    for label in (0, 1):
        of_class = data.train.x[data.train.y == label]
        frame = render("score_field", {"run": f"{run.id}@{label}", "sigma": 0.1})
        exact = SmoothedData(of_class).score(frame.arrays["at"].astype(np.float64), 0.1)
        np.testing.assert_allclose(frame.arrays["exact"], exact, rtol=1e-3, atol=1e-3)
        told = find_open_run(f"{run.id}@{label}").explorer
        wanted = (told.reconstruct(frame.arrays["at"]) - frame.arrays["at"]) / 0.1**2
        np.testing.assert_allclose(frame.arrays["learned"], wanted, rtol=1e-3, atol=1e-3)


def test_maps_and_dials_encode_samples_with_their_own_class() -> None:
    run = conditional(dial=OVER_BETA)
    model, data = ae.open_run(run), load_dataset("digits")
    more = codes_for_map(model.given(3), 500, "train")
    part = data.take(more.index)
    np.testing.assert_allclose(more.z, model.encode(part.x, part.y), atol=1e-5)
    frame = render("beta", {"run": f"{run.id}@3", "samples": [{"index": 0}], "value": 1.0})
    np.testing.assert_allclose(frame.arrays["map"], run.codes.z, atol=1e-4)


def test_other_models_have_no_such_box() -> None:
    run = trained("vae", latent_dim=2)
    assert not [box for box in open_page("generate", run=run.id).selectbox if box.key == "class"]
