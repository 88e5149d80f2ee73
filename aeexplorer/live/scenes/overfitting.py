"""The scene of Overfitting: loss curves of the grid at any number of samples."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from aeexplorer.config import Choice, Config
from aeexplorer.live.frame import Frame
from aeexplorer.runs.overfitting import EPOCHS, REMEDIES, SAMPLES, load_grid


class OverfittingParams(Config):
    samples: float = Field(200, ge=SAMPLES[0], le=SAMPLES[-1], description="Training samples.")
    remedy: Annotated[str, Choice(tuple(REMEDIES))] = "none"


def overfitting(params: OverfittingParams) -> Frame:
    """Curves of training and validation loss between the two nearest numbers of samples that were trained: arrays
    `epoch`, `train`, `validation` and, without a remedy, `plain` (epochs,); the losses at the last epoch and their
    gap, and of each remedy `gap_<remedy>` at the numbers of samples `sizes`. A training that ended early keeps its last
    loss."""
    train, validation = (curve(params.remedy, params.samples, part) for part in ("train", "validation"))
    best = int(validation.argmin())
    arrays = {
        "epoch": np.arange(1, EPOCHS + 1, dtype=np.float32),
        "train": train,
        "validation": validation,
        "plain": curve("none", params.samples, "validation"),
        "sizes": np.array(SAMPLES, np.float32),
    }
    for name in REMEDIES:
        last = {part: np.array([curve(name, n, part)[-1] for n in SAMPLES]) for part in ("train", "validation")}
        arrays[f"gap_{name}"] = last["validation"] - last["train"]
    readouts = {
        "train_loss": float(train[-1]),
        "validation_loss": float(validation[-1]),
        "gap": float(validation[-1] - train[-1]),
        "best": best + 1,
        "best_loss": float(validation[best]),
        "last": EPOCHS,
    }
    return Frame(arrays, readouts)


def curve(remedy: str, samples: float, part: str) -> np.ndarray:
    """A loss curve (epochs,) float32, interpolated in the logarithm of the number of samples."""
    place = float(np.interp(math.log(samples), np.log(SAMPLES), np.arange(len(SAMPLES))))
    lower = min(int(place), len(SAMPLES) - 2)
    ends = [load_grid()[f"{remedy}.{SAMPLES[lower + i]}.{part}"] for i in (0, 1)]
    held = [np.concatenate([end, np.full(EPOCHS - len(end), end[-1], np.float32)]) for end in ends]
    return (held[0] + np.float32(place - lower) * (held[1] - held[0])).astype(np.float32)
