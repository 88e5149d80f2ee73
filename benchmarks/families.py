"""Families beside the literature, and what single families claim.

    python benchmarks/families.py [--quick] [--json] [--only reference,likelihood] [--seeds 0,1,2] [--minutes 1,5]
    [--cache FOLDER] [--write docs/families.md]

reference: a VAE with hidden layers of 512 and 256 units and 20 latent dimensions, with and without 20 planar flows,
trained for ten epochs with Adam at 1e-3 on batches of 128, on grey pixels and on pixels above one half.
likelihood: each family trained on binary MNIST for the same time of one core, with the same layers; of several times
the longest has all seeds, the others have the first.
labels, codebooks, prior, contraction, correlation, pictures: what single families claim, see `claims.py`.

`--write` changes the parts of a page that were measured and leaves the others. Finished pieces are kept in the cache
folder, so that a long run can be stopped and continued.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import claims
import numpy as np
import torch
import torch.nn.functional as F
from claims import Figures, data_of, mean_of, new_model, trained
from pieces import Pieces
from torch import Tensor, nn

from aeexplorer.data import Dataset, Split
from aeexplorer.models.base import Autoencoder
from aeexplorer.training.evaluation import evaluate, negative_log_likelihood
from aeexplorer.training.loop import TrainingConfig, train

DRAWS, DIGITS = 1_000, 1_000
"""Importance samples of the likelihood, and test digits that it is averaged over."""

PACE_STEPS = 40
"""Steps by which a family's pace is measured."""


class Row(NamedTuple):
    """A row of the likelihood table: its title, the family, its knobs, and what was published."""

    title: str
    family: str
    knobs: dict[str, Any]
    published: str


SHARED: dict[str, Any] = {"hidden": (200, 200), "latent_dim": 50}
LOOP: dict[str, Any] = {"batch_size": 128, "learning_rate": 2e-3, "device": "cpu"}
ROWS = (
    Row("VAE", "vae", {}, "NLL 89.8 (static, 400-40, 500 epochs); 88.56 (static, 300-300, 40)"),
    Row("IWAE, k = 5", "iwae", {"k": 5}, "NLL 87.85 (static, 200-200, 50, 3,280 epochs)"),
    Row("IWAE, k = 50", "iwae", {"k": 50}, "NLL 86.82 (static, 200-200, 50, 3,280 epochs)"),
    Row("two levels", "hvae", {"levels": 2}, "NLL 86.05 (static); five levels 81.74 (dynamic, ladder VAE)"),
    Row("20 planar flows", "planar_vae", {"flows": 20}, "−ELBO 84.60 to 81.83 (threshold, 512-256, 20, 10 epochs)"),
    Row("spline flow", "flow_vae", {}, "none on these conditions"),
    Row("VampPrior", "vamp_vae", {}, "NLL 85.57 (static, 300-300, 40, K = 500, 2,000 epochs)"),
    Row("VQ + prior", "vqvae", {"latent_dim": 48, "prior": "transformer"}, "none on these conditions"),
    Row("FSQ + prior", "fsq", {"latent_dim": 24, "prior": "transformer"}, "none on these conditions"),
)
PUBLISHED = {"grey": (99.37, 98.23), "threshold": (84.60, 81.83)}
"""-ELBO without and with 20 planar flows: the public figures of the reference part."""


def likelihood_of(model: Autoencoder, test: Split, draws: int, digits: int) -> Figures:
    """-ELBO and rate on the whole test split, and -log p(x) of its first digits where there is a posterior."""
    figures = evaluate(model, test)
    found = {name: figures[name] for name in ("neg_elbo", "reconstruction", "active_units")}
    if "kl" in figures:
        found["nll"] = negative_log_likelihood(model, test.take(np.arange(digits)), draws)
    return found


# reference


def thresholded(data: Dataset) -> Dataset:
    """Pixels above one half white, the others black."""
    splits = (Split((s.x > 127) * np.uint8(255), s.y) for s in data.splits.values())
    return Dataset(data.spec, *splits)


