from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_blobs
from sklearn.manifold import trustworthiness as sklearn_trustworthiness
from sklearn.neighbors import KNeighborsClassifier

from aeexplorer.config import ConfigError
from aeexplorer.metrics import (
    KNNGraph,
    active_units,
    cross_entropy_floor,
    label_accuracy,
    linear_probe,
    mse,
    neighbourhood,
    neighbours,
    psnr,
    rank_agreement,
    squared_error,
    ssim,
)
from aeexplorer.metrics.neighbourhood import kept_neighbours


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.data[:600].astype(np.float32), data.target[:600], data.images[:600] / 16


def by_definition(x: np.ndarray, k: int) -> np.ndarray:
    """Neighbours by (distance, index), from the full table of exact distances."""
    table = np.square(x[:, None].astype(np.float64) - x[None]).sum(axis=2)
    np.fill_diagonal(table, np.inf)
    return np.argsort(table, axis=1, kind="stable")[:, :k]


# Reconstruction


def test_errors_of_known_arrays():
    x, x_hat = np.zeros((2, 2, 2)), np.array([[[1, 1], [1, 1]], [[0, 0], [0, 4]]])
    assert np.array_equal(squared_error(x, x_hat), [4, 16])
    assert mse(x, x_hat) == 2.5
    assert psnr(x, x_hat, data_range=5) == pytest.approx(10)
    assert psnr(x, x) == float("inf")


def test_errors_of_bytes_do_not_wrap_around():
    assert mse(np.array([[0]], dtype=np.uint8), np.array([[255]], dtype=np.uint8)) == 255**2


def test_no_reconstruction_has_a_smaller_cross_entropy_than_the_floor(digits):
    x = digits[:50] if isinstance(digits, np.ndarray) else load_digits().data[:50] / 16
    floor = cross_entropy_floor(x)
    for x_hat in (x, np.clip(x + 0.01, 0, 1), np.full_like(x, 0.5)):
        inside = np.clip(x_hat, 1e-9, 1 - 1e-9)
        cross_entropy = -(x * np.log(inside) + (1 - x) * np.log(1 - inside)).sum(axis=1).mean()
        assert cross_entropy >= floor - 1e-6
        assert np.array_equal(x_hat, x) == (cross_entropy == pytest.approx(floor, abs=1e-4))
    assert cross_entropy_floor(np.rint(x * 255).astype(np.uint8)) == pytest.approx(floor, rel=0.01)
    assert cross_entropy_floor(np.array([[0.0, 1.0]])) == 0
    for refused in (np.array([[1.5]]), np.empty((0, 4))):
        with pytest.raises(ConfigError, match=r"values in \[0, 1\]"):
            cross_entropy_floor(refused)


@pytest.mark.parametrize(("height", "width"), [(9, 7), (11, 14), (12, 10)])
def test_ssim_is_its_definition_pixel_by_pixel(height, width):
    x, y = np.random.default_rng(0).random((2, 1, height, width))
    weight = np.exp(-np.square(np.arange(-5, 6)) / (2 * 1.5**2))
    window = np.outer(weight, weight) / np.outer(weight, weight).sum()
    wide, wide_hat = (np.pad(v[0], 5, mode="symmetric") for v in (x, y))
    local = np.zeros((height, width))
    for row, column in np.ndindex(height, width):
        a, b = wide[row : row + 11, column : column + 11], wide_hat[row : row + 11, column : column + 11]
        mean, mean_hat = (window * a).sum(), (window * b).sum()
        variance, variance_hat = (window * (a - mean) ** 2).sum(), (window * (b - mean_hat) ** 2).sum()
        covariance = (window * (a - mean) * (b - mean_hat)).sum()
        luminance = (2 * mean * mean_hat + 1e-4) / (mean**2 + mean_hat**2 + 1e-4)
        local[row, column] = luminance * (2 * covariance + 9e-4) / (variance + variance_hat + 9e-4)
    fits = local[5:-5, 5:-5] if min(height, width) >= 11 else local
    assert ssim(x, y)[0] == pytest.approx(fits.mean())


def test_ssim_falls_with_noise_and_is_one_for_equals(digits):
    images = digits[2]
    noise = np.random.default_rng(0).normal(size=images.shape)
    values = [ssim(images, images + level * noise).mean() for level in (0, 0.05, 0.2, 0.5)]
    assert values[0] == pytest.approx(1)
    assert values == sorted(values, reverse=True) and values[-1] < 0.6


