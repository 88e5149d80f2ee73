"""Scenes of a way through the latent space: between two samples, along one dimension, along a direction."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.interpolation import PATHS, lerp, path_change, traversal
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_runs import STATUSES, OpenRun, as_floats, find_open_run
from aeexplorer.live.scenes.latent_plane import MAX_TILES
from aeexplorer.live.scenes.samples import Sample, code_of, stored, values_of

Kind = Literal["lerp", "slerp", "pixels", "pca"]


class InterpolateParams(Config):
    """`t` is the place on the way that is shown on its own, `steps` the number of pictures in a row."""

    run: str
    compare_run: str | None = None
    a: Sample
    b: Sample
    t: float = Field(0.5, ge=-0.5, le=1.5)
    kinds: tuple[Kind, ...] = Field(("lerp", "slerp", "pixels"), min_length=1, max_length=4)
    steps: int = Field(9, ge=0, le=33)
    start: float = Field(0.0, ge=-0.5, le=0.5)
    end: float = Field(1.0, ge=0.5, le=1.5)


def interpolate(params: InterpolateParams) -> Frame:
    """For each kind a row of `steps` samples from `start` to `end` (array `<kind>`) and the sample at `t`
    (`<kind>_at`), with where each lies; where the code has two values or more the way on the map (`<kind>_path`, `<kind>_point`).

    Arrays `at` and `nearest` hold, one for each kind, the sample at `t` and the real one nearest to it, `pairs` both by
    turns. How much the picture changes from step to step is array `<kind>_change` over `between`, the places half-way; the readout
    `<kind>_at_change` is read off it at `t`, and `<kind>_peak` is the largest change over the mean one.

    "pixels" is the cross-fade of the samples themselves and "pca" the straight line through as many principal
    components as the code has values; they say where their samples lie by encoding them. With `compare_run` the same
    of another run, every name with "compare_" before it.
    """
    t = np.append(np.linspace(params.start, params.end, params.steps), params.t)
    found = find_open_run(params.run)
    arrays, readouts = _ways(params, t, found, "")
    if params.compare_run:
        other = find_open_run(params.compare_run)
        if other.spec.shape != found.spec.shape:
            raise ConfigError(f"compare_run must have samples of shape {found.spec.shape}, got {other.spec.shape}")
        more, said = _ways(params, t, other, "compare_", values_of(params.a, found), values_of(params.b, found))
        arrays, readouts = arrays | more, readouts | said
    return Frame(arrays, {"t": params.t, "extrapolation": not 0 <= params.t <= 1, **readouts}, found.spec)


def _ways(
    params: InterpolateParams, t: np.ndarray, found: OpenRun, prefix: str,
    x_a: np.ndarray | None = None, x_b: np.ndarray | None = None,
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:  # fmt: skip
    arrays: dict[str, np.ndarray] = {}
    readouts: dict[str, Any] = {}
    between = (t[:-2] + t[1:-1]) / 2
    if x_a is None or x_b is None:
        x_a, x_b = values_of(params.a, found), values_of(params.b, found)
        z_a, z_b = code_of(params.a, found), code_of(params.b, found)
    else:
        z_a, z_b = found.explorer.encode(np.stack([x_a, x_b]))
    for kind in params.kinds:
        if kind in PATHS:
            z = PATHS[kind](z_a, z_b, t)
            x = found.explorer.decode(z)
        else:
            x = lerp(x_a.ravel(), x_b.ravel(), t)
            x = (_through_pca(x, found) if kind == "pca" else x).reshape(-1, *found.spec.shape)
            x = np.clip(x, 0, 1) if found.spec.kind == "image" else x
            z = found.explorer.encode(x)
        name = prefix + kind
        arrays |= {name: tiles(x[:-1], found.spec), f"{name}_at": tiles(x[-1:], found.spec)}
        near = found.neighbourhood(z)
        arrays[f"{name}_nearest"] = tiles(found.pictures_at(near.nearest[-1, :1]), found.spec)
        if found.latent_dim > 1:
            smooth = PATHS[kind](z_a, z_b, np.linspace(params.start, params.end, 41)) if kind in PATHS else z[:-1]
            arrays |= {f"{name}_path": found.on_map(smooth), f"{name}_point": found.on_map(z[-1:])}
        readouts[f"{name}_status"] = [STATUSES[s] for s in near.status[:-1]]
        readouts[f"{name}_at_status"] = STATUSES[near.status[-1]]
        readouts[f"{name}_at_distance"] = near.distance[-1]
        change = path_change(x[:-1]) if params.steps > 1 else np.empty(0)
        readouts[f"{name}_change"] = change
        readouts[f"{name}_steps"] = [STATUSES[near.status[0]]] if params.steps else []
        readouts[f"{name}_steps"] += [[STATUSES[s], c] for s, c in zip(near.status[1:-1], change, strict=True)]
        if len(change):
            arrays[f"{name}_change"] = change.astype(np.float32)
            readouts[f"{name}_at_change"] = np.interp(params.t, between, change)
            readouts[f"{name}_peak"] = change.max() / max(change.mean(), 1e-12)
    names = [prefix + kind for kind in params.kinds]
    arrays |= {prefix + of: np.concatenate([arrays[f"{name}_{of}"] for name in names]) for of in ("at", "nearest")}
    pairs = np.stack([arrays[f"{prefix}at"], arrays[f"{prefix}nearest"]], axis=1)
    arrays[f"{prefix}pairs"] = pairs.reshape(-1, *pairs.shape[2:])
    readouts[f"{prefix}at_status"] = [readouts[f"{name}_at_status"] for name in names]
    if len(between) and not prefix:
        arrays["between"] = between.astype(np.float32)
    return arrays, readouts


def _through_pca(x: np.ndarray, found: OpenRun) -> np.ndarray:
    mean, components = found.pca
    return (x - mean) @ components.T @ components + mean


class TraverseParams(Config):
    """`dims` are shown in the order given; None shows all, up to 64. With a `reach` each goes that many standard
    deviations of its stored codes to either side of their mean, and `low` and `high` are not used."""

    run: str
    sample: Sample
    dims: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(None, min_length=1, max_length=64)
    low: float = Field(-3, ge=-100, le=100)
    high: float = Field(3, ge=-100, le=100)
    reach: float | None = Field(None, ge=0, le=100)
    steps: int = Field(9, ge=2, le=33)


def traverse(params: TraverseParams) -> Frame:
    """One code with one coordinate after the other moved from `low` to `high`: an array `dim_<i>` each, and the
    values (dims, steps) it takes."""
    found = find_open_run(params.run)
    z = code_of(params.sample, found)
    dims = tuple(range(min(found.latent_dim, 64))) if params.dims is None else params.dims
    if max(dims) >= found.latent_dim:
        raise ConfigError(f"dims must be less than {found.latent_dim}, got {max(dims)}")
    if len(dims) * params.steps > MAX_TILES:
        raise ConfigError(f"steps must be at most {MAX_TILES // len(dims)} for {len(dims)} dims, got {params.steps}")
    values = np.tile(np.linspace(params.low, params.high, params.steps), (len(dims), 1))
    if params.reach is not None:
        own = found.z[:, list(dims)]
        values = own.mean(0)[:, None] + np.outer(own.std(0), np.linspace(-params.reach, params.reach, params.steps))
    ways = [traversal(z, d, v) for d, v in zip(dims, values, strict=True)]
    x = found.explorer.decode(np.concatenate([*ways, z[None]]))
    rows = tiles(x, found.spec)
    arrays = {f"dim_{d}": rows[i * params.steps : (i + 1) * params.steps] for i, d in enumerate(dims)}
    return Frame({"picture": rows[-1:], **arrays}, {"dims": dims, "values": values, "z": z}, found.spec)


class ArithmeticParams(Config):
    """`plus` and `minus` are places among the stored codes; the direction is the mean of one minus that of the other."""

    run: str
    sample: Sample
    plus: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=2_000)
    minus: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=2_000)
    strength: float = Field(1.0, ge=-5, le=5)
    steps: int = Field(0, ge=0, le=33)


def arithmetic(params: ArithmeticParams) -> Frame:
    """A sample moved along a direction: before, at `strength`, a row from no strength to that one, and `three`: the
    sample, its reconstruction, and it at `strength`."""
    found = find_open_run(params.run)
    z = code_of(params.sample, found)
    groups = [found.z[[stored(place, found) for place in group]].mean(0) for group in (params.plus, params.minus)]
    direction = groups[0] - groups[1]
    strengths = np.append(np.linspace(0, params.strength, params.steps), [0, params.strength])
    way = (z + np.outer(strengths, direction)).astype(np.float32)
    x = tiles(found.explorer.decode(way), found.spec)
    near = found.neighbourhood(way[-1:])
    readouts = {
        "status": STATUSES[near.status[0]], "distance": near.distance[0], "length": float(np.linalg.norm(direction)),
        "z": way[-1],
    }  # fmt: skip
    sample = tiles(as_floats(values_of(params.sample, found))[None], found.spec)
    arrays = {"sample": sample, "row": x[:-2], "before": x[-2:-1], "picture": x[-1:]}
    return Frame(arrays | {"three": np.concatenate([sample, x[-2:]])}, readouts, found.spec)


class SampleParams(Config):
    """`source` "normal" draws from a standard normal distribution whatever the family was trained for."""

    run: str
    source: Literal["own", "normal"] = "own"
    n: int = Field(16, ge=1, le=MAX_TILES)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    temperature: float = Field(1.0, ge=0, le=10)


def sample(params: SampleParams) -> Frame:
    """New samples: from the prior where the family has one, else from what is fitted to the stored codes. Where they lie
    is told from their codes, with a posterior from the mean that the decoded sample has."""
    found = find_open_run(params.run)
    if params.source == "normal":
        drawn = np.random.default_rng(params.seed).standard_normal((params.n, found.latent_dim))
        z = (params.temperature * drawn).astype(np.float32)
    else:
        z = found.explorer.sample_codes(params.n, params.seed, params.temperature)
    x = found.explorer.decode(z)
    # stored codes are posterior means, which a prior sample's noise in inactive dimensions would set apart from all
    status = found.neighbourhood(found.explorer.encode(x) if "posterior" in found.explorer.traits else z).status
    readouts = {
        "source": "prior" if "prior" in found.explorer.traits else "fitted to the codes",
        "status": [STATUSES[s] for s in status],
        "on_the_data": float((status == 0).mean()),
    }
    return Frame({"tiles": tiles(x, found.spec)}, readouts, found.spec)
