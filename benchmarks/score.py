"""How well denoising autoencoders learn the score of points in the plane, and in what time.

    python benchmarks/score.py [--quick] [--json] [--seeds 0,1,2] [--sigma 0.1]

On two moons, the Swiss roll and the pinwheel a score autoencoder and a denoising autoencoder with the defaults of the
program are trained at σ on one core. Quoted are the cosine and the relative error of (r(x̃) - x̃) / σ² against the exact
score of the training samples smoothed by N(0, σ²I), over noisy test samples, and the CPU seconds of the training.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATASETS = ("two-moons", "swiss-roll", "pinwheel")
STEPS = {"epochs": 300, "batch_size": 512}


def measure(family: str, dataset: str, sigma: float, seed: int, quick: bool) -> dict[str, float]:
    import numpy as np
    import torch

    import aeexplorer as ae
    from aeexplorer.metrics import SmoothedData, score_agreement
    from aeexplorer.training.estimation import suggested
    from aeexplorer.training.loop import train

    data, row = ae.load_dataset(dataset), ae.FAMILIES[family]
    config, training = suggested(row, data.spec, len(data.train))
    config = config.replace(corruption="gaussian", level=sigma)
    training = training.replace(seed=seed, device="cpu", **(STEPS if family == "score_dae" else {}))
    if quick:
        training = training.replace(epochs=max(1, training.epochs // 3))
    torch.manual_seed(seed)
    model = row.make(config, data.spec)
    begun = time.process_time()
    for _ in train(model, data, training):
        pass
    seconds = time.process_time() - begun
    clean = data.test.x
    noisy = clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape).astype(np.float32)
    with torch.no_grad():
        restored = model.decode(model.encode(torch.from_numpy(noisy)).z).numpy()
    exact = SmoothedData(data.train.x).score(noisy, sigma)
    found = score_agreement((restored - noisy) / sigma**2, exact)
    return {**found._asdict(), "cpu_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the steps, one seed: within half a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--seeds", default="0,1,2", help="comma-separated (default: 0,1,2)")
    parser.add_argument("--sigma", type=float, default=0.1, help="standard deviation of the noise (default: 0.1)")
    a = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    import torch

    torch.set_num_threads(1)
    seeds = [int(part) for part in a.seeds.split(",")][: 1 if a.quick else None]
    result: dict[str, Any] = {"sigma": a.sigma, "seeds": seeds}
    for family in ("score_dae", "dae"):
        for dataset in DATASETS:
            runs = [measure(family, dataset, a.sigma, seed, a.quick) for seed in seeds]
            mean = {name: statistics.mean(run[name] for run in runs) for name in runs[0]}
            result.setdefault(family, {})[dataset] = {**mean, "least_cosine": min(run["cosine"] for run in runs)}
            print(
                f"{family:10} {dataset:11} cosine {mean['cosine']:.3f} (least {min(r['cosine'] for r in runs):.3f})   "
                f"relative error {mean['relative_error']:.2f}   {mean['cpu_seconds']:.1f} CPU s",
                flush=True,
            )
    if a.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
