from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from tqdm import tqdm

from aeexplorer.config import ConfigError
from aeexplorer.metrics import neighbours
from aeexplorer.metrics.neighbourhood import kept_neighbours
from aeexplorer.projection import (
    METHODS,
    Cancelled,
    Projection,
    align,
    coordinates_csv,
    project,
    projector_zip,
    quality,
)
from aeexplorer.projection.frames import project_frame
from aeexplorer.projection.judging import judge
from aeexplorer.projection.methods import warm_up

pytestmark = pytest.mark.long

FAST = {
    "pca": {},
    "tsne": {"early_iterations": 50, "iterations": 60},
    "umap": {"n_epochs": 50},
    "raw": {},
    "axis": {"a": range(9), "b": range(20, 40)},
}


def digit_codes() -> np.ndarray:
    digits = load_digits()
    return PCA(16, random_state=0).fit_transform(digits.data[:500]).astype(np.float32)


@pytest.fixture(scope="module")
def codes() -> np.ndarray:
    return digit_codes()


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return load_digits().target[:500]


@pytest.fixture(scope="module")
def tsne(codes) -> Projection:
    return project(codes, "tsne")


@pytest.fixture(scope="module")
def umap(codes, tsne) -> Projection:
    return project(codes, "umap", graph=tsne.graph)


def digest() -> dict[str, str]:
    """What the maps of the digits are, to be asked for in this process and in another one."""
    return {
        method: hashlib.sha256(project(digit_codes(), method, seed=3, **FAST[method]).points.tobytes()).hexdigest()
        for method in ("pca", "tsne", "umap")
    }


# The maps


def test_pca_agrees_with_scikit_learn(codes):
    oracle = PCA(3, svd_solver="full").fit(codes)
    found = project(codes, "pca", components=3)
    signs = np.sign((found.points * oracle.transform(codes)).sum(axis=0))
    assert np.allclose(found.points, oracle.transform(codes) * signs, atol=1e-3)
    assert np.allclose(found.explained_variance, oracle.explained_variance_ratio_)
    assert np.allclose(found.transform(codes[:9] + 1), oracle.transform(codes[:9] + 1) * signs, atol=1e-3)
    assert not found.approximate and found.points.dtype == np.float32


def test_maps_of_digits_keep_neighbours_and_classes(codes, labels, tsne, umap):
    linear = quality(codes, project(codes).points, labels)
    for shown in (tsne, umap):
        kept = quality(codes, shown.points, labels, graph=shown.graph)
        assert kept["knn_recall"] > max(0.55, 1.4 * linear["knn_recall"])
        assert kept["label_accuracy"] > max(0.9, 1.2 * linear["label_accuracy"])
        assert min(kept["trustworthiness"], kept["continuity"]) > 0.97
        assert shown.approximate and not shown.notices


def test_the_stages_of_umap_are_those_of_the_library(codes, umap):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        theirs = UMAP(n_jobs=1, random_state=0, init="pca").fit_transform(codes)
    graph = neighbours(codes, 15)
    ours, library = (kept_neighbours(graph, neighbours(points, 15)).mean() for points in (umap.points, theirs))
    assert ours == pytest.approx(library, rel=0.04)
    assert np.ptp(umap.points, axis=0) == pytest.approx(np.ptp(theirs, axis=0), rel=0.5)


def test_three_dimensions_keep_more_than_two(codes, tsne):
    solid = project(codes, "tsne", components=3, graph=tsne.graph)
    assert solid.points.shape == (500, 3)
    assert quality(codes, solid.points)["knn_recall"] > quality(codes, tsne.points)["knn_recall"]
    assert project(codes, "umap", components=3, n_epochs=20).points.shape == (500, 3)


def test_the_fast_gradient_of_large_maps_keeps_as_much(codes, tsne, monkeypatch):
    from aeexplorer.projection import tsne as method

    monkeypatch.setattr(method, "BARNES_HUT_BELOW", 0)
    fft = project(codes, "tsne", graph=tsne.graph)
    assert not np.array_equal(fft.points, tsne.points)
    assert quality(codes, fft.points)["knn_recall"] == pytest.approx(
        quality(codes, tsne.points)["knn_recall"], rel=0.05
    )


