"""The data room: the table, the splits, what each dataset promises, and what happens when files are missing."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from aeexplorer import data
from aeexplorer.config import ConfigError
from aeexplorer.data import (
    DATASETS,
    Dataset,
    DataSpec,
    DataUnavailable,
    Factor,
    as_uint8,
    downloads,
    heartbeats,
    load_dataset,
    shapes,
    splits,
)

BUILT_IN = (
    "digits",
    "shapes",
    "heartbeats",
    "breast-cancer",
    "wine",
    "two-moons",
    "swiss-roll",
    "pinwheel",
    "names",
    "molecules",
    "genes",
    "photos",
)
DOWNLOADED = ("mnist", "fashion-mnist", "mnist-binary", "fashion-mnist-binary", "chorales")
FILES = (*DOWNLOADED, "ecg5000")
DRAWN = tuple(name for name, source in DATASETS.items() if source.knobs)


def loaded(name: str) -> Dataset:
    if not DATASETS[name].available():
        pytest.skip(f"{name} is not in {data.data_dir()}, set AEEXPLORER_DATA_DIR")
    return load_dataset(name)


def rows(x: np.ndarray) -> set[bytes]:
    return {hashlib.sha256(row.tobytes()).digest() for row in x}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty data directory, with nothing remembered from another one."""
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path))
    data._load.cache_clear()
    yield tmp_path
    data._load.cache_clear()


# The table


def test_the_table_lists_every_dataset_by_its_own_name() -> None:
    assert set(DATASETS) == {*BUILT_IN, *FILES}
    assert all(name == source.name == source.spec.name for name, source in DATASETS.items())


def test_built_in_datasets_are_always_available(folder: Path) -> None:
    assert {name for name, source in DATASETS.items() if source.available()} == set(BUILT_IN)
    assert {name for name, source in DATASETS.items() if source.downloadable} == set(DOWNLOADED)


@pytest.mark.parametrize("name", DATASETS)
def test_what_a_spec_says(name: str) -> None:
    spec = DATASETS[name].spec
    assert DataSpec(**json.loads(spec.model_dump_json())) == spec
    assert spec.title and spec.summary and spec.scale and spec.licence and spec.source
    assert spec.unit_interval == (spec.row.bytes_per_value == 1)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.long
