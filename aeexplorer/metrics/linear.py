"""PCA as the baseline of an autoencoder: the error of as many principal components."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.metrics.neighbourhood import finite_samples

FITTED_SAMPLES = 10_000
"""Samples of each split that are used at most."""


class PCALine(NamedTuple):
    """The error of PCA with 0, 1, … dimensions.

    Attributes:
        dimensions: (m + 1,) int64, from 0 (the mean alone) on.
        test_error: (m + 1,) float64, mean squared error per feature of the test samples, the unit of `Explorer.errors`.
        explained_variance: (m + 1,) float64, fraction of the training samples' variance.
    """

    dimensions: np.ndarray
    test_error: np.ndarray
    explained_variance: np.ndarray


def pca_line(train: ArrayLike, test: ArrayLike, most: int = 64) -> PCALine:
    """The test error of PCA at every number of dimensions, from one decomposition.

    Args:
        train: (n, *shape); the first 10,000 are used. Bytes are read as 0..1.
        test: (m, *shape); the first 10,000 are used.
        most: largest number of dimensions; at most the number of features and of training samples.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or `most` below 1.
    """
    if most < 1:
        raise ConfigError(f"most must be at least 1, got {most}")
    x, new = (_floats(name, values) for name, values in (("train", train), ("test", test)))
    if x.shape[1] != new.shape[1]:
        raise ConfigError(f"train and test must have the same features, got {x.shape[1]} and {new.shape[1]}")
    mean = x.mean(axis=0)
    x, new = x - mean, new - mean
    most = min(most, *x.shape)
    if x.shape[0] < x.shape[1]:  # the smaller of the two square matrices has the same spectrum
        values, vectors = np.linalg.eigh(x @ x.T)
        values, vectors = values[::-1][:most], vectors[:, ::-1][:, :most]
        real = values > 1e-12 * max(float(values[0]), np.finfo(np.float64).tiny)
        axes = np.zeros((x.shape[1], most))
        axes[:, real] = x.T @ vectors[:, real] / np.sqrt(values[real])
    else:
        values, vectors = np.linalg.eigh(x.T @ x)
        values, axes = values[::-1][:most], vectors[:, ::-1][:, :most]
    caught = np.concatenate([[0.0], np.square(new @ axes).sum(axis=0).cumsum()])
    explained = np.concatenate([[0.0], np.maximum(values, 0).cumsum()]) / (np.square(x).sum() or 1.0)
    error = np.maximum(np.square(new).sum() - caught, 0) / new.size
    return PCALine(np.arange(most + 1), error, np.minimum(explained, 1))


def pca_axes(train: ArrayLike, dimensions: int) -> np.ndarray:
    """The first principal axes of samples, (features, dimensions) with orthonormal columns.

    Args:
        train: (n, *shape), all of them; bytes are read as 0..1.

    Raises:
        ConfigError: for values that are not finite, or more dimensions than features.
    """
    samples = np.asarray(train)
    features = int(np.prod(samples.shape[1:]))
    if not 1 <= dimensions <= features:
        raise ConfigError(f"dimensions must be between 1 and {features}, got {dimensions}")
    total, products = np.zeros(features), np.zeros((features, features))
    for start in range(0, len(samples), FITTED_SAMPLES):  # in parts: float64 takes eight times the room of bytes
        part = _floats("train", samples[start : start + FITTED_SAMPLES])
        total += part.sum(axis=0)
        products += part.T @ part
    covariance = products / len(samples) - np.outer(total, total) / len(samples) ** 2
    return np.linalg.eigh(covariance)[1][:, ::-1][:, :dimensions]


def principal_angles(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """The principal angles between the spans of the columns of two matrices, in degrees, ascending.

    Björck & Golub 1973, "Numerical methods for computing angles between linear subspaces",
    https://doi.org/10.1090/S0025-5718-1973-0348991-3.

    Args:
        a, b: (features, k) each, of full rank.

    Returns:
        (k,) float64, 0 to 90; all 0 where both span the same subspace.

    Raises:
        ConfigError: for matrices of different shapes.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.ndim != 2 or first.shape != second.shape:
        raise ConfigError(f"a and b must be (features, k) of one shape, got {first.shape} and {second.shape}")
    q, p = np.linalg.qr(first)[0], np.linalg.qr(second)[0]
    cosines = np.linalg.svd(q.T @ p, compute_uv=False)
    return np.degrees(np.arccos(np.clip(cosines, 0, 1)))


def _floats(name: str, values: ArrayLike) -> np.ndarray:
    given = np.asarray(values)[:FITTED_SAMPLES]
    return finite_samples(name, given) / (255 if given.dtype == np.uint8 else 1)
