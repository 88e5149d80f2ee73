"""A distribution of one's own on Score of a DAE, and particles that sample by annealed Langevin dynamics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.live.scenes import render
from aeexplorer.metrics import SmoothedData, annealed_langevin, score_agreement
from aeexplorer.runs.listing import list_runs
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.ui import score_own

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


def test_annealed_langevin_samples_a_mixture_in_its_proportions() -> None:
    data = SmoothedData(np.array([[-2.0, 0.0], [2.0, 0.0], [2.0, 0.01], [2.0, -0.01]]))
    start = np.random.default_rng(0).uniform(-4, 4, (400, 2))
    path = annealed_langevin(start, data.score, np.geomspace(2, 0.1, 10).tolist(), 12, seed=1)
    assert path.shape == (121, 400, 2) and np.array_equal(path[0], start.astype(np.float32))
    assert np.quantile(data.distance(path[-1].astype(np.float64)), 0.95) < 0.35
    assert 0.6 < (path[-1, :, 0] > 0).mean() < 0.9
    assert np.array_equal(path, annealed_langevin(start, data.score, np.geomspace(2, 0.1, 10).tolist(), 12, seed=1))
    for sigmas, steps in (([0.0], 1), ([1.0], 0)):
        with pytest.raises(ConfigError):
            annealed_langevin(start, data.score, sigmas, steps)


def test_particles_flow_to_the_data() -> None:
    frame = render("score_particles", {"run": "two-moons-score", "n": 100, "seed": 3})
    way, sigmas = frame.arrays["way"].reshape(-1, 100, 2), frame.readouts["sigmas"]
    assert len(way) == len(sigmas) + 1 and sigmas[0] == pytest.approx(0.8) and sigmas[-1] == pytest.approx(0.05)
    data = SmoothedData(ae.load_dataset("two-moons").train.x)
    before, after = (np.median(data.distance(points.astype(np.float64))) for points in (way[0], way[-1]))
    assert after < 0.25 * before and frame.readouts["near"] > 0.8


def ring(n: int) -> np.ndarray:
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, n)
    noise = 0.03 * np.random.default_rng(1).standard_normal((n, 2))
    return (0.7 * np.stack([np.cos(angle), np.sin(angle)], 1) + noise).astype(np.float32)


def test_a_drawing_is_kept_and_its_training_started(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *more, **options: started.append(run))
    drawn: dict[str, Any] = {"points": ring(score_own.LEAST - 1)}
    monkeypatch.setattr(score_own, "point_pad", lambda **named: drawn["points"])
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/score.py").run()
    assert not app.exception and app.button(key="score.learn").disabled
    drawn["points"] = ring(300)
    app.run()
    app.button(key="score.learn").click().run()
    assert not app.exception and [error.value for error in app.error] == []
    (run,) = started
    assert run.spec.dataset == "own/drawing" and run.spec.dial == score_own.DIAL and run.path == list_runs()[0].path


@pytest.mark.long
def test_a_drawn_ring_is_learned() -> None:
    data = ae.dataset(ring(400), name="ring")
    knobs = {**score_own.KNOBS, "epochs": 200}
    dial = score_own.DIAL.replace(stops=(0.2, 0.4), epochs_per_stop=30)
    run = train_run(new_run("score_dae", data, dial=dial, **knobs), data, bar=False)
    noisy = data.test.x + 0.2 * np.random.default_rng(5).standard_normal(data.test.x.shape).astype(np.float32)
    learned = (ae.open_run(run.path).at(0.2).reconstruct(noisy) - noisy) / 0.2**2
    assert score_agreement(learned, SmoothedData(data.train.x).score(noisy, 0.2)).cosine > 0.95