def test_arrays_are_what_the_spec_says(name: str) -> None:
    source, dataset = DATASETS[name], loaded(name)
    assert dataset.spec == source.spec
    assert tuple(map(len, dataset.splits.values())) == (source.n_train, source.n_validation, source.n_test)
    for split in dataset.splits.values():
        assert split.x.shape == (len(split), *source.spec.shape)
        assert split.x.dtype == (np.float32 if source.spec.row.bytes_per_value > 1 else np.uint8)
        assert np.isfinite(split.x).all()
        assert split.y.shape == (len(split),) and split.y.dtype == np.int64
        assert split.y.min() >= -1 and split.y.max() < len(source.spec.classes)
        if source.spec.factors:
            assert split.factors is not None and split.factors.dtype == np.float32
            assert split.factors.shape == (len(split), len(source.spec.factors)) and np.isfinite(split.factors).all()
        else:
            assert split.factors is None
        with pytest.raises(ValueError, match="read-only"):
            split.x[0] = 0
    assert set(np.unique(dataset.train.y)) == (set(range(len(source.spec.classes))) or {-1})


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.long
def test_no_sample_lies_in_two_splits(name: str) -> None:
    dataset = loaded(name)
    seen = [rows(split.x) for split in dataset.splits.values()]
    assert sum(map(len, seen)) == len(set.union(*seen)) == sum(map(len, dataset.splits.values()))


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.long
def test_loading_again_gives_the_same_samples(name: str) -> None:
    first = load_dataset(name)
    assert load_dataset(name) is first
    data._load.cache_clear()
    again = load_dataset(name)
    assert again is not first
    for a, b in zip(first.splits.values(), again.splits.values(), strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        np.testing.assert_array_equal(a.y, b.y)
        np.testing.assert_array_equal(a.factors, b.factors)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_seed_matters_to_random_data_only(name: str) -> None:
    same = np.array_equal(load_dataset(name, seed=0).test.x, load_dataset(name, seed=1).test.x)
    assert same == (name not in DRAWN)


@pytest.mark.parametrize("name", DRAWN)
def test_n_is_the_number_of_samples_in_all_splits(name: str) -> None:
    assert sum(map(len, load_dataset(name, n=1000).splits.values())) == 1000


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: load_dataset("mnits"), "unknown dataset 'mnits', did you mean mnist"),
        (lambda: load_dataset("digits", n=100), "digits takes no options, got n"),
        (lambda: load_dataset("two-moons", noisy=1), "unknown knob 'noisy', did you mean noise"),
        (lambda: load_dataset("two-moons", n=3), "n must be greater than or equal to 100, got 3"),
        (lambda: load_dataset("heartbeats", seed=-1), "seed must be greater than or equal to 0, got -1"),
        (lambda: data.download("digits"), "unknown download 'digits'"),
    ],
)
def test_a_wrong_argument_is_named(call, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        call()


# Specs


@pytest.mark.parametrize(
    ("kind", "shape"), [("image", (128, 128)), ("image", (64, 48, 3)), ("sequence", (50, 2)), ("vector", (1,))]
)
def test_legal_shapes(kind, shape: tuple[int, ...]) -> None:
    assert DataSpec(name="x", title="X", kind=kind, shape=shape).size == np.prod(shape)


@pytest.mark.parametrize(
    ("kind", "shape", "said"),
    [
        ("image", (129, 28), r"at most 128 x 128 pixels, got \(129, 28\)"),
        ("image", (28, 256, 3), r"at most 128 x 128 pixels, got \(28, 256, 3\)"),
        ("image", (28, 28, 4), r"one channel or \(h, w, 3\) for three, got \(28, 28, 4\)"),
        ("image", (28, 28, 1), r"\(h, w\) for one channel"),
        ("image", (784,), r"image data must be \(h, w\) or \(h, w, 3\), all at least 1, got \(784,\)"),
        ("sequence", (0,), r"all at least 1, got \(0,\)"),
        ("vector", (2, 2), r"vector data must be \(features,\), all at least 1, got \(2, 2\)"),
    ],
)
def test_an_illegal_shape_is_named(kind, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        DataSpec(name="x", title="X", kind=kind, shape=shape)


def test_features_name_every_column() -> None:
    with pytest.raises(ConfigError, match="features must name all 3 columns, got 2 names"):
        DataSpec(name="x", title="X", kind="vector", shape=(3,), features=("a", "b"))


def test_as_uint8_rounds_and_clips() -> None:
    assert as_uint8(np.array([-1, 0, 0.499 / 255, 0.501 / 255, 1, 2])).tolist() == [0, 0, 0, 1, 255, 255]


# Splits


def test_stratified_parts_are_exact_in_size_and_true_to_the_classes_from_the_first_sample_on() -> None:
    y = np.random.default_rng(0).choice(4, size=3000, p=[0.7, 0.2, 0.07, 0.03])
    parts = splits.stratified(y, 2000, 600, 400)
    assert [len(part) for part in parts] == [2000, 600, 400]
    assert sorted(np.concatenate(parts)) == list(range(3000))
    for part in (*parts, parts[0][:200]):
        np.testing.assert_allclose(np.bincount(y[part], minlength=4), np.bincount(y) * len(part) / 3000, atol=3)


def test_the_split_is_frozen() -> None:
    """Stored models were trained on these very samples: a changed split would show them their test split."""
    assert [part[:4].tolist() for part in splits.stratified(np.arange(100) % 2, 70, 15, 15)] == [
        [82, 25, 4, 11],
        [63, 84, 23, 52],
        [12, 87, 14, 43],
    ]


# Tables


def test_digits_are_the_sixteen_levels_spread_over_a_byte() -> None:
    from sklearn.datasets import load_digits

    mine = np.concatenate([split.x for split in load_dataset("digits").splits.values()])
    images = load_digits().images
    assert sorted(np.unique(mine)) == [round(level * 255 / 16) for level in range(17)]
    assert rows(mine) == rows(np.rint(images * 255 / 16).astype(np.uint8))


@pytest.mark.parametrize("name", ["breast-cancer", "wine"])
def test_tables_are_standardised_by_the_training_split_alone(name: str) -> None:
    dataset = load_dataset(name)
    np.testing.assert_allclose(dataset.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(dataset.train.x.std(axis=0), 1, atol=1e-5)
    assert np.abs(dataset.test.x.mean(axis=0)).max() > 1e-2


def test_columns_and_classes_bear_the_names_of_the_source() -> None:
    from sklearn.datasets import load_breast_cancer, load_wine

    cancer, wine = load_breast_cancer(), load_wine()
    assert DATASETS["breast-cancer"].spec.features == tuple(cancer.feature_names)
    assert DATASETS["breast-cancer"].spec.classes == tuple(cancer.target_names)
    assert DATASETS["wine"].spec.features == tuple(name.replace("_", " ") for name in wine.feature_names)


# Shapes


def outline(shape: str) -> np.ndarray:
    """Points (n, 2) on the edge, written down without distances."""
    t = np.linspace(0, 1, 20_001)[:, None]
    if shape == "ellipse":
        return np.hstack([np.cos(2 * np.pi * t), 0.5 * np.sin(2 * np.pi * t)])
    if shape == "square":
        corners = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1), (1, 1)]) * 0.5**0.5
        return np.concatenate([a + t * (b - a) for a, b in pairwise(corners)])
    side = np.hstack([t / 2, t / 2])
    turn = np.pi * (t - 0.25)
    right = np.concatenate([side, (0.25, 0.75) + 2**0.5 / 4 * np.hstack([np.cos(turn), np.sin(turn)])])
    size = shapes._HEART_CENTROID
    return (np.concatenate([right, right * (-1, 1)]) - (0, size)) / size


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_signed_distances_are_distances_to_the_outline(shape: str) -> None:
    from scipy.spatial import cKDTree

    points = np.random.default_rng(0).uniform(-2, 2, (2000, 2))
    distance = shapes._DISTANCES[shape](points[:, 0], points[:, 1])
    np.testing.assert_allclose(np.abs(distance), cKDTree(outline(shape)).query(points)[0], atol=2e-3)
    assert np.hypot(*outline(shape).T).max() == pytest.approx(1, abs=1e-6)
    assert (distance[np.hypot(*points.T) < 0.4] < 0).all() and (distance[np.hypot(*points.T) > 1] > 0).all()


