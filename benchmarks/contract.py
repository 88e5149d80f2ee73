"""What the conditional VAE, the hierarchical VAE, the prior over codebook entries and fine-tuning are worth, on MNIST.

    python benchmarks/contract.py [--quick] [--json] [--only NAME]

Each part trains here, with three seeds where it compares means, and says what it is held against. `--quick` uses fewer
samples and epochs and ends within a minute.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import aeexplorer as ae
from aeexplorer.explorer import Explorer

SEEDS = (0, 1, 2)


def trained(family: str, data: Any, folder: Path, **knobs: Any) -> tuple[Explorer, float]:
    """A model trained into a folder that is thrown away, and the seconds that it took."""
    begun = time.process_time()
    run = ae.train(family, data, path=folder / f"{family}-{time.monotonic_ns()}", bar=False, **knobs)
    return ae.open_run(run.path), time.process_time() - begun


def classifier(data: Any, epochs: int) -> Callable[[np.ndarray], np.ndarray]:
    """Probabilities (n, classes) by a perceptron trained on the training split."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    x = torch.from_numpy(np.array(data.train.x)).float() / 255
    y = torch.from_numpy(np.array(data.train.y))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(128):
            loss = nn.functional.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def probabilities(pictures: np.ndarray) -> np.ndarray:
        return torch.softmax(net(torch.from_numpy(pictures.astype(np.float32))), dim=1).numpy()

    return probabilities


def conditional(data: Any, folder: Path, quick: bool) -> dict[str, float]:
    """Samples of an asked class that a classifier takes for that class."""
    probabilities = classifier(data, 1 if quick else 6)
    real = (probabilities(data.test.x / 255).argmax(1) == data.test.y).mean()
    knobs = {"latent_dim": 6, "hidden": (256,), "beta": 2.0, "hidden_labels": 0.0}  # no label is hidden
    model, seconds = trained("cvae", data, folder, **knobs, epochs=1 if quick else 20, seed=0)
    drawn = [model.given(label).sample(200, seed=label) for label in range(10)]
    right = [float((probabilities(x).argmax(1) == label).mean()) for label, x in enumerate(drawn)]
    return {
        "classifier_accuracy": float(real), "asked_class": float(np.mean(right)), "worst_class": min(right),
        "neg_elbo": model.evaluate()["neg_elbo"], "cpu_seconds": seconds,
    }  # fmt: skip


def levels(data: Any, folder: Path, quick: bool) -> dict[str, Any]:
    """-ELBO of one level and of two and three, with about as many parameters and epochs; grey pictures."""
    found: dict[str, Any] = {}
    common = {"latent_dim": 32, "epochs": 1 if quick else 20, "hidden": (400,)}
    for name, family, knobs in (
        ("one", "vae", {"warmup": 0.2}),
        ("two", "hvae", {"levels": 2, "hidden": (370,), "level_units": 128}),
        ("three", "hvae", {"levels": 3, "hidden": (345,), "level_units": 128}),
    ):
        rows = [trained(family, data, folder, **{**common, **knobs}, seed=seed) for seed in SEEDS[: 1 if quick else 3]]
        bounds = [model.evaluate()["neg_elbo"] for model, _ in rows]
        found[f"{name}_neg_elbo"] = [round(bound, 2) for bound in bounds]
        found[f"{name}_parameters"] = sum(p.numel() for p in rows[0][0]._model.parameters())
        found[f"{name}_cpu_seconds"] = round(float(np.mean([seconds for _, seconds in rows])), 1)
    return found


