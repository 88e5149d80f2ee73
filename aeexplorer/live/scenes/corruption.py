"""Scenes of corruption: samples before and after, what runs make of them, and the error against the level."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import corrupt as corrupted
from aeexplorer.live.frame import Frame, signed_tiles, tiles
from aeexplorer.live.resources import Bench, bench
from aeexplorer.live.scenes.samples import Samples, values_of
from aeexplorer.metrics import mse, psnr, ssim

Kind = Literal["gaussian", "salt_and_pepper", "masking", "masking_blocks"]
MAX_SAMPLES = 32


class CorruptParams(Config):
    """`noise_seed` locks the pattern: the level changes how much of it is seen, never where it lies."""

    run: str
    compare_run: str | None = None
    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    kind: Kind = "gaussian"
    level: float = Field(0.5, ge=0, le=1)
    noise_seed: int = Field(0, ge=0, le=2**32 - 1)


def corrupt(params: CorruptParams) -> Frame:
    """Samples clean, corrupted, and as one or two runs restore them, with the residual and the error of each run."""
    found, other = _pair(params.run, params.compare_run)
    clean = np.stack([values_of(sample, found) for sample in params.samples])
    noisy = corrupted(clean, params.kind, params.level, params.noise_seed, found.spec)
    arrays = {"clean": tiles(clean, found.spec), "corrupted": tiles(noisy, found.spec)}
    readouts: dict[str, Any] = {"corrupted_mse": mse(clean, noisy)}
    restored = {"": found.explorer.reconstruct(noisy)}
    if other is not None:
        restored["compare_"] = other.explorer.reconstruct(noisy)
    for prefix, x in restored.items():
        arrays[f"{prefix}reconstruction"] = tiles(x, found.spec)
        arrays[f"{prefix}residual"] = signed_tiles(x - clean, found.spec)
        readouts[f"{prefix}mse"] = mse(clean, x)
    if found.spec.kind == "image":
        readouts |= {f"{prefix}psnr": psnr(clean, x) for prefix, x in restored.items()}
        # one pass over all runs costs little more than one over a single run
        both = ssim(_planes(np.concatenate([clean] * len(restored))), _planes(np.concatenate([*restored.values()])))
        readouts |= {f"{p}ssim": part.mean() for p, part in zip(restored, np.split(both, len(restored)), strict=True)}
    return Frame(arrays, readouts, found.spec)


class LevelsParams(Config):
    """What of `CorruptParams` the curve depends on."""

    run: str
    compare_run: str | None = None
    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    kind: Kind = "gaussian"
    noise_seed: int = Field(0, ge=0, le=2**32 - 1)
    points: int = Field(11, ge=2, le=33)


def levels(params: LevelsParams) -> Frame:
    """The mean squared error of each run against the level: arrays `level`, `mse` and `compare_mse` (points,)."""
    found, other = _pair(params.run, params.compare_run)
    clean = np.stack([values_of(sample, found) for sample in params.samples])
    at = np.linspace(0, 1, params.points)
    noisy = [corrupted(clean, params.kind, float(level), params.noise_seed, found.spec) for level in at]
    arrays = {"level": at.astype(np.float32)}
    for name, of in (("mse", found), ("compare_mse", other)):
        if of is not None:
            restored = of.explorer.reconstruct(np.concatenate(noisy)).reshape(len(at), *clean.shape)
            arrays[name] = np.array([mse(clean, x) for x in restored], np.float32)
    return Frame(arrays)


def _pair(run: str, compare_run: str | None) -> tuple[Bench, Bench | None]:
    found, other = bench(run), bench(compare_run) if compare_run else None
    if other is not None and other.spec.shape != found.spec.shape:
        raise ConfigError(f"compare_run must have samples of shape {found.spec.shape}, got {other.spec.shape}")
    return found, other


def _planes(x: np.ndarray) -> np.ndarray:
    """Pictures as the metrics take them: channels before height and width."""
    return x if x.ndim == 3 else np.moveaxis(x, -1, 1)
