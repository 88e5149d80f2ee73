"""Checks of arrays before they reach a model: numbers of the right shape, finite, within the range of the data."""

from __future__ import annotations

import reprlib

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import Dataset, DataSpec

CORRUPTED = 8.0
"""Allowed distance of samples from their value range, in widths of the range: additive noise of σ = 1 stays within."""

FEWEST = {"train": 1, "validation": 2, "test": 2}
"""Samples that a split needs; a variance over one sample says nothing."""


def numbers(values: ArrayLike, spec: DataSpec | None = None, name: str = "samples") -> np.ndarray:
    """Values as uint8 if they are pictures of that type or symbols, else as float32, whatever their type and byte
    order.

    Raises:
        ConfigError: for values that are not real numbers, or symbols that are not in the vocabulary.
    """
    given = np.asarray(values)
    if spec is not None and spec.row.symbols and given.shape[1:] == spec.shape and given.dtype.kind in "biuf":
        return _symbols(given, spec, name)
    if given.dtype == np.uint8 and (spec is None or spec.unit_interval):
        return given
    if given.dtype.kind == "O":
        try:
            given = given.astype(np.float64)
        except (TypeError, ValueError):
            raise ConfigError(f"{name} must be numbers of one shape, got objects") from None
    if given.dtype.kind not in "biuf":
        raise ConfigError(f"{name} must be real numbers, got {given.dtype}")
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused as that
        return given.astype(np.float32, copy=False)


def _symbols(given: np.ndarray, spec: DataSpec, name: str) -> np.ndarray:
    """Indices of symbols as uint8."""
    last = len(spec.vocabulary) - 1
    with np.errstate(invalid="ignore"):
        wrong = ~((given >= 0) & (given <= last) & (given == np.floor(given)))
    if wrong.any():
        raise ConfigError(
            f"{name} must be whole numbers from 0 to {last}, places in the vocabulary, got {given[wrong][0]}"
        )
    return given.astype(np.uint8, copy=False)


def check_values(x: np.ndarray, spec: DataSpec, beyond: float = 0.0, name: str = "samples") -> None:
    """Refuse samples that are not finite or lie outside the value range of their data.

    Args:
        x: (n, *spec.shape) or (n, *spec.value_shape), from `numbers`.
        beyond: how far they may lie outside, in widths of the range.

    Raises:
        ConfigError: naming the range and the smallest and largest value.
    """
    if x.dtype == np.uint8 or not x.size:
        return
    least, most = float(x.min()), float(x.max())
    if not (np.isfinite(least) and np.isfinite(most)):
        raise ConfigError(f"{name} must be finite numbers, got NaN or infinity")
    if spec.value_range is None:
        return
    low, high = spec.value_range
    slack = beyond * (high - low) + 1e-6
    if least < low - slack or most > high + slack:
        also = " or uint8 from 0 to 255" if spec.unit_interval else ""
        hint = "; divide them by 255" if spec.unit_interval and least >= 0 and high < most <= 255 else ""
        raise ConfigError(f"{name} must be floats from {low:g} to {high:g}{also}, got {least:g} to {most:g}{hint}")


def check_dataset(data: Dataset) -> None:
    """Refuse data that no model can be trained and tested on.

    Raises:
        ConfigError: naming the split, what it must be and what it is: too few samples, another shape, values that are
            not numbers, not finite or out of range, labels that are not classes; and anything that is no dataset.
    """
    if not isinstance(data, Dataset):
        raise ConfigError(
            f"data must be a Dataset, as load_dataset(name) and dataset(arrays) give, got {type(data).__name__} "
            f"{reprlib.repr(data)}"
        )
    spec = data.spec
    for name, split in data.splits.items():
        which = f"{name} split of {spec.name}"
        if len(split) < FEWEST[name]:
            plural = "s" if FEWEST[name] > 1 else ""
            raise ConfigError(f"{which} must have at least {FEWEST[name]} sample{plural}, got {len(split)}")
        if split.x.shape[1:] != spec.shape:
            wanted = ", ".join(map(str, spec.shape))
            raise ConfigError(f"{which} must have shape (n, {wanted}), got {split.x.shape}")
        check_values(numbers(split.x, spec, f"samples of the {which}"), spec, name=f"samples of the {which}")
