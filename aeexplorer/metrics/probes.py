"""Probes: how well a simple classifier reads classes from codes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError


def linear_probe(
    codes: ArrayLike,
    labels: ArrayLike,
    test_codes: ArrayLike,
    test_labels: ArrayLike,
    per_class: int | None = None,
    seed: int = 0,
) -> float:
    """Test accuracy of a logistic regression on standardised codes.

    Alain & Bengio, "Understanding intermediate layers using linear classifier probes", arXiv:1610.01644. Means and
    deviations for the standardisation come from all training codes, which needs no labels; the regression is
    scikit-learn's with its default L2 penalty. Rows labelled -1 are unlabelled and left out.

    Args:
        codes, test_codes: (n, K) and (m, K).
        labels, test_labels: (n,) and (m,) integers.
        per_class: number of labels of each class to learn from, or all of a class that has fewer; None uses all.
        seed: chooses these labels.

    Returns:
        The fraction of correctly predicted test labels, in [0, 1].

    Raises:
        ConfigError: for mismatched shapes, fewer than two classes, no labelled test code, or `per_class` below 1.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    z, y = _labelled("codes", codes, labels)
    z_test, y_test = _labelled("test_codes", test_codes, test_labels)
    if z.shape[1] != z_test.shape[1]:
        raise ConfigError(f"codes and test_codes must have one dimension, got {z.shape[1]} and {z_test.shape[1]}")
    if per_class is not None and per_class < 1:
        raise ConfigError(f"per_class must be at least 1, got {per_class}")
    known, known_test = y >= 0, y_test >= 0
    classes = np.unique(y[known])
    if len(classes) < 2:
        raise ConfigError(f"a linear probe needs labels of at least 2 classes, got {len(classes)}")
    if not known_test.any():
        raise ConfigError("test_labels must hold at least 1 label, got none")
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(known))
    chosen = np.concatenate([shuffled[y[shuffled] == label][:per_class] for label in classes])
    scaler = StandardScaler().fit(z)
    probe = make_pipeline(scaler, LogisticRegression(max_iter=2000))
    probe[-1].fit(scaler.transform(z[chosen]), y[chosen])
    return float(np.mean(probe.predict(z_test[known_test]) == y_test[known_test]))


def _labelled(name: str, codes: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    z, y = np.asarray(codes, dtype=np.float64), np.asarray(labels)
    if z.ndim != 2 or y.shape != z.shape[:1]:
        raise ConfigError(f"{name} must be (n, K) with n labels, got shapes {z.shape} and {y.shape}")
    if not np.isfinite(z).all():
        raise ConfigError(f"{name} must be finite, got NaN or infinity in {int((~np.isfinite(z)).any(1).sum())} rows")
    return z, y
