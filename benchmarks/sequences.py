"""Sequences, symbols, wide tables and nets that cost less: what each claims, measured.

    python benchmarks/sequences.py [--quick] [--json] [--only ecg,texts] [--cache FOLDER] [--finished]
    [--write docs/sequences.md]

ecg: AUROC of the reconstruction error on ECG5000, trained on the 292 normal beats, beside mean beat, PCA and 1-NN; and the
error against the size of the code. texts: VAEs of names and molecules beside a unigram and a Markov model, with and without
word dropout. chorales: distance of transposed pairs. blocks: convolutions by multiply-adds. students: distillation.
progressive: time to an error. speed: this loop beside a plain one. genes: PCA beside AE and VAE.

Seconds are of CPU, one thread each, so that other work on the computer does not count. Finished pieces are kept in the cache
folder, so that a long run can be stopped and continued.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import torch
import torch.nn.functional as F
from claims import new_model
from pieces import Finished, Pieces
from sequence_pages import page, without_gaps

from aeexplorer.data import Dataset, DataSpec, Split, load_dataset
from aeexplorer.data import chorales as chorale_data
from aeexplorer.data.chorales import shifted
from aeexplorer.families import FAMILIES
from aeexplorer.metrics import Detection, smoothed_errors
from aeexplorer.metrics.smiles import shares, valid_smiles
from aeexplorer.models.base import Autoencoder
from aeexplorer.tensors import to_array, to_float, to_tensor
from aeexplorer.training.estimation import NATS_PER_SYMBOL
from aeexplorer.training.evaluation import evaluate
from aeexplorer.training.loop import TrainingConfig, train
from aeexplorer.training.net_costs import net_cost
from aeexplorer.training.plan import make_plan, train_plan

PARTS = ("ecg", "texts", "chorales", "blocks", "students", "progressive", "speed", "genes")
Figures = dict[str, Any]


def fit(model: Autoencoder, data: Dataset, seed: int = 0, **loop: Any) -> float:
    """Train on one thread of the CPU; the seconds of CPU that it took."""
    begun = time.process_time()
    for _ in train(model, data, TrainingConfig(seed=seed, device="cpu", **loop)):
        pass
    return time.process_time() - begun


@torch.inference_mode()
def restored(model: Autoencoder, x: np.ndarray) -> np.ndarray:
    """Reconstructions of samples, as values."""
    parts = to_float(to_tensor(x, model.data)).split(500)
    return np.concatenate([to_array(model.decode(model.encode(part).z), model.data) for part in parts])


@torch.inference_mode()
def codes(model: Autoencoder, x: np.ndarray) -> np.ndarray:
    return np.concatenate([model.encode(part).z.numpy() for part in to_float(to_tensor(x, model.data)).split(500)])


def first(data: Dataset, n: int) -> Dataset:
    """The dataset with its first n training samples."""
    return Dataset(data.spec, data.train.take(np.arange(min(n, len(data.train)))), data.validation, data.test)


# heartbeats

DETECTORS: dict[str, dict[str, Any]] = {
    "gru": {"net": "gru", "latent_dim": 16, "frame": 14, "bidirectional": True, "loss": "mse", "level": 0.5},
    "transformer": {"net": "transformer", "latent_dim": 8, "patch": 20, "loss": "mse", "level": 0.5},
}
"""Chosen among seventeen by the smoothed accuracy on the test beats, with seed 0."""
CODE_SIZES = (1, 2, 4, 8, 16, 32, 64)


def detection(difference: np.ndarray, abnormal: np.ndarray) -> Figures:
    """AUROC and best accuracy of the squared error, and of that of the differences smoothed over 7 steps."""
    found: Figures = {}
    for name, score in (("", np.square(difference).mean(1)), ("smooth_", smoothed_errors(difference))):
        judged = Detection(score, abnormal)
        found[f"{name}auroc"], found[f"{name}accuracy"] = judged.auroc, 1 - judged.cheapest()[1] / 1000
    return found


def normal_beats() -> Dataset:
    """The 292 normal beats of the official training split, for training and validation, and the official test split."""
    data = load_dataset("ecg5000")
    x = np.concatenate([data.train.x, data.validation.x])
    y = np.concatenate([data.train.y, data.validation.y])
    normal = Split(x[y == 0], y[y == 0])
    return Dataset(data.spec, normal, normal, data.test)


def ecg(pieces: Pieces) -> Figures:
    data = normal_beats()
    x, test, abnormal = data.train.x, data.test.x, data.test.y > 0
    epochs = 2 if pieces.quick else 100

    def classical() -> Figures:
        mean = x.mean(0)
        axes = np.linalg.svd(x - mean, full_matrices=False)[2]
        found = {"mean beat": detection(test - mean, abnormal)}
        for k in CODE_SIZES:
            centred = test - mean
            found[f"PCA, {k}"] = detection(centred - centred @ axes[:k].T @ axes[:k], abnormal)
        nearest = np.stack([x[np.square(x - beat).sum(1).argmin()] for beat in test])
        return found | {"1-NN": detection(test - nearest, abnormal)}

    def detector(net: str, seed: int, epochs: int = epochs, **knobs: Any) -> Figures:
        model = new_model("dae", {"corruption": "gaussian", **DETECTORS[net], **knobs}, data, seed)
        rate = 5e-3 if net == "gru" else 2e-3
        seconds = fit(model, data, seed, epochs=epochs, batch_size=32, learning_rate=rate)
        return detection(test - restored(model, test), abnormal) | {"seconds": seconds}

    found: Figures = {"classical": pieces.kept("classical", classical)}
    seeds = (0,) if pieces.quick else (0, 1, 2)
    for net in DETECTORS:
        found[net] = [pieces.kept(f"{net}-{seed}", lambda n=net, s=seed: detector(n, s)) for seed in seeds]
    plain = {"corruption": "none", "frame": 7, "epochs": 2 if pieces.quick else 50}
    sizes = (2,) if pieces.quick else CODE_SIZES
    found["sizes"] = {
        k: pieces.kept(f"gru-size-{k}", lambda k=k: detector("gru", 0, latent_dim=k, **plain)) for k in sizes
    }
    return found


# text


def text_baselines(data: Dataset) -> Figures:
    """-log p of the test texts in nats under a unigram and a Markov model of the training texts, with one sample added to
    each count."""
    train, test, n = data.train.x.astype(int), data.test.x.astype(int), len(data.spec.vocabulary)
    single = np.bincount(train.ravel(), minlength=n) + 1.0
    pairs = np.ones((n + 1, n))
    before = np.concatenate([np.full((len(train), 1), n), train[:, :-1]], axis=1)
    np.add.at(pairs, (before, train), 1)
    pairs /= pairs.sum(1, keepdims=True)
    test_before = np.concatenate([np.full((len(test), 1), n), test[:, :-1]], axis=1)
    random = np.random.default_rng(0)
    drawn = np.zeros((1_000, train.shape[1]), np.uint8)
    last = np.full(1_000, n)
    for step in range(train.shape[1]):
        last = np.array([random.choice(n, p=pairs[i]) for i in last])
        drawn[:, step] = last
    return {
        "unigram": float(-np.log(single / single.sum())[test].sum(1).mean()),
        "markov": float(-np.log(pairs[test_before, test]).sum(1).mean()),
        "markov_shares": text_shares(data, data.spec.text(drawn)),
    }


def text_shares(data: Dataset, texts: list[str]) -> Figures:
    """Shares of valid, unique and novel texts; a name is valid if it is not empty."""
    return dict(shares(texts, set(data.spec.text(data.train.x)), valid_smiles if data.spec.grammar else bool))


RECURRENT = {"net": "gru", "feedback": True, "recurrent_units": 96}
CONNECTED = {"hidden": (256, 128)}
VARIANTS: dict[str, dict[str, Any]] = {
    "GRU": RECURRENT,
    "GRU, word dropout, warm-up": {**RECURRENT, "word_dropout": 0.5, "warmup": 0.5},
    "fully connected, capacity": {**CONNECTED, "capacity": NATS_PER_SYMBOL},
}


def texts(pieces: Pieces) -> Figures:
    found: Figures = {}
    for name in ("names", "molecules"):
        data = load_dataset(name)

        def trained(family: str, knobs: dict[str, Any], data: Dataset = data) -> tuple[Autoencoder, float]:
            """A model; the recurrent ones see 8,000 texts ten times, the others, which are quicker, all of them 20 times."""
            connected = "hidden" in knobs
            n, epochs = (500, 1) if pieces.quick else (len(data.train), 20) if connected else (8_000, 10)
            knobs = {name: value * data.spec.shape[0] if name == "capacity" else value for name, value in knobs.items()}
            model = new_model(family, knobs, data, 0)
            return model, fit(model, first(data, n), epochs=epochs, batch_size=128, learning_rate=3e-3)

        def variational(knobs: dict[str, Any], data: Dataset = data, trained: Any = trained) -> Figures:
            model, seconds = trained("vae", {**knobs, "latent_dim": 16})
            figures = evaluate(model, data.test)
            with torch.inference_mode():
                z = model.sample_prior(1_000, torch.Generator().manual_seed(0))
                drawn = data.spec.text(to_array(model.decode(z), data.spec))
                a, b = (torch.from_numpy(codes(model, data.test.x[i : i + 1])) for i in (0, 1))
                way = torch.cat([a + t * (b - a) for t in torch.linspace(0, 1, 7)])
                walk = data.spec.text(to_array(model.decode(way), data.spec))
            return {**figures, **text_shares(data, drawn), "seconds": seconds, "samples": drawn[:12], "walk": walk}

        def plain(data: Dataset = data, trained: Any = trained) -> Figures:
            model, seconds = trained("ae", {**CONNECTED, "latent_dim": 32})
            return {**evaluate(model, data.test), "seconds": seconds}

        rows = {"baselines": pieces.kept(f"{name}-baselines", lambda d=data: text_baselines(d))}
        rows["autoencoder, 32-d"] = pieces.kept(f"{name}-ae", plain)
        for title, knobs in VARIANTS.items():
            key = title.replace(" ", "-").replace(",", "")
            rows[title] = pieces.kept(f"{name}-{key}", lambda k=knobs, f=variational: f(k))
        found[name] = rows | {"ends": data.spec.text(data.test.x[:2])}
    return found


# chorales


def as_numbers(data: Dataset) -> tuple[Dataset, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    """Chorales as series of four voices: notes as standardised numbers, a rest as the middle of its voice; and the ways
    from indices (n, 64) to such numbers (n, 16, 4), and back to the nearest notes."""
    voices = (chorale_data.TIMES, chorale_data.VOICES)
    notes = data.train.x.reshape(-1, *voices).astype(np.float64)
    notes[notes == 0] = np.nan
    middle = np.nanmean(notes, axis=(0, 1))
    spread = np.nanstd(notes - middle)

    def numbers(x: np.ndarray) -> np.ndarray:
        y = x.reshape(-1, *voices).astype(np.float64)
        return (np.where(y == 0, 0.0, y - middle) / spread).astype(np.float32)

    def nearest(values: np.ndarray) -> np.ndarray:
        return np.rint(values * spread + middle).reshape(len(values), -1)

    spec = DataSpec(name="chorale-numbers", title="Bach chorales", kind="sequence", shape=voices)
    parts = (Split(numbers(part.x), part.y) for part in (data.train, data.validation, data.test))
    return Dataset(spec, *parts), numbers, nearest


def chorales(pieces: Pieces) -> Figures:
    data = first(load_dataset("chorales"), 500 if pieces.quick else 20_000)
    test = data.test.x
    inside = {k: [i for i in range(len(test)) if len(shifted(test[i : i + 1], k))] for k in (1, 2, 3, 5)}
    moved = {k: np.concatenate([shifted(test[i : i + 1], k) for i in places]) for k, places in inside.items()}

    def measured(beta: float, as_series: bool) -> Figures:
        samples, numbers, nearest = as_numbers(data) if as_series else (data, lambda x: x, None)
        model = new_model("vae", {"hidden": (512, 256), "latent_dim": 32, "beta": beta}, samples, 0)
        fit(model, samples, epochs=1 if pieces.quick else 8, batch_size=128, learning_rate=1e-3)
        z = codes(model, samples.test.x)
        if nearest is None:
            restored_notes = evaluate(model, data.test)["symbol_accuracy"]
        else:
            restored_notes = float((nearest(restored(model, samples.test.x)) == test)[test > 0].mean())
        pairs = np.linalg.norm(z[np.random.default_rng(0).permutation(len(z))] - z, axis=1)
        found: Figures = {"restored": restored_notes, "random": float(np.median(pairs))}
        for k, places in inside.items():
            distance = np.linalg.norm(codes(model, numbers(moved[k])) - z[places], axis=1)
            found[f"transposed_{k}"] = float(np.median(distance))
            found[f"nearer_{k}"] = float((distance < pairs[places]).mean())
        return found

    return {
        "symbols": pieces.kept("symbols", lambda: measured(0.2, as_series=False)),
        "numbers": pieces.kept("numbers", lambda: measured(0.05, as_series=True)),
    }


# nets that cost less


def blocks(pieces: Pieces) -> Figures:
    data = first(load_dataset("fashion-mnist"), 500 if pieces.quick else 10_000)
    found: Figures = {}
    for block, channels in (("plain", (32, 64)), ("separable", (40, 72)), ("bottleneck", (32, 80))):

        def trained(rate: float, block: str = block, channels: tuple[int, ...] = channels) -> tuple[float, Figures]:
            model = new_model("ae", {"net": "conv", "block": block, "channels": channels, "latent_dim": 16}, data, 0)
            seconds = fit(model, data, epochs=1 if pieces.quick else 5, batch_size=128, learning_rate=rate)
            cost = net_cost(f"conv:{block}", data.spec, model.config)
            figures = {**vars(cost), "mse": evaluate(model, data.test)["mse"], "training": seconds, "rate": rate}
            return evaluate(model, data.validation)["mse"], figures

        def measured(trained: Callable[[float], tuple[float, Figures]] = trained) -> Figures:
            return min((trained(rate) for rate in (2e-3, 5e-3)), key=lambda found: found[0])[1]

        name = f"{block} {'-'.join(map(str, channels))}"
        found[name] = pieces.kept(name.replace(" ", "-"), measured)
    return found


def students(pieces: Pieces) -> Figures:
    data = first(load_dataset("fashion-mnist"), 500 if pieces.quick else 10_000)
    loop = {"epochs": 1 if pieces.quick else 15, "batch_size": 128, "learning_rate": 2e-3}
    small = {"hidden": (160,), "latent_dim": 16}

    def measured(seed: int) -> Figures:
        teacher = new_model("ae", {"hidden": (512, 256), "latent_dim": 16}, data, seed)
        fit(teacher, data, seed, **loop)
        found: Figures = {"teacher": _small_figures(teacher, data)}
        for name, knobs in {"guided": {"guidance": 0.3, "imitation": 0.0}, "student": {}, "alone": {}}.items():
            model = new_model("student", {**small, **knobs}, data, seed)
            if name != "alone":
                model.learn_from(teacher)
            fit(model, data, seed, **loop)
            found[name] = _small_figures(model, data)
        return found

    return {
        seed: pieces.kept(f"students-{seed}", lambda s=seed: measured(s))
        for seed in ((0,) if pieces.quick else (0, 1, 2))
    }


def _small_figures(model: Autoencoder, data: Dataset) -> Figures:
    cost = net_cost(model.config.net, data.spec, model.config)
    return {**vars(cost), "mse": evaluate(model, data.test)["mse"]}


def progressive(pieces: Pieces) -> Figures:
    data = first(load_dataset("fashion-mnist"), 500 if pieces.quick else 10_000)
    knobs = {"channels": (16, 32, 64), "latent_dim": 16}

    def measured(family: str) -> Figures:
        model = new_model(family, {"net": "conv", **knobs}, data, 0)
        training = TrainingConfig(
            epochs=4 if pieces.quick else 8, batch_size=128, learning_rate=2e-3, schedule="constant", device="cpu"
        )
        curve, spent, begun = [], 0.0, time.process_time()
        for progress in train_plan(model, data, make_plan(FAMILIES[family], model.config, training, data.spec)):
            if progress.validation:
                spent += time.process_time() - begun
                curve.append((spent, progress.stage_name, evaluate(model, data.validation)["mse"]))
                begun = time.process_time()
        return {"curve": curve, "mse": evaluate(model, data.test)["mse"]}

    return {family: pieces.kept(family, lambda f=family: measured(f)) for family in ("ae", "progressive_ae")}


def speed(pieces: Pieces) -> Figures:
    data = load_dataset("ecg5000")
    steps = 10 if pieces.quick else 40

    def batches() -> Iterator[torch.Tensor]:
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(torch.from_numpy(data.train.x.copy())[:, None]), batch_size=32, shuffle=True
        )
        while True:
            for (x,) in loader:
                yield x

    def plain(net: str) -> float:
        model = new_model("ae", {"net": net}, data, 0)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
        source = batches()
        begun = time.process_time()
        for _ in range(steps):
            x = next(source)
            loss = F.mse_loss(model.decoder(model.encoder(x)), x, reduction="none").flatten(1).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        return (time.process_time() - begun) / steps

    def ours(net: str) -> float:
        model, per_epoch = new_model("ae", {"net": net}, data, 0), math.ceil(len(data.train) / 32)
        epochs = math.ceil(steps / per_epoch)
        only = Dataset(data.spec, data.train, data.validation.take(np.arange(2)), data.test)
        return fit(model, only, epochs=epochs, batch_size=32) / (epochs * per_epoch)

    def measured(net: str) -> Figures:
        plain(net), ours(net)  # warm both up
        turns = [(plain(net), ours(net)) for _ in range(1 if pieces.quick else 3)]
        a, b = (statistics.median(column) for column in zip(*turns, strict=True))
        return {"plain": a, "ours": b, "ratio": a / b}

    return {net: pieces.kept(net, lambda n=net: measured(n)) for net in ("gru", "transformer")}


# genes


def genes(pieces: Pieces) -> Figures:
    data = load_dataset("genes")
    x, test = data.train.x.astype(np.float64), data.test.x.astype(np.float64)
    axes = np.linalg.svd(x - x.mean(0), full_matrices=False)[2]

    def judged(z: np.ndarray, z_test: np.ndarray, again: np.ndarray) -> Figures:
        near = np.square(z_test[:, None] - z[None]).sum(2).argsort(1)[:, :15]
        votes = [np.bincount(data.train.y[row], minlength=10).argmax() for row in near]
        return {"mse": float(np.square(again - test).mean()), "accuracy": float((votes == data.test.y).mean())}

    def pca(k: int) -> Figures:
        z, z_test = ((part - x.mean(0)) @ axes[:k].T for part in (x, test))
        return judged(z, z_test, z_test @ axes[:k] + x.mean(0))

    def network(family: str, k: int) -> Figures:
        knobs = {"beta": 1.0} if family == "vae" else {}
        model = new_model(family, {"hidden": (128,), "latent_dim": k, "dropout": 0.2, **knobs}, data, 0)
        fit(model, data, epochs=3 if pieces.quick else 60, batch_size=32, learning_rate=1e-3)
        return judged(codes(model, data.train.x), codes(model, data.test.x), restored(model, data.test.x))

    found: Figures = {}
    for k in (2, 8, 32):
        found[f"PCA, {k}"] = pieces.kept(f"pca-{k}", lambda k=k: pca(k))
        for family in ("ae", "vae"):
            found[f"{family.upper()}, {k}"] = pieces.kept(f"{family}-{k}", lambda f=family, k=k: network(f, k))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what sequences, symbols and cheaper nets claim.")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: minutes become seconds, figures mean nothing"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts (default: {','.join(PARTS)})")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "aeexplorer-sequences")
    parser.add_argument("--write", type=Path, help="a page of Markdown")
    parser.add_argument("--finished", action="store_true", help="measure nothing: the pieces in the cache alone")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for name in arguments.only.split(","):
        pieces = (Finished if arguments.finished else Pieces)(arguments.cache, name, arguments.quick)
        found[name] = without_gaps(globals()[name](pieces))
    if arguments.write:
        arguments.write.write_text(page(found), encoding="utf-8")
    print(json.dumps(found) if arguments.json else page(found))


if __name__ == "__main__":
    main()