def test_raw_draws_codes_as_they_are(codes):
    for width in (2, 3):
        shown = project(codes[:, :width], "raw")
        assert np.array_equal(shown.points, codes[:, :width])
        assert np.array_equal(shown.transform(codes[:4, :width]), codes[:4, :width])
    strip = project(codes[:, :1], "raw", seed=1)
    assert np.array_equal(strip.points[:, 0], codes[:, 0])
    assert 0 < np.ptp(strip.points[:, 1]) <= 0.1 * np.ptp(codes[:, 0]) * 1.001
    assert np.array_equal(strip.points, project(codes[:, :1], "raw", seed=1).points)
    assert np.array_equal(strip.transform(codes[:2, :1]), np.column_stack([codes[:2, 0], [0, 0]]))
    assert "1 dimension" in strip.notices[0]


# An axis through two groups


def test_an_axis_runs_from_one_group_to_the_other(codes, labels):
    ones, sevens = (tuple(np.flatnonzero(labels == c).tolist()) for c in (1, 7))
    shown = project(codes, "axis", a=ones, b=sevens)
    first, second = codes[list(ones)].mean(0), codes[list(sevens)].mean(0)
    along = (second - first) / np.linalg.norm(second - first)
    assert np.allclose(shown.points[:, 0], (codes - codes.mean(0)) @ along, atol=1e-3)
    left, right = (shown.points[list(group), 0].mean() for group in (ones, sevens))
    assert right - left == pytest.approx(np.linalg.norm(second - first), rel=1e-4)
    assert not (shown.axes @ shown.axes.T - np.eye(2)).round(6).any(), "one unit of the map is one of the latent space"
    rest = codes - codes.mean(0) - np.outer((codes - codes.mean(0)) @ along, along)
    assert shown.points[:, 1].var() == pytest.approx(PCA(1).fit(rest).explained_variance_[0], rel=0.01)
    assert np.allclose(shown.transform(codes[:9]), shown.points[:9], atol=1e-3) and not shown.approximate


# One map over another


def test_a_turned_mirrored_and_shifted_map_is_laid_back(codes):
    points = project(codes).points
    turn = np.array([[0.6, -0.8], [-0.8, -0.6]])
    assert np.allclose(align(points @ turn + [30, -7], points), points, atol=1e-3)
    solid = project(codes, components=3).points
    assert np.allclose(align(solid[:, [2, 0, 1]] * [1, -1, 1], solid), solid, atol=1e-3)


def test_alignment_keeps_every_distance_and_knows_samples_by_name(codes, tsne, umap):
    laid = align(umap.points, tsne.points)
    assert np.allclose(
        np.linalg.norm(laid[1:] - laid[:-1], axis=1),
        np.linalg.norm(umap.points[1:] - umap.points[:-1], axis=1),
        atol=1e-3,
    )
    before = np.linalg.norm(umap.points - umap.points.mean(0) - tsne.points + tsne.points.mean(0), axis=1).mean()
    assert np.linalg.norm(laid - tsne.points, axis=1).mean() < before
    shuffled = np.random.default_rng(0).permutation(500)
    some = shuffled[:200]
    assert np.allclose(align(tsne.points[some] + 5, tsne.points, some, np.arange(500)), tsne.points[some], atol=1e-3)
    strangers = align(tsne.points + 5, tsne.points[:1], np.arange(500), [999])
    assert np.allclose(strangers.mean(0), tsne.points[0], atol=1e-3)


def test_another_seed_hardly_jumps_once_it_is_aligned(codes, tsne):
    other = project(codes, "tsne", seed=5, graph=tsne.graph)
    span = np.ptp(tsne.points)
    assert np.median(np.linalg.norm(align(other.points, tsne.points) - tsne.points, axis=1)) < 0.1 * span


