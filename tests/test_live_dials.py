"""Scenes of dials: what β moves, and what it leaves, and what a level to train at is good for."""

from __future__ import annotations

import numpy as np
import pytest
from live_runs import BETAS, BLUR, LEVELS, MASK, PLANE, RESTORE, TURN, TWIN, live_home  # noqa: F401

from aeexplorer.config import ConfigError
from aeexplorer.corruption import corrupt
from aeexplorer.live.frame import Frame
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.panel import Slider
from aeexplorer.live.scenes import render
from aeexplorer.metrics import linear_probe
from aeexplorer.training.evaluation import rate_distortion

pytestmark = pytest.mark.usefixtures("live_home")

SAMPLES = [{"index": i} for i in range(4)]


def turned(value: float, **more: object) -> Frame:
    return render("beta", {"run": TURN, "twin": TWIN, "samples": SAMPLES, "value": value, **more})


def test_pictures_and_map_are_those_of_the_model_at_this_beta() -> None:
    made = turned(2.5).arrays
    model, twin = find_open_run(TURN).explorer.at(2.5), find_open_run(TWIN).explorer.at(2.5)
    x = model.dataset.test.x
    for name, by_hand in (("reconstruction", model.reconstruct(x[:4])), ("prior", model.sample(4, seed=0))):
        np.testing.assert_allclose(made[name] / 255, by_hand, atol=0.003)
    frame = turned(2.5)  # interpolated: a hundredth of the map is a pixel or two
    np.testing.assert_allclose(
        frame.arrays["map"], twin.encode(x[twin.codes.index]), atol=0.01 * frame.readouts["reach"]
    )


@pytest.mark.parametrize("value", [1.0, 10 ** (5 / 16)], ids=["a stop", "the end of a part of a gap"])
def test_the_map_is_that_of_the_model_itself_where_it_is_not_interpolated(value: float) -> None:
    twin = find_open_run(TWIN).explorer.at(value)
    for _ in range(2):
        np.testing.assert_allclose(
            turned(value).arrays["map"], twin.encode(twin.dataset.test.x[twin.codes.index]), atol=1e-4
        )


def test_figures_are_those_of_the_whole_test_set_at_a_stop_and_between() -> None:
    model = find_open_run(TURN).explorer
    assert model.dial is not None
    for value, tolerance in ((1.0, 1e-3), (float(model.dial.curve["value"][2]), 1e-3), (1.3, 0.05)):
        made = turned(value)
        by_hand = rate_distortion(model.dial.model_at(value), model.dataset.test, model.run.spec.training.seed)
        for name in ("distortion", "rate"):
            assert made.readouts[name] == pytest.approx(float(by_hand[name]), rel=tolerance)
        assert made.readouts["loss"] == pytest.approx(made.readouts["distortion"] + value * made.readouts["rate"])
        np.testing.assert_allclose(made.arrays["kl"].sum(), made.readouts["rate"], rtol=1e-4)
        assert (np.diff(made.arrays["kl"]) <= 0).all()
    assert turned(1.0).readouts["active_units"] == int(
        rate_distortion(model.dial.model_at(1.0), model.dataset.test)["active_units"]
    )


def test_it_says_between_which_snapshots_it_stands_and_stays_in_their_range() -> None:
    assert turned(2.5).readouts["between"] == (1.0, 10.0)
    assert turned(1.0).readouts["between"] == (1.0, 1.0)
    assert turned(99.0).readouts["value"] == BETAS[-1]
    assert turned(1e-6).readouts["value"] == BETAS[0]


def test_the_seed_alone_changes_the_codes_of_prior_samples() -> None:
    first, again, other = (turned(1.0, seed=seed).arrays for seed in (3, 3, 4))
    np.testing.assert_array_equal(first["prior"], again["prior"])
    assert (first["prior"] != other["prior"]).any()
    np.testing.assert_array_equal(first["reconstruction"], other["reconstruction"])


def test_points_travel_and_never_jump() -> None:
    values = np.geomspace(BETAS[0], BETAS[-1], 81)
    places = np.stack([turned(float(v)).arrays["map"] for v in values])
    steps = np.linalg.norm(np.diff(places, axis=0), axis=2).mean(1)
    assert steps.max() < 0.15 * np.linalg.norm(places[0], axis=1).mean()
    reach = np.array([turned(float(v)).readouts["reach"] for v in values])
    assert np.abs(np.diff(reach)).max() < 0.15 * reach.max()


