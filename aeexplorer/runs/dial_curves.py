"""Measuring a dial: figures on the whole test set along its knob."""

from __future__ import annotations

import numpy as np

from aeexplorer.data.spec import Split
from aeexplorer.runs.dial import Dial
from aeexplorer.training.plan import GRID


def measure(dial: Dial, test: Split, seed: int) -> dict[str, np.ndarray]:
    """Measure the curve from the last stop but one (exclusive) to the last, each array (g, ...)."""
    values = [dial.stops[-1]]
    if len(dial.stops) > 1:
        below, last = dial.stops[-2:]
        spaced = np.geomspace(below, last, GRID + 1) if dial.scale == "log" else np.linspace(below, last, GRID + 1)
        values = [*spaced[1:-1].tolist(), last]  # the last stop itself, which rounding would miss
    rows = [dial.spec.row.measure(dial.model_at(value), test, seed) for value in values]
    curve = {name: np.stack([row[name] for row in rows]) for name in rows[0] if name != "tested"}
    fixed = {name: rows[0][name] for name in ("tested",) if name in rows[0]}
    return curve | fixed | {"value": np.array(values)}
