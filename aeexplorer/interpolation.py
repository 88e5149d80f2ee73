"""Paths and grids through a latent space: numpy only, codes in and codes out.

A code z has shape (K,), a path (steps, K), a grid (rows, columns, K). Computed in float64, returned as float32 for
codes of float32 or less.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError, unknown

Kind = Literal["lerp", "slerp"]

STEPS = (2, 1001)
"""Smallest and largest number of codes on a path."""

SIDE = (2, 101)
"""Smallest and largest number of codes along a side of a grid."""

PARALLEL = 1e-7  # radians: two directions closer than this, up to sign, count as the same line


def lerp(z1: ArrayLike, z2: ArrayLike, t: ArrayLike) -> np.ndarray:
    """The straight line (1 - t) z1 + t z2.

    Args:
        z1, z2: codes, (K,) each.
        t: positions on the line, (steps,); 0 is z1, 1 is z2, the line continues outside [0, 1].

    Returns:
        (steps, K).

    Raises:
        ConfigError: for codes of different shapes.
    """
    start, end, position, dtype = _prepare(z1, z2, t)
    return _line(start, end, position).astype(dtype)


def slerp(z1: ArrayLike, z2: ArrayLike, t: ArrayLike) -> np.ndarray:
    """The great circle from the direction of z1 to that of z2, with the norm interpolated linearly.

    Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985; for latent codes White, "Sampling generative
    networks", arXiv:1609.04468. Between codes of equal norm every code of the path has that norm.

    - Parallel codes, or a zero code, which has no direction: the straight line.
    - Antiparallel codes: all great circles are equally short; the path passes through the coordinate axis on which z1
      has its smallest absolute value (the first of them). In one dimension there is no circle: the straight line.
    - Outside [0, 1] the circle and the linear norm continue; a norm never falls below 0.

    Codes (K,), positions (steps,), result (steps, K) and errors are those of `lerp`.
    """
    start, end, position, dtype = _prepare(z1, z2, t)
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if not all(norms):
        return lerp(z1, z2, t)
    u, v = start / norms[0], end / norms[1]
    # Kahan's formula for the angle: exact near 0 and near π, where arccos(u @ v) loses half of its digits.
    angle = 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))
    antiparallel = np.pi - angle < PARALLEL
    if angle < PARALLEL or (antiparallel and u.size == 1):
        return lerp(z1, z2, t)
    towards = np.eye(u.size)[np.argmin(np.abs(u))] if antiparallel else v
    across = towards - (towards @ u) * u
    across /= np.linalg.norm(across)
    turned = (position * angle)[:, None]
    norm = np.maximum(_line(norms[0], norms[1], position), 0)[:, None]
    return (norm * (np.cos(turned) * u + np.sin(turned) * across)).astype(dtype)


PATHS = {"lerp": lerp, "slerp": slerp}


def interpolate(z1: ArrayLike, z2: ArrayLike, steps: int = 9, kind: Kind = "lerp") -> np.ndarray:
    """A path of evenly spaced codes from z1 to z2, both ends included exactly.

    Args:
        z1, z2: codes, (K,) each.
        steps: number of codes on the path, 2 to 1001.
        kind: "lerp" or "slerp".

    Returns:
        (steps, K).

    Raises:
        ConfigError: for codes of different shapes, `steps` out of bounds or an unknown kind.
    """
    _within("steps", steps, STEPS)
    if kind not in PATHS:
        raise ConfigError(unknown("kind", kind, PATHS))
    path = PATHS[kind](z1, z2, np.linspace(0, 1, steps))
    path[0], path[-1] = z1, z2
    return path


def grid(corners: ArrayLike, rows: int = 9, columns: int = 9, kind: Kind = "lerp") -> np.ndarray:
    """Interpolate between four codes: down the left and the right edge, then across from one edge to the other.

    Args:
        corners: (4, K) in reading order: top left, top right, bottom left, bottom right.
        rows, columns: size of the grid, 2 to 101 each.
        kind: "lerp" (bilinear) or "slerp" (great circles for edges and rows).

    Returns:
        (rows, columns, K).

    Raises:
        ConfigError: for anything but four codes, a size out of bounds or an unknown kind.
    """
    z = np.asarray(corners)
    if z.ndim != 2 or len(z) != 4:
        raise ConfigError(f"corners must have shape (4, K), got {z.shape}")
    _within("rows", rows, SIDE)
    _within("columns", columns, SIDE)
    left, right = interpolate(z[0], z[2], rows, kind), interpolate(z[1], z[3], rows, kind)
    return np.stack([interpolate(a, b, columns, kind) for a, b in zip(left, right, strict=True)])


def manifold_grid(n: int = 20, span: float = 0.9) -> np.ndarray:
    """A square grid in a 2-D latent space, evenly spaced in the probability of a standard normal prior.

    After figure 4 of Kingma & Welling, "Auto-encoding variational Bayes", arXiv:1312.6114: each coordinate takes n
    quantiles of N(0, 1).

    Args:
        n: codes along one side, 2 to 101.
        span: probability between the outermost quantiles, 0 < span < 1; 0.9 reaches from the 5 % to the 95 % quantile.

    Returns:
        (n * n, 2) float32 in reading order: the first row has the largest second coordinate, x grows along a row.

    Raises:
        ConfigError: for n or span out of bounds.
    """
    _within("n", n, SIDE)
    if not 0 < span < 1:
        raise ConfigError(f"span must be greater than 0 and less than 1, got {span}")
    prior = NormalDist()
    quantiles = [prior.inv_cdf(p) for p in np.linspace((1 - span) / 2, (1 + span) / 2, n).tolist()]
    x, y = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)


def traversal(z: ArrayLike, dimension: int, values: ArrayLike) -> np.ndarray:
    """Copies of one code with one coordinate replaced.

    Args:
        z: the code, (K,).
        dimension: which coordinate, 0 to K - 1.
        values: the values that it takes, (steps,).

    Returns:
        (steps, K).

    Raises:
        ConfigError: for a code or values that are not vectors, or a dimension out of range.
    """
    code, new = np.asarray(z), np.asarray(values)
    if code.ndim != 1 or new.ndim != 1:
        raise ConfigError(f"z and values must be vectors, got shapes {code.shape} and {new.shape}")
    _within("dimension", dimension, (0, code.size - 1))
    codes = np.repeat(code.astype(_dtype(code))[None], new.size, axis=0)
    codes[:, dimension] = new
    return codes


def path_change(images: ArrayLike) -> np.ndarray:
    """The mean absolute difference between neighbouring pictures of a path.

    Args:
        images: (steps, ...), at least two, in any unit and dtype.

    Returns:
        (steps - 1,) float64, in the unit of the images.

    Raises:
        ConfigError: for fewer than two pictures.
    """
    pictures = np.asarray(images, dtype=np.float64)
    if pictures.ndim < 2 or len(pictures) < 2:
        raise ConfigError(f"images must hold at least 2 pictures, got shape {pictures.shape}")
    return np.abs(np.diff(pictures, axis=0)).reshape(len(pictures) - 1, -1).mean(axis=1)


def _line(start: ArrayLike, end: ArrayLike, position: np.ndarray) -> np.ndarray:
    return np.multiply.outer(1 - position, start) + np.multiply.outer(position, end)


def _prepare(z1: ArrayLike, z2: ArrayLike, t: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.dtype]:
    start, end, position = np.asarray(z1), np.asarray(z2), np.asarray(t, dtype=np.float64)
    if start.ndim != 1 or start.shape != end.shape:
        raise ConfigError(f"z1 and z2 must be vectors of one length, got shapes {start.shape} and {end.shape}")
    if position.ndim != 1:
        raise ConfigError(f"t must be a vector of positions, got shape {position.shape}")
    dtype = _dtype(start, end)
    return start.astype(np.float64), end.astype(np.float64), position, dtype


def _dtype(*arrays: np.ndarray) -> np.dtype:
    """float32 for codes of float32 or less, else float64.

    Raises:
        ConfigError: for codes that are not real numbers.
    """
    for array in arrays:
        if array.dtype.kind not in "biuf":
            raise ConfigError(f"codes must be real numbers, got {array.dtype}")
    return np.dtype(np.float32 if np.result_type(np.float32, *arrays).itemsize <= 4 else np.float64)


def _within(name: str, value: int, bounds: tuple[int, int]) -> None:
    if not bounds[0] <= value <= bounds[1]:
        raise ConfigError(f"{name} must be between {bounds[0]} and {bounds[1]}, got {value}")
