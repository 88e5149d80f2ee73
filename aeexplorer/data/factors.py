"""Views of exact factors of variation: groups for colouring, and samples that differ in one factor alone."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import Dataset, Factor, Split

BANDS = 5  # groups of a factor that has more values than colours can tell apart
GROUPS = 10  # values that colours can tell apart


def factor_groups(values: ArrayLike, factor: Factor) -> tuple[np.ndarray, tuple[str, ...]]:
    """Group samples by a factor: one group per value, or fifths of equal size for more than 10 distinct values.

    Args:
        values: (n,).

    Returns:
        The group (n,) of each sample, and the name of each group; -1 where a named value is missing.

    Raises:
        ConfigError: for values that are not (n,) or not finite.
    """
    found = np.asarray(values, dtype=np.float64)
    if factor.names:
        return np.where(np.isnan(found), -1, np.nan_to_num(found)).astype(np.int64), factor.names
    if found.ndim != 1 or not found.size or not np.isfinite(found).all():
        raise ConfigError(f"values of {factor.name} must be finite and (n,), got shape {found.shape}")
    distinct, group = np.unique(found, return_inverse=True)
    if len(distinct) <= GROUPS:
        return group, tuple(f"{value:.3g}" for value in distinct)
    edges = np.quantile(found, np.linspace(0, 1, BANDS + 1))
    band = np.clip(np.searchsorted(edges, found, side="right") - 1, 0, BANDS - 1)
    return band, tuple(f"{low:.3g} to {high:.3g}" for low, high in itertools.pairwise(edges))


def together(dataset: Dataset) -> Split:
    """All three splits as one: train, validation, test."""
    parts = list(dataset.splits.values())
    factors = [part.factors for part in parts if part.factors is not None]
    return Split(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate(factors) if len(factors) == len(parts) else None,
    )


def is_grid(dataset: Dataset) -> bool:
    """Whether the samples are the full grid: every combination of factor values exactly once."""
    counts = [factor.values for factor in dataset.spec.factors]
    samples = sum(len(split) for split in dataset.splits.values())
    return bool(counts) and None not in counts and int(np.prod([c or 0 for c in counts])) == samples


def along(split: Split, start: int, factor: int) -> np.ndarray:
    """Indices of the samples that differ from one sample in at most one factor, in order of that factor.

    Args:
        split: with factors.
        start: index of the sample.
        factor: column of the factor that varies.

    Returns:
        (m,) indices into the split, `start` among them.

    Raises:
        ConfigError: for a split without factors.
    """
    if split.factors is None:
        raise ConfigError("the samples must have exact factors, got none")
    others = np.delete(split.factors, factor, axis=1)
    same = np.flatnonzero((others == others[start]).all(axis=1))
    return same[np.argsort(split.factors[same, factor], kind="stable")]
