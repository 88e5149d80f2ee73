"""What single families claim, each beside its rival: the parts of `families.py` that are not about likelihood."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from pieces import Pieces
from PIL import Image
from torch import Tensor, nn

import aeexplorer as ae
from aeexplorer import losses, noise
from aeexplorer.data import Dataset, as_uint8
from aeexplorer.families import FAMILIES
from aeexplorer.metrics import linear_probe
from aeexplorer.models.base import Autoencoder
from aeexplorer.tensors import Samples
from aeexplorer.training.evaluation import encoded, evaluate
from aeexplorer.training.loop import TrainingConfig, train
from aeexplorer.training.plan import make_plan, train_plan

Figures = dict[str, Any]
Rows = list[dict[str, Any]]


def new_model(family: str, knobs: dict[str, Any], data: Dataset, seed: int) -> Autoencoder:
    row = FAMILIES[family]
    with noise.building(seed):
        return row.make(row.config.replace(**knobs), data.spec)


def trained(family: str, knobs: dict[str, Any], data: Dataset, training: TrainingConfig) -> tuple[Autoencoder, float]:
    """A trained model, and the seconds of CPU that its training took."""
    model = new_model(family, knobs, data, training.seed)
    plan = make_plan(FAMILIES[family], model.config, training, data.spec)
    begun = time.process_time()
    for _ in train_plan(model, data, plan):
        pass
    return model, time.process_time() - begun


def data_of(pieces: Pieces, name: str) -> Dataset:
    """A dataset; in a quick run the first `QUICK_SAMPLES` of each split."""
    data = ae.load_dataset(name)
    if not pieces.quick:
        return data
    return Dataset(data.spec, *(s.take(np.arange(min(len(s), QUICK_SAMPLES))) for s in data.splits.values()))


QUICK_SAMPLES = 2_000


def mean_of(found: Sequence[Figures], name: str, digits: int = 2) -> str:
    """Mean and, of several seeds, standard deviation; a dash where a family has no such figure."""
    values = [f[name] for f in found if name in f]
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{spread}".replace("-", "−")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def codes_of(model: Autoencoder, data: Dataset) -> Tensor:
    """The codes of the test split (n, K), without noise."""
    return torch.cat([model.code(batch.h).z for batch in encoded(model, data.test)])


def measured(
    pieces: Pieces,
    part: str,
    ways: Sequence[tuple[str, str, dict[str, Any]]],
    data: Dataset,
    seeds: Sequence[int],
    judge: Callable[[Autoencoder], Figures],
    **loop: Any,
) -> Rows:
    """Train each way (title, family, knobs) with each seed, and keep what the judge says of the model."""

    def piece(family: str, knobs: dict[str, Any], seed: int) -> Figures:
        training = TrainingConfig(**loop | ({"epochs": 1} if pieces.quick else {}), seed=seed, device="cpu")
        model, seconds = trained(family, knobs, data, training)
        return {**judge(model), "seconds": seconds}

    return [
        {"title": title, "found": [
            pieces.kept(f"{part}-{title.replace(' ', '-').replace(',', '')}-{s}", partial(piece, family, knobs, s))
            for s in seeds
        ]}
        for title, family, knobs in ways
    ]  # fmt: skip


# few labels

LABELS = (100, 1_000)
M2: dict[str, Any] = {"hidden": (256,), "latent_dim": 16}
M2_EPOCHS = 60
SUPERVISED_EPOCHS = 4
"""Passes over the pictures in which the classifier alone sees the labelled ones again and again."""


def labels(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """Test error of M2 and of its classifier alone, and, with few labels, of M2 whose classifier has no head start,
    also with the weight that the paper gives it, in percent."""
    data, rows = data_of(pieces, "mnist"), []

    def loop(n: int, epochs: int, seed: int) -> TrainingConfig:
        return TrainingConfig(epochs=2 if pieces.quick else epochs, labels=n, seed=seed, device="cpu")

    def alone(n: int, seed: int) -> Figures:
        model, begun = new_model("m2", M2, data, seed), time.process_time()
        for _ in train(model, data, loop(n, SUPERVISED_EPOCHS, seed), stage=model.stages()[0]):
            pass
        return {**error(model), "seconds": time.process_time() - begun}

    def whole(n: int, seed: int, **knobs: Any) -> Figures:
        model, seconds = trained("m2", {**M2, **knobs}, data, loop(n, M2_EPOCHS, seed))
        return {**error(model), "seconds": seconds}

    def error(model: Autoencoder) -> Figures:
        return {"error": 100 * (1 - evaluate(model, data.test)["accuracy"])}

    ways: dict[str, Callable[[int, int], Figures]] = {
        "classifier alone": alone, "M2": whole, "M2, no head start": partial(whole, warm_start=0.0),
        "M2, no head start, weight 0.1": partial(whole, warm_start=0.0, classification_weight=0.1),
    }  # fmt: skip
    for n in LABELS:
        for title, make in ways.items():
            without = "no head start" in title
            if without and n != LABELS[0]:
                continue
            name = f"labels-{n}-{title.replace(' ', '-').replace(',', '')}"
            found = [pieces.kept(f"{name}-{s}", partial(make, n, s)) for s in (seeds[:1] if without else seeds)]
            rows.append({"title": title, "labels": n, "found": found})
    return rows


def labels_table(rows: Rows) -> list[str]:
    published = {("M2", 100): "11.97", ("M2", 1_000): "3.60", ("classifier alone", 100): "25.8"}
    return [
        "MNIST, 55,000 training digits of which 100 or 1,000 have a label, each class its share; the seed also draws the",
        f"labels. M2 (Kingma et al. 2014) with a hidden layer of 256 units, {M2_EPOCHS} epochs, the labelled term weighted",
        "by 100, noise of 0.3 on the classifier's input, the classifier trained alone for the first tenth (its head start).",
        "Error on the 10,000 test digits in percent. Published: M2 after thousands of epochs. The ceiling of later methods:",
        "1.90 of the adversarial autoencoder and 1.06 of the ladder network with 100 labels. With the weight that the paper",
        "gives it (0.1 of a sample's loss) and no head start the classifier stalls: the sum over classes begins before the",
        "classes mean digits. With a weight of 100 it needs no head start. Both rows without one are of the first seed.",
        "",
        *table(
            ("labels", "trained", "test error, %", "published", "seconds of one core"),
            [
                (f"{row['labels']:,}", row["title"], mean_of(row["found"], "error"),
                 published.get((row["title"], row["labels"]), "–"), mean_of(row["found"], "seconds", 0))
                for row in rows
            ],
        ),
    ]  # fmt: skip


# codebooks


def codebooks(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """How many of 256 entries are used, with and without restarts, and with scalar quantisation."""
    data = data_of(pieces, "mnist")
    shared = {"hidden": (256,)}
    ways = (
        ("VQ, restarts", "vqvae", shared),
        ("VQ, no restarts", "vqvae", {**shared, "restarts": False}),
        ("FSQ", "fsq", {**shared, "value_levels": (8, 6, 5), "latent_dim": 24}),
    )

    def judge(model: Autoencoder) -> Figures:
        figures, size = evaluate(model, data.test), model.config.codebook_size  # type: ignore[attr-defined]
        return {
            "entries": size, "used": 100 * figures["codes_used"] / size,
            "perplexity": figures["perplexity"], "reconstruction": figures["reconstruction"],
        }  # fmt: skip

    return [
        {**row, "epochs": epochs}
        for epochs in (1, 10)
        for row in measured(pieces, f"codebooks-{epochs}", ways, data, seeds, judge, epochs=epochs)
    ]


def codebooks_table(rows: Rows) -> list[str]:
    return [
        "MNIST, 8 entries for each digit. Used: share of the entries that at least one test digit uses.",
        "Perplexity: exp of the entropy of their frequencies.",
        "",
        *table(
            ("codebook", "epochs", "entries", "used, %", "perplexity", "reconstruction, nats"),
            [
                (row["title"], str(row["epochs"]), mean_of(row["found"][:1], "entries", 0),
                 mean_of(row["found"], "used", 1),
                 mean_of(row["found"], "perplexity", 0), mean_of(row["found"], "reconstruction"))
                for row in rows
            ],
        ),
    ]  # fmt: skip


# how well codes match the prior


def prior_match(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """MMD² between codes and prior beside the reconstruction, of VAE, AAE and WAE by their weights."""
    data = data_of(pieces, "mnist")
    shared = {"hidden": (256,), "latent_dim": 8}
    ways = (
        ("VAE", "vae", shared),
        *((f"AAE, λ = {w}", "aae", {**shared, "adversarial_weight": float(w)}) for w in (1, 10, 40)),
        *((f"WAE, λ = {w}", "wae", {**shared, "mmd_weight": float(w)}) for w in (100, 1_000, 10_000)),
    )

    def judge(model: Autoencoder) -> Figures:
        with noise.seeded(0, torch.device("cpu")), torch.inference_mode():
            z = torch.cat([model.drawn(batch.h).z for batch in encoded(model, data.test)])
            z = z[noise.uniform((len(z),)).argsort()]  # digits of one writer follow each other: a part must be of many
            squared = [losses.mmd(part, noise.normal_like(part)).item() for part in z.split(500)]
        figures = evaluate(model, data.test)
        return {"mmd": float(np.mean(squared)), "mse": figures["mse"], "reconstruction": figures["reconstruction"]}

    return measured(pieces, "prior", ways, data, seeds, judge, epochs=15)


def prior_match_table(rows: Rows) -> list[str]:
    vae = statistics.mean(f["mmd"] for f in rows[0]["found"])
    return [
        "MNIST, 8 dimensions, 15 epochs. MMD² between codes drawn for test digits and N(0, I), with the kernels of",
        "Tolstikhin et al. 2018, in thousandths, the mean over 20 random parts of 500 digits; its share of the VAE's; and",
        "the reconstruction. A VAE's code is a draw from the posterior, whose noise the reconstruction pays for.",
        "",
        *table(
            ("trained", "MMD² · 1,000", "of the VAE's", "reconstruction, nats"),
            [
                (row["title"], mean_of([{"mmd": 1_000 * f["mmd"]} for f in row["found"]], "mmd"),
                 mean_of([{"share": f["mmd"] / vae} for f in row["found"]], "share"),
                 mean_of(row["found"], "reconstruction"))
                for row in rows
            ],
        ),
    ]  # fmt: skip


# contraction


def contraction(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """Squared norm of the encoder's derivative, reconstruction and linear probe by the weight of the contraction."""
    data = data_of(pieces, "mnist")
    shared = {"hidden": (256,), "latent_dim": 16}
    ways = tuple((f"λ = {w:g}", "contractive_ae", {**shared, "contraction": w}) for w in (0.0, 0.1, 0.3, 1.0, 3.0))

    def judge(model: Autoencoder) -> Figures:
        samples = Samples(data.test.x, data.test.y, data.spec)
        x = samples.batch(torch.arange(1_000))[0]
        with torch.no_grad():
            norm = model.jacobian_norm(x).mean().item()  # type: ignore[operator]
        z, y, half = codes_of(model, data).numpy(), data.test.y, len(data.test) // 2
        probe = linear_probe(z[:half], y[:half], z[half:], y[half:], per_class=10)
        return {"norm": norm, "probe": probe, "reconstruction": evaluate(model, data.test)["reconstruction"]}

    return measured(pieces, "contraction", ways, data, seeds, judge, epochs=10)