def prior(data: Any, folder: Path, quick: bool) -> dict[str, float]:
    """Nats of held-out codes under the learned prior, each entry's frequency, and a first-order Markov chain; and how
    sure a classifier is of samples from the prior and from independently drawn entries."""
    model, seconds = trained(
        "vqvae", data, folder, positions=16, latent_dim=128, codebook_size=128, epochs=3 if quick else 30,
        prior="transformer", prior_share=0.5, seed=0,
    )  # fmt: skip
    net = model._model

    @torch.inference_mode()
    def indices_of(split: Any) -> np.ndarray:
        x = torch.from_numpy(np.array(split.x)).float()[:, None] / 255
        return torch.cat([net.encode(part).indices for part in x.split(500)]).numpy()

    train, test = indices_of(data.train), indices_of(data.test)
    size, positions = net.config.codebook_size, net.config.positions
    unigram, markov = 0.0, 0.0
    for p in range(positions):  # each position has its own table, smoothed by one count
        counts = np.bincount(train[:, p], minlength=size) + 1.0
        unigram -= np.log(counts / counts.sum())[test[:, p]].mean()
        if p == 0:
            markov = unigram
            continue
        pairs = np.ones((size, size))
        np.add.at(pairs, (train[:, p - 1], train[:, p]), 1)
        markov -= np.log(pairs / pairs.sum(1, keepdims=True))[test[:, p - 1], test[:, p]].mean()
    probabilities = classifier(data, 1 if quick else 6)
    random = np.random.default_rng(0)
    apart = np.stack([random.choice(column, 1_000) for column in train.T], axis=1)
    independent = model.decode(net.lookup(torch.from_numpy(apart)).numpy())
    figures = model.evaluate()
    return {
        "prior_nats": figures["prior_nats"], "unigram_nats": float(unigram), "markov_nats": float(markov),
        "confidence": float(probabilities(model.sample(1_000, seed=0)).max(1).mean()),
        "confidence_independent": float(probabilities(independent).max(1).mean()),
        "codes_used": figures["codes_used"], "neg_elbo": figures["neg_elbo"], "cpu_seconds": seconds,
    }  # fmt: skip


def tuning(data: Any, folder: Path, quick: bool) -> dict[str, Any]:
    """Steps on 1,000 Fashion-MNIST samples until a net that was trained on MNIST before has the best test error, -ELBO,
    of the same net from scratch; `ratio` is their share of the steps that it took from scratch."""
    fashion = ae.load_dataset("fashion-mnist")
    few = fashion.train.take(np.arange(200 if quick else 1_000))
    test = fashion.test.take(np.arange(300 if quick else 2_000))
    small = type(fashion)(fashion.spec, few, test, test)  # the error after each epoch is that on the test split
    common = {"latent_dim": 16, "hidden": (256,), "batch_size": 50, "patience": 0}
    found: dict[str, Any] = {"steps_scratch": [], "steps_tuned": [], "error_scratch": [], "error_tuned": []}
    for seed in SEEDS[: 1 if quick else 3]:
        parent, _ = trained("vae", data, folder, **common, epochs=1 if quick else 10, seed=seed)
        knobs = {**common, "epochs": 4 if quick else 60, "seed": seed}
        curves = []
        for more in ({}, {"start_from": parent.run}):
            run = trained("vae", small, folder, **knobs, **more)[0].run
            curves.append([(e["step"], sum(e["validation"].values())) for e in run.epochs()])
        best = min(error for _, error in curves[0])
        reached = [next((step for step, error in curve if error <= best), None) for curve in curves]
        found["steps_scratch"].append(reached[0])
        found["steps_tuned"].append(reached[1])
        found["error_scratch"].append(round(best, 2))
        found["error_tuned"].append(round(min(error for _, error in curves[1]), 2))
    pairs = zip(found["steps_tuned"], found["steps_scratch"], strict=True)
    found["ratio"] = [None if tuned is None else round(tuned / scratch, 3) for tuned, scratch in pairs]
    return found


PARTS = {"conditional": conditional, "levels": levels, "prior": prior, "fine-tuning": tuning}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="end within a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--only", choices=sorted(PARTS), help="one part")
    arguments = parser.parse_args()
    data = ae.load_dataset("mnist")
    if arguments.quick:
        data = type(data)(
            data.spec,
            data.train.take(np.arange(6_000)),
            data.validation.take(np.arange(500)),
            data.test.take(np.arange(1_000)),
        )
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PARTS.items():
            if arguments.only in (None, name):
                found[name] = part(data, Path(folder), arguments.quick)
                print(name, found[name], flush=True)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
