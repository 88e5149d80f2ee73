"""Metrics of applications against scikit-learn and on constructed codes whose scores are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve

from aeexplorer.config import ConfigError
from aeexplorer.metrics import (
    Detection,
    NormalCodes,
    baseline_scores,
    beta_vae_score,
    dci,
    factor_vae_score,
    information,
    mig,
    sap,
    smoothed_errors,
    standardised,
)


def scored(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    anomalous = random.random(400) < 0.2
    scores = random.standard_normal(400) + anomalous
    return np.round(scores, 1) if ties else scores, anomalous


@pytest.mark.parametrize("ties", [False, True])
def test_areas_and_curves_are_those_of_scikit_learn(ties: bool) -> None:
    for seed in range(4):
        scores, anomalous = scored(seed, ties)
        found = Detection(scores, anomalous)
        assert found.auroc == pytest.approx(roc_auc_score(anomalous, scores), abs=1e-12)
        assert found.average_precision == pytest.approx(average_precision_score(anomalous, scores), abs=1e-12)
        false, recall, _ = roc_curve(anomalous, scores, drop_intermediate=False)
        np.testing.assert_allclose(found.roc(), [false, recall])
        precision, recall, _ = precision_recall_curve(anomalous, scores)
        np.testing.assert_allclose(found.precision_recall(), [recall[-2::-1], precision[-2::-1]])


def test_counts_are_those_of_the_confusion_matrix() -> None:
    scores, anomalous = scored(1, True)
    found = Detection(scores, anomalous)
    for threshold in (-9.0, *np.unique(scores)[::7], 0.123, 9.0):
        passed, false, missed, hit = confusion_matrix(anomalous, scores >= threshold).ravel()
        counts = found.counts(threshold)
        assert counts == (hit, missed, false, passed)
        assert counts.cost(5) == pytest.approx(1000 * (false + 5 * missed) / 400)
    assert sum(found.counts_at(0.1)[::2]) == pytest.approx(40, abs=12)
    assert found.counts(10).precision == 1 and found.counts(10).recall == 0


def test_the_cheapest_threshold_costs_least() -> None:
    scores, anomalous = scored(2, True)
    found = Detection(scores, anomalous)
    for weight in (0.0, 1.0, 8.0):
        threshold, cost = found.cheapest(weight)
        assert found.counts(threshold).cost(weight) == pytest.approx(cost)
        assert cost <= min(found.counts(t).cost(weight) for t in [*scores, np.inf]) + 1e-9


@pytest.mark.parametrize(
    ("scores", "anomalous", "said"),
    [
        ([1, 2], [True], "scores and anomalous must be"),
        ([1, np.nan], [True, False], "scores must be finite"),
        ([1, 2], [True, True], "anomalous must mark some samples and not all, got 2 of 2"),
    ],
)
def test_scores_that_tell_nothing_are_refused(scores: list[float], anomalous: list[bool], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Detection(scores, anomalous)


def test_latent_distances_against_numpy() -> None:
    random = np.random.default_rng(0)
    codes = random.standard_normal((4_000, 3)) * [1, 2, 0.5]
    known, z = NormalCodes(codes), random.standard_normal((20, 3))
    exact = np.einsum("ni,ij,nj->n", z - codes.mean(0), np.linalg.inv(np.cov(codes.T)), z - codes.mean(0))
    np.testing.assert_allclose(known.mahalanobis(z), exact, rtol=0.05)
    distances = np.sort(np.linalg.norm(z[:, None] - codes, axis=2), axis=1)
    np.testing.assert_allclose(known.neighbours(z), distances[:, :5].mean(1), rtol=1e-6)
    held = np.exp(random.standard_normal(5_000))
    assert standardised(np.exp([0.0, 2.0]), held) == pytest.approx([0, 2], abs=0.1)


@pytest.mark.parametrize("shape", [(6, 20), (6, 20, 2), (6, 4)])
def test_smoothed_errors_are_those_of_running_means(shape: tuple[int, ...]) -> None:
    difference = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    width = min(7, shape[1])
    running = np.apply_along_axis(np.convolve, 1, difference, np.ones(width) / width, "valid")
    np.testing.assert_allclose(smoothed_errors(difference), np.square(running).reshape(6, -1).mean(1), rtol=1e-5)


def test_baselines_find_points_off_a_line() -> None:
    random = np.random.default_rng(0)
    line = random.standard_normal((600, 1)) * [1, 2, 3, 0, 0] + 0.05 * random.standard_normal((600, 5))
    odd = random.standard_normal((60, 5)) * 2
    found = baseline_scores(line[:400], np.concatenate([line[400:], odd]))
    for name, scores in found.items():
        assert Detection(scores, np.arange(260) >= 200).auroc > 0.9, name


GRID = np.stack(np.meshgrid(*[np.arange(n) for n in (3, 5, 6, 7)], indexing="ij"), -1).reshape(-1, 4).repeat(6, 0)


def test_copied_factors_score_one() -> None:
    codes = np.column_stack([-2.0 * GRID[:, 2], GRID[:, 0], 3 + GRID[:, 1], GRID[:, 3]])
    table = information(codes, GRID)
    np.testing.assert_allclose(table, np.eye(4)[[1, 2, 0, 3]], atol=1e-9)
    assert mig(codes, GRID) == pytest.approx(1)
    # as numbers in order, exactly; the three values of a factor without order are not linear in one number
    assert sap(codes, GRID) == pytest.approx(1)
    assert sap(codes, GRID, categorical=(0,)) == pytest.approx((3 + 0.5) / 4)
    found = dci(codes, GRID)
    assert all(found[name] > 0.98 for name in found)
    assert factor_vae_score(codes, GRID) == 1
    assert beta_vae_score(codes, GRID) > 0.99


def test_factors_rotated_by_45_degrees_have_no_gap() -> None:
    half = np.stack(np.meshgrid(np.arange(8), np.arange(8), indexing="ij"), -1).reshape(-1, 2).repeat(20, 0)
    rotated = (half - 3.5) @ np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    assert mig(rotated, half) < 0.01 and sap(rotated, half) < 0.01
    assert dci(rotated, half)["disentanglement"] < 0.1
    assert information(rotated, half).min() > 0.1  # although each dimension says much of each factor


def test_random_codes_score_near_nothing() -> None:
    codes = np.random.default_rng(0).standard_normal((len(GRID), 4))
    assert mig(codes, GRID) < 0.02 and sap(codes, GRID) < 0.01 and dci(codes, GRID)["disentanglement"] < 0.1
    assert factor_vae_score(codes, GRID) == pytest.approx(0.25, abs=0.12)
    assert beta_vae_score(codes, GRID) == pytest.approx(0.25, abs=0.12)


@pytest.mark.parametrize(
    ("codes", "factors", "said"),
    [
        (np.ones((8, 2)), np.ones((7, 1)), "codes and factors must be"),
        (np.full((8, 2), np.nan), np.ones((8, 1)), "must be finite"),
        (np.ones((8, 2)), np.ones((8, 1)), "at least 2 values, got 1 in column 0"),
    ],
)
def test_tables_that_do_not_fit_are_refused(codes: np.ndarray, factors: np.ndarray, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        mig(codes, factors)
