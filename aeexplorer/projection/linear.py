"""Linear maps: the codes as they are, principal components, and an axis through two groups."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection.layouts import IDENTICAL, Layout, MapConfig, Watch, centred, principal_axes


class PCAConfig(MapConfig):
    """Principal components; nothing in it is random."""


class RawConfig(Config):
    """Codes of one to three dimensions as they are."""

    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the jitter across a strip of 1-d codes.")


class AxisConfig(MapConfig):
    """The line through the mean codes of two groups, and the largest remaining variance; nothing in it is random."""

    a: tuple[int, ...] = Field((), description="Rows of the codes of the group at the left.")
    b: tuple[int, ...] = Field((), description="Rows of the codes of the group at the right.")


def raw(x: np.ndarray, config: RawConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """The codes themselves; codes of one dimension are drawn in a strip whose height is random."""
    if x.shape[1] > 3:
        raise ConfigError(f"raw draws codes of 1 to 3 dimensions, got {x.shape[1]}")
    if x.shape[1] > 1:
        return Layout(x)
    height = 0.05 * (np.ptp(x) or 1.0)
    jitter = np.random.default_rng(config.seed).uniform(-height, height, len(x))
    return Layout(on_strip(x, jitter), notices=("the codes have 1 dimension: the height in the strip has no meaning",))


def on_strip(x: np.ndarray, height: np.ndarray) -> np.ndarray:
    """Points (n, 2|3) float32 of raw codes, those of one dimension at a height (n,)."""
    return (x if x.shape[1] > 1 else np.column_stack([x[:, 0], height])).astype(np.float32)


def pca(x: np.ndarray, config: PCAConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """The directions of largest variance."""
    z = centred(x)
    axes, variance = principal_axes(z, config.components)
    rank = int((variance > 0).sum())
    notices: tuple[str, ...] = ()
    if not rank:
        notices = (IDENTICAL if len(x) > 1 else "there is only 1 code: it lies at the origin",)
    elif rank < config.components:
        notices = (f"the codes vary along {rank} of {config.components} axes: the rest of the map is empty",)
    return Layout(z @ axes.T, notices=notices, explained_variance=tuple(variance.tolist()), axes=axes)


def axis(x: np.ndarray, config: AxisConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """The difference of two means as the first axis, the principal axes of the rest as the others.

    One unit on the map is one unit of the latent space; the mean of all codes lies at the origin.
    """
    z = centred(x)
    means = [_mean_of(z, name, rows) for name, rows in (("a", config.a), ("b", config.b))]
    along = means[1] - means[0]
    length = np.linalg.norm(along)
    if length <= 1e-9 * np.abs(z).max():
        raise ConfigError(f"the means of a and b must differ to span an axis, got a distance of {length:g}")
    along = along / length
    total = float(np.square(z).sum())
    rest, _ = principal_axes(z - np.outer(z @ along, along), config.components - 1, total)
    axes = np.vstack([along, rest])
    points = z @ axes.T
    share = np.square(points).sum(axis=0) / total
    empty = int((np.abs(axes).max(axis=1) == 0).sum())
    shown = config.components - empty
    notices = (f"the codes vary along {shown} of {config.components} axes: the rest of the map is empty",) * bool(empty)
    return Layout(points, notices=notices, explained_variance=tuple(share.tolist()), axes=axes)


def _mean_of(x: np.ndarray, name: str, rows: tuple[int, ...]) -> np.ndarray:
    if not rows:
        raise ConfigError(f"group {name} must hold at least 1 code, got none")
    if min(rows) < 0 or max(rows) >= len(x):
        outside = min(rows) if min(rows) < 0 else max(rows)
        raise ConfigError(f"group {name} must hold rows between 0 and {len(x) - 1}, got {outside}")
    mean: np.ndarray = x[list(rows)].mean(axis=0)
    return mean
