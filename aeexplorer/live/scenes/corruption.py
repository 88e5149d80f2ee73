"""Scenes of corruption: samples before and after, what runs make of them, and the error against the level."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import corrupt as corrupted
from aeexplorer.explorer import Explorer
from aeexplorer.live.frame import Frame, signed_tiles, tiles
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.beta import Kind, between
from aeexplorer.live.scenes.samples import Samples, values_of
from aeexplorer.metrics import psnr, ssim

MAX_SAMPLES = 32


class _Params(Config):
    """`noise_seed` locks the pattern: the level changes how much of it is seen, never where it lies.

    Attributes:
        trained: the level at which a dial over the level stands; its default without one.
        chains: dials that take the place of `run`, by the kind that they were trained on.
    """

    run: str
    trained: float | None = Field(None, ge=0, le=1)
    chains: dict[Kind, str] = Field({}, max_length=8)
    compare_run: str | None = None
    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    kind: Kind = "gaussian"
    noise_seed: int = Field(0, ge=0, le=2**32 - 1)


class CorruptParams(_Params):
    level: float = Field(0.5, ge=0, le=1)


class LevelsParams(_Params):
    points: int = Field(11, ge=2, le=33)


def corrupt(params: CorruptParams) -> Frame:
    """Samples clean, corrupted, and as one or two runs restore them, with the residual and the error of each run."""
    opened, model, other = _opened(params)
    clean = np.stack([values_of(sample, opened) for sample in params.samples])
    noisy = corrupted(clean, params.kind, params.level, params.noise_seed, opened.spec)
    arrays = {"clean": tiles(clean, opened.spec), "corrupted": tiles(noisy, opened.spec)}
    readouts: dict[str, Any] = {"corrupted_mse": opened.spec.errors(noisy, clean).mean()}
    restored = {"": model.reconstruct(noisy)}
    if model.dial and model.dial.knob == "level":
        low, high = between(model.dial, model.config.level)
        stands = f"trained at exactly {low:g}" if low == high else f"interpolated between {low:g} and {high:g}"
        readouts |= {"between": (low, high), "trained": model.config.level, "stands": stands}
    if other is not None:
        restored["compare_"] = other.reconstruct(noisy)
    for prefix, x in restored.items():
        arrays[f"{prefix}reconstruction"] = tiles(x, opened.spec)
        arrays[f"{prefix}residual"] = signed_tiles(x - clean, opened.spec)
        readouts[f"{prefix}mse"] = opened.spec.errors(x, clean).mean()
    if opened.spec.row.pixels:
        readouts |= {f"{prefix}psnr": psnr(clean, x) for prefix, x in restored.items()}
        # one pass over all runs costs little more than one over a single run
        both = ssim(_planes(np.concatenate([clean] * len(restored))), _planes(np.concatenate([*restored.values()])))
        readouts |= {f"{p}ssim": part.mean() for p, part in zip(restored, np.split(both, len(restored)), strict=True)}
    return Frame(arrays, readouts, opened.spec)


def levels(params: LevelsParams) -> Frame:
    """The error of each run, `DataSpec.errors`, against the level: arrays `level`, `mse`, `compare_mse` (points,)."""
    opened, model, other = _opened(params)
    at = np.linspace(0, 1, params.points)
    pattern = _Pattern(opened, params.samples, params.kind, params.noise_seed, tuple(at.tolist()))
    arrays = {"level": at.astype(np.float32), "mse": _errors(model, pattern)}
    if other is not None:
        arrays["compare_mse"] = _kept_errors(other, pattern)
    return Frame(arrays)


class _Pattern(NamedTuple):
    """The samples, and their corruption."""

    opened: OpenRun
    samples: Samples
    kind: Kind
    seed: int
    levels: tuple[float, ...]


@lru_cache(maxsize=16)
def _corrupted(pattern: _Pattern) -> tuple[np.ndarray, np.ndarray]:
    """The clean samples, and those of all levels one after the other; kept while a dial is turned."""
    clean = np.stack([values_of(sample, pattern.opened) for sample in pattern.samples])
    of = [corrupted(clean, pattern.kind, level, pattern.seed, pattern.opened.spec) for level in pattern.levels]
    return clean, np.concatenate(of)


def _errors(model: Explorer, pattern: _Pattern) -> np.ndarray:
    clean, noisy = _corrupted(pattern)
    restored = model.reconstruct(noisy).reshape(len(pattern.levels), *clean.shape)
    return np.array([pattern.opened.spec.errors(x, clean).mean() for x in restored], np.float32)


_kept_errors = lru_cache(maxsize=16)(_errors)


def _opened(params: _Params) -> tuple[OpenRun, Explorer, Explorer | None]:
    """The run by whose bench samples are named, the model that restores them, and the one beside it."""
    opened = find_open_run(params.run)
    model = find_open_run(params.chains.get(params.kind, params.run)).explorer
    if model.dial and params.trained is not None:
        model = model.at(params.trained)
    other = find_open_run(params.compare_run).explorer if params.compare_run else None
    for name, of in (("chains", model), ("compare_run", other)):
        if of is not None and of.spec.shape != opened.spec.shape:
            raise ConfigError(f"{name} must have samples of shape {opened.spec.shape}, got {of.spec.shape}")
    return opened, model, other


def _planes(x: np.ndarray) -> np.ndarray:
    """Pictures as the metrics take them: channels before height and width."""
    return x if x.ndim == 3 else np.moveaxis(x, -1, 1)
