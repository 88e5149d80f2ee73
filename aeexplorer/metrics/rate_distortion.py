"""The rate of a posterior in nats, and the dimensions that carry it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError


def active_units(means: ArrayLike, threshold: float = 0.01) -> np.ndarray:
    """Mark the latent dimensions that depend on the data: Var_x(E_q[z | x]) > threshold.

    Burda, Grosse & Salakhutdinov, "Importance weighted autoencoders", arXiv:1509.00519, section 5.2.

    Args:
        means: posterior means of many samples, (n, K).
        threshold: least variance of an active unit.

    Returns:
        (K,) bool; its sum is the number of active units.

    Raises:
        ConfigError: for means that are not (n, K) with at least two samples.
    """
    mean = np.asarray(means, dtype=np.float64)
    if mean.ndim != 2 or len(mean) < 2:
        raise ConfigError(f"means must be (n, K) with at least 2 samples, got shape {mean.shape}")
    return mean.var(axis=0) > threshold
