"""Data that people bring: checked, split, standardised, and kept in the home under a name.

<home>/data/<digest>/spec.json          what the arrays mean, the name, whose they are, and what was noticed
<home>/data/<digest>/data.safetensors   x and y of the three splits

The digest is that of the content, so the same data are kept once and a run knows that they are still the same. Nothing
is ever unpickled.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from pydantic import Field

from aeexplorer import store
from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.data.checks import check_dataset
from aeexplorer.data.pictures import read_pictures
from aeexplorer.data.spec import Dataset, DataSpec, Kind, Split, as_uint8
from aeexplorer.data.splits import split_counts, stratified
from aeexplorer.store import Damaged, home

if TYPE_CHECKING:
    from pandas import DataFrame

OWN = "own/"
MOST_VALUES = 20_000
"""Values of one sample: columns of a table, steps times channels of a sequence."""
MOST_CLASSES = 1_000
MOST_BYTES = 1_000_000_000
FEWEST = 14
"""Samples, so that each split has two of them."""
_NAME = re.compile(r"[\w][\w .-]{0,59}")
_SPLITS = ("train", "validation", "test")


class Kept(Config):
    """What spec.json says of kept data.

    Attributes:
        digest: of the content; the name of the folder.
        counts: samples for training, validation and test.
        notices: sentences about what was noticed and done when the data came in.
        owner: whose they are.
    """

    format: int = 1
    digest: str = Field(pattern="[0-9a-f]{32}")
    spec: DataSpec
    counts: tuple[int, int, int]
    notices: tuple[str, ...] = ()
    owner: str = "local"
    created: str = ""


def dataset(
    x: Any,
    y: Any = None,
    *,
    name: str,
    kind: Kind | None = None,
    classes: Sequence[str] = (),
    split: Sequence[float] | Sequence[str] | None = None,
    features: Sequence[str] = (),
    size: int | None = None,
    grey: bool = False,
    title: str = "",
    owner: str = "local",
) -> Dataset:
    """Check data, split them, keep them in the home as `own/<name>`, and return them.

    Args:
        x: pictures (n, h, w) or (n, h, w, 3), as uint8 0..255 or floats 0..1; a table (n, columns) of numbers;
            sequences (n, steps) or (n, steps, channels) of numbers; a DataFrame of numbers; a folder of pictures, with
            a folder per class or without; or an .npz file with arrays `x` and, where there are labels, `y`.
        y: (n,) labels: whole numbers, or names; -1, None and NaN where there is none. Of a DataFrame also the name of
            the column that holds them.
        name: what it is called; "iris" is found again as "own/iris". A name that other data have gets a number.
        kind: "image", "sequence" or "vector"; guessed where it is None: a DataFrame and two axes are a table, three or
            four axes pictures.
        classes: names of the classes, in the order of whole-numbered labels.
        split: three shares for training, validation and test, or (n,) names of the split that each sample belongs to;
            70, 15 and 15 % where it is None, each class its share.
        features: names of the columns of a table.
        size: side in pixels that pictures of a folder are fitted into; needed where they differ in size.
        grey: read pictures of a folder without colours.
        owner: whose they are.

    Tables and sequences are standardised by the mean and standard deviation of the training split; `spec.restore`
    undoes it.

    Warns:
        UserWarning: for constant columns, and for pictures 0..255 that were not uint8.

    Raises:
        ConfigError: when the data cannot be used; the sentence names the argument, the limit and the value found.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name must be 1 to 60 letters, digits, spaces or . _ -, got {name[:80]!r}")
    values, labels, features = _read(x, y, features, size, grey)
    kind = kind or ("image" if values.ndim in (3, 4) else "vector")
    if kind not in get_args(Kind):
        raise ConfigError(unknown("kind", str(kind), get_args(Kind)))
    notices: list[str] = []
    values = _checked(values, kind, notices)
    codes, names = _coded(labels, len(values), tuple(classes))
    rows = _rows(split, codes)
    values, spec = _described(values, kind, rows[0], tuple(features), notices)
    spec |= {"title": title or name, "kind": kind, "classes": names}
    for notice in notices:
        warnings.warn(notice, stacklevel=2)
    parts = [Split(values[index], codes[index]) for index in rows]
    return _kept(name, spec, parts, tuple(notices), owner)