def test_the_ellipse_is_two_standard_deviations_of_the_aggregate_posterior() -> None:
    made = turned(0.1)
    twin = find_open_run(TWIN).explorer.at(0.1)
    mean, logvar = twin.posterior(twin.dataset.test.x)
    covariance = np.cov(mean.T) + np.diag(np.exp(logvar).mean(0))
    radii = 2 * np.sqrt(np.linalg.eigvalsh(covariance))
    np.testing.assert_allclose(made.readouts["ellipse"]["radii"], radii, rtol=0.01)


def test_without_a_twin_the_map_is_of_the_run_itself() -> None:
    made = render("beta", {"run": TURN, "samples": SAMPLES, "value": 1.0})
    found = find_open_run(TURN)
    x = found.explorer.dataset.test.x[found.explorer.codes.index]
    by_hand = found.plane.place(found.explorer.at(1.0).encode(x))
    np.testing.assert_allclose(made.arrays["map"], by_hand, atol=1e-5)


def test_the_curve_passes_through_what_is_said() -> None:
    still = render("beta_curve", {"run": TURN, "twin": TWIN})
    at = int(np.abs(still.arrays["value"] - 1.0).argmin())
    said = turned(1.0).readouts
    assert still.arrays["rate"][at] == pytest.approx(said["rate"], rel=1e-5)
    assert still.arrays["distortion"][at] == pytest.approx(said["distortion"], rel=1e-5)
    assert len(still.arrays["labels"]) == len(turned(1.0).arrays["map"])


@pytest.mark.parametrize("run", [PLANE, BLUR])
def test_a_run_that_is_no_dial_over_beta_is_refused(run: str) -> None:
    with pytest.raises(ConfigError, match="run must be a dial over beta"):
        render("beta", {"run": run, "samples": SAMPLES})


def test_the_level_trained_at_is_another_model_and_the_kind_another_chain() -> None:
    common = {"run": BLUR, "chains": {"gaussian": BLUR, "masking": MASK}, "samples": SAMPLES, "level": 0.5}
    found = find_open_run(BLUR)
    x = found.spec.values(found.explorer.dataset.test.x[:4])
    for kind, chain in (("gaussian", BLUR), ("masking", MASK)):
        for trained in (0.0, 0.3):
            made = render("corrupt", {**common, "kind": kind, "trained": trained})
            noisy = corrupt(x, kind, 0.5, 0, found.spec)
            by_hand = find_open_run(chain).explorer.at(trained).reconstruct(noisy)
            np.testing.assert_allclose(made.arrays["reconstruction"] / 255, by_hand, atol=0.003)
            assert made.readouts["trained"] == trained
    assert made.readouts["between"] == (0.0, 0.5)


def test_the_curve_over_tested_levels_follows_the_level_trained_at() -> None:
    params = {"run": BLUR, "samples": SAMPLES, "trained": 0.8, "compare_run": RESTORE}
    made = render("levels", {**params, "points": 3}).arrays
    for at, level in enumerate(made["level"]):
        said = render("corrupt", {**params, "level": float(level)}).readouts
        assert made["mse"][at] == pytest.approx(said["mse"], rel=1e-4)
        assert made["compare_mse"][at] == pytest.approx(said["compare_mse"], rel=1e-4)


def test_the_table_and_the_probe_are_those_of_the_dial() -> None:
    made = render("trained_at", {"run": RESTORE, "chains": {"masking": MASK}, "kind": "masking"}).arrays
    model = find_open_run(MASK).explorer
    assert model.dial is not None
    np.testing.assert_allclose(made["mse"], model.dial.curve["mse"], rtol=1e-6)
    assert made["mse"].shape == (len(made["trained"]), len(made["tested"]))
    assert made["trained"][[0, -1]] == pytest.approx([LEVELS[0], LEVELS[-1]])
    # a plain autoencoder restores clean samples best, and fails on corrupted ones
    assert made["mse"][0, 0] < made["mse"][-1, 0] and made["mse"][0, -2] > made["mse"][-1, -2]
    data, last = model.dataset, model.at(1.0)
    z, z_test = last.encode(data.train.x[:2000]), last.encode(data.test.x[:2000])
    by_hand = [linear_probe(z, data.train.y[:2000], z_test, data.test.y[:2000], 5, seed) for seed in range(5)]
    assert made["probe"][-1] == pytest.approx(np.mean(by_hand), abs=1e-6)


@pytest.mark.parametrize("bend", [((0.1, 0), (5, 0.5)), ((0.1, 0), (5, 1)), ((0.1, 0), (5, 0.5), (4, 0.6), (10, 1))])
def test_a_slider_is_bent_from_end_to_end(bend: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ConfigError, match="bend must rise"):
        Slider(param="x", label="x", low=0.1, high=10, value=1, scale="log", bend=bend)
