"""Maps as jobs: which samples, one graph for all of them, what is written while they are drawn, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.data.splits import stratified_subset
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.jobs import cache, find_map, graphs, maps, submit_map
from aeexplorer.jobs.cache import trim_results
from aeexplorer.jobs.codes import codes_for_map
from aeexplorer.jobs.graphs import neighbour_graph
from aeexplorer.jobs.maps import MapJob, compute_map, estimated_seconds
from aeexplorer.metrics import neighbours
from aeexplorer.metrics.neighbourhood import kept_neighbours
from aeexplorer.projection import Cancelled, project
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run

pytestmark = pytest.mark.long

QUICK = {
    "tsne": {"early_iterations": 40, "iterations": 40, "components": 2, "seed": 0},
    "umap": {"n_epochs": 30, "components": 2, "seed": 0},
}


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    made = new_run("ae", load_dataset("digits"), epochs=1, hidden=(32,), latent_dim=4)
    yield train_run(made, load_dataset("digits"), bar=False)


def drawn(run: Run, method: str = "tsne", n: int = 2_000, split: str = "test", **more: object) -> MapJob:
    job = submit_map(run, method, n, split, **QUICK[method], **more)
    compute_map(job, lambda: True)
    return job


# Which samples


def test_a_place_counts_through_the_splits_the_test_split_first() -> None:
    data = load_dataset("digits")
    found = data.take(np.array([0, 269, 270, 270 + 1256, 270 + 1257, 1796]))
    assert np.array_equal(found.x[:2], data.test.x[[0, 269]])
    assert np.array_equal(found.x[2:4], data.train.x[[0, 1256]])
    assert np.array_equal(found.x[4:], data.validation.x[[0, 269]]) and found.y[5] == data.validation.y[269]
    assert found.x.dtype == data.test.x.dtype and found.factors is None
    shapes = load_dataset("shapes")
    assert np.array_equal(shapes.take(np.array([3_600, 5])).factors, [shapes.train.factors[0], shapes.test.factors[5]])
    for place in (-1, 1_797):
        with pytest.raises(ConfigError, match=f"index must be between 0 and 1796, got {place}"):
            data.take(np.array([5, place]))


def test_a_sample_of_a_set_has_each_class_with_its_share() -> None:
    labels = np.repeat([0, 1, -1], [600, 300, 100])
    few, more = stratified_subset(labels, 20), stratified_subset(labels, 200)
    assert np.array_equal(np.bincount(labels[few] + 1), [2, 12, 6])
    assert np.array_equal(np.bincount(labels[more] + 1), [20, 120, 60])
    assert set(few) <= set(more) and np.array_equal(more, np.unique(more))
    assert np.array_equal(few, stratified_subset(labels, 20)) and not np.array_equal(
        few, stratified_subset(labels, 20, seed=1)
    )
    assert np.array_equal(stratified_subset(labels, 1_000), np.arange(1_000))


def test_codes_of_more_samples_are_encoded_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_run(run)
    stored = codes_for_map(model, 100)
    assert np.array_equal(stored.z, run.codes.z[:100]) and not (run.path.parents[1] / "codes").exists()
    everything = codes_for_map(model, 1_797, "all")
    assert np.array_equal(everything.index, np.arange(1_797))
    assert np.allclose(everything.z[:270], run.codes.z, atol=1e-5)
    training = codes_for_map(model, 500, "train")
    assert training.z.shape == (500, 4) and training.index.min() >= 270 and training.index.max() < 270 + 1257
    assert np.array_equal(training.labels, model.dataset.take(training.index).y)

    def encode(self: Explorer, x: np.ndarray) -> np.ndarray:
        raise AssertionError("they are on disk")

    before = Explorer.encode
    monkeypatch.setattr(Explorer, "encode", encode)
    assert np.array_equal(codes_for_map(model, 1_797, "all").z, everything.z)
    monkeypatch.setattr(Explorer, "encode", before)
    for path in (run.path.parents[1] / "codes").glob("*/codes.safetensors"):
        path.write_bytes(b"nothing")
    assert np.array_equal(codes_for_map(model, 500, "train").z, training.z)


@pytest.mark.parametrize(
    ("n", "split", "words"),
    [
        (0, "test", "n must be between 1 and 100000, got 0"),
        (100_001, "test", "n must be between 1 and 100000, got 100001"),
        (9, "dev", "split must be test, train or all, got 'dev'"),
    ],
)
def test_samples_that_are_none_are_refused(run: Run, n: int, split: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        codes_for_map(open_run(run), n, split)


# One graph


def test_a_graph_is_made_once_for_everyone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32)
    graph = neighbour_graph(z, 10)
    assert graph.k == 90 and all(map(np.array_equal, graph, neighbours(z, 90)))
    assert all(map(np.array_equal, neighbour_graph(z[:20]), neighbours(z[:20], 19)))
    assert neighbour_graph(z, 200).k == 200

    def search(*_: object) -> None:
        raise AssertionError("it is on disk")

    monkeypatch.setattr(graphs, "neighbours", search)
    assert all(map(np.array_equal, neighbour_graph(z, 60), graph))
    with pytest.raises(AssertionError):
        neighbour_graph(z + 1, 60)
    for path in (home / "graphs").glob("*/graph.safetensors"):
        path.write_bytes(path.read_bytes()[:-9])
    monkeypatch.setattr(graphs, "neighbours", neighbours)
    assert all(map(np.array_equal, neighbour_graph(z), graph))


def test_who_waits_for_a_graph_can_leave(home: Path) -> None:
    z = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)
    neighbour_graph(z)
    folder = next((home / "graphs").iterdir())
    (folder / "graph.safetensors").unlink()
    lock = FileLock(folder / "lock")
    assert lock.acquire()

    def leave(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        neighbour_graph(z, progress=leave)
    lock.release()
    assert neighbour_graph(z).k == 29


def test_without_room_on_disk_a_graph_is_used_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(graphs, "save_arrays", full)
    assert neighbour_graph(np.random.default_rng(0).standard_normal((30, 5))).k == 29


def test_both_maps_and_their_figures_come_from_one_graph(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []

    def counted(x: np.ndarray, k: int, progress: object = None) -> object:
        widths.append(np.shape(x)[1])
        return neighbours(x, k, progress)

    for module in ("jobs.graphs", "projection.layouts", "projection.judging"):
        monkeypatch.setattr(f"aeexplorer.{module}.neighbours", counted)
    for method in QUICK:
        drawn(run, method)
    assert widths.count(4) == 1


def test_results_that_nobody_looks_at_make_room(run: Run) -> None:
    drawn(run, n=1_000, split="all")
    roots = [root for name in cache.RESULTS if (root := run.path.parents[1] / name).exists()]
    assert all(any(root.iterdir()) for root in roots) and len(roots) == len(cache.RESULTS) - 1  # no study was asked for
    for root in roots:
        for path in root.iterdir():
            os.utime(path, (1, 1))
    assert len(trim_results(0)) == 3
    assert not any(any(root.iterdir()) for root in roots)


# The job


@pytest.mark.parametrize("method", QUICK)
def test_a_map_of_a_job_is_the_map_of_its_codes(run: Run, method: str) -> None:
    job = drawn(run, method)
    found = job.finished()
    direct = project(run.codes.z, method, **QUICK[method])
    assert np.array_equal(found.points, direct.points)
    assert np.allclose(found.kept, kept_neighbours(neighbours(run.codes.z, 15), neighbours(found.points, 15)))
    assert found.quality["knn_recall"] == pytest.approx(found.kept.mean(), abs=1e-6)
    assert not found.notices and found.seconds > 0


def test_a_map_of_all_samples_says_which(run: Run) -> None:
    found = drawn(run, n=400, split="all").finished()
    assert found.points.shape == (400, 2) and found.index.max() > 270
    assert found.notices == ("400 of 1,797 samples, each class with its share",)
    assert np.array_equal(found.labels, load_dataset("digits").take(found.index).y)
    fewer = drawn(run, "umap", n=3_000)
    assert fewer.finished().notices == ("samples lowered from 3,000 to 270: there are no more",)
    assert fewer.finished().points.shape == (270, 2)
    assert (
        find_map(run, "tsne", 400, "all", **QUICK["tsne"])[0] != find_map(run, "tsne", 400, "train", **QUICK["tsne"])[0]
    )


def test_how_far_a_map_is_can_be_watched(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "INTERMEDIATE_SECONDS", 0.0)
    job = submit_map(run, "tsne", **QUICK["tsne"])
    seen: list[np.ndarray] = []

    def wanted() -> bool:
        points = job.intermediate()
        if points is not None and (not seen or not np.array_equal(points, seen[-1])):
            seen.append(points)
        return True

    compute_map(job, wanted)
    assert len(seen) > 4 and seen[0].shape == (270, 2)
    told = [e for e in job.events()[0] if e["type"] == "progress"]
    fractions = [e["fraction"] for e in told]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] <= 1
    assert all(e["seconds_left"] > 0 for e in told if e["fraction"] < 0.9)
    assert job.intermediate() is None, "what is done is looked at elsewhere"


@pytest.mark.parametrize("calls", [1, 2, 3, 8, 14])
def test_a_map_that_nobody_wants_any_more_ends_where_it_is(run: Run, calls: int) -> None:
    job, asked = submit_map(run, "tsne", **QUICK["tsne"]), []

    def wanted() -> bool:
        asked.append(1)
        return len(asked) < calls

    with pytest.raises(Cancelled):
        compute_map(job, wanted)
    assert len(asked) == calls and job.status.state != "done"


def test_maps_that_cannot_be_are_refused(run: Run) -> None:
    with pytest.raises(ConfigError, match="UMAP needs at least 4 codes, got 3"):
        submit_map(run, "umap", 3)
    with pytest.raises(ConfigError, match="unknown method 'tsnee', did you mean tsne"):
        submit_map(run, "tsnee")
    with pytest.raises(ConfigError, match="n must be less than or equal to 100000"):
        submit_map(run, "umap", 200_000)
    stored = run.codes
    run.save_codes(replace(stored, z=stored.z[:2], labels=stored.labels[:2], index=stored.index[:2], indices=None))
    with pytest.raises(ConfigError, match="t-SNE needs at least 4 codes, got 2"):
        drawn(run)
    run.save_codes(replace(stored, z=np.where(np.arange(270)[:, None] < 3, np.nan, stored.z)))
    for method in QUICK:
        with pytest.raises(ConfigError, match="codes must be finite, got NaN or infinity in 3 of 270 rows"):
            drawn(run, method)
    run.save_codes(replace(stored, z=np.ones_like(stored.z)))
    assert drawn(run).finished().notices == ("all codes are identical: every point lies at the origin",)


def test_a_wide_neighbourhood_gets_a_graph_of_its_own(run: Run) -> None:
    job = submit_map(run, "tsne", perplexity=80, **QUICK["tsne"])
    compute_map(job, lambda: True)
    assert job.finished().quality["k"] == 15 and not (run.path.parents[1] / "graphs").exists()


def test_a_map_of_another_model_is_not_taken_for_this_one(run: Run) -> None:
    drawn(run)
    stored, key = run.codes, find_map(run, "tsne", **QUICK["tsne"])[0]
    run.save_codes(replace(stored, z=stored.z[:9], labels=stored.labels[:9], index=stored.index[:9], indices=None))
    assert find_map(run, "tsne", **QUICK["tsne"])[0] != key


def test_larger_maps_take_longer() -> None:
    for method in ("tsne", "umap", "pca"):
        times = [estimated_seconds(n, method, {}) for n in (300, 2_000, 10_000, 60_000)]
        assert times == sorted(times) and times[0] > 0


def test_the_command_line_maps_any_split(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "map.npz"
    assert main(["project", run.id, "--method", "pca", "--n", "300", "--split", "train", "--out", str(out)]) == 0
    with np.load(out) as found:
        assert found["points"].shape == (300, 2) and found["index"].min() >= 270
    assert main(["project", run.id, "--method", "pca", "--n", "0"]) == 2
    assert "n must be between 1 and 100000, got 0" in capsys.readouterr().err
    assert main(["project", run.id, "--method", "pca", "--n", "2", "--out", str(out)]) == 0