def _described(
    values: np.ndarray, kind: Kind, train: np.ndarray, features: tuple[str, ...], notices: list[str]
) -> tuple[np.ndarray, dict[str, Any]]:
    """The values as they are kept, and the fields of the spec that say what they mean."""
    if kind == "image":
        return values, {"shape": values.shape[1:], "value_range": (0.0, 1.0)}
    values, moments = _standardised(values, train, kind, features, notices)
    spec = {
        "shape": values.shape[1:],
        "scale": "standardised: mean 0, standard deviation 1 on the training split",
        **moments,
    }
    if kind == "vector":
        spec["features"] = features or tuple(f"column {i + 1}" for i in range(values.shape[1]))
    return values, spec


def _read(
    x: Any, y: Any, features: Sequence[str], size: int | None, grey: bool
) -> tuple[np.ndarray, Any, Sequence[str]]:
    """Arrays, labels and names of columns from whatever was given."""
    if isinstance(x, str | Path):
        path = Path(x)
        if path.is_dir():
            return *read_pictures(path, size, grey), features
        if path.suffix.lower() == ".npz":
            arrays = read_npz(path)
            return arrays["x"], arrays.get("y") if y is None else y, features
        raise ConfigError(f"x must be a folder of pictures, an .npz file or an array, got {path.name!r}")
    if hasattr(x, "columns") and hasattr(x, "to_numpy"):
        return _columns(x, y, features)
    values = np.asarray(x)
    if values.dtype == object:
        raise ConfigError("x must be an array of numbers of one shape, got objects")
    return values, y, features


def _columns(frame: DataFrame, y: Any, features: Sequence[str]) -> tuple[np.ndarray, Any, Sequence[str]]:
    """The numbers of a DataFrame, with the column named `y` as labels."""
    if isinstance(y, str):
        if y not in frame.columns:
            raise ConfigError(unknown("column", y, map(str, frame.columns)))
        y, frame = frame[y].to_numpy(), frame.drop(columns=[y])
    for column in frame.columns:
        if frame[column].dtype.kind not in "biuf":
            raise ConfigError(f"column {str(column)!r} must hold numbers, got {frame[column].dtype}")
    return frame.to_numpy(dtype=np.float64), y, features or [str(column) for column in frame.columns]


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; nothing in it is unpickled.

    Raises:
        ConfigError: when it is no such file, holds objects, has no array x, or is larger than 1 GB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            declared = sum(item.file_size for item in archive.infolist())
        if declared > MOST_BYTES:
            raise ConfigError(f"{path.name} must hold at most {MOST_BYTES:,} bytes, got {declared:,}")
        with np.load(path, allow_pickle=False) as content:
            if "x" not in content:
                raise ConfigError(f"{path.name} must hold an array x, got {', '.join(content.files) or 'none'}")
            return {key: content[key] for key in ("x", "y") if key in content}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path.name} cannot be read as arrays of numbers: {str(error).splitlines()[0]}") from None


