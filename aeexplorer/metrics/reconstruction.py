"""Distances between reconstructions and their inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

SSIM_SIGMA = 1.5
SSIM_RADIUS = 5


def squared_error(x: ArrayLike, x_hat: ArrayLike) -> np.ndarray:
    """The squared error of each sample, summed over its features.

    Args:
        x, x_hat: (n, ...).

    Returns:
        (n,) float64.

    Raises:
        ConfigError: for arrays of different shapes or without samples.
    """
    difference = _pair(x, x_hat)
    return np.square(difference[0] - difference[1]).reshape(len(difference[0]), -1).sum(axis=1)


def mse(x: ArrayLike, x_hat: ArrayLike) -> float:
    """The mean squared error over samples and features, in squared units of the data; (n, ...) both."""
    clean, found = _pair(x, x_hat)
    return float(np.square(clean - found).mean())


def psnr(x: ArrayLike, x_hat: ArrayLike, data_range: float = 1.0) -> float:
    """Peak signal-to-noise ratio 10 log10(range² / MSE), of the MSE over all samples.

    Args:
        x, x_hat: (n, ...).
        data_range: largest minus smallest possible value: 1 for unit floats, 255 for bytes.

    Returns:
        Decibels; infinite for identical arrays.

    Raises:
        ConfigError: for arrays of different shapes or a range that is not positive.
    """
    _positive(data_range)
    error = mse(x, x_hat)
    return float(10 * np.log10(data_range**2 / error)) if error else float("inf")


def ssim(x: ArrayLike, x_hat: ArrayLike, data_range: float = 1.0) -> np.ndarray:
    """Structural similarity of each image, averaged over the pixels at which the window fits, and over channels.

    Wang, Bovik, Sheikh & Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE
    TIP 2004, equation 13: an 11 × 11 Gaussian window of σ = 1.5, K1 = 0.01, K2 = 0.03. The same as scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)`; its default is a 7 × 7
    uniform window, with other values. Where the window fits nowhere, in pictures under 11 pixels, borders are mirrored
    and all pixels count.

    Args:
        x, x_hat: (n, height, width) or (n, channels, height, width).
        data_range: largest minus smallest possible value.

    Returns:
        (n,) float64 in [-1, 1]; 1 for identical images.

    Raises:
        ConfigError: for arrays of different shapes, arrays that are not images, or a range that is not positive.
    """
    from scipy.ndimage import gaussian_filter

    _positive(data_range)
    clean, found = _pair(x, x_hat)
    if clean.ndim not in (3, 4):
        raise ConfigError(f"images must be (n, height, width) or (n, channels, height, width), got {clean.shape}")

    def window(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, SSIM_SIGMA, radius=SSIM_RADIUS, mode="reflect", axes=(-2, -1))

    mean, mean_hat = window(clean), window(found)
    variance = window(clean * clean) - mean**2
    variance_hat = window(found * found) - mean_hat**2
    covariance = window(clean * found) - mean * mean_hat
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = (2 * mean * mean_hat + c1) * (2 * covariance + c2)
    similarity /= (mean**2 + mean_hat**2 + c1) * (variance + variance_hat + c2)
    if min(clean.shape[-2:]) > 2 * SSIM_RADIUS:
        similarity = similarity[..., SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS]
    return similarity.reshape(len(similarity), -1).mean(axis=1)


def cross_entropy_floor(x: ArrayLike) -> float:
    """The smallest cross-entropy that a reconstruction of grey levels can have: that of x against itself.

    -Σ_i [x_i log x_i + (1 - x_i) log(1 - x_i)], the entropy of pixels drawn black or white with probability x_i.

    Args:
        x: (n, ...) in [0, 1], or uint8 0..255.

    Returns:
        Nats per sample, averaged over samples; 0 where every value is 0 or 1.

    Raises:
        ConfigError: for values outside [0, 1], or no samples.
    """
    from scipy.special import entr

    grey = np.asarray(x)
    grey = grey / 255 if grey.dtype == np.uint8 else grey.astype(np.float64)
    if grey.size == 0 or not (grey.min() >= 0 and grey.max() <= 1):
        raise ConfigError(f"x must be samples with values in [0, 1], got an array of shape {grey.shape}")
    return float((entr(grey) + entr(1 - grey)).sum() / len(grey))


def _pair(x: ArrayLike, x_hat: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    clean, found = np.asarray(x, dtype=np.float64), np.asarray(x_hat, dtype=np.float64)
    if clean.shape != found.shape or clean.ndim == 0 or clean.size == 0:
        raise ConfigError(f"x and x_hat must have one shape with at least one sample, got {clean.shape}, {found.shape}")
    return clean, found


def _positive(data_range: float) -> None:
    if not data_range > 0:
        raise ConfigError(f"data_range must be greater than 0, got {data_range}")
