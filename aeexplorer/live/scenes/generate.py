"""Scenes of new samples: draws, one dimension after the other, a shift between groups, the whole plane."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.interpolation import manifold_grid, traversal
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import MAX_TILES, Sample, code_of, stored, values_of
from aeexplorer.metrics import STATUSES


class _DrawParams(Config):
    run: str
    n: int = Field(16, ge=1, le=MAX_TILES)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    temperature: float = Field(1.0, ge=0, le=10)


class SampleParams(_DrawParams):
    """`source` "normal" draws from a standard normal distribution whatever the family was trained for."""

    source: Literal["own", "normal"] = "own"


def sample(params: SampleParams) -> Frame:
    """New samples: from the prior where the family has one, else from a distribution fitted to the stored codes. Where
    they lie is told from their codes; where there is a posterior, from its mean for the decoded sample."""
    opened = find_open_run(params.run)
    if params.source == "normal":
        noise = np.random.default_rng(params.seed).standard_normal((params.n, opened.latent_dim))
        z = (params.temperature * noise).astype(np.float32)
    else:
        z = opened.explorer.sample_codes(params.n, params.seed, params.temperature)
    x = opened.explorer.decode(z)
    # stored codes are posterior means, which a prior sample's noise in inactive dimensions would set apart from all
    status = opened.neighbourhood(opened.explorer.encode(x) if "posterior" in opened.explorer.traits else z).status
    readouts = {
        "source": "prior" if "prior" in opened.explorer.traits else "fitted to the codes",
        "status": [STATUSES[s] for s in status],
        "near_data": 100 * float((status == 0).mean()),
    }
    return Frame({"tiles": tiles(x, opened.spec)}, readouts, opened.spec)


class ResampleParams(_DrawParams):
    """The first `below` levels of the sample's code are kept."""

    sample: Sample
    below: int = Field(1, ge=0, le=8)


def resample(params: ResampleParams) -> Frame:
    """Samples that share the coarse levels of one code, the finer ones drawn from their priors, and how much a value
    varies among them."""
    opened = find_open_run(params.run)
    z = np.repeat(code_of(params.sample, opened)[None], params.n, axis=0)
    x = opened.explorer.decode(opened.explorer.resample(z, params.below, params.seed, params.temperature))
    return Frame({"tiles": tiles(x, opened.spec)}, {"spread": float(x.std(axis=0).mean())}, opened.spec)


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
    opened = find_open_run(params.run)
    z = code_of(params.sample, opened)
    dims = tuple(range(min(opened.latent_dim, 64))) if params.dims is None else params.dims
    if max(dims) >= opened.latent_dim:
        raise ConfigError(f"dims must be less than {opened.latent_dim}, got {max(dims)}")
    if len(dims) * params.steps > MAX_TILES:
        raise ConfigError(f"steps must be at most {MAX_TILES // len(dims)} for {len(dims)} dims, got {params.steps}")
    values = np.tile(np.linspace(params.low, params.high, params.steps), (len(dims), 1))
    if params.reach is not None:
        own = opened.z[:, list(dims)]
        values = own.mean(0)[:, None] + np.outer(own.std(0), np.linspace(-params.reach, params.reach, params.steps))
    codes = [traversal(z, d, v) for d, v in zip(dims, values, strict=True)]
    rows = tiles(opened.explorer.decode(np.concatenate([*codes, z[None]])), opened.spec)
    arrays = {f"dim_{d}": rows[i * params.steps : (i + 1) * params.steps] for i, d in enumerate(dims)}
    return Frame({"picture": rows[-1:], **arrays}, {"dims": dims, "values": values, "z": z}, opened.spec)


class ArithmeticParams(Config):
    """`plus` and `minus` are places among the stored codes; the shift is the mean of one minus that of the other."""

    run: str
    sample: Sample
    plus: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=2_000)
    minus: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, max_length=2_000)
    strength: float = Field(1.0, ge=-5, le=5)
    steps: int = Field(0, ge=0, le=33)


def arithmetic(params: ArithmeticParams) -> Frame:
    """A sample shifted by the difference of two groups: before, at `strength`, a row from no strength to that one, and
    `three`: the sample, its reconstruction, and it at `strength`."""
    opened = find_open_run(params.run)
    z = code_of(params.sample, opened)
    means = [opened.z[[stored(place, opened) for place in group]].mean(0) for group in (params.plus, params.minus)]
    shift = means[0] - means[1]
    strengths = np.append(np.linspace(0, params.strength, params.steps), [0, params.strength])
    codes = (z + np.outer(strengths, shift)).astype(np.float32)
    x = opened.explorer.decode(codes)
    near = opened.neighbourhood(codes[-1:])
    readouts = {
        "status": STATUSES[near.status[0]],
        "distance": near.distance[0],
        "difference": opened.nearest_samples(x[-1:], codes[-1:])[1][0],
        "length": float(np.linalg.norm(shift)),
        "z": codes[-1],
    }
    sample = tiles(values_of(params.sample, opened)[None], opened.spec)
    row = tiles(x, opened.spec)
    arrays = {"sample": sample, "row": row[:-2], "before": row[-2:-1], "picture": row[-1:]}
    return Frame(arrays | {"three": np.concatenate([sample, row[-2:]])}, readouts, opened.spec)


class GridParams(Config):
    run: str
    n: int = Field(12, ge=2, le=20, description="Samples along one side.")
    span: float = Field(0.9, gt=0, lt=1, description="Prior probability between the outermost quantiles.")


def grid(params: GridParams) -> Frame:
    """The whole plane of a model with a 2-d code, evenly spaced in the probability of the prior, or where there is none
    of a Gaussian with the means and deviations of the stored codes."""
    opened = find_open_run(params.run)
    if opened.latent_dim != 2:
        raise ConfigError(f"run must have a code of 2 values for a grid, got {opened.latent_dim}")
    z = manifold_grid(params.n, params.span)
    if "normal_prior" not in opened.explorer.traits:
        z = opened.z.mean(0) + z * opened.z.std(0)
    return Frame({"tiles": tiles(opened.explorer.decode(z), opened.spec), "z": z}, {"n": params.n}, opened.spec)