def test_a_frame_is_aligned_with_the_frame_before():
    random = np.random.default_rng(3)
    codes = random.standard_normal((200, 5)) * [5, 3, 1, 0.5, 0.1]
    before = project_frame(codes)
    assert np.allclose(project_frame(codes * [-1, 1, 1, 1, 1] + 7, before), before, atol=1e-3)
    swapped = codes * [3 / 5, 5 / 3, 1, 1, 1]  # the variances of the first two axes cross
    assert np.corrcoef(project_frame(swapped, before)[:, 0], before[:, 0])[0, 1] > 0.99
    two = random.standard_normal((50, 2)).astype(np.float32)
    assert np.array_equal(project_frame(two, before[:50]), two)
    assert np.isfinite(project_frame(np.where(codes > 9, np.inf, codes))).all()


# The seed


def test_the_same_seed_gives_the_same_map_in_another_process():
    script = "import json; from tests.test_projection import digest; print(json.dumps(digest()))"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(other.stdout) == digest()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the folder of the cache is chosen by XDG_CACHE_HOME")
def test_compiled_once_the_map_is_the_same_and_a_damaged_folder_is_made_again(tmp_path):
    script = "import json; from tests.test_projection import digest; print(json.dumps(digest()['umap']))"

    def in_another_process() -> str:
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
        environment.pop("NUMBA_CACHE_DIR", None)
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        )
        return json.loads(done.stdout)

    def kept() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")}

    compiled = in_another_process()
    files = kept()
    assert len(files) > 10
    assert in_another_process() == compiled
    assert kept() == files, "the second process compiles nothing"
    for path in files:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert in_another_process() == compiled
    assert in_another_process() == compiled


def test_getting_ready_leaves_nothing_to_compile():
    from aeexplorer.projection.compiled import umap_library

    warm_up()
    before = umap_library()
    assert project(digit_codes()[:30], "umap", n_epochs=2).points.shape == (30, 2)
    assert umap_library() is before


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_another_seed_gives_another_map(codes, method):
    maps = [project(codes, method, seed=seed, **FAST[method]).points for seed in (0, 1)]
    assert not np.array_equal(*maps)


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_shared_graph_changes_nothing(codes, method):
    alone = project(codes, method, **FAST[method])
    for k in (3, 140):  # too few neighbours to use, and more than are needed
        assert np.array_equal(alone.points, project(codes, method, graph=neighbours(codes, k), **FAST[method]).points)


# Progress


