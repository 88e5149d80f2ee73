"""Scenes of interpolation: between two samples, and across the patch between four."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.interpolation import PATHS, grid, lerp, path_change
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import Sample, code_of, values_of
from aeexplorer.metrics import STATUSES

Kind = Literal["lerp", "slerp", "pixels", "pca"]
SHORT = {"lerp": "lerp", "slerp": "slerp", "pixels": "fade", "pca": "PCA"}
"""Names of kinds where there is little room."""
_Parts = tuple[dict[str, np.ndarray], dict[str, Any]]


class InterpolateParams(Config):
    """`t` is the position of the sample that is shown on its own, `steps` the number of samples in a row."""

    run: str
    compare_run: str | None = None
    a: Sample
    b: Sample
    t: float = Field(0.5, ge=-0.5, le=1.5)
    kinds: tuple[Kind, ...] = Field(("lerp", "slerp", "pixels"), min_length=1, max_length=4)
    steps: int = Field(9, ge=0, le=33)
    start: float = Field(0.0, ge=-0.5, le=0.5)
    end: float = Field(1.0, ge=0.5, le=1.5)


class _Endpoints(NamedTuple):
    """The two samples (*shape) and their codes (latent_dim,)."""

    x_a: np.ndarray
    x_b: np.ndarray
    z_a: np.ndarray
    z_b: np.ndarray


def interpolate(params: InterpolateParams) -> Frame:
    """For each kind a row of `steps` samples from `start` to `end` (array `<kind>`), and the sample at `t`.

    "lerp" and "slerp" decode codes: readouts tell where each code lies, and codes of two values or more have a path on
    the map (`<kind>_path`, `<kind>_point`). "pixels" cross-fades the samples themselves, "pca" draws a straight line
    through as many principal components as codes have values: no code is decoded there, so no status is given, and
    their path on the map is that of their encodings.

    Arrays `at` and `nearest` hold, one for each kind, the sample at `t` and the real one nearest to it, `pairs` both by
    turns, with captions as readout `pairs`: where the code lies and the kind, and the root mean squared difference of
    the two samples. Array `<kind>_change` over `between`, the middles of the steps, is how much the samples change; the
    readout `<kind>_at_change` is read off it at `t`, and `<kind>_peak` is the largest change over the mean one.

    With `compare_run` the same of another run, every name with "compare_" before it.
    """
    opened = find_open_run(params.run)
    x_a, x_b = values_of(params.a, opened), values_of(params.b, opened)
    ends = _Endpoints(x_a, x_b, code_of(params.a, opened), code_of(params.b, opened))
    arrays, readouts = _rows(params, opened, ends, "")
    if params.compare_run:
        other = find_open_run(params.compare_run)
        if other.spec.shape != opened.spec.shape:
            raise ConfigError(f"compare_run must have samples of shape {opened.spec.shape}, got {other.spec.shape}")
        theirs = _Endpoints(x_a, x_b, *other.explorer.encode(np.stack([x_a, x_b])))
        more_arrays, more_readouts = _rows(params, other, theirs, "compare_")
        arrays, readouts = arrays | more_arrays, readouts | more_readouts
    return Frame(arrays, {"t": params.t, "extrapolation": not 0 <= params.t <= 1, **readouts}, opened.spec)


def _rows(params: InterpolateParams, opened: OpenRun, ends: _Endpoints, prefix: str) -> _Parts:
    """The rows of all kinds, and what compares them at `t`."""
    t = np.append(np.linspace(params.start, params.end, params.steps), params.t)
    rows = [(_decoded if kind in PATHS else _blended)(opened, ends, kind, t) for kind in params.kinds]
    z, x = (np.stack([row[part][-1] for row in rows]) for part in (0, 1))  # of each kind, at t
    nearest, difference = opened.nearest_samples(x, z)
    at, real = tiles(x, opened.spec), tiles(nearest, opened.spec)
    both = np.stack([at, real], axis=1)
    arrays = {f"{prefix}at": at, f"{prefix}nearest": real, f"{prefix}pairs": both.reshape(-1, *both.shape[2:])}
    readouts: dict[str, Any] = {}
    for i, kind in enumerate(params.kinds):
        name = prefix + kind
        more_arrays, more_readouts = _row(params, opened, ends, kind, name, *rows[i])
        arrays |= {f"{name}_at": at[i : i + 1], f"{name}_nearest": real[i : i + 1], **more_arrays}
        readouts |= {f"{name}_at_difference": difference[i], **more_readouts}
    status = [readouts.get(f"{prefix}{kind}_at_status") for kind in params.kinds]
    under = [[[s, SHORT[k]] if s else [SHORT[k]], d] for s, k, d in zip(status, params.kinds, difference, strict=True)]
    readouts |= {
        f"{prefix}at_status": status,
        f"{prefix}at_difference": difference,
        f"{prefix}pairs": [text for pair in under for text in pair],
    }
    if params.steps > 1 and not prefix:
        t = np.linspace(params.start, params.end, params.steps)
        arrays["between"] = ((t[:-1] + t[1:]) / 2).astype(np.float32)
    return arrays, readouts


def _row(
    params: InterpolateParams,
    opened: OpenRun,
    ends: _Endpoints,
    kind: Kind,
    name: str,
    z: np.ndarray,
    x: np.ndarray,
) -> _Parts:
    """The row of one kind, for its codes and samples at the positions and then at `t`."""
    positions = np.linspace(params.start, params.end, params.steps)
    decoded = kind in PATHS
    arrays, readouts = {name: tiles(x[:-1], opened.spec)}, dict[str, Any]()
    under: list[list[Any]] = [[] for _ in positions]
    if decoded:
        near = opened.neighbourhood(z)
        status = [STATUSES[s] for s in near.status]
        readouts |= {f"{name}_status": status[:-1], f"{name}_at_status": status[-1]}
        readouts[f"{name}_at_distance"] = near.distance[-1]
        under = [[s] for s in status[:-1]]
    if opened.latent_dim > 1:
        smooth = PATHS[kind](ends.z_a, ends.z_b, np.linspace(params.start, params.end, 41)) if decoded else z[:-1]
        arrays |= {f"{name}_path": opened.plane.place(smooth), f"{name}_point": opened.plane.place(z[-1:])}
    if params.steps > 1:
        change = path_change(x[:-1])
        arrays[f"{name}_change"] = change.astype(np.float32)
        readouts[f"{name}_change"] = change
        readouts[f"{name}_at_change"] = np.interp(params.t, (positions[:-1] + positions[1:]) / 2, change)
        readouts[f"{name}_peak"] = change.max() / max(change.mean(), 1e-12)
        under = [under[0], *([*first, c] for first, c in zip(under[1:], change, strict=True))]
    readouts[f"{name}_steps"] = under
    return arrays, readouts


def _decoded(opened: OpenRun, ends: _Endpoints, kind: str, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes on a path at positions t (n,), and what they decode to."""
    z = PATHS[kind](ends.z_a, ends.z_b, t)
    return z, opened.explorer.decode(z)


