"""Align one map with another, so that a new seed, run or epoch does not make it jump."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.projection.layouts import checked


def align(
    points: ArrayLike,
    reference: ArrayLike,
    index: ArrayLike | None = None,
    reference_index: ArrayLike | None = None,
) -> np.ndarray:
    """Rotate, mirror and shift a map onto another one of the same samples; its scale and every distance stay.

    Orthogonal Procrustes, Schönemann, Psychometrika 1966, https://doi.org/10.1007/BF02289451: the least sum of squared
    distances over the samples that both maps have.

    Args:
        points: (n, c).
        reference: (m, c).
        index: (n,) names of the samples, and `reference_index` (m,) those of the reference, e.g. places in the test
            split. Without them the maps are of the same samples in the same order. Where fewer than 2 samples are
            shared the map is only centred on the reference.
        reference_index: see `index`; both or neither.

    Returns:
        (n, c) float32.

    Raises:
        ConfigError: for maps of different dimensions, mismatched shapes, or values that are not finite.
    """
    moving, still = checked(points), checked(reference)
    if moving.shape[1] != still.shape[1]:
        raise ConfigError(f"points must have {still.shape[1]} dimensions as the reference has, got {moving.shape[1]}")
    if (index is None) != (reference_index is None):
        raise ConfigError("index and reference_index must be given together, got one of them")
    if index is None or reference_index is None:
        if len(moving) != len(still):
            raise ConfigError(f"points and reference must be of the same samples, got {len(moving)} and {len(still)}")
        ours = theirs = np.arange(len(moving))
    else:
        names, other = np.asarray(index), np.asarray(reference_index)
        if names.shape != (len(moving),) or other.shape != (len(still),):
            raise ConfigError(
                f"index must name {len(moving)} and {len(still)} samples, got {names.shape}, {other.shape}"
            )
        _, ours, theirs = np.intersect1d(names, other, return_indices=True)
    if len(ours) < 2:
        return (moving - moving.mean(axis=0) + still.mean(axis=0)).astype(np.float32)
    centre, target = moving[ours].mean(axis=0), still[theirs].mean(axis=0)
    left, _, right = np.linalg.svd((moving[ours] - centre).T @ (still[theirs] - target))
    return ((moving - centre) @ (left @ right) + target).astype(np.float32)
