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


def kl_per_dimension(mean: ArrayLike, logvar: ArrayLike) -> np.ndarray:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of each dimension, averaged over the samples.

    Kingma & Welling, "Auto-encoding variational Bayes", arXiv:1312.6114, appendix B. The sum over dimensions is the
    rate R.

    Args:
        mean, logvar: (n, K).

    Returns:
        (K,) float64, nats.

    Raises:
        ConfigError: for arrays that are not (n, K) of one shape with at least one sample.
    """
    mu, log_variance = np.asarray(mean, dtype=np.float64), np.asarray(logvar, dtype=np.float64)
    if mu.shape != log_variance.shape or mu.ndim != 2 or len(mu) == 0:
        raise ConfigError(f"mean and logvar must be (n, K) of one shape, got {mu.shape} and {log_variance.shape}")
    return (0.5 * (mu**2 + np.exp(log_variance) - 1 - log_variance)).mean(axis=0)