def _checked(values: np.ndarray, kind: Kind, notices: list[str]) -> np.ndarray:
    """The values in the dtype that they are kept in: uint8 for pictures, float64 until standardised elsewhere."""
    if values.dtype.kind not in "biuf":
        raise ConfigError(f"x must be numbers, got {values.dtype}")
    if values.ndim < 2:
        raise ConfigError(f"x must have shape (n, ...) with at least two axes, got {values.shape}")
    if len(values) < FEWEST:
        raise ConfigError(f"x must have at least {FEWEST} samples, got {len(values)}")
    size = int(np.prod(values.shape[1:]))
    if not 1 <= size <= MOST_VALUES and kind != "image":
        raise ConfigError(f"x must have 1 to {MOST_VALUES} values in a sample, got {size}")
    if values.nbytes > MOST_BYTES:
        raise ConfigError(f"x must take at most {MOST_BYTES:,} bytes, got {values.nbytes:,}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(values))[0].tolist()
        raise ConfigError(f"x must be finite numbers, got {values[tuple(bad)]} at {bad}")
    DataSpec(name="x", title="x", kind=kind, shape=values.shape[1:])  # refuses shapes that no model takes
    if kind != "image":
        return values.astype(np.float64)
    return _pictures(values, notices)


def _pictures(values: np.ndarray, notices: list[str]) -> np.ndarray:
    low, high = values.min(), values.max()
    if values.dtype == bool or (values.dtype != np.uint8 and low >= 0 and high <= 1):
        return as_uint8(values.astype(np.float32))
    if low < 0 or high > 255:
        raise ConfigError(f"pictures must be 0..255, or floats 0..1, got values from {low:g} to {high:g}")
    if values.dtype != np.uint8:
        notices.append(f"Pictures of {values.dtype} with values up to {high:g} are read as 0..255.")
    return np.rint(values).astype(np.uint8)


def _coded(labels: Any, n: int, classes: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as places in a tuple of class names, -1 where there is none."""
    if labels is None:
        return np.full(n, -1, np.int64), classes
    given = np.asarray(labels)
    if given.shape != (n,):
        raise ConfigError(f"y must have shape ({n},), one label for each sample, got {given.shape}")
    if given.dtype.kind in "iub" or (given.dtype.kind == "f" and _whole(given)):
        numbers = (
            np.where(np.isnan(given), -1, given).astype(np.int64) if given.dtype.kind == "f" else given.astype(np.int64)
        )
        if numbers.min() < -1 or numbers.max() >= (len(classes) or MOST_CLASSES):
            limit = (len(classes) or MOST_CLASSES) - 1
            worst = numbers.min() if numbers.min() < -1 else numbers.max()
            raise ConfigError(f"y must be class numbers from 0 to {limit}, or -1 for none, got {worst}")
        return numbers, classes or tuple(str(i) for i in range(numbers.max() + 1))
    if given.dtype.kind == "f":
        raise ConfigError(f"y must be class numbers or names, got {given[~np.isnan(given)][0]:g}")
    texts = ["" if value is None or value != value else str(value) for value in given.tolist()]
    names = classes or tuple(sorted({text for text in texts if text}))
    if len(names) > MOST_CLASSES:
        raise ConfigError(f"y must have at most {MOST_CLASSES} classes, got {len(names)}")
    places = {name: i for i, name in enumerate(names)} | {"": -1}
    for text in texts:
        if text not in places:
            raise ConfigError(unknown("class", text, names))
    return np.array([places[text] for text in texts], np.int64), names


def _whole(values: np.ndarray) -> bool:
    there = values[~np.isnan(values)]
    return bool((there == np.rint(there)).all())


def _rows(split: Sequence[float] | Sequence[str] | None, codes: np.ndarray) -> list[np.ndarray]:
    """Rows of the three splits."""
    n = len(codes)
    if split is None:
        return stratified(codes, *split_counts(n))
    if len(split) == n and n > 3 and isinstance(split[0], str):
        named = np.asarray(split)
        if strange := set(named.tolist()) - set(_SPLITS):
            raise ConfigError(unknown("split", sorted(strange)[0], _SPLITS))
        rows = [np.flatnonzero(named == name) for name in _SPLITS]
    else:
        shares = np.asarray(split, dtype=np.float64)
        if shares.shape != (3,) or not (shares > 0).all() or not np.isclose(shares.sum(), 1):
            raise ConfigError(
                f"split must be three shares above 0 that add up to 1, or a name for each sample, got {split}"
            )
        held_out = [round(float(share) * n) for share in shares[1:]]
        rows = stratified(codes, n - sum(held_out), *held_out)
    for name, index in zip(_SPLITS, rows, strict=True):
        if len(index) < 2:
            raise ConfigError(f"split must give {name} at least 2 samples, got {len(index)}")
    return rows


def _standardised(
    values: np.ndarray, train: np.ndarray, kind: Kind, features: tuple[str, ...], notices: list[str]
) -> tuple[np.ndarray, dict[str, tuple[float, ...]]]:
    """Values less the mean over the standard deviation of the training rows: of each column, or of each channel."""
    axes = (0,) if kind == "vector" else (0, 1)
    mean, spread = values[train].mean(axis=axes), values[train].std(axis=axes)
    constant = np.flatnonzero(np.atleast_1d(spread) <= 1e-12 * np.maximum(np.abs(np.atleast_1d(mean)), 1))
    if len(constant) == np.size(spread):
        raise ConfigError("x must vary, got the same value in every training sample")
    if len(constant):
        what = "column" if kind == "vector" else "channel"
        shown = ", ".join(features[i] if features else str(i + 1) for i in constant[:5])
        more = f" and {len(constant) - 5} more" if len(constant) > 5 else ""
        notices.append(f"Constant in the training split, so they carry nothing: {what} {shown}{more}.")
    safe = np.where(np.isin(np.arange(np.size(spread)), constant), 1.0, np.atleast_1d(spread)).reshape(np.shape(spread))
    moments = {
        "centre": tuple(np.atleast_1d(mean).tolist()),
        "spread": tuple(np.atleast_1d(safe).tolist()),
    }
    return ((values - mean) / safe).astype(np.float32), moments


def _kept(name: str, fields: Mapping[str, Any], parts: list[Split], notices: tuple[str, ...], owner: str) -> Dataset:
    """Write data into the home, once for the same content and name."""
    arrays = _arrays(parts)
    digest = _digest(DataSpec(name="", **fields), arrays)
    taken = own_data()
    for other in taken.values():
        if other.digest == digest and re.fullmatch(rf"{re.escape(OWN + name)}(-\d+)?", other.spec.name):
            return load_own(other.spec.name)
    chosen, number = OWN + name, 2
    while chosen in taken:
        chosen, number = f"{OWN}{name}-{number}", number + 1
    spec = DataSpec(name=chosen, **fields)
    folder = home() / "data" / _digest(spec, arrays)
    counts = tuple(len(part) for part in parts)
    created = datetime.now(UTC).isoformat()
    kept = Kept(digest=digest, spec=spec, counts=counts, notices=notices, owner=owner, created=created)
    with store.new_directory(folder) as temporary:
        store.save_arrays(temporary / "data.safetensors", arrays)
        store.write_json(temporary / "spec.json", kept.model_dump(mode="json"))
    return load_own(chosen)


def _arrays(parts: Sequence[Split]) -> dict[str, np.ndarray]:
    return {f"{part}.{key}": getattr(s, key) for part, s in zip(_SPLITS, parts, strict=True) for key in ("x", "y")}


def _digest(spec: DataSpec, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(spec.model_dump_json().encode())
    for key in sorted(arrays):
        digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return digest.hexdigest()[:32]


@functools.lru_cache(maxsize=512)
def _parsed(content: bytes, folder: str) -> Kept:
    return Kept(**store.json_object(content, f"spec.json in {folder}"))


def own_data() -> dict[str, Kept]:
    """What is kept in the home by name, the oldest first; damaged folders are left out."""
    found = {kept.spec.name: kept for _, kept in _kept_folders()}
    return dict(sorted(found.items(), key=lambda item: item[1].created))


def _kept_folders() -> Iterator[tuple[Path, Kept]]:
    """The folders of kept data that are not damaged."""
    root = home() / "data"
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        with contextlib.suppress(Damaged, ConfigError, TypeError, OSError):
            yield folder, _parsed(store.read_bytes(folder / "spec.json"), folder.name)


def folder_of(name: str) -> Path:
    """The folder of kept data by its name, "own/iris".

    Raises:
        ConfigError: when the home has none of this name.
    """
    for folder, kept in _kept_folders():
        if kept.spec.name == name:
            return folder
    raise ConfigError(unknown("dataset", name, own_data()))


def load_own(name: str) -> Dataset:
    """Kept data by name, "own/iris".

    Raises:
        ConfigError: when the home has none of this name.
        Damaged: when its files cannot be used.
    """
    folder = folder_of(name)
    kept = _parsed(store.read_bytes(folder / "spec.json"), folder.name)
    return _loaded(str(folder), kept)


@functools.lru_cache(maxsize=4)
def _loaded(folder: str, kept: Kept) -> Dataset:
    arrays = store.load_arrays(Path(folder) / "data.safetensors")
    try:
        parts = [Split(arrays[f"{part}.x"], arrays[f"{part}.y"].astype(np.int64)) for part in _SPLITS]
    except KeyError as error:
        raise Damaged(f"data.safetensors in {Path(folder).name} has no array {error}") from None
    for part in parts:
        if part.x.shape[1:] != kept.spec.shape or len(part.x) != len(part.y):
            raise Damaged(f"data.safetensors in {Path(folder).name} does not fit its spec: got {part.x.shape}")
        part.x.setflags(write=False)
        part.y.setflags(write=False)
    train, validation, test = parts
    return Dataset(kept.spec, train, validation, test, source=kept.digest)


def keep_folder(folder: Path, owner: str, source: str) -> Dataset:
    """Take a folder of kept data, as it lies in another home, into this one; a name that other data have gets a number.

    Args:
        source: the digest that its content must have.

    Raises:
        ConfigError, Damaged: when its files cannot be used, or are of other content; nothing is kept then.
    """
    kept = _parsed(store.read_bytes(folder / "spec.json"), folder.name)
    if not kept.spec.name.startswith(OWN) or not _NAME.fullmatch(kept.spec.name.removeprefix(OWN)):
        raise Damaged(f"spec.json in {folder.name} has a name that is none of kept data: {kept.spec.name[:60]!r}")
    found = _loaded(str(folder), kept)
    check_dataset(found)
    fields = {field: getattr(kept.spec, field) for field in DataSpec.model_fields if field != "name"}
    parts = list(found.splits.values())
    if (digest := _digest(DataSpec(name="", **fields), _arrays(parts))) != source:
        raise Damaged(f"the data in {folder.name} must have the digest {source or 'of none'}, got {digest}")
    return _kept(kept.spec.name.removeprefix(OWN), fields, parts, kept.notices, owner)