def test_ssim_is_one_value_per_image_whatever_its_unit_or_channels():
    x, y = np.random.default_rng(1).random((2, 5, 3, 12, 10))
    assert ssim(x, y).shape == (5,)
    assert np.allclose(ssim(x, y), ssim(255 * x, 255 * y, data_range=255))
    assert np.allclose(ssim(x, y), np.mean([ssim(x[:, c], y[:, c]) for c in range(3)], axis=0))


# Rate and distortion


def test_active_units_are_those_whose_mean_moves():
    means = np.random.default_rng(0).normal(size=(4000, 3)) * [1, 0.11, 0.09] + [0, 0, 5]
    assert active_units(means).tolist() == [True, True, False]
    assert active_units(means, threshold=0.5).tolist() == [True, False, False]


# Neighbourhood


@pytest.mark.parametrize("features", [2, 16])
def test_neighbours_are_the_definition(features):
    x = np.random.default_rng(0).normal(size=(300, features)).astype(np.float32)
    graph = neighbours(x, 20)
    assert np.array_equal(graph.indices, by_definition(x, 20))
    assert np.allclose(graph.distances, np.linalg.norm(x[:, None] - x[graph.indices], axis=2), rtol=1e-5)
    assert graph.k == 20 and graph.nearest(3).indices.shape == (300, 3)


@pytest.mark.parametrize("features", [2, 5])
def test_ties_go_to_the_smaller_index_and_never_to_the_sample_itself(features):
    x = np.random.default_rng(0).integers(0, 2, size=(200, features)).astype(np.float32)  # copies by the dozen
    assert np.array_equal(neighbours(x, 9).indices, by_definition(x, 9))
    assert np.array_equal(neighbours(x, 199).indices, by_definition(x, 199))


def test_neighbours_keep_their_digits_far_from_the_origin():
    x = np.random.default_rng(0).normal(size=(200, 8))
    assert np.array_equal(neighbours(x + 1e5, 5).indices, by_definition(x, 5))


def test_a_search_tells_how_far_it_is_and_can_be_ended():
    x = np.random.default_rng(0).normal(size=(5000, 4))
    seen: list[float] = []
    neighbours(x, 3, seen.append)
    assert len(seen) > 1 and seen == sorted(seen) and seen[-1] == 1

    def stop(done: float) -> None:
        raise KeyError(done)

    with pytest.raises(KeyError):
        neighbours(x, 3, stop)


def test_the_neighbours_kept_are_counted():
    codes = KNNGraph(np.array([[1, 2], [0, 2], [0, 1]]), np.zeros((3, 2)))
    points = KNNGraph(np.array([[2, 1], [2, 3], [3, 4]]), np.zeros((3, 2)))
    assert kept_neighbours(codes, codes).tolist() == [1, 1, 1]
    assert kept_neighbours(codes, points).tolist() == [1, 0.5, 0]


def agreement(codes, points, k=15):
    """Trustworthiness and continuity."""
    return rank_agreement(codes, points, neighbours(codes, k), neighbours(points, k))


def test_trustworthiness_and_continuity_agree_with_scikit_learn(digits):
    x = digits[0] + np.random.default_rng(0).normal(scale=0.1, size=digits[0].shape)  # no two distances are equal
    for points in (x[:, 18:20], x @ np.ones((64, 1))):
        both = [sklearn_trustworthiness(*pair, n_neighbors=12) for pair in ((x, points), (points, x))]
        assert agreement(x, points, 12) == pytest.approx(both)


def test_a_faithful_map_is_perfect_and_a_fold_is_not_trusted():
    x = np.random.default_rng(0).normal(size=(300, 2))
    assert agreement(x, -3 * x[:, ::-1]) == (1, 1)
    trust, continuity = agreement(x, np.abs(x))  # folded
    assert trust + 0.1 < continuity


