"""Overfitting: the grid that comes along, its curves between the numbers of samples, and the training of one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.live.scenes import render
from aeexplorer.runs.overfitting import EPOCHS, REMEDIES, SAMPLES, knobs_of, load_grid
from aeexplorer.runs.run import Run
from aeexplorer.ui import overfitting

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


def test_the_grid_is_whole_and_its_gap_falls_with_samples() -> None:
    grid = load_grid()
    assert len(grid) == 2 * len(SAMPLES) * len(REMEDIES)
    gaps = [grid[f"none.{n}.validation"][-1] - grid[f"none.{n}.train"][-1] for n in SAMPLES]
    assert gaps == sorted(gaps, reverse=True) and gaps[0] > 1.5 * gaps[-1]
    assert all(len(grid[f"patience.{n}.train"]) <= EPOCHS for n in SAMPLES)
    validation = grid["none.200.validation"]
    assert validation.argmin() < len(validation) - 10, "without a remedy it overfits"


def test_curves_are_those_of_the_grid_and_lie_between_them() -> None:
    ends = [render("overfitting", {"samples": n}).arrays["validation"] for n in (100, 200)]
    np.testing.assert_allclose(ends[0], load_grid()["none.100.validation"], rtol=1e-6)
    between = render("overfitting", {"samples": 150}).arrays["validation"]
    low, high = np.minimum(*ends), np.maximum(*ends)
    assert (between >= low - 1e-4).all() and (between <= high + 1e-4).all()
    frame = render("overfitting", {"samples": SAMPLES[0], "remedy": "patience"})
    assert len(frame.arrays["train"]) == EPOCHS and frame.readouts["best"] < EPOCHS
    with pytest.raises(ConfigError, match="samples"):
        render("overfitting", {"samples": SAMPLES[-1] + 1})


def test_the_training_that_is_shown_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *more, **options: started.append(run))
    monkeypatch.setattr(overfitting.st, "switch_page", lambda *page, **query: None)
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/overfitting.py")
    app.query_params["samples"], app.query_params["remedy"] = "110", "dropout"
    app.run()
    app.button(key="overfitting.train").click().run()
    assert not app.exception
    (run,) = started
    knobs = {**dict(run.config), **dict(run.spec.training)}
    wanted = knobs_of(100, "dropout")
    assert {name: knobs[name] for name in wanted} == wanted