def all_shapes() -> tuple[np.ndarray, np.ndarray]:
    parts = load_dataset("shapes").splits.values()
    return np.concatenate([p.x for p in parts]), np.concatenate([p.factors for p in parts])


def test_shapes_are_the_full_grid_without_a_repeated_image() -> None:
    images, factors = all_shapes()
    assert len(images) == len(np.unique(factors, axis=0)) == len(rows(images)) == 24_000
    counts = [len(np.unique(column)) for column in factors.T]
    assert counts == [factor.values for factor in DATASETS["shapes"].spec.factors]
    assert np.prod(counts) == 24_000
    assert factors[:, 2].min() == 0 and factors[:, 2].max() < 2 * np.pi


def test_factors_of_shapes_are_seen_in_the_images() -> None:
    images, factors = all_shapes()
    weight = images / images.sum(axis=(1, 2), keepdims=True)
    pixel = np.arange(32) + 0.5
    np.testing.assert_allclose(weight.sum(axis=1) @ pixel, factors[:, 3], atol=0.1)
    np.testing.assert_allclose(weight.sum(axis=2) @ pixel, factors[:, 4], atol=0.1)
    heart = (0.5 + np.pi / 8) / shapes._HEART_CENTROID**2
    area = np.array([2.0, np.pi / 2, heart])[factors[:, 0].astype(int)] * (shapes.RADIUS * factors[:, 1]) ** 2
    np.testing.assert_allclose(images.sum(axis=(1, 2)) / 255, area, rtol=0.04)


def test_shapes_turn_anticlockwise_and_lose_nothing_at_the_border() -> None:
    images, factors = all_shapes()
    u, v = np.arange(32)[None, :] + 0.5, -(np.arange(32)[:, None] + 0.5)
    of_ellipses = (factors[:, 0] == 1) & (factors[:, 1] == 1)
    for image, (_, _, turn, x, y) in zip(images[of_ellipses][::50], factors[of_ellipses][::50], strict=True):
        du, dv = u - x, v + y
        tilt = 0.5 * np.arctan2(2 * (image * du * dv).sum(), (image * (du**2 - dv**2)).sum())
        assert abs(np.sin(tilt - turn)) < 0.03
    upright = shapes.draw("heart", 8.0, 0.0, *np.meshgrid(u[0] - 16, v[:, 0] + 16))
    assert (upright[:16].sum(axis=1) > 0).sum() < (upright[16:].sum(axis=1) > 0).sum()
    np.testing.assert_allclose(upright, upright[:, ::-1], atol=1e-5)


