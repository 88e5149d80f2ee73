"""The grid of Overfitting: one autoencoder of digits at several numbers of samples and with each means against
overfitting. It comes with the program as loss curves; `aeexplorer pretrained overfitting` makes it again."""

from __future__ import annotations

import functools
import itertools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aeexplorer.data import load_dataset
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.store import load_arrays, save_arrays

GRID = "overfitting"
FILE = PRETRAINED / f"{GRID}.safetensors"
DATASET, FAMILY = "digits", "ae"
EPOCHS = 80
KNOBS: dict[str, Any] = {
    "latent_dim": 32, "hidden": (256, 128), "batch_size": 16, "schedule": "constant", "epochs": EPOCHS, "seed": 0,
}  # fmt: skip
SAMPLES = (50, 100, 200, 400)


class Remedy(NamedTuple):
    """A means against overfitting: its title, and the knobs that apply it."""

    title: str
    knobs: dict[str, Any]


REMEDIES: dict[str, Remedy] = {
    "none": Remedy("None", {}),
    "decay": Remedy("Weight decay 1", {"weight_decay": 1.0}),
    "dropout": Remedy("Dropout 0.2", {"dropout": 0.2}),
    "patience": Remedy("Patience 10", {"patience": 10}),
}


def knobs_of(samples: int, remedy: str) -> dict[str, Any]:
    """The knobs of one training of the grid."""
    return {**KNOBS, "samples": samples, **REMEDIES[remedy].knobs}


def make_grid(file: Path = FILE) -> int:
    """Train the grid and keep its curves; returns how many there are."""
    data, arrays = load_dataset(DATASET), {}
    for samples, remedy in itertools.product(SAMPLES, REMEDIES):
        with tempfile.TemporaryDirectory() as folder:
            run = new_run(FAMILY, data, path=Path(folder) / "run", **knobs_of(samples, remedy))
            epochs = train_run(run, data, bar=False).epochs()
        for part in ("train", "validation"):
            curve = [sum(epoch[part].values()) for epoch in epochs]
            arrays[f"{remedy}.{samples}.{part}"] = np.array(curve, np.float32)
    save_arrays(file, arrays)
    return len(arrays)


@functools.lru_cache(maxsize=1)
def load_grid() -> dict[str, np.ndarray]:
    """The curves, (epochs,) float32 by "remedy.samples.train" and ".validation".

    Raises:
        Damaged: when the file is missing or broken.
    """
    return load_arrays(FILE)
