"""Effect of the dimensions of a code on the columns of a table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def moved_columns(decode: Callable[[np.ndarray], np.ndarray], z: np.ndarray, dimension: int) -> np.ndarray:
    """The change of each column from one standard deviation below the mean of a dimension to one above it.

    Args:
        decode: codes (n, K) -> rows (n, columns).
        z: (n, K) codes of samples; the other dimensions stay at their means.
        dimension: of the code.

    Returns:
        (columns,) differences, in the units of the columns.
    """
    ends = np.repeat(z.mean(0, keepdims=True), 2, axis=0)
    ends[:, dimension] += np.array([-1, 1]) * z[:, dimension].std()
    low, high = decode(ends.astype(np.float32))
    difference: np.ndarray = high - low
    return difference


def most_moved(differences: np.ndarray, count: int) -> np.ndarray:
    """The places (count,) of the columns that move most, up or down, the largest first."""
    return np.argsort(-np.abs(differences), kind="stable")[:count]
