"""Trains a model for an epoch and prints the memory that this took: python memory_probe.py FAMILY N_TRAIN N_VALIDATION
KNOBS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import psutil

from aeexplorer import noise
from aeexplorer.data import Dataset, DataSpec, Split
from aeexplorer.runs.request import configure
from aeexplorer.training.estimation import estimate
from aeexplorer.training.plan import make_plan, train_plan

SPEC = DataSpec(
    name="noise", title="Noise", kind="image", shape=(28, 28), value_range=(0.0, 1.0), classes=tuple("0123456789")
)


def high_water() -> int:
    """Peak memory of this process in bytes. ``ru_maxrss`` would also count its parent's, from before the exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def trained(family: str, knobs: dict[str, object], n: int, held_out: int) -> int:
    """Peak memory of the process in bytes after a training."""
    random = np.random.default_rng(0)
    splits = [Split(random.integers(0, 256, (m, 28, 28), dtype=np.uint8), np.arange(m) % 10) for m in (n, held_out, 2)]
    data = Dataset(SPEC, *splits)
    config, training = configure(family, **knobs)
    from aeexplorer.families import family as row_of

    with noise.building(0):
        model = row_of(family).make(config, SPEC)
    for _ in train_plan(model, data, make_plan(row_of(family), config, training, SPEC)):
        pass
    return high_water()


if __name__ == "__main__":
    family, n, held_out, knobs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    config, training = configure(family, epochs=2, **knobs)
    said = estimate(family, config, training, SPEC, n, held_out).memory_bytes
    trained(family, {"epochs": 2, "batch_size": 2, "hidden": (4,), "latent_dim": 8}, 4, 2)
    base = psutil.Process().memory_info().rss
    peak = trained(family, {"epochs": 2, **knobs}, n, held_out)
    print(json.dumps({"estimate": said, "measured": max(peak - base, 0)}))
