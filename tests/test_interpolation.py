from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aeexplorer.config import ConfigError
from aeexplorer.interpolation import grid, interpolate, lerp, manifold_grid, path_change, slerp, traversal

T = np.linspace(0, 1, 11)
codes = arrays(np.float64, 5, elements=st.floats(-4, 4, allow_subnormal=False))


def test_lerp_is_the_straight_line_and_continues_beyond_its_ends():
    path = lerp([0.0, 1.0], [2.0, 5.0], [-1, 0, 0.25, 1, 2])
    assert np.array_equal(path, [[-2, -3], [0, 1], [0.5, 2], [2, 5], [4, 9]])


def test_slerp_of_perpendicular_unit_vectors_is_the_quarter_circle():
    path = slerp([1.0, 0.0], [0.0, 1.0], [0, 1 / 3, 0.5, 1, 2])
    angle = np.array([0, 1 / 3, 0.5, 1, 2]) * np.pi / 2
    assert np.allclose(path, np.stack([np.cos(angle), np.sin(angle)], axis=1), atol=1e-12)


@given(codes, codes)
def test_slerp_interpolates_the_norm_linearly_wherever_it_turns(z1, z2):
    norms = np.linalg.norm([z1, z2], axis=1)
    path = slerp(z1, z2, T)
    assert np.isfinite(path).all()
    assert np.allclose(path[[0, -1]], [z1, z2], atol=1e-6)
    if norms.min() > 0:
        assert np.allclose(np.linalg.norm(path, axis=1), (1 - T) * norms[0] + T * norms[1], atol=1e-6)


def test_slerp_keeps_the_norm_where_lerp_cuts_the_corner():
    z1, z2 = np.random.default_rng(0).normal(size=(2, 16))
    z2 *= np.linalg.norm(z1) / np.linalg.norm(z2)
    assert np.allclose(np.linalg.norm(slerp(z1, z2, T), axis=1), np.linalg.norm(z1))
    assert np.linalg.norm(lerp(z1, z2, T), axis=1).min() < 0.9 * np.linalg.norm(z1)


def test_slerp_of_antiparallel_codes_turns_through_the_smallest_coordinate():
    path = slerp([3.0, 0.0, 1.0], [-3.0, 0.0, -1.0], [0, 0.5, 1])
    assert np.allclose(path, [[3, 0, 1], [0, np.sqrt(10), 0], [-3, 0, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("z1", "z2"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([1, 2], [3, 6]), ([0, 0], [0, 0]), ([1], [-1])]
)
def test_slerp_without_a_circle_is_lerp(z1, z2):
    assert np.allclose(slerp(z1, z2, T), lerp(z1, z2, T))


def test_a_norm_never_becomes_negative_beyond_the_ends():
    assert np.allclose(slerp([3.0, 0.0], [0.0, 1.0], [2.0]), 0)


@pytest.mark.parametrize("kind", ["lerp", "slerp"])
def test_a_path_ends_exactly_at_both_codes_in_their_dtype(kind):
    z1, z2 = np.random.default_rng(1).normal(size=(2, 7)).astype(np.float32)
    path = interpolate(z1, z2, 9, kind)
    assert path.shape == (9, 7) and path.dtype == np.float32
    assert np.array_equal(path[0], z1) and np.array_equal(path[-1], z2)


@pytest.mark.parametrize("steps", [2, 1001])
def test_the_bounds_of_steps_are_inclusive(steps):
    assert interpolate([0.0], [1.0], steps).shape == (steps, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: interpolate([0.0], [1.0], 1), "steps must be between 2 and 1001, got 1"),
        (lambda: interpolate([0.0], [1.0], 1002), "got 1002"),
        (lambda: interpolate([0.0, 1.0], [1.0]), r"got shapes \(2,\) and \(1,\)"),
        (lambda: interpolate([0.0], [1.0], 3, "slurp"), "did you mean slerp"),
        (lambda: lerp([[0.0]], [[1.0]], [0]), "vectors of one length"),
        (lambda: slerp([0.0], [1.0], 0.5), "t must be a vector"),
        (lambda: grid(np.zeros((3, 2))), r"corners must have shape \(4, K\), got \(3, 2\)"),
        (lambda: grid(np.zeros((4, 2)), rows=1), "rows must be between 2 and 101, got 1"),
        (lambda: manifold_grid(102), "n must be between 2 and 101, got 102"),
        (lambda: manifold_grid(5, 1.0), "span must be"),
        (lambda: traversal([0.0, 1.0], 2, [0.0]), "dimension must be between 0 and 1, got 2"),
        (lambda: traversal([[0.0]], 0, [0.0]), "must be vectors"),
        (lambda: path_change(np.zeros((1, 4))), "at least 2 pictures"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(call, words):
    with pytest.raises(ConfigError, match=words):
        call()


def test_a_lerp_grid_is_bilinear():
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]])
    z = grid(corners, rows=3, columns=5)
    assert z.shape == (3, 5, 2)
    assert np.allclose(z[1, 2], [2, 1]) and np.allclose(z[2, 1], [1, 2])
    assert np.array_equal(z[[0, 0, -1, -1], [0, -1, 0, -1]], corners)


def test_a_slerp_grid_stays_on_the_sphere():
    corners = np.random.default_rng(2).normal(size=(4, 8))
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    assert np.allclose(np.linalg.norm(grid(corners, 4, 6, "slerp"), axis=-1), 1)


def test_the_manifold_grid_is_even_in_probability_and_reads_from_the_top_left():
    from scipy.stats import norm

    z = manifold_grid(5, 0.8)
    assert z.shape == (25, 2) and z.dtype == np.float32
    assert np.allclose(norm.cdf(z[:5, 0]), [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-6)
    assert np.allclose(norm.cdf(z[::5, 1]), [0.9, 0.7, 0.5, 0.3, 0.1], atol=1e-6)


def test_a_traversal_changes_one_coordinate_and_not_its_argument():
    z = np.array([1, 2, 3])
    path = traversal(z, 1, [-1.5, 0.5])
    assert np.array_equal(path, [[1, -1.5, 3], [1, 0.5, 3]])
    assert np.array_equal(z, [1, 2, 3])


def test_path_change_of_bytes_does_not_wrap_around():
    images = np.array([[[0, 0]], [[255, 0]], [[250, 0]]], dtype=np.uint8)
    assert np.array_equal(path_change(images), [127.5, 2.5])