def test_of_many_codes_some_neighbourhoods_are_ranked_among_all_of_them(digits, monkeypatch):
    x, points = digits[0], digits[0][:, 18:20]
    everyone, fewer = np.array(agreement(x, points, 10)), np.array(agreement(x[::2], points[::2], 10))
    monkeypatch.setattr(neighbourhood, "RANKED_SAMPLES", len(x) // 2)
    some = np.array(agreement(x, points, 10))
    assert np.array_equal(some, agreement(x, points, 10)) and (some != everyone).all()
    # neighbourhoods of 10 among half of the codes are wider, and read lower by more than this
    assert some == pytest.approx(everyone, abs=0.01)
    assert (abs(fewer - everyone) > 2 * abs(some - everyone)).all()


@pytest.mark.long
def test_label_accuracy_agrees_with_leave_one_out(digits):
    x, y, _ = digits
    x = x + np.random.default_rng(0).normal(scale=5, size=x.shape)
    leave_one_out = [
        KNeighborsClassifier(15).fit(np.delete(x, i, 0), np.delete(y, i)).predict(x[i : i + 1])[0] == y[i]
        for i in range(len(x))
    ]
    accuracy = label_accuracy(x, y, 15)
    assert accuracy == pytest.approx(np.mean(leave_one_out)) and 0.5 < accuracy < 1


def test_unlabelled_samples_neither_vote_nor_count():
    x, y = make_blobs(60, centers=[[0, 0], [50, 50]], random_state=0)
    x = np.concatenate([x, x + 1e-3])
    labels = np.concatenate([y, np.full(60, -1)])
    assert label_accuracy(x, labels, 5) == 1


# Probes


def test_a_linear_probe_reads_what_is_linear_and_only_that():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(600, 4)) * [1, 100, 1, 1]
    linear, xor = (z[:, 0] > 0).astype(int), ((z[:, 0] > 0) ^ (z[:, 2] > 0)).astype(int)
    assert linear_probe(z[:300], linear[:300], z[300:], linear[300:]) > 0.95
    assert linear_probe(z[:300], xor[:300], z[300:], xor[300:]) < 0.65


def test_fewer_labels_read_less_and_the_seed_chooses_them(digits):
    x, y, _ = digits
    arguments = x[:300], y[:300], x[300:], y[300:]
    few = [linear_probe(*arguments, per_class=2, seed=seed) for seed in (0, 0, 1)]
    assert few[0] == few[1] != few[2]
    assert few[0] < linear_probe(*arguments)
    hidden = y[:300].copy()
    hidden[50:] = -1
    assert linear_probe(x[:300], hidden, *arguments[2:]) < linear_probe(*arguments)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mse(np.zeros((2, 3)), np.zeros((3, 2))), r"got \(2, 3\), \(3, 2\)"),
        (lambda: mse(np.zeros((0, 3)), np.zeros((0, 3))), "at least one sample"),
        (lambda: psnr([[0.0]], [[1.0]], 0), "data_range must be greater than 0, got 0"),
        (lambda: ssim(np.zeros((2, 3)), np.zeros((2, 3))), "images must be"),
        (lambda: active_units(np.zeros((1, 3))), "at least 2 samples"),
        (lambda: neighbours(np.zeros((4, 2)), 4), "k must be between 1 and 3, .* got 4"),
        (lambda: neighbours([[0.0], [np.nan], [1.0]], 1), "NaN or infinity in 1 of 3 rows"),
        (lambda: neighbours([[0.0], [1e300]], 1), "x must lie between"),
        (lambda: neighbours(np.zeros(4), 1), r"must be \(n, features\)"),
        (lambda: agreement(np.zeros((10, 2)), np.zeros((9, 2)), 2), "got 10 and 9"),
        (lambda: agreement(np.zeros((10, 2)), np.zeros((10, 2)), 5), "less than half of the 10 samples, got 5"),
        (lambda: label_accuracy(np.zeros((5, 2)), [0, 1]), "one per sample: 5"),
        (lambda: label_accuracy(np.zeros((5, 2)), [0, -1, -1, -1, -1]), "at least 2 samples must be labelled, got 1"),
        (lambda: kept_neighbours(neighbours(np.eye(4), 1), neighbours(np.eye(4), 2)), "one shape"),
        (lambda: linear_probe(np.zeros((3, 2)), [0, 0, -1], np.zeros((1, 2)), [0]), "at least 2 classes, got 1"),
        (lambda: linear_probe(np.eye(2), [0, 1], np.eye(3), [0, 1, 2]), "one dimension, got 2 and 3"),
        (lambda: linear_probe(np.eye(2), [0, 1], np.eye(2), [-1, -1]), "at least 1 label"),
        (lambda: linear_probe(np.eye(2), [0, 1], np.eye(2), [0, 1], per_class=0), "per_class must be at least 1"),
        (lambda: linear_probe([[np.inf], [0]], [0, 1], [[0.0]], [0]), "codes must be finite"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, words):
    with pytest.raises(ConfigError, match=words):
        call()
