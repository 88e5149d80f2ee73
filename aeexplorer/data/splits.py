"""Splitting into training, validation and test, the same on every computer."""

from __future__ import annotations

import numpy as np

from aeexplorer.data.spec import Dataset, DataSpec, Split

_SEED = 20130501
_GOLDEN = (5**0.5 - 1) / 2


def split_counts(n: int) -> tuple[int, int, int]:
    """The sizes of training (70 %), validation (15 %) and test (15 %) for `n` samples."""
    held_out = round(0.15 * n)
    return n - 2 * held_out, held_out, held_out


def stratified(y: np.ndarray, *counts: int) -> list[np.ndarray]:
    """Draw disjoint index arrays of exactly `counts` samples, each with the class proportions of the labels `y` (n,).

    Samples are shuffled by a fixed seed, sorted by class and read in the order of a golden-ratio sequence. Any stretch
    of the result, such as the first few samples of a split, then contains the classes evenly.

    `RandomState` rather than `default_rng`, because NumPy keeps its stream the same across versions: the training
    samples of a stored model must never appear in a later test split.
    """
    order = np.random.RandomState(_SEED).permutation(len(y))
    lined_up = order[np.argsort(y[order], kind="stable")]
    spread = lined_up[np.argsort(np.arange(len(y)) * _GOLDEN % 1)]
    return np.split(spread, np.cumsum(counts)[:-1])


def split_dataset(spec: DataSpec, samples: Split) -> Dataset:
    """Split `samples` into training, validation and test by `split_counts`, stratified by class."""
    train, validation, test = stratified(samples.y, *split_counts(len(samples)))
    return Dataset(spec, samples.take(train), samples.take(validation), samples.take(test))


def stratified_subset(labels: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """Choose n rows so that each class keeps its share; a smaller subset is part of every larger one.

    Args:
        labels: (m,) classes; -1 counts as a class.
        n: at most m.
        seed: of the choice.

    Returns:
        (n,) rows in ascending order.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    _, member, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    # The i-th row of a class of m gets the rank (i + 0.5) / m: any stretch of ranks meets the classes by their shares.
    rank = np.empty(len(labels))
    by_class = order[np.argsort(member[order], kind="stable")]
    rank[by_class] = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    return np.sort(np.lexsort((order, rank))[:n])