@pytest.mark.parametrize("method", METHODS)
def test_progress_rises_to_one_and_shows_points_on_their_way(codes, method):
    seen: list[tuple[float, np.ndarray | None]] = []
    x = codes[:, :2] if method == "raw" else codes
    shown = project(x, method, progress=lambda *step: seen.append(step), **FAST[method])
    fractions = [fraction for fraction, _ in seen]
    assert fractions[0] == 0 and fractions[-1] == 1 and fractions == sorted(fractions)
    assert np.array_equal(seen[-1][1], shown.points)
    if shown.approximate:
        moving = [points for _, points in seen if points is not None]
        halfway = moving[len(moving) // 2]
        assert not np.array_equal(moving[0], halfway) and not np.array_equal(halfway, shown.points)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("until", [0.0, 0.05, 0.3])
def test_a_false_cancels_at_once(codes, method, until):
    calls: list[float] = []

    def stop(fraction: float, points: np.ndarray | None) -> bool:
        calls.append(fraction)
        return fraction < until

    with pytest.raises(Cancelled):
        project(codes[:, :2] if method == "raw" else codes, method, progress=stop, **FAST[method])
    assert sum(fraction >= until for fraction in calls) == 1
    with ThreadPoolExecutor(1) as another:
        assert another.submit(bars_can_be_shown).result(), "tqdm's lock is held for good"


def bars_can_be_shown() -> bool:
    """Whether this thread gets all locks of tqdm."""
    for lock in tqdm.get_lock().locks:
        if not lock.acquire(timeout=1):
            return False
        lock.release()
    return True


# New codes


def test_a_known_code_lands_on_its_point_and_its_kin_nearby(codes, tsne):
    assert np.allclose(tsne.transform(codes), tsne.points, atol=1e-3)
    near = tsne.transform(codes + np.float32(0.01))
    span = np.ptp(tsne.points)
    assert np.median(np.linalg.norm(near - tsne.points, axis=1)) < 0.01 * span
    between = tsne.transform((codes[:1] + codes[1:2]) / 2)
    assert (between >= tsne.points.min(axis=0)).all() and (between <= tsne.points.max(axis=0)).all()


def test_unseen_codes_land_among_their_class_nearly_as_often_as_codes_tell(codes, labels):
    known, new = slice(0, 400), slice(400, 500)

    def told(of: np.ndarray, among: np.ndarray) -> float:
        nearest = np.linalg.norm(of[:, None] - among[None], axis=2).argmin(axis=1)
        return float(np.mean(labels[known][nearest] == labels[new]))

    accuracy = {}
    for method in ("pca", "tsne"):
        shown = project(codes[known], method)
        accuracy[method] = told(shown.transform(codes[new]), shown.points)
    assert accuracy["tsne"] > told(codes[new], codes[known]) - 0.1
    assert accuracy["tsne"] > accuracy["pca"] + 0.2


def test_tsne_lets_new_codes_descend_each_by_itself_on_small_and_large_maps(codes, tsne, monkeypatch):
    assert tsne._descent is not None
    new = (codes[:40] + codes[40:80]) / 2
    together = tsne.transform(new)
    assert np.array_equal(together[7], tsne.transform(new[7:8])[0])
    solid = project(codes, "tsne", components=3, graph=tsne.graph, **FAST["tsne"])
    assert np.isfinite(solid.transform(new)).all()
    from aeexplorer.projection import maps

    monkeypatch.setattr(maps, "LARGEST_SOLID", 100)
    large = project(codes, "tsne", components=3, graph=tsne.graph, **FAST["tsne"])
    assert large._descent is None and np.isfinite(large.transform(new)).all()


@pytest.mark.parametrize("components", [2, 3])
def test_linear_maps_lift_their_own_plane_exactly(codes, components):
    for shown in (project(codes, components=components), project(codes, "axis", components, a=(0,), b=(1, 2))):
        where = shown.points[:20] * 1.7
        assert np.allclose(shown.transform(shown.lift(where)), where, atol=1e-3)
    narrow = codes[:, :components]
    assert np.array_equal(project(narrow, "raw").lift(narrow[:5]), narrow[:5])
    assert np.array_equal(project(codes[:, :1], "raw").lift([[2.0, 9.0]]), [[2.0]])


def test_fitted_maps_lift_points_between_the_codes_beside_them(codes, tsne, umap):
    for shown in (tsne, umap):
        own = np.linalg.norm(shown.lift(shown.points) - codes, axis=1)
        assert np.median(own) < 1e-3 * np.linalg.norm(codes, axis=1).mean()
        aside = shown.lift(shown.points + 0.003 * np.ptp(shown.points))
        assert np.median(np.linalg.norm(aside - codes, axis=1)) < np.median(neighbours(codes, 15).distances[:, -1])


# Few, equal, broken


def test_perplexity_and_neighbours_are_lowered_with_a_notice(codes):
    shown = project(codes[:20], "tsne", **FAST["tsne"])
    assert shown.notices == ("perplexity lowered from 30 to 6: there are only 20 codes",)
    assert shown.parameters["perplexity"] == 6
    shown = project(codes[:10], "umap", **FAST["umap"])
    assert shown.notices == ("n_neighbors lowered from 15 to 9: there are only 10 codes",)
    assert shown.parameters["n_neighbors"] == 9


@pytest.mark.parametrize("method", ["tsne", "umap"])
@pytest.mark.parametrize("components", [2, 3])
@pytest.mark.parametrize("n", [4, 5, 7])
def test_few_codes_of_one_dimension_still_make_a_map(codes, method, components, n):
    shown = project(codes[:n, :1], method, components, **FAST[method])
    assert shown.points.shape == (n, components) and np.isfinite(shown.points).all()
    assert len(np.unique(shown.points, axis=0)) == n


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_many_equal_codes_beside_others_make_a_map(codes, method):
    x = np.concatenate([np.repeat(codes[:1], 150, axis=0), codes[1:60]])
    assert np.isfinite(project(x, method, **FAST[method]).points).all()


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_identical_codes_lie_at_the_origin_and_it_is_said(method, value):
    shown = project(np.full((30, 5), value), method)
    assert not shown.points.any()
    assert shown.notices == ("all codes are identical: every point lies at the origin",)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
@pytest.mark.parametrize("scale", [1e-30, 1e13])
def test_tiny_and_huge_codes_make_the_map_that_others_do(codes, method, scale):
    shown = project(codes.astype(np.float64) * scale, method, **FAST[method])
    assert np.isfinite(shown.points).all() and np.isfinite(shown.transform(codes * scale)).all()
    kept, usual = (quality(codes, points)["knn_recall"] for points in (shown.points, project(codes, method).points))
    assert kept > 0.7 * usual


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e4, 1e8])
def test_pca_of_any_offset_and_scale_has_the_spread_of_scikit_learn(offset, scale):
    x = np.random.default_rng(0).standard_normal((200, 3)) * [3, 2, 1] * scale
    x = np.c_[x, x[:, 0] - x[:, 1], np.zeros(200)] + offset
    if offset * np.finfo(float).eps > 1e-4 * scale:
        pytest.skip("float64 itself does not hold such codes")
    shown, oracle = project(x, "pca", components=3), PCA(3, svd_solver="full").fit(x)
    assert not shown.notices
    assert np.allclose(shown.points.std(axis=0, ddof=1), np.sqrt(oracle.explained_variance_), rtol=1e-3)
    assert np.allclose(shown.explained_variance, oracle.explained_variance_ratio_, rtol=1e-3)
    assert np.allclose(shown.transform(x[:9]), shown.points[:9], atol=1e-4 * scale)
    assert np.allclose(shown.transform(shown.lift(shown.points[:9])), shown.points[:9], atol=1e-2 * scale)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_a_constant_column_far_away_changes_no_map(method):
    narrow = np.random.default_rng(0).standard_normal((200, 3))
    shown = project(np.c_[np.full(200, 2e6), narrow], method, **FAST[method])
    alone = project(narrow, method, **FAST[method])
    assert not shown.notices and np.allclose(shown.points, alone.points, atol=1e-5)


