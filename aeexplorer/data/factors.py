"""Exact factors of variation as people look at them: as groups to colour by, and one varied while the others stay."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import Dataset, Factor, Split

BANDS = 5  # groups of a factor with more values than can be told apart by colour
GROUPS = 10


def factor_groups(values: ArrayLike, factor: Factor) -> tuple[np.ndarray, tuple[str, ...]]:
    """A factor as groups: one per value, or fifths of equal size where it is continuous or has more than 10 values.

    Args:
        values: (n,).

    Returns:
        The group (n,) of each sample, and the name of each group.

    Raises:
        ConfigError: for values that are not (n,) or not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise ConfigError(f"values of {factor.name} must be finite and (n,), got shape {found.shape}")
    distinct, group = np.unique(found, return_inverse=True)
    if len(distinct) <= GROUPS:
        return group, tuple(f"{value:.3g}" for value in distinct)
    edges = np.quantile(found, np.linspace(0, 1, BANDS + 1))
    band = np.clip(np.searchsorted(edges, found, side="right") - 1, 0, BANDS - 1)
    return band, tuple(f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges))


def together(dataset: Dataset) -> Split:
    """All three splits as one, in the order train, validation, test."""
    parts = list(dataset.splits.values())
    factors = [part.factors for part in parts if part.factors is not None]
    return Split(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate(factors) if len(factors) == len(parts) else None,
    )


def is_grid(dataset: Dataset) -> bool:
    """Whether every combination of the values of its factors occurs exactly once."""
    counts = [factor.values for factor in dataset.spec.factors]
    samples = sum(len(split) for split in dataset.splits.values())
    return bool(counts) and None not in counts and int(np.prod([c or 0 for c in counts])) == samples


def along(split: Split, start: int, factor: int) -> np.ndarray:
    """The samples that differ from one sample in one factor alone, in order of that factor, itself included.

    Args:
        split: with factors.
        start: place of the sample.
        factor: column of the factor that varies.

    Returns:
        (m,) places in the split.

    Raises:
        ConfigError: for a split without factors.
    """
    if split.factors is None:
        raise ConfigError("the samples must have exact factors, got none")
    others = np.delete(split.factors, factor, axis=1)
    same = np.flatnonzero((others == others[start]).all(axis=1))
    return same[np.argsort(split.factors[same, factor], kind="stable")]
