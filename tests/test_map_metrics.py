"""What is measured of maps and clusters, each against its definition or scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA

from aeexplorer.config import ConfigError
from aeexplorer.metrics import (
    class_purity,
    clusters,
    displacement,
    nearest_samples,
    neighbours,
    pca_line,
    shepard,
)
from aeexplorer.metrics.neighbourhood import kept_neighbours


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300]


def test_the_kept_neighbours_are_those_in_both_graphs(digits):
    graphs = neighbours(digits, 10), neighbours(digits[:, 20:22], 10)
    kept = kept_neighbours(*graphs)
    assert kept[4] == pytest.approx(len(set(graphs[0].indices[4]) & set(graphs[1].indices[4])) / 10)
    assert np.array_equal(kept_neighbours(graphs[0], neighbours(digits, 10)), np.ones(300))


def test_displacement_is_in_units_of_the_spread():
    square = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2]])
    assert np.allclose(displacement(square, square + np.array([0, np.sqrt(2)])), 1)
    assert not displacement(square, square).any()
    assert np.array_equal(displacement(square[:1], square[:1] + 3), [np.float32(np.sqrt(18))])


def test_shepard_gives_distances_of_pairs_and_their_rank_correlation(digits):
    found = shepard(digits, digits[:, 20:30], pairs=500, seed=1)
    assert len(found.codes) == len(found.points) == 500 and (found.codes > 0).all()
    assert found.rank_correlation == pytest.approx(spearmanr(found.codes, found.points).statistic, abs=1e-6)
    assert shepard(digits, 3 * digits).rank_correlation == pytest.approx(1)
    everyone = shepard(digits[:5], digits[:5, 20:22], pairs=500)
    assert len(everyone.codes) == 10
    assert shepard(digits, np.zeros((300, 2))).rank_correlation == 0
    assert np.array_equal(found.codes, shepard(digits, digits[:, 20:30], pairs=500, seed=1).codes)


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_clusters_find_blobs_and_agree_with_their_classes(method):
    z, classes = make_blobs([200, 100, 50], centers=[[0, 0], [9, 9], [9, -9]], random_state=0)
    found = clusters(z, method, k=3, classes=classes)
    assert list(found.sizes) == sorted(found.sizes, reverse=True) and len(found) == 3
    assert found.ari > 0.97 and found.nmi > 0.95 and not found.notices
    assert np.allclose(found.centres[0], z[found.labels == 0].mean(0), atol=1e-4)
    assert np.abs(found.centres - [[0, 0], [9, 9], [9, -9]]).max() < 0.5
    assert np.array_equal(found.labels, clusters(z, method, k=3).labels)
    assert clusters(z, method, k=3, classes=np.full(350, -1)).ari is None


def test_more_clusters_than_codes_are_lowered_with_a_notice():
    z = np.array([[0.0], [0], [1], [1], [5]])
    found = clusters(z, k=8)
    assert found.notices == ("k lowered from 8 to 3: there are only 3 different codes",)
    assert list(found.sizes) == [2, 2, 1]
    alike = clusters(np.zeros((6, 2)), k=2)
    assert len(alike) == 1 and alike.notices
    assert "min_cluster_size lowered from 15 to 2" in clusters(z, "hdbscan").notices[0]
    noise = clusters(np.random.default_rng(0).random((8, 6)), "hdbscan", min_cluster_size=4)
    assert (noise.labels >= 0).any() or "every code counts as noise" in noise.notices[-1]


def test_purity_of_a_selection():
    assert class_purity([1, 1, 1, 0, -1]) == 0.75
    with pytest.raises(ConfigError, match="at least 1 labelled"):
        class_purity([-1, -1])


def test_nearest_samples_by_code_and_by_pixels(digits):
    codes = digits[:, 20:36]
    found = nearest_samples(codes, digits.reshape(300, 8, 8), 17, k=6)
    assert np.array_equal(found.by_code, neighbours(codes, 6).indices[17])
    assert np.array_equal(found.by_pixels, neighbours(digits, 6).indices[17])
    assert set(found.shared) == set(found.by_code) & set(found.by_pixels)
    assert len(nearest_samples(codes[:3], digits[:3], 0, k=9).by_code) == 2
    as_bytes = nearest_samples(codes, (digits * 15).astype(np.uint8), 17, k=6)
    assert np.array_equal(as_bytes.shared, found.shared)


@pytest.mark.parametrize("n", [250, 40])  # more and fewer samples than features
def test_the_line_of_pca_is_that_of_scikit_learn(digits, n):
    line = pca_line(digits[:n], digits[250:], most=20)
    assert line.test_error[0] == pytest.approx(np.square(digits[250:] - digits[:n].mean(0)).mean())
    assert line.explained_variance[0] == 0
    for k in (1, 7, 20):
        oracle = PCA(k, svd_solver="full").fit(digits[:n])
        restored = oracle.inverse_transform(oracle.transform(digits[250:]))
        assert line.test_error[k] == pytest.approx(np.square(restored - digits[250:]).mean(), rel=1e-6)
        assert line.explained_variance[k] == pytest.approx(oracle.explained_variance_ratio_.sum(), abs=1e-9)
    assert np.array_equal(line.dimensions, np.arange(21))
    grey = (digits * 15).astype(np.uint8)
    assert pca_line(grey, grey).test_error[0] == pytest.approx((grey / 255).var(axis=0).mean())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: displacement(x, x[:9]), "must be maps of the same samples"),
        (lambda x: shepard(x[:2], x[:2]), "at least 3 samples, got 2"),
        (lambda x: shepard(x, x[:9]), "got 300 and 9"),
        (lambda x: shepard(x, x, pairs=0), "pairs must be at least 1, got 0"),
        (lambda x: clusters(x, "median"), "method must be kmeans or hdbscan, got 'median'"),
        (lambda x: clusters(x, k=1), "k must be between 2 and 200, got 1"),
        (lambda x: clusters(x, "hdbscan", min_cluster_size=1), "min_cluster_size must be at least 2, got 1"),
        (lambda x: clusters(x[:3]), "clusters need at least 4 codes, got 3"),
        (lambda x: clusters(x, classes=[1]), "classes must be one per code: 300"),
        (lambda x: clusters(np.where(x > 3, np.nan, x)), "codes must be finite"),
        (lambda x: nearest_samples(x, x[:9], 0), "must be of the same samples"),
        (lambda x: nearest_samples(x, x, 300), "row must be between 0 and 299, got 300"),
        (lambda x: nearest_samples(x, x, 0, k=0), "k must be at least 1"),
        (lambda x: nearest_samples(x, np.where(x > 3, np.nan, x), 0), "must be finite"),
        (lambda x: pca_line(x, x[:, :3]), "same features, got 64 and 3"),
        (lambda x: pca_line(x, x, 0), "most must be at least 1, got 0"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(digits, call, words):
    with pytest.raises(ConfigError, match=words):
        call(digits)