@pytest.mark.parametrize("method", ["tsne", "umap"])
@pytest.mark.parametrize(
    ("offset", "scale"), [(1e6, 1.0), (1e8, 1.0), (1e8, 1e4), (0.0, 1e-8), (1.0, 1e-8), (0.0, 1e8)]
)
def test_a_fitted_map_of_any_offset_and_scale_keeps_as_many_neighbours(codes, method, offset, scale):
    usual = quality(codes, project(codes, method, **FAST[method]).points)["knn_recall"]
    x = codes.astype(np.float64) * scale + offset
    shown = project(x, method, **FAST[method])
    assert not shown.notices and quality(x, shown.points)["knn_recall"] > 0.9 * usual
    assert np.allclose(shown.transform(x[:30]), shown.points[:30], atol=1e-3)
    assert np.allclose(shown.lift(shown.points[:30]), x[:30], atol=1e-3 * scale * np.abs(codes).max())
    beside = shown.transform(x[:30] + 1e-3 * scale)
    assert np.median(np.linalg.norm(beside - shown.points[:30], axis=1)) < 0.05 * np.ptp(shown.points)


def test_an_axis_far_from_the_origin_runs_from_one_group_to_the_other(codes):
    groups = {"a": range(9), "b": range(20, 40)}
    far = project(codes.astype(np.float64) * 1e-4 + 1e6, "axis", **groups)
    assert np.allclose(far.points / 1e-4, project(codes, "axis", **groups).points, atol=1e-2)
    line = np.outer(np.linspace(-1, 1, 50), [1, 2, 3]) + 1e4
    assert project(line, "axis", a=(0,), b=(49,)).notices == (
        "the codes vary along 1 of 2 axes: the rest of the map is empty",
    )


