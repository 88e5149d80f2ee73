"""What a training is said to need, against what it needs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from aeexplorer.config import ConfigError
from aeexplorer.data import DATASETS
from aeexplorer.families import FAMILIES
from aeexplorer.models.base import ModelConfig
from aeexplorer.runs.limits import check_cost
from aeexplorer.training.estimation import Estimate
from aeexplorer.training.tracing import EVALUATION_BATCH, EVALUATION_BYTES, Trace, evaluation_batch, evaluation_bytes

PROBE = Path(__file__).with_name("memory_probe.py")
GRID = [
    ("ae", 2000, 1000, {"hidden": [2048, 1024], "batch_size": 128}),
    ("vae", 64, 600, {"net": "conv", "channels": [256, 256], "batch_size": 8}),
    ("vae", 300, 1000, {"net": "conv", "channels": [32, 64], "batch_size": 128}),
    ("ae", 2048, 500, {"net": "conv", "channels": [64, 128], "batch_size": 512}),
    ("vae", 4096, 1000, {"hidden": [512, 256], "batch_size": 4096}),
    ("aae", 2000, 1000, {"hidden": [4096], "batch_size": 256}),
    ("vqvae", 1024, 1000, {"hidden": [1024], "batch_size": 512, "positions": 32, "codebook_size": 2048}),
    ("multirate_vae", 300, 600, {"net": "conv", "channels": [128, 128], "batch_size": 64}),
    ("sparse_ae", 30000, 5000, {"hidden": [1024, 512], "batch_size": 128}),
    ("hvae", 1024, 1000, {"net": "conv", "channels": [64, 64], "batch_size": 256}),
]


def measured(family: str, n: int, held_out: int, knobs: dict[str, object], runs: int) -> tuple[int, int]:
    """Estimate and measurement in a process of its own: the median of some runs, between which the allocator differs."""
    line = [sys.executable, str(PROBE), family, str(n), str(held_out), json.dumps(knobs)]
    environment = {**os.environ, "PYTHONPATH": str(PROBE.parents[1]), "OMP_NUM_THREADS": "1"}
    found = [
        json.loads(subprocess.run(line, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(runs)
    ]
    return found[0]["estimate"], int(statistics.median(run["measured"] for run in found))


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read as Linux gives it")
@pytest.mark.parametrize(
    ("family", "n", "held_out", "knobs", "runs"),
    [pytest.param(*GRID[0], 1), *(pytest.param(*cell, 3, marks=pytest.mark.slow) for cell in GRID)],
)
@pytest.mark.long
def test_the_memory_of_a_training_is_within_a_quarter_of_its_estimate(
    family: str, n: int, held_out: int, knobs: dict[str, object], runs: int
) -> None:
    said, found = measured(family, n, held_out, knobs, runs)
    assert 0.75 * found <= said <= 1.25 * found


def test_a_trace_counts_what_is_held_at_once() -> None:
    with torch.device("meta"):
        x = torch.empty(1000)
        with Trace() as trace:
            a = x + 1
            b = a * 2
            del a
            b = b.reshape(10, 100) + 1
    assert trace.peak == 2 * 4000 and trace.bytes == 3 * 4000 and trace.calls == 3
    assert b.shape == (10, 100)


@pytest.mark.parametrize("name", ["vae", "vqvae", "aae", "hvae"])
def test_a_wide_model_is_evaluated_in_batches_that_fit(name: str) -> None:
    spec, row = DATASETS["mnist"].spec, FAMILIES[name]

    def batch(**knobs: object) -> tuple[int, int]:
        config: ModelConfig = row.config.replace(**knobs)
        model = row.make(config, spec).eval()
        return evaluation_batch(model), evaluation_bytes(model)

    assert batch()[0] == EVALUATION_BATCH
    wide, each = batch(net="conv", channels=(256, 256))
    assert 1 <= wide < EVALUATION_BATCH and wide * each <= EVALUATION_BYTES < (wide + 1) * each


@pytest.mark.parametrize(
    ("parameters", "said"), [(1_000_001, "1,000,001 parameters, limit 1,000,000"), (1_000_000, "")]
)
def test_a_refusal_names_both_numbers_exactly(parameters: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_PARAMETERS", "1")
    cost = Estimate(parameters, 4 * parameters, 10, 1, 1, 1.0)
    if not said:
        check_cost(cost)
        return
    with pytest.raises(ConfigError, match=said):
        check_cost(cost)
