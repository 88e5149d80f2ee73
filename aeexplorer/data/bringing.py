"""Data that people bring: read, checked, split, standardised, and kept in the home under a name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.kinds import KINDS
from aeexplorer.data.own import SPLITS, check_name, keep_arrays
from aeexplorer.data.reading import FEWEST, Choices, Progress, Proposal, Samples, read, unheard
from aeexplorer.data.reading.proposal import MOST_BYTES, MOST_CLASSES, class_order
from aeexplorer.data.reading.tables import MOST_VALUES
from aeexplorer.data.spec import Dataset, DataSpec, Kind, Split, as_uint8
from aeexplorer.data.splits import split_counts, stratified
from aeexplorer.owners import local_owner

BROUGHT = tuple(name for name, row in KINDS.items() if not row.symbols)
"""Kinds of samples that people bring."""

if TYPE_CHECKING:
    from pandas import DataFrame


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
    owner: str | None = None,
    private: bool = True,
) -> Dataset:
    """Check data, split them, keep them in the home as `own/<name>`, and return them.

    Args:
        x: pictures (n, h, w) or (n, h, w, 3), as uint8 0..255 or floats 0..1; a table (n, columns) of numbers;
            sequences (n, steps) or (n, steps, channels) of numbers; a DataFrame of numbers; or the path of a picture
            folder, a zip archive, or a CSV, Excel, Parquet, .npy or .npz file, as `aeexplorer data add` reads it.
        y: (n,) labels: whole numbers, or names; -1, None and NaN where there is none. Of a DataFrame or a file also
            the name of the column that holds them.
        name: what it is called; "iris" is found again as "own/iris". A name that other data have gets a number.
        kind: "image", "sequence" or "vector"; guessed where it is None: a DataFrame and two axes are a table, three or
            four axes pictures.
        classes: names of the classes, in the order of whole-numbered labels.
        split: three shares for training, validation and test, or (n,) names of the split that each sample belongs to;
            70, 15 and 15 % where it is None, each class its share.
        features: names of the columns of a table.
        size: side in pixels that pictures of files are fitted into.
        grey: read pictures of files without colours.
        owner: whose they are; the local user's if None.
        private: whether nobody else who uses this home sees them.

    Tables and sequences are standardised by the mean and standard deviation of the training split; `spec.restore`
    undoes it.

    Warns:
        UserWarning: for everything that was noticed, such as constant columns or damaged pictures.

    Raises:
        ConfigError: when the data cannot be used; the sentence names the argument, the limit and the value found.
    """
    check_name(name)
    owner = local_owner() if owner is None else owner
    if isinstance(x, str | Path):
        label = y if isinstance(y, str) else "" if y is None else "none"
        choices = Choices(kind=kind or "", size=size, grey=grey or None, label=label)
        proposal, samples = read(Path(x), choices)
        if samples is None:
            raise ConfigError(f"{Path(x).name} cannot be kept: {proposal.refusal}")
        if y is not None and not isinstance(y, str):
            samples.labels = _texts(y, len(samples.x))
        return _warned(keep(proposal, samples, name, owner, title=title, split=split, private=private))
    values, labels, features = _read(x, y, features)
    kind = kind or ("image" if values.ndim in (3, 4) else "vector")
    if kind not in BROUGHT:
        raise ConfigError(unknown("kind", str(kind), BROUGHT))
    notices: list[str] = []
    values = _checked(values, kind, notices)
    codes, names = _coded(labels, len(values), tuple(classes))
    rows = _rows(split, codes)
    values, spec = _described(values, kind, rows[0], tuple(features), notices)
    spec |= {"title": title or name, "kind": kind, "classes": names}
    parts = [Split(values[index], codes[index]) for index in rows]
    return _warned((keep_arrays(name, spec, parts, tuple(notices), owner, private), tuple(notices)))


def _warned(kept: tuple[Dataset, tuple[str, ...]]) -> Dataset:
    """The dataset, after a warning for each notice."""
    for notice in kept[1]:
        warnings.warn(notice, stacklevel=3)
    return kept[0]


def add(
    path: Path,
    name: str,
    choices: Choices | None = None,
    owner: str | None = None,
    *,
    private: bool = True,
    progress: Progress = unheard,
) -> tuple[Proposal, Dataset | None]:
    """Read a file, a folder or an archive, and keep what was found; None where the proposal has a refusal.

    Raises:
        ConfigError: when nothing can be read, or the name is none.
    """
    check_name(name)
    proposal, samples = read(path, choices, progress)
    if samples is None:
        return proposal, None
    owner = local_owner() if owner is None else owner
    return proposal, keep(proposal, samples, name, owner, private=private)[0]


def keep(
    proposal: Proposal,
    samples: Samples,
    name: str,
    owner: str,
    *,
    title: str = "",
    split: Sequence[float] | Sequence[str] | None = None,
    private: bool = True,
) -> tuple[Dataset, tuple[str, ...]]:
    """Split, standardise and keep what was read; with the sentences about what was noticed.

    Near-duplicates and overlapping windows stay in one split, and missing values become the mean of their column.

    Raises:
        ConfigError: when the samples cannot be used, or there is no room for them.
    """
    check_name(name)
    notices = list(proposal.notices)
    names = tuple(sorted({label for label in samples.labels or () if label is not None}, key=class_order))
    codes, _ = _coded(np.array(samples.labels, object) if samples.labels else None, len(samples.x), names)
    rows = _rows(split if split is not None else samples.split, codes)
    if samples.groups is not None and split is None and samples.split is None:
        rows = _together(rows, samples.groups)
    constant: list[str] = []
    values, spec = _described(samples.x, proposal.kind, rows[0], samples.features, constant)
    notices += constant
    spec |= {"title": title or name, "kind": proposal.kind, "classes": names, "factors": samples.factors}
    columns = None if samples.columns is None else samples.columns.astype(np.float32)
    parts = [Split(values[i], codes[i], None if columns is None else columns[i]) for i in rows]
    return keep_arrays(name, spec, parts, tuple(notices), owner, private), tuple(notices)


def _together(rows: list[np.ndarray], groups: np.ndarray) -> list[np.ndarray]:
    """The rows of the splits with each group in the split of its first sample, unless that leaves a split too small."""
    part_of = np.empty(len(groups), np.int64)
    for part, index in enumerate(rows):
        part_of[index] = part
    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    part_of = part_of[first][member]
    order = np.concatenate(rows)
    found = [order[part_of[order] == part] for part in range(len(rows))]
    return found if all(len(index) >= 2 for index in found) else rows


def _texts(y: Any, n: int) -> list[str | None]:
    codes, names = _coded(y, n, ())
    return [names[code] if code >= 0 else None for code in codes.tolist()]


def _described(
    values: np.ndarray, kind: Kind, train: np.ndarray, features: tuple[str, ...], notices: list[str]
) -> tuple[np.ndarray, dict[str, Any]]:
    """The values as they are kept, and the fields of the spec that say what they mean.

    Missing values become the mean.
    """
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


def _read(x: Any, y: Any, features: Sequence[str]) -> tuple[np.ndarray, Any, Sequence[str]]:
    """Arrays, labels and names of columns from whatever was given."""
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
        if strange := set(named.tolist()) - set(SPLITS):
            raise ConfigError(unknown("split", sorted(strange)[0], SPLITS))
        rows = [np.flatnonzero(named == name) for name in SPLITS]
    else:
        shares = np.asarray(split, dtype=np.float64)
        if shares.shape != (3,) or not (shares > 0).all() or not np.isclose(shares.sum(), 1):
            raise ConfigError(
                f"split must be three shares above 0 that add up to 1, or a name for each sample, got {split}"
            )
        held_out = [round(float(share) * n) for share in shares[1:]]
        rows = stratified(codes, n - sum(held_out), *held_out)
    for name, index in zip(SPLITS, rows, strict=True):
        if len(index) < 2:
            raise ConfigError(f"split must give {name} at least 2 samples, got {len(index)}")
    return rows


def _standardised(
    values: np.ndarray, train: np.ndarray, kind: Kind, features: tuple[str, ...], notices: list[str]
) -> tuple[np.ndarray, dict[str, tuple[float, ...]]]:
    """Values less the mean over the standard deviation of the training rows: of each column, or of each channel."""
    axes = (0,) if kind == "vector" else (0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column may have no value in the training split
        mean, spread = np.nanmean(values[train], axis=axes), np.nanstd(values[train], axis=axes)
    mean, spread = np.nan_to_num(mean), np.nan_to_num(spread)
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
    return np.nan_to_num((values - mean) / safe).astype(np.float32), moments