def contraction_table(rows: Rows) -> list[str]:
    return [
        "MNIST, contractive autoencoder of 256 hidden units and 16 dimensions, whose codes are standardised; λ = 0 is the",
        "plain autoencoder. Squared norm of the encoder's derivative at test digits, exact; linear probe on the codes of",
        "ten digits of each class.",
        "",
        *table(
            ("weight", "‖J‖²", "reconstruction, nats", "probe, accuracy"),
            [
                (row["title"], mean_of(row["found"], "norm"), mean_of(row["found"], "reconstruction"),
                 mean_of(row["found"], "probe", 3))
                for row in rows
            ],
        ),
    ]  # fmt: skip


# total correlation

CORRELATIONS: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "β-VAE, β": ("vae", "beta", (1, 1.4, 2, 4, 8)),
    "β-TC-VAE, γ": ("beta_tcvae", "tc_weight", (1, 3, 7, 15)),
    "FactorVAE, γ": ("factor_vae", "tc_weight", (3, 10, 20)),
}

CORRELATION_DRAWS = 2_000
"""Codes that a total correlation is averaged over."""


def correlation(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """Total correlation of the codes beside the reconstruction, of three families by their weights."""
    data = data_of(pieces, "shapes")
    ways = [
        (f"{title} = {w:g}", family, {"hidden": (256, 256), "latent_dim": 10, knob: float(w)})
        for title, (family, knob, weights) in CORRELATIONS.items()
        for w in weights
    ]

    def judge(model: Autoencoder) -> Figures:
        with noise.seeded(0, torch.device("cpu")), torch.inference_mode():
            codes = [model.drawn(batch.h) for split in data.splits.values() for batch in encoded(model, split)]
            z, mean, logvar = (torch.cat([getattr(c, part) for c in codes]) for part in ("z", "mean", "logvar"))
            some = z[noise.uniform((len(z),)).argsort()[:CORRELATION_DRAWS]]
            parts = [losses.total_correlation(part, mean, logvar).item() for part in some.split(50)]
        total = statistics.mean(parts)
        figures = evaluate(model, data.test)
        return {"total": total} | {name: figures[name] for name in ("reconstruction", "kl", "active_units")}

    return measured(pieces, "correlation", ways, data, seeds, judge, epochs=30)


def correlation_table(rows: Rows) -> list[str]:
    beta = [row["found"] for row in rows if row["title"].startswith("β-VAE")]
    frontier = sorted(
        tuple(statistics.mean(f[n] for f in found) for n in ("reconstruction", "total")) for found in beta
    )
    errors, totals = np.array(frontier).T
    lines = []
    for row in rows:
        found = row["found"]
        at = statistics.mean(f["reconstruction"] for f in found)
        inside = errors[0] <= at <= errors[-1]
        lines.append(
            (row["title"], " ".join(f"{f['total']:.2f}" for f in found), mean_of(found, "reconstruction"),
             f"{np.interp(at, errors, totals):.2f}" if inside else "–",
             mean_of(found, "kl"), mean_of(found, "active_units", 1))
        )  # fmt: skip
    return [
        "Shapes, hidden layers of 256 and 256 units, 10 dimensions, 30 epochs. Total correlation of the codes in nats, one",
        f"number for each seed, over {CORRELATION_DRAWS:,} codes, with the posteriors of the full grid of shapes as q(z), which is",
        "exact; the reconstruction in nats; and the total correlation that β-VAEs have at the same reconstruction, read",
        "between the β of the table.",
        "",
        *table(("trained", "total correlation", "reconstruction", "β-VAE at the same", "KL", "active units"), lines),
    ]


# losses of pictures

PICTURE = "pictures/losses.png"


def judge_of_pictures(data: Dataset, seed: int) -> nn.Module:
    """A classifier that no loss has seen: other layers and another seed than those that are shipped."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Dropout(0.3), nn.Linear(400, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    samples = Samples(data.train.x, data.train.y, data.spec)
    for _ in range(4):
        for index in torch.randperm(len(data.train)).split(128):
            x, y = samples.batch(index)
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net.eval()


def pictures(pieces: Pieces, seeds: Sequence[int]) -> Rows:
    """Squared error, sharpness and recognition of reconstructions by the loss, at a code of the same size."""
    rows: Rows = []
    for name in ("mnist", "fashion-mnist"):
        data = data_of(pieces, name)
        judges: list[nn.Module] = []

        def judge(model: Autoencoder, data: Dataset = data, judges: list[nn.Module] = judges) -> Figures:
            judges or judges.append(judge_of_pictures(data, 99))
            x, _ = Samples(data.test.x, data.test.y, data.spec).batch(torch.arange(2_000))
            with torch.inference_mode():
                found = model.eval().decode(model.code(model.features(x)).z)
                recognised = (judges[0](found).argmax(1).numpy() == data.test.y[:2_000]).mean()
                energy = [sum(p.diff(dim=d).square().mean() for d in (2, 3)) for p in (found, x)]
            return {
                "mse": 1_000 * F.mse_loss(found, x).item(), "sharpness": float(energy[0] / energy[1]),
                "recognised": 100 * float(recognised),
                "examples": as_uint8(found[EXAMPLES, 0].numpy()).tolist(),
            }  # fmt: skip

        ways = [(loss, "ae", {"hidden": (256,), "latent_dim": 6, "loss": loss}) for loss in LOSSES]
        found = measured(pieces, f"pictures-{name}", ways, data, seeds, judge, epochs=10)
        rows += [{**row, "data": data.spec.title} for row in found]
    return rows


LOSSES = ("mse", "bce", "mae", "ssim", "perceptual")
EXAMPLES = slice(0, 12)
"""Test pictures that the page shows."""


def pictures_drawn(rows: Rows, path: Path) -> None:
    """Draw the originals and below them their reconstructions, one row for each loss, two datasets side by side."""
    sheets = []
    for name in ("mnist", "fashion-mnist"):
        data = ae.load_dataset(name)
        found = [row["found"][0]["examples"] for row in rows if row["data"] == data.spec.title]
        strips = [np.hstack(strip) for strip in (data.test.x[EXAMPLES], *np.array(found, np.uint8))]
        sheets.append(np.vstack(strips))
    Image.fromarray(np.hstack(sheets)).save(path, optimize=True)


def pictures_table(rows: Rows) -> list[str]:
    return [
        "Autoencoders of 256 hidden units and 6 dimensions, ten epochs, by their loss. Squared error per pixel in",
        "thousandths; sharpness: the energy of differences between neighbouring pixels as a share of the originals';",
        "recognised: the class that a classifier reads in reconstructions of 2,000 test pictures, one that no loss used.",
        "The picture: originals, and below them reconstructions by " + ", ".join(row["title"] for row in rows[:5]) + ".",
        "On clothes the perceptual loss draws a texture where the squared error blurs; it is not that of the originals,",
        "which six dimensions cannot hold, and costs squared error. On digits, where strokes become sharper, it costs none.",
        "",
        f"![Reconstructions by loss]({PICTURE})",
        "",
        *table(
            ("data", "loss", "MSE · 1,000", "sharpness", "recognised, %"),
            [
                (row["data"], row["title"], mean_of(row["found"], "mse"), mean_of(row["found"], "sharpness", 3),
                 mean_of(row["found"], "recognised", 1))
                for row in rows
            ],
        ),
    ]  # fmt: skip


PARTS: dict[str, tuple[str, Callable[[Pieces, Sequence[int]], Rows], Callable[[Rows], list[str]]]] = {
    "labels": ("Few labels", labels, labels_table),
    "codebooks": ("Codebooks", codebooks, codebooks_table),
    "prior": ("Codes beside the prior", prior_match, prior_match_table),
    "contraction": ("Contraction", contraction, contraction_table),
    "correlation": ("Total correlation", correlation, correlation_table),
    "pictures": ("Losses of pictures", pictures, pictures_table),
}
"""By name: the heading, what measures, and what makes the table."""