def test_shapes_are_anti_aliased() -> None:
    images, _ = all_shapes()
    assert images.min() == 0 and images.max() == 255 and len(np.unique(images)) > 200


# Heartbeats


def test_a_beat_solves_the_equation_of_motion() -> None:
    theta = np.linspace(-np.pi, np.pi, 20_001)
    amplitude, angle, width = (np.array([values]) for values in ([1.1, 0.3], [0.1, 1.5], [0.1, 0.4]))
    z = heartbeats.beat(theta, amplitude, angle, width)[0]
    d = theta[:, None] - angle
    # a_i = A_i w / b_i^2; the angular velocity w cancels against dt = dtheta / w.
    slope = -(amplitude / width**2 * d * np.exp(-(d**2) / (2 * width**2))).sum(axis=1)
    np.testing.assert_allclose(np.gradient(z, theta)[1:-1], slope[1:-1], atol=1e-3)


def test_beats_show_their_factors() -> None:
    train = load_dataset("heartbeats").train
    assert train.factors is not None
    heart_rate, p, r, st, t, noise = train.factors.T
    theta = np.linspace(-np.pi, np.pi, heartbeats.STEPS, endpoint=False)
    assert heart_rate.min() >= 45 and heart_rate.max() <= 120 and noise.min() > 0
    normal = train.y == 0
    assert np.corrcoef(train.x[normal].max(axis=1), r[normal])[0, 1] > 0.9
    assert (np.abs(theta[train.x[normal].argmax(axis=1)]) < 0.2).all()
    rough = np.diff(train.x[:, :20], n=2).std(axis=1) / 6**0.5
    assert np.corrcoef(rough, noise)[0, 1] > 0.8
    classes = DATASETS["heartbeats"].spec.classes
    of = {name: train.y == i for i, name in enumerate(classes)}
    assert (p[of["Missing P wave"]] == 0).all() and (p[normal] > 0).all()
    assert (t[of["T-wave inversion"]] < 0).all() and (t[normal] > 0).all()
    assert st[of["ST elevation"]].min() > st[normal].max()
    between = (theta > 0.6) & (theta < 0.9)
    assert train.x[of["ST elevation"]][:, between].mean() > train.x[normal][:, between].mean() + 0.15
    wide = (train.x > train.x.max(axis=1, keepdims=True) / 2).sum(axis=1)
    assert np.median(wide[of["Premature ventricular contraction"]]) > 2 * np.median(wide[normal])


def test_most_beats_are_normal() -> None:
    counts = sum(np.bincount(split.y) for split in load_dataset("heartbeats").splits.values())
    assert counts.tolist() == [4000, 250, 250, 250, 250]


# Points in the plane


@pytest.mark.parametrize("name", ["two-moons", "swiss-roll", "pinwheel"])
def test_points_have_unit_scale_and_round_noise(name: str) -> None:
    noisy, clean = load_dataset(name, noise=0.1), load_dataset(name, noise=0)
    assert np.abs(noisy.train.x.mean(axis=0)).max() < 0.1
    assert np.sqrt((noisy.train.x**2).mean()) == pytest.approx(1, abs=0.05)
    np.testing.assert_array_equal(noisy.train.factors, clean.train.factors)
    residual = noisy.train.x - clean.train.x
    np.testing.assert_allclose(np.cov(residual.T), 0.01 * np.eye(2), atol=1e-3)


def test_the_position_says_where_a_clean_point_lies() -> None:
    moons, roll, wheel = (load_dataset(name, noise=0).train for name in ("two-moons", "swiss-roll", "pinwheel"))
    for label in (0, 1):
        moon = moons.x[moons.y == label]
        position = moons.factors[moons.y == label, 0]
        line = np.polynomial.Polynomial.fit(np.cos(np.pi * position), moon[:, 0], 1)
        np.testing.assert_allclose(line(np.cos(np.pi * position)), moon[:, 0], atol=1e-4)
    start, end = roll.x[roll.factors[:, 0].argmin()], roll.x[roll.factors[:, 0].argmax()]
    assert np.hypot(*end) > 2 * np.hypot(*start)
    order = np.argsort(roll.factors[:, 0])
    assert np.hypot(*np.diff(roll.x[order], axis=0).T).max() < 0.05
    np.testing.assert_allclose(np.hypot(*wheel.x.T), np.abs(wheel.factors[:, 0]), atol=1e-5)


