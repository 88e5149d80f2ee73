"""The scene of Restore: corrupted samples as a model and the methods of a textbook restore them."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer.applications import restoration
from aeexplorer.config import Config, ConfigError
from aeexplorer.corruption import corrupt
from aeexplorer.live.frame import Frame, tiles
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import Samples, values_of
from aeexplorer.perceptual import CLASSIFIERS, recognised

MAX_SAMPLES = 12


class RestoreParams(Config):
    """The corruption is the one that the run was trained on.

    Attributes:
        left, top, size: of a black block, as shares of the picture, in place of the corruption; none where size is 0.
    """

    run: str
    samples: Samples = Field(min_length=1, max_length=MAX_SAMPLES)
    level: float = Field(0.5, ge=0, le=1)
    noise_seed: int = Field(0, ge=0, le=2**32 - 1)
    left: float = Field(0.5, ge=0, le=1)
    top: float = Field(0.5, ge=0, le=1)
    size: float = Field(0.0, ge=0, le=1)


def restore(params: RestoreParams) -> Frame:
    """Samples clean, corrupted, and restored by the model and by each method, with PSNR, SSIM, and the classes that the
    shipped classifier sees."""
    opened = find_open_run(params.run)
    model, spec = opened.explorer, opened.spec
    if lack := restoration.refusal(model.run):
        raise ConfigError(lack)
    kind = str(model.config.corruption)
    clean = np.stack([values_of(sample, opened) for sample in params.samples])
    noisy = corrupt(clean, kind, params.level, params.noise_seed, spec)
    given = _with_block(clean, params) if params.size else noisy
    made = {"corrupted": given, "model": model.reconstruct(given)}
    start = restoration.seen_by_methods(clean, given, kind)
    made |= {name: restoration.restored(start, kind, params.level, name) for name in restoration.METHODS[kind]}
    y = np.full(len(clean), -1)
    readouts: dict[str, Any] = {}
    for name, pictures in made.items():
        found = restoration.figures(clean, pictures, y, spec)
        readouts |= {f"{name}_psnr": found["psnr"], f"{name}_ssim": found["ssim"]}
    if spec.name in CLASSIFIERS:
        for name, pictures in {"clean": clean, **made}.items():
            seen = recognised(np.clip(pictures, 0, 1), spec.name)
            readouts[f"seen_{name}"] = [spec.classes[y] for y in seen]
    arrays = {name: tiles(pictures, spec) for name, pictures in {"clean": clean, **made}.items()}
    return Frame(arrays, readouts, spec)


def _with_block(clean: np.ndarray, params: RestoreParams) -> np.ndarray:
    """The pictures with a black square, its middle at (left, top)."""
    height, width = clean.shape[1:3]
    side = max(1, round(params.size * min(height, width)))
    top, left = (round(share * (whole - side)) for share, whole in ((params.top, height), (params.left, width)))
    given = clean.copy()
    given[:, top : top + side, left : left + side] = 0
    return given