def written_out(data: Dataset, epochs: int, seed: int) -> Figures:
    """-ELBO in nats per test digit of the reference VAE in plain PyTorch, trained on training and validation digits
    together, and the seconds of CPU of the training."""
    torch.manual_seed(seed)
    x, test = (
        torch.from_numpy(np.concatenate([split.x.reshape(-1, 784) for split in splits]) / np.float32(255))
        for splits in ((data.train, data.validation), (data.test,))
    )

    def layers(*sizes: int) -> nn.Sequential:
        made = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        return nn.Sequential(*made[:-1])

    def loss(x: Tensor) -> Tensor:
        mean, logvar = encoder(x).chunk(2, 1)
        z = torch.addcmul(mean, (0.5 * logvar).exp(), torch.randn_like(mean))
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum()
        return (F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") + kl) / len(x)

    encoder, decoder = layers(784, 512, 256, 40), layers(20, 256, 512, 784)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    begun = time.process_time()
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            loss(x[index]).backward()
            optimizer.step()
    seconds = time.process_time() - begun
    with torch.no_grad():
        return {"neg_elbo": loss(test).item(), "seconds": seconds}


def reference(pieces: Pieces, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """-ELBO of the VAE with and without planar flows, and of the VAE in plain PyTorch, by kind of pixels; one figure
    for each seed."""
    mnist, rows = data_of(pieces, "mnist"), []
    knobs = {"hidden": (512, 256), "latent_dim": 20}
    epochs = 1 if pieces.quick else 10
    for kind, data in (("grey", mnist), ("threshold", thresholded(mnist))):
        plain = [
            pieces.kept(f"reference-{kind}-plain-{s}", lambda s=s, d=data: written_out(d, epochs, s)) for s in seeds
        ]
        rows.append({"pixels": kind, "model": "VAE, plain PyTorch", "published": PUBLISHED[kind][0], "found": plain})
        for family, flows, published in zip(("vae", "planar_vae"), (0, 20), PUBLISHED[kind], strict=True):
            own = {**knobs, "flows": flows} if flows else knobs

            def piece(family: str = family, own: dict[str, Any] = own, data: Dataset = data, seed: int = 0) -> Figures:
                training = TrainingConfig(
                    epochs=epochs, batch_size=128, learning_rate=1e-3, schedule="constant", seed=seed, device="cpu"
                )
                model, seconds = trained(family, own, data, training)
                return {**likelihood_of(model, data.test, *_effort(pieces, 100)), "seconds": seconds}

            found = [pieces.kept(f"reference-{kind}-{family}-{s}", lambda s=s, p=piece: p(seed=s)) for s in seeds]
            title = f"VAE, {flows} planar flows" if flows else "VAE"
            rows.append({"pixels": kind, "model": title, "published": published, "found": found})
    return rows


def _effort(pieces: Pieces, draws: int = DRAWS) -> tuple[int, int]:
    """Importance samples and test digits; few in a quick run."""
    return (20, 100) if pieces.quick else (draws, DIGITS)


# likelihood


def epochs_within(family: str, knobs: dict[str, Any], data: Dataset, seconds: float) -> int:
    """Epochs that a training of so many seconds of CPU has, from the pace of some steps of each stage."""
    model = new_model(family, knobs, data, 0)
    epoch_seconds = 0.0
    stages = model.stages()
    for stage in stages:
        config = TrainingConfig(epochs=1, **LOOP)
        steps, marks = math.ceil(len(data.train) / config.batch_size), []
        for progress in train(model, data, config, stage=stage):
            marks.append((progress.step, time.process_time()))
            if progress.step >= PACE_STEPS and len(marks) > 1:
                break
        pace = statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(marks))
        epoch_seconds += stage.share / sum(s.share for s in stages) * steps * pace
    return max(len(stages), round(seconds / epoch_seconds))


def likelihood(pieces: Pieces, seeds: Sequence[int], minutes: Sequence[float]) -> list[dict[str, Any]]:
    """Figures of each family after each of the given times; one for each seed, of the shorter times for the first."""
    data, rows = data_of(pieces, "mnist-binary"), []
    for row in ROWS:
        knobs = SHARED | row.knobs
        for budget in minutes:

            def piece(seed: int, row: Row = row, knobs: dict[str, Any] = knobs, budget: float = budget) -> Figures:
                epochs = 2 if pieces.quick else epochs_within(row.family, knobs, data, 60 * budget)
                model, seconds = trained(row.family, knobs, data, TrainingConfig(epochs=epochs, seed=seed, **LOOP))
                found = likelihood_of(model, data.test, *_effort(pieces))
                return {**found, "seconds": seconds, "epochs": epochs}

            some = seeds if budget == max(minutes) else seeds[:1]
            name = f"likelihood-{row.title.replace(' ', '-').replace(',', '')}-{budget:g}"
            found = [pieces.kept(f"{name}-{s}", lambda s=s, p=piece: p(s)) for s in some]
            rows.append({"title": row.title, "published": row.published, "minutes": budget, "found": found})
    return rows


# the page


def reference_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "VAE 784-512-256-20, with and without 20 planar flows (Rezende & Mohamed 2015). Adam 1e-3, batches of 128, ten",
        "epochs of our 55,000 training digits, all 10,000 test digits. Published: a public implementation under the same",
        "conditions (https://github.com/abdulfatir/planar-flow-pytorch), trained on 60,000. Plain PyTorch: the same VAE and",
        "loss written out for the comparison, trained on the same 60,000. Grey: cross-entropy of grey pixels, which is no",
        "likelihood and comparable with nothing but itself. Threshold: pixels above one half. NLL: 100 importance samples,",
        "1,000 digits.",
        "",
        "| pixels | model | −ELBO | published | NLL | active units | seconds of one core |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = row["found"]
        nll = mean_of(found, "nll") if row["pixels"] == "threshold" else "–"
        lines.append(
            f"| {row['pixels']} | {row['model']} | {mean_of(found, 'neg_elbo')} | {row['published']:.2f} | {nll} | "
            f"{mean_of(found, 'active_units', 1)} | {mean_of(found, 'seconds', 0)} |"
        )
    return [*lines, ""]


def likelihood_table(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "Binary MNIST, drawn anew for each step of the training and once for the test. Every family: layers of 200 and 200",
        "units, 50 latent dimensions (VQ: 8 codes of 256, 48 numbers; FSQ: 8 of 240, 24 numbers), Adam 2e-3 with cosine",
        "decay, batches of 128, and the same time of one core (one seed where the time is not the longest). −ELBO on all",
        f"test digits; NLL with {DRAWS:,} importance samples on {DIGITS:,} of them, the gap being NLL less that of the VAE",
        "after the same time. A VQ-VAE has no posterior to draw from: its −ELBO is its bound. Published figures took",
        "hundreds to thousands of epochs, most of them on one fixed draw (static): they set the order, not the level. What",
        "costs more per step than the VAE falls behind at first and may overtake it: the gaps of both times say how far.",
        "",
        "| family | minutes | epochs | −ELBO | NLL | gap | active units | seconds | published |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    base = {row["minutes"]: row["found"] for row in rows if row["title"] == "VAE"}
    for row in rows:
        found, vae = row["found"], base.get(row["minutes"])
        gap = "–"
        if vae and "nll" in found[0]:
            differences = [f["nll"] - v["nll"] for f, v in zip(found, vae, strict=True)]
            gap = mean_of([{"gap": d} for d in differences], "gap").replace("-", "−")
        lines.append(
            f"| {row['title']} | {row['minutes']:g} | {mean_of(found, 'epochs', 0)} | {mean_of(found, 'neg_elbo')} | "
            f"{mean_of(found, 'nll')} | {gap} | {mean_of(found, 'active_units', 1)} | {mean_of(found, 'seconds', 0)} | "
            f"{row['published']} |"
        )
    return [*lines, ""]


PAGE: dict[str, tuple[str, Callable[[Any], list[str]]]] = {
    "reference": ("Planar flows", reference_table),
    "likelihood": ("The likelihood of MNIST", likelihood_table),
    **{name: (title, lines) for name, (title, _, lines) in claims.PARTS.items()},
}
"""The heading and the table of each part, in the order of the page."""

LEFT_OUT = """## Left out

Adversarial reconstruction as in the VAE-GAN (Larsen et al. 2016): a prototype on MNIST did not train stably within
15 minutes of one core. Its squared error per pixel stayed at 0.05, where the VAE has 0.02.
"""


def report(found: dict[str, Any], how: str, minutes: str, before: str) -> str:
    """The page with the parts that were measured, each with the command that makes it; other parts stay as they were."""
    sections = {text.partition("\n")[0]: text.strip() + "\n" for text in re.split(r"(?m)^(?=## )", before)}
    for name, rows in found.items():
        title, lines = PAGE[name]
        options = f"{how} --minutes {minutes}" if name == "likelihood" else how
        made = f"Made by `python benchmarks/families.py --only {name} {options} --write docs/families.md`."
        sections[f"## {title}"] = "\n".join([f"## {title}", "", *lines(rows), made, ""])
    kept = (sections[f"## {title}"] for title, _ in PAGE.values() if f"## {title}" in sections)
    intro = "# Families, measured\n\nNats are per digit, lower is better. ± is the standard deviation over seeds.\n"
    return "\n".join([intro, *kept, LEFT_OUT])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="an epoch or two on few samples, one seed: within a minute"
    )
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--only", default=",".join(PAGE), help=f"parts: {', '.join(PAGE)}")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--minutes", default="5", help="of one core, for each training of the likelihood part")
    parser.add_argument("--cache", type=Path, help="folder in which finished pieces are kept")
    parser.add_argument("--write", type=Path, help="Markdown file for the figures")
    a = parser.parse_args()
    if unknown := set(a.only.split(",")) - set(PAGE):
        parser.error(f"--only must be of {', '.join(PAGE)}, got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    seeds = [0] if a.quick else [int(s) for s in a.seeds.split(",")]
    minutes = [1 / 60] if a.quick else [float(m) for m in a.minutes.split(",")]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        pieces = Pieces(a.cache or Path(scratch), "families", a.quick)
        if "reference" in a.only.split(","):
            found["reference"] = reference(pieces, seeds)
        if "likelihood" in a.only.split(","):
            found["likelihood"] = likelihood(pieces, seeds, minutes)
        for name, (_, measure, _) in claims.PARTS.items():
            if name in a.only.split(","):
                found[name] = measure(pieces, seeds)
    how = "--quick" if a.quick else f"--seeds {','.join(map(str, seeds))}"
    print(report(found, how, a.minutes, ""))
    if a.write:
        before = a.write.read_text("utf-8") if a.write.exists() else ""
        a.write.write_text(report(found, how, a.minutes, before), "utf-8")
        if "pictures" in found:
            claims.pictures_drawn(found["pictures"], a.write.parent / claims.PICTURE)
    if a.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