# Files


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_official_test_images_are_kept(name: str) -> None:
    dataset = loaded(name)
    images = downloads.read_idx(data.data_dir() / name / "t10k-images-idx3-ubyte.gz")
    np.testing.assert_array_equal(dataset.test.x, images)


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        (
            "mnist",
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
        ),
        ("fashion-mnist", [6000] * 10, [1000] * 10),
        ("ecg5000", [292, 177, 10, 19, 2], [2627, 1590, 86, 175, 22]),
    ],
)
def test_validation_comes_out_of_the_official_training_split(name: str, train: list[int], test: list[int]) -> None:
    dataset = loaded(name)
    assert np.bincount(dataset.test.y).tolist() == test
    validation = np.bincount(dataset.validation.y, minlength=len(train))
    assert (np.bincount(dataset.train.y) + validation).tolist() == train
    np.testing.assert_allclose(validation, np.array(train) * len(dataset.validation) / sum(train), atol=3)


def test_ecg5000_beats_are_standardised() -> None:
    x = loaded("ecg5000").test.x
    np.testing.assert_allclose(x.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=1, ddof=1), 1, atol=1e-4)


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes(), mtime=0)


def test_idx_is_read(tmp_path: Path) -> None:
    images = np.arange(24).reshape(2, 3, 4)
    path = tmp_path / "images.gz"
    path.write_bytes(idx(images))
    np.testing.assert_array_equal(downloads.read_idx(path), images)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (idx(np.zeros((2, 3, 4)))[:-12], "cannot be unpacked"),
        (b"<html>not found</html>", "cannot be unpacked"),
        (gzip.compress(b"", mtime=0), "magic number"),
        (gzip.compress(b"\0\0\x0d\x03" + bytes(12), mtime=0), "magic number .* got 0x00000d03"),
        (gzip.compress(b"\0\0\x08\x03" + bytes(5), mtime=0), "magic number"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc", mtime=0), "must hold 5 bytes after its header, got 3"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataUnavailable, match=said) as caught:
        downloads.read_idx(path)
    assert "images.gz" in str(caught.value)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_without_a_network_the_message_says_what_to_do(folder: Path, name: str, monkeypatch) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket, "socket", refused)
    with pytest.raises(DataUnavailable) as caught:
        load_dataset(name)
    said = str(caught.value)
    assert f"{name} is not on this computer" in said and "digits" in said
    assert str(folder / name) in said and downloads.REMOTES[name].url + "train-images-idx3-ubyte.gz" in said
    assert not [path for path in folder.rglob("*") if path.is_file()]
    assert len(load_dataset("digits").train) == DATASETS["digits"].n_train


def test_a_data_directory_that_cannot_be_written_is_named(folder: Path, monkeypatch) -> None:
    (folder / "file").write_text("not a folder")
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(folder / "file"))
    with pytest.raises(DataUnavailable, match="mnist is not on this computer"):
        load_dataset("mnist")


