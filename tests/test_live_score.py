"""Scenes of the score: the arrows of a dial between its snapshots, where they stop, and where a walk ends."""

from __future__ import annotations

import numpy as np
import pytest
from live_runs import NAIVE, SCORE, live_home  # noqa: F401

from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes import render
from aeexplorer.metrics import SmoothedData, score_agreement

pytestmark = pytest.mark.usefixtures("live_home")

SIGMA = 0.12


def test_arrows_are_the_exact_score_and_what_the_weights_between_two_snapshots_say() -> None:
    made = render("score_field", {"run": SCORE, "sigma": SIGMA})
    model = find_open_run(SCORE).explorer
    at = made.arrays["at"].astype(np.float64)
    data = SmoothedData(model.dataset.train.x)
    np.testing.assert_allclose(made.arrays["exact"], data.score(at, SIGMA), rtol=1e-3, atol=1e-2)
    by_hand = (model.at(SIGMA).reconstruct(at) - at) / SIGMA**2
    np.testing.assert_allclose(made.arrays["learned"], by_hand, atol=1e-3)
    assert made.readouts["between"] == (0.1, 0.14)
    assert render("score_field", {"run": SCORE, "sigma": 0.14}).readouts["between"] == (0.14, 0.14)


def test_no_arrow_stands_farther_than_three_sigma_from_data() -> None:
    data = SmoothedData(find_open_run(SCORE).explorer.dataset.train.x)
    counts = []
    for sigma in (0.1, 0.2):
        at = render("score_field", {"run": SCORE, "sigma": sigma}).arrays["at"]
        assert data.distance(at).max() <= 3 * sigma + 1e-6
        counts.append(len(at))
    assert counts[0] < counts[1]


def test_the_numbers_are_those_over_noisy_test_samples() -> None:
    made = render("score_field", {"run": SCORE, "compare_run": NAIVE, "sigma": SIGMA}).readouts
    clean = find_open_run(SCORE).explorer.dataset.test.x[:200]
    noisy = clean + SIGMA * np.random.default_rng(0).standard_normal(clean.shape)
    exact = SmoothedData(find_open_run(SCORE).explorer.dataset.train.x).score(noisy, SIGMA)
    for run, prefix in ((SCORE, ""), (NAIVE, "compare_")):
        learned = (find_open_run(run).explorer.at(SIGMA).reconstruct(noisy) - noisy) / SIGMA**2
        by_hand = score_agreement(learned, exact)
        assert made[f"{prefix}cosine"] == pytest.approx(by_hand.cosine, abs=1e-4)
        assert made[f"{prefix}relative_error"] == pytest.approx(by_hand.relative_error, abs=1e-3)
    assert made["relative_error"] < made["compare_relative_error"]


def test_the_curve_passes_through_the_numbers() -> None:
    curve = render("score_curve", {"run": SCORE, "compare_run": NAIVE, "points": 3}).arrays
    assert curve["sigma"][[0, 2]] == pytest.approx([0.1, 0.2])
    said = render("score_field", {"run": SCORE, "compare_run": NAIVE, "sigma": 0.2}).readouts
    for name in ("cosine", "relative_error", "compare_cosine", "compare_relative_error"):
        assert curve[name][2] == pytest.approx(said[name], rel=1e-4)


def test_a_walk_begins_with_the_formula_and_ends_on_the_data() -> None:
    start = render("score_data", {"run": SCORE}).readouts["start"].tolist()
    made = render("score_walk", {"run": SCORE, "sigma": 0.1, "start": start})
    data = SmoothedData(find_open_run(SCORE).explorer.dataset.train.x)
    said = made.readouts
    assert 0.15 < said["distance"] < 0.35
    np.testing.assert_allclose(said["exact_restored"], data.mean([start], 0.1)[0])
    np.testing.assert_allclose(start + 0.1**2 * said["exact_score"], said["exact_restored"])
    np.testing.assert_allclose(
        said["learned_restored"], find_open_run(SCORE).explorer.at(0.1).reconstruct([start])[0], atol=1e-6
    )
    assert said["exact_status"] == said["learned_status"] == "near the data"
    way = made.arrays["learned_way"]
    assert len(way) == said["learned_steps"] + 1
    np.testing.assert_allclose(way[0], start, rtol=1e-6)
    assert said["learned_distance"] == pytest.approx(data.distance(way[-1:])[0], abs=1e-5)


def test_the_plane_holds_the_data_and_its_arrows() -> None:
    still = render("score_data", {"run": SCORE})
    low, high = still.readouts["low"], still.readouts["high"]
    x = find_open_run(SCORE).explorer.dataset.train.x
    assert (low < x.min(0)).all() and (x.max(0) < high).all()
    cells = (high - low) / still.readouts["cell"]
    np.testing.assert_allclose(cells, np.rint(cells))
    density = render("score_field", {"run": SCORE, "sigma": 0.2}).arrays["density"]
    assert density.dtype == np.uint8 and density.max() == 255 and density.shape == tuple(np.rint(3 * cells[::-1]))
