"""Codes that maps are drawn from: those stored with a run, or of more samples, encoded once and kept on disk.

codes/<key>/codes.safetensors    the key names the model, the split and the number of samples

`cache.trim_results` may remove them: they can be made again.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Literal, NamedTuple

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data.splits import stratified_subset
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.cache import mark_used
from aeexplorer.runs.run import STORED_CODES, Run
from aeexplorer.store import Damaged, home, load_arrays, save_arrays

SplitName = Literal["test", "train", "all"]

MOST_CODES = 100_000  # of a map: the time of the exact neighbour graph grows with the square of them


class MapCodes(NamedTuple):
    """Codes z (n, latent_dim) float32, labels (n,) and index (n,) into the dataset as `Dataset.take` reads it."""

    z: np.ndarray
    labels: np.ndarray
    index: np.ndarray  # type: ignore[assignment]  # an array, not the method of a tuple


def codes_for_map(explorer: Explorer, n: int, split: SplitName = "test", level: int = 0) -> MapCodes:
    """Codes of n samples: the stored ones where they are enough, else encoded once and kept on disk.

    Args:
        explorer: of the run.
        n: samples, 1 to 100,000; all samples of the split where it has fewer.
        split: "test", "train", or "all" with validation too; a subset keeps the share of each class.
        level: of a model with several levels the one whose part of the codes is wanted, 1 for the coarsest; 0 for all.

    Raises:
        ConfigError: for n, split or level out of bounds, and where samples have to be encoded and the data is missing.
    """
    if not 1 <= n <= MOST_CODES:
        raise ConfigError(f"n must be between 1 and {MOST_CODES}, got {n}")
    if split not in ("test", "train", "all"):
        raise ConfigError(f"split must be test, train or all, got {split!r}")
    part = explorer.part(level)
    codes = _whole_codes(explorer, n, split)
    return codes._replace(z=codes.z[:, part]) if level else codes


def _whole_codes(explorer: Explorer, n: int, split: SplitName) -> MapCodes:
    stored = explorer.codes
    if split == "test" and n <= max(len(stored.z), STORED_CODES):
        return MapCodes(stored.z[:n], stored.labels[:n], stored.index[:n])
    path = home() / "codes" / codes_key(explorer.run, n, split)
    with contextlib.suppress(Damaged, KeyError, OSError):
        arrays = load_arrays(path / "codes.safetensors")
        mark_used(path)
        return MapCodes(arrays["z"], arrays["labels"], arrays["index"])
    codes = _encode(explorer, n, split)
    with contextlib.suppress(OSError):  # a full disk costs time at the next call, nothing else
        path.mkdir(parents=True, exist_ok=True)
        save_arrays(path / "codes.safetensors", codes._asdict())
    return codes


def codes_key(run: Run, n: int, split: SplitName) -> str:
    """Hash of the model, by its stored codes, and of the chosen samples: the folder name of these codes."""
    digest = hashlib.sha256((run.path / "codes.safetensors").read_bytes())
    digest.update(f"{run.spec.id} {run.spec.dataset} {n} {split}".encode())
    return digest.hexdigest()[:32]


def _encode(explorer: Explorer, n: int, split: SplitName) -> MapCodes:
    data = explorer.dataset
    first, last = {
        "test": (0, len(data.test)),
        "train": (len(data.test), len(data.test) + len(data.train)),
        "all": (0, sum(len(part) for part in data.splits.values())),
    }[split]
    labels = np.concatenate([data.test.y, data.train.y, data.validation.y])[first:last]
    index = first + (stratified_subset(labels, n) if n < len(labels) else np.arange(len(labels)))
    chosen = data.take(index)
    return MapCodes(explorer.encode(chosen.x, chosen.y), chosen.y, index)