@pytest.mark.parametrize("damage", ["other", "truncated"])
def test_a_file_with_a_wrong_hash_is_named_and_left_alone(folder: Path, damage: str) -> None:
    content = idx(np.zeros((10, 28, 28)))
    content = content if damage == "other" else content[: len(content) // 2]
    path = folder / "mnist" / "train-images-idx3-ubyte.gz"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    said = str(caught.value)
    assert str(path) in said and downloads.REMOTES["mnist"].files[0].sha256 in said
    assert hashlib.sha256(content).hexdigest() in said
    assert path.read_bytes() == content


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Iterator[Path]:
    """A tiny MNIST on a local web server, published as `REMOTES["mnist"]`; yields the folder it serves."""
    root = tmp_path_factory.mktemp("published")
    digits = np.random.default_rng(0).integers(0, 255, (60, 28, 28))
    arrays = (digits[:50], np.arange(50) % 10, digits[50:], np.arange(10))
    files = []
    for file, array in zip(downloads.REMOTES["mnist"].files, arrays, strict=True):
        content = idx(array)
        (root / file.name).write_bytes(content)
        files.append(downloads.RemoteFile(file.name, len(content), hashlib.sha256(content).hexdigest()))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, directory=str(root), **kwargs)

        def log_message(self, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        remote = downloads.Remote(f"http://127.0.0.1:{httpd.server_port}/", tuple(files))
        monkeypatch.setitem(downloads.REMOTES, "mnist", remote)
        monkeypatch.setattr(downloads, "COUNTS", (40, 10, 10))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield root
        httpd.shutdown()


def test_a_download_reports_progress_and_is_made_once(folder: Path, server: Path) -> None:
    assert not DATASETS["mnist"].available()
    total = data.download_size("mnist")
    assert total == sum(path.stat().st_size for path in server.iterdir())
    seen: list[tuple[int, int]] = []
    data.download("mnist", progress=lambda done, overall: seen.append((done, overall)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (total, total) and {overall for _, overall in seen} == {total}
    assert sorted(p.name for p in (folder / "mnist").iterdir()) == sorted(p.name for p in server.iterdir())

    for path in server.iterdir():
        path.unlink()
    assert DATASETS["mnist"].available() and data.download_size("mnist") == 0
    dataset = load_dataset("mnist")
    assert [len(split) for split in dataset.splits.values()] == [40, 10, 10]
    assert dataset.test.y.tolist() == list(range(10))


@pytest.mark.parametrize("damage", ["other", "missing", "cut off"])
@pytest.mark.long
def test_nothing_is_left_of_a_download_that_failed(folder: Path, server: Path, damage: str, monkeypatch) -> None:
    path = server / "train-images-idx3-ubyte.gz"
    if damage == "cut off":
        # The header promises the whole file, the connection ends after half of it.
        monkeypatch.setattr(
            http.server.SimpleHTTPRequestHandler,
            "copyfile",
            lambda self, source, out: out.write(source.read(path.stat().st_size // 2)),
        )
    elif damage == "other":
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.unlink()
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("mnist")
    said = str(caught.value)
    assert path.name in said and "http://127.0.0.1" in said
    if damage == "other":
        assert hashlib.sha256(path.read_bytes()).hexdigest() in said
        assert downloads.REMOTES["mnist"].files[0].sha256 in said
    assert not [p for p in folder.rglob("*") if p.is_file()]


def write_ecg(folder: Path, ending: str, separator: str, train_rows: int = 500) -> None:
    (folder / "ecg5000").mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for part, n in (("TRAIN", train_rows), ("TEST", 4500)):
        table = np.hstack([rng.integers(1, 6, (n, 1)), rng.normal(size=(n, 140)).round(2)])
        text = "\n".join(separator.join(f"{value:g}" for value in row) for row in table)
        path = folder / "ecg5000" / f"ECG5000_{part}{ending}"
        path.write_bytes(gzip.compress(text.encode(), 1) if ending.endswith("gz") else text.encode())


@pytest.mark.parametrize(("ending", "separator"), [(".tsv.gz", "\t"), (".tsv", "\t"), (".txt", "  "), (".txt", ",")])
@pytest.mark.long
def test_ecg5000_is_read_in_each_of_its_formats(folder: Path, ending: str, separator: str) -> None:
    write_ecg(folder, ending, separator)
    assert DATASETS["ecg5000"].available()
    dataset = load_dataset("ecg5000")
    assert [len(split) for split in dataset.splits.values()] == [400, 100, 4500]
    assert dataset.test.y.min() == 0 and dataset.test.y.max() == 4


def test_ecg5000_says_where_its_files_belong(folder: Path) -> None:
    with pytest.raises(DataUnavailable) as caught:
        load_dataset("ecg5000")
    assert "ECG5000_TRAIN.tsv.gz" in str(caught.value) and str(folder / "ecg5000") in str(caught.value)


@pytest.mark.long
def test_a_damaged_ecg5000_file_is_named(folder: Path) -> None:
    write_ecg(folder, ".tsv.gz", "\t", train_rows=499)
    with pytest.raises(DataUnavailable, match=r"must hold 500 rows of a label and 140 values, got .*\(499, 141\)"):
        load_dataset("ecg5000")
    path = folder / "ecg5000" / "ECG5000_TRAIN.tsv.gz"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataUnavailable, match=r"ECG5000_TRAIN\.tsv\.gz cannot be read"):
        load_dataset("ecg5000")
    write_ecg(folder, ".tsv.gz", "\t")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"\n1\t", b"\n7\t")))
    with pytest.raises(DataUnavailable, match="must hold labels 1 to 5"):
        load_dataset("ecg5000")


def test_a_factor_counts_its_values() -> None:
    assert [factor.values for factor in DATASETS["shapes"].spec.factors] == [3, 5, 25, 8, 8]
    assert all(isinstance(factor, Factor) for source in DATASETS.values() for factor in source.spec.factors)