def _blended(opened: OpenRun, ends: _Endpoints, kind: str, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples between the two themselves at positions t (n,), and their encodings, codes first."""
    x = lerp(ends.x_a.ravel(), ends.x_b.ravel(), t)
    if kind == "pca":
        mean, components = opened.pca
        x = (x - mean) @ components.T @ components + mean
    x = x.reshape(-1, *opened.spec.value_shape)
    x = np.clip(x, 0, 1) if opened.spec.row.pixels else x
    return opened.explorer.encode(x), x


class CornersParams(Config):
    run: str
    corners: tuple[Sample, Sample, Sample, Sample]
    rows: int = Field(7, ge=2, le=20)
    columns: int = Field(7, ge=2, le=20)
    kind: Literal["lerp", "slerp"] = "lerp"
    u: float = Field(0.5, ge=0, le=1, description="Place between left and right that is shown on its own.")
    v: float = Field(0.5, ge=0, le=1, description="Place between top and bottom.")


def corners(params: CornersParams) -> Frame:
    """The patch between four samples, in reading order: array `tiles`, and at (u, v) `at` with the real sample nearest
    to it, with where their codes lie (`status`, `at_status`) and the root mean squared difference (`at_difference`)."""
    opened = find_open_run(params.run)
    ends = np.stack([code_of(s, opened) for s in params.corners])
    path = PATHS[params.kind]
    left, right = path(ends[0], ends[2], [params.v])[0], path(ends[1], ends[3], [params.v])[0]
    patch = grid(ends, params.rows, params.columns, params.kind).reshape(-1, opened.latent_dim)
    z = np.concatenate([patch, path(left, right, [params.u])])
    x, near = opened.explorer.decode(z), opened.neighbourhood(z)
    nearest, difference = opened.nearest_samples(x[-1:], z[-1:])
    status = [STATUSES[s] for s in near.status]
    readouts = {
        "rows": params.rows,
        "columns": params.columns,
        "status": status[:-1],
        "at_status": status[-1:],
        "at_distance": near.distance[-1],
        "at_difference": difference,
    }
    pictures = tiles(x, opened.spec)
    arrays = {"tiles": pictures[:-1], "at": pictures[-1:], "nearest": tiles(nearest, opened.spec)}
    return Frame(arrays, readouts, opened.spec)
