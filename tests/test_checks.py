"""Arrays of every type and range: the right answer or a sentence, before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data import Dataset, Split
from aeexplorer.data.checks import numbers
from aeexplorer.explorer import Explorer
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import configure, new_run

Tiny = Callable[[str], Dataset]
KNOBS: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "epochs": 1}


@pytest.fixture
def pictures(tiny: Tiny) -> np.ndarray:
    """uint8 pictures (12, 8, 8) with black and white in them."""
    x = tiny("grey").test.x
    assert x.dtype == np.uint8 and x.min() == 0 and x.max() == 255
    return x


def opened(data: Dataset, family: str = "ae") -> Explorer:
    return Explorer(train_run(new_run(family, data, **KNOBS), data, bar=False))


BYTES = ["int64", "uint16", "int32", "float16", "float32", "float64", "longdouble", ">i4", ">f8", "object"]


@pytest.mark.parametrize("dtype", BYTES)
def test_pictures_of_0_to_255_are_refused_by_encode_and_corrupt(tiny: Tiny, pictures: np.ndarray, dtype: str) -> None:
    explorer, x = opened(tiny("grey")), pictures.astype(dtype)
    said = "floats from 0 to 1 or uint8 from 0 to 255, got 0 to 255; divide them by 255"
    for call in (explorer.encode, explorer.reconstruct, explorer.errors, lambda x: ae.corrupt(x, "masking", 0.1)):
        with pytest.raises(ConfigError, match=said):
            call(x)


@pytest.mark.parametrize("dtype", BYTES)
def test_pictures_of_0_to_255_are_refused_by_train(tiny: Tiny, home: Path, dtype: str) -> None:
    data = tiny("grey")
    splits = [Split(s.x.astype(dtype), s.y) for s in (data.train, data.validation, data.test)]
    with pytest.raises(
        ConfigError, match="samples of the train split of tiny-grey must be floats from 0 to 1 or uint8"
    ):
        ae.train("vae", Dataset(data.spec, *splits), bar=False, **KNOBS)
    assert not (home / "runs").exists()


@pytest.mark.parametrize(("given", "named"), [("digits", "str 'digits'"), (np.zeros((3, 4)), "ndarray array")])
def test_what_is_no_dataset_is_refused_by_train(home: Path, given: object, named: str) -> None:
    with pytest.raises(ConfigError, match=rf"data must be a Dataset, as load_dataset.* got {named}"):
        ae.train("ae", given)  # type: ignore[arg-type]
    assert not home.exists()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", ">f4", ">f8", "object"])
def test_numbers_of_any_type_give_the_same_codes(tiny: Tiny, pictures: np.ndarray, dtype: str) -> None:
    explorer, unit = opened(tiny("grey")), (pictures > 127).astype(np.float32)
    expected = explorer.encode(unit)
    assert explorer.encode(unit.astype(dtype)).dtype == np.float32
    assert (explorer.encode(unit.astype(dtype)) == expected).all()
    assert (explorer.decode(expected.astype(dtype)) == explorer.decode(expected.astype(dtype).astype(np.float32))).all()
    found = ae.corrupt(unit.astype(dtype), "salt_and_pepper", 0.3)
    assert found.dtype == np.float32 and (found == ae.corrupt(unit, "salt_and_pepper", 0.3)).all()
    path = ae.interpolate(expected[0].astype(dtype), expected[1], steps=3) if dtype != "object" else None
    assert path is None or path.dtype in (np.float32, np.float64)


def test_whole_numbers_and_booleans_in_range_are_read_as_they_are(tiny: Tiny, pictures: np.ndarray) -> None:
    explorer, unit = opened(tiny("grey")), pictures > 127
    expected = explorer.encode(unit.astype(np.float32))
    assert (explorer.encode(unit) == expected).all() and (explorer.encode(unit.astype(np.int64)) == expected).all()


def test_bytes_in_a_table_are_numbers_and_not_intensities(tiny: Tiny) -> None:
    explorer = opened(tiny("vector"))
    x = np.arange(20, dtype=np.uint8).reshape(4, 5)
    assert (explorer.encode(x) == explorer.encode(x.astype(np.float32))).all()


def test_corrupted_pictures_may_leave_their_range(tiny: Tiny, pictures: np.ndarray) -> None:
    explorer = opened(tiny("grey"))
    noisy = ae.corrupt(pictures, "gaussian", 1.0)
    assert noisy.min() < -2 and noisy.max() > 3
    assert np.isfinite(explorer.reconstruct(noisy)).all()


@pytest.mark.parametrize("bad", ["text", "complex", "mixed"])
def test_what_is_no_number_is_refused(tiny: Tiny, pictures: np.ndarray, bad: str) -> None:
    explorer = opened(tiny("grey"))
    x: Any = {"text": pictures.astype(str), "complex": pictures * 1j, "mixed": [[[1, 2], [3]]]}[bad]
    if bad == "mixed":
        x = np.array([[1, 2], [3]], dtype=object)
    for call in (explorer.encode, explorer.decode, lambda x: numbers(x)):
        with pytest.raises(ConfigError, match=r"must be (real numbers|numbers of one shape), got"):
            call(x)
    with pytest.raises(ConfigError, match="codes must be real numbers, got"):
        ae.interpolate(np.array(["a", "b"]), np.array(["a", "b"]), steps=3)


def changed(data: Dataset, split: str, x: np.ndarray | None = None, y: Any = None) -> Dataset:
    """The dataset with other samples or labels in one split."""
    parts = dict(data.splits)
    old = parts[split]
    parts[split] = Split(old.x if x is None else x, old.y if y is None else y)
    return Dataset(data.spec, parts["train"], parts["validation"], parts["test"])


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_data_that_are_not_finite_are_refused_before_a_run_is_made(
    tiny: Tiny, home: Path, split: str, value: float
) -> None:
    data = tiny("vector")
    x = data.splits[split].x.astype(np.float64)
    x[1, 2] = value
    said = f"samples of the {split} split of tiny-vector must be finite numbers, got NaN or infinity"
    with pytest.raises(ConfigError, match=said):
        ae.train("ae", changed(data, split, x=x), bar=False, **KNOBS)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_split_of_one_sample_is_refused_before_a_run_is_made(tiny: Tiny, home: Path, split: str) -> None:
    data = tiny("vector")
    one = data.splits[split].take(np.arange(1))
    with pytest.raises(ConfigError, match=f"{split} split of tiny-vector must have at least 2 samples, got 1"):
        ae.train("ae", changed(data, split, one.x, one.y), bar=False, **KNOBS)
    assert not (home / "runs").exists()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_samples_of_another_shape_are_refused_before_a_run_is_made(tiny: Tiny, home: Path, split: str) -> None:
    data = tiny("vector")
    with pytest.raises(ConfigError, match=rf"{split} split of tiny-vector must have shape \(n, 5\), got \(\d+, 4\)"):
        ae.train("ae", changed(data, split, data.splits[split].x[:, :4]), bar=False, **KNOBS)
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("text", "must be integers, -1 for none, got <U"),
        (0.5, "must be integers, -1 for none, got float64"),
        (40_000, "must be between -1 \\(none\\) and 32767, got 40000"),
        (-2, "must be between -1 \\(none\\) and 32767, got -2"),
        (None, "must have shape"),
    ],
)
def test_labels_that_cannot_be_stored_are_refused(tiny: Tiny, label: Any, said: str) -> None:
    data = tiny("vector")
    y: Any = np.array([label] * len(data.test)) if label is not None else data.test.y[:-1]
    with pytest.raises(ConfigError, match=f"labels of the test split of tiny-vector {said}"):
        changed(data, "test", y=y)


def test_the_largest_label_comes_back(tiny: Tiny) -> None:
    data = tiny("vector")
    data = changed(data, "test", y=np.full(len(data.test), 32_767))
    assert (opened(data).codes.labels == 32_767).all()


@pytest.mark.parametrize(("one", "many"), [({"hidden": 40}, {"hidden": (40,)}), ({"channels": 8}, {"channels": (8,)})])
def test_one_number_stands_for_a_list_of_one(one: dict[str, Any], many: dict[str, Any]) -> None:
    assert configure("vae", **one) == configure("vae", **many)
    row = configure("vae", **many)[0]
    assert row.replace(**one) == row
    with pytest.raises(ConfigError, match=r"^\w+\.0 must be greater than or equal to 1, got 0$"):
        configure("vae", **dict.fromkeys(one, 0))