def test_pca_says_what_is_missing(codes):
    assert project(codes[:1]).notices == ("there is only 1 code: it lies at the origin",)
    pair = project(codes[:2])
    assert pair.notices == ("the codes vary along 1 of 2 axes: the rest of the map is empty",)
    assert pair.points[0, 0] == pytest.approx(-pair.points[1, 0]) and not pair.points[:, 1].any()
    line = project(codes[:, :1], components=3)
    assert line.points.shape == (500, 3) and line.explained_variance == (1, 0, 0)


@pytest.mark.parametrize("method", ["pca", "tsne", "umap"])
def test_a_pair_and_a_single_code_are_refused_or_drawn_with_a_sentence(codes, method):
    for n in (1, 2):
        if method == "pca":
            assert len(project(codes[:n]).notices) == 1
        else:
            with pytest.raises(ConfigError, match=f"needs at least 4 codes, got {n}"):
                project(codes[:n], method)


def test_an_axis_says_what_is_missing(codes):
    line = project(codes[:, :1], "axis", a=(0, 1), b=(2, 3))
    assert line.notices == ("the codes vary along 1 of 2 axes: the rest of the map is empty",)


def test_the_figures_are_those_of_each_point_together(codes, labels, tsne):
    told: list[float] = []
    figures, kept = judge(codes, tsne.points, labels, graph=tsne.graph, progress=told.append)
    assert figures["knn_recall"] == pytest.approx(kept.mean()) and kept.shape == (500,)
    assert told == sorted(told) and len(told) > 2
    alone = quality(codes, tsne.points, np.where(np.arange(500) < 3, -1, labels))
    assert alone["label_accuracy"] == pytest.approx(figures["label_accuracy"], abs=0.02)


