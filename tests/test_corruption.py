"""Corruptions: what the level means, and what stays when it moves."""

from __future__ import annotations

import numpy as np
import pytest

from aeexplorer.config import ConfigError
from aeexplorer.corruption import corrupt, extremes
from aeexplorer.data import DataSpec

IMAGES = np.full((40, 28, 28), 0.5, np.float32)
SUBSETS = ["salt_and_pepper", "masking", "masking_blocks"]


@pytest.mark.parametrize("kind", SUBSETS)
@pytest.mark.parametrize("shape", [(40, 28, 28), (40, 30), (60, 9)])
def test_with_locked_noise_a_lower_level_touches_a_subset(kind: str, shape: tuple[int, ...]) -> None:
    x = np.full(shape, 0.5, np.float32)
    low, high = (corrupt(x, kind, level, seed=3) for level in (0.2, 0.6))
    touched = low != x
    assert touched.any() and (high != x).sum() > touched.sum()
    np.testing.assert_array_equal(low[touched], high[touched])


def test_gaussian_noise_keeps_its_direction() -> None:
    low, high = (corrupt(IMAGES, "gaussian", level, seed=3) - IMAGES for level in (0.2, 0.6))
    np.testing.assert_allclose(high, 3 * low, rtol=1e-4, atol=1e-6)
    assert high.std() == pytest.approx(0.6, rel=0.02)


@pytest.mark.parametrize("kind", SUBSETS)
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_level_is_the_fraction(kind: str, level: float) -> None:
    assert (corrupt(IMAGES, kind, level) != IMAGES).mean() == pytest.approx(level, abs=0.05)


@pytest.mark.parametrize("kind", ["gaussian", *SUBSETS])
def test_level_zero_changes_nothing(kind: str) -> None:
    x = np.random.default_rng(0).standard_normal((5, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(corrupt(x, kind, 0), x)


@pytest.mark.parametrize(
    ("kind", "values"), [("masking", {0.0}), ("masking_blocks", {0.0}), ("salt_and_pepper", {0, 1})]
)
def test_level_one_leaves_nothing(kind: str, values: set[float]) -> None:
    assert set(np.unique(corrupt(IMAGES, kind, 1))) == values


def test_salt_and_pepper_are_halves() -> None:
    out = corrupt(IMAGES, "salt_and_pepper", 0.5)
    assert (out == 0).mean() == pytest.approx(0.25, abs=0.02)
    assert (out == 1).mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize("kind", SUBSETS)
def test_channels_are_corrupted_together(kind: str) -> None:
    out = corrupt(np.full((6, 20, 14, 3), 0.5, np.float32), kind, 0.5)
    touched = out != 0.5
    assert 0 < touched.mean() < 1
    np.testing.assert_array_equal(touched.all(-1), touched.any(-1))


def test_blocks_are_blocks() -> None:
    touched = corrupt(IMAGES, "masking_blocks", 0.5) == 0
    blocks = touched.reshape(40, 7, 4, 7, 4)
    np.testing.assert_array_equal(blocks.all((2, 4)), blocks.any((2, 4)))
    steps = DataSpec(name="s", title="S", kind="sequence", shape=(30,))
    runs = (corrupt(np.ones((50, 30), np.float32), "masking_blocks", 0.5, spec=steps) == 0).reshape(50, 6, 5)
    np.testing.assert_array_equal(runs.all(2), runs.any(2))


def test_unbounded_values_get_three_standard_deviations() -> None:
    table = DataSpec(name="t", title="T", kind="vector", shape=(5,))
    assert set(np.unique(corrupt(np.ones((50, 5), np.float32), "salt_and_pepper", 1, spec=table))) == {-3, 3}
    assert extremes(table.replace(value_range=(0.0, 2.0))) == (0, 2)


def test_bytes_are_read_as_intensities() -> None:
    x = np.full((2, 8, 8), 255, np.uint8)
    out = corrupt(x, "masking", 0)
    assert out.dtype == np.float32 and (out == 1).all() and (x == 255).all()


def test_the_pattern_is_a_function_of_the_seed() -> None:
    first, again, other = (corrupt(IMAGES, "masking", 0.5, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("level", [2, -0.1, float("nan")])
def test_a_level_out_of_bounds_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match=f"level must be between 0 and 1, got {level}"):
        corrupt(IMAGES, "masking", level)


def test_an_unknown_corruption_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown corruption 'gausian', did you mean gaussian\?"):
        corrupt(IMAGES, "gausian")


def test_low_resolution_keeps_the_means_of_areas() -> None:
    x = np.random.default_rng(0).random((3, 12, 8)).astype(np.float32)
    half = corrupt(x, "low_resolution", 0.5)
    means = x.reshape(3, 6, 2, 4, 2).mean((2, 4))
    near = 0.25 * means[:, 1, 1:3] + 0.75 * means[:, 1, 1:3][:, ::-1]
    far = 0.25 * means[:, 2, 1:3] + 0.75 * means[:, 2, 1:3][:, ::-1]
    np.testing.assert_allclose(half[:, 3, 4], 0.75 * near[:, 0] + 0.25 * far[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(corrupt(x, "low_resolution", 0), x)
    assert np.ptp(corrupt(x, "low_resolution", 1)[0]) < 1e-6


def test_low_light_is_darker_and_noisy() -> None:
    dark = corrupt(IMAGES, "low_light", 0.8, seed=1)
    assert dark.mean() == pytest.approx(0.1, abs=0.002) and dark.std() == pytest.approx(0.04, rel=0.05)


def test_corruptions_of_pictures_do_not_fit_tables() -> None:
    for kind in ("low_resolution", "low_light"):
        with pytest.raises(ConfigError, match="corruption must be one of"):
            corrupt(np.zeros((4, 5), np.float32), kind)