def test_quality_of_few_codes_lowers_k(codes):
    shown = project(codes[:9])
    assert quality(codes[:9], shown.points)["k"] == 4
    assert "label_accuracy" not in quality(codes[:9], shown.points, np.full(9, -1))
    assert 0 <= quality(codes[:9], shown.points, [0, 1, 1] + [-1] * 6)["label_accuracy"] <= 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: project(x, "tsnee"), "unknown method 'tsnee', did you mean tsne"),
        (lambda x: project(x, "tsne", perplexity=1), "perplexity must be greater than or equal to 2, got 1"),
        (lambda x: project(x, "umap", n_neighbors=201), "n_neighbors must be less than or equal to 200, got 201"),
        (lambda x: project(x, "umap", min_dist=1.0), "min_dist must be less than or equal to 0.99"),
        (lambda x: project(x, "pca", perplexity=30), "unknown knob 'perplexity'"),
        (lambda x: project(x, "pca", components=4), "components must be 2 or 3, got 4"),
        (lambda x: project(x, "pca", seed=-1), "seed must be greater than or equal to 0"),
        (lambda x: project(x, "raw"), "raw draws codes of 1 to 3 dimensions, got 16"),
        (lambda x: project(x[:3], "tsne"), "t-SNE needs at least 4 codes, got 3"),
        (lambda x: project(x[:1], "umap"), "UMAP needs at least 4 codes, got 1"),
        (lambda x: project(x[:0]), r"at least 1 row and 1 dimension, got shape \(0, 16\)"),
        (lambda x: project(x[0]), r"codes must be \(n, K\)"),
        (lambda x: project(np.where(np.arange(500)[:, None] < 2, np.nan, x)), "NaN or infinity in 2 of 500 rows"),
        (
            lambda x: project(x.astype(np.float64) * 1e300, "tsne"),
            "codes must lie between -1e\\+15 and 1e\\+15, got an absolute value of",
        ),
        (lambda x: project(x, "tsne", graph=neighbours(x[:9], 3)), "graph must be of the 500 codes, got one of 9"),
        (lambda x: project(x).transform(x[:, :3]), "codes must have 16 dimensions as the map has, got 3"),
        (lambda x: project(x, "axis"), "group a must hold at least 1 code, got none"),
        (lambda x: project(x, "axis", a=(0,), b=(500,)), "group b must hold rows between 0 and 499, got 500"),
        (lambda x: project(x, "axis", a=(3,), b=(3,)), "the means of a and b must differ"),
        (lambda x: project(x).lift(x), "points must have 2 dimensions as the map has, got 16"),
        (lambda x: project(x).lift([[np.nan, 0]]), "points must be finite"),
        (lambda x: align(x[:, :2], x[:, :3]), "points must have 3 dimensions as the reference has, got 2"),
        (lambda x: align(x, x[:9]), "must be of the same samples, got 500 and 9"),
        (lambda x: align(x, x, np.arange(500)), "must be given together"),
        (lambda x: align(x, x, np.arange(3), np.arange(500)), "index must name 500 and 500 samples"),
        (lambda x: quality(x, x[:9, :2]), "got 500 and 9"),
        (lambda x: quality(x[:3], x[:3, :2]), "needs at least 4 codes, got 3"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(codes, call, words):
    with pytest.raises(ConfigError, match=words):
        call(codes)


def test_codes_and_parameters_survive_a_map(codes):
    before = codes.copy()
    for method in ("pca", "tsne"):
        project(codes, method, **FAST[method])
    assert np.array_equal(codes, before)


# Files to take along


def test_the_projectors_files_hold_vectors_names_and_pictures():
    from PIL import Image

    names = ("=1+1", "a\tb")
    pictures = np.arange(5, dtype=np.uint8)[:, None, None] * np.full((5, 4, 6), 20, np.uint8)
    content = projector_zip(np.arange(10.0).reshape(5, 2), np.arange(5) + 7, [0, 1, -1, 2, 0], names, pictures)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert np.array_equal(np.loadtxt(io.BytesIO(files["vectors.tsv"])), np.arange(10.0).reshape(5, 2))
    assert files["metadata.tsv"].decode() == "sample\tclass\n7\t'=1+1\n8\ta b\n9\t\n10\t2\n11\t'=1+1\n"
    sprite = np.asarray(Image.open(io.BytesIO(files["sprite.png"])))
    assert sprite.shape == (12, 18)
    assert [sprite[0, 0], sprite[0, 6], sprite[0, 12], sprite[4, 0], sprite[4, 6], sprite[4, 12]] == [
        0,
        20,
        40,
        60,
        80,
        255,
    ]
    told = json.loads(files["projector_config.json"])["embeddings"][0]
    assert told["sprite"] == {"imagePath": "sprite.png", "singleImageDim": [6, 4]} and told["tensorShape"] == [5, 2]
    assert "single_image_dim: 6 single_image_dim: 4" in files["projector_config.pbtxt"].decode()


def test_a_sprite_never_outgrows_a_graphics_card(monkeypatch):
    from PIL import Image

    from aeexplorer.projection import export

    monkeypatch.setattr(export, "SPRITE_SIDE", 40)
    content = projector_zip(np.zeros((9, 2)), np.arange(9), np.zeros(9, int), (), np.zeros((9, 28, 28, 3), np.uint8))
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("sprite.png") as file:
        assert max(Image.open(file).size) <= 40


def test_a_spreadsheet_runs_nothing_of_a_map():
    text = coordinates_csv([[0.5, -1]], [3], [0], ["=cmd()"])
    assert text == "sample,class,x,y\n3,'=cmd(),0.5,-1\n"
    with pytest.raises(ConfigError, match="must be of the same samples"):
        coordinates_csv(np.zeros((2, 2)), [1], [0])
    with pytest.raises(ConfigError, match="must be of the same samples"):
        projector_zip(np.zeros((2, 2)), [1], [0])
    with pytest.raises(ConfigError, match="pictures must be uint8"):
        projector_zip(np.zeros((1, 2)), [1], [0], (), np.zeros((1, 4, 4)))
