"""What autoencoders are used for, measured beside the simplest methods: anomalies, super-resolution, few labels.

python benchmarks/applications.py [--quick] [--json] [--write docs/applications.md] [--cache DIR] [--only PART,...]

About twenty minutes of one core. With a cache it goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from pieces import Pieces

import aeexplorer as ae
from aeexplorer.applications import anomalies, disentanglement, few_labels, lossless, restoration
from aeexplorer.data import Dataset
from aeexplorer.explorer import Explorer, compute_on_one_thread, open_run
from aeexplorer.metrics import BASELINES
from aeexplorer.runs.pretraining import RECIPES

ONE_CLASS = {
    "mnist": ("dae", {"latent_dim": 32, "loss": "mse", "level": 0.3}),
    "fashion-mnist": ("vae", {"latent_dim": 16}),
}
"""Family and knobs of the autoencoders of one class."""
LEFT_OUT = {"mnist": (1, 4, 8), "fashion-mnist": (1, 6, 8)}
"""Classes that are anomalies to a model of all others; digit 1 is the trap."""
SEEDS = 3
DRAWS = 10
M2 = {"samples": 10_000, "epochs": 8, "hidden": (120, 64), "latent_dim": 8}
"""Knobs of the semi-supervised models among the curves of few labels."""
TO_BEAT = {
    "mnist": {"mean image": 0.865, "PCA 32": 0.955, "1-NN": 0.948},
    "fashion-mnist": {"mean image": 0.893, "PCA 32": 0.905, "1-NN": 0.920},
}


def trained(data: Dataset, family: str, **knobs: Any) -> Explorer:
    path = Path(tempfile.mkdtemp()) / "run"
    return open_run(ae.train(family, data, path=path, bar=False, **knobs))


def one_class(name: str, quick: bool) -> dict[str, Any]:
    """Mean AUROC over classes, each in turn the only normal one."""
    data, (family, knobs) = ae.load_dataset(name), ONE_CLASS[name]
    classes = range(2 if quick else 10)
    tables = []
    for y in classes:
        rest = tuple(other for other in range(10) if other != y)
        epochs = 2 if quick else 25
        model = trained(data, family, leave_out=rest, hidden=(256, 128), epochs=epochs, **knobs)
        tables.append(anomalies.figures(model, (y,), 1_000 if quick else None)["auroc"])
    return {score: [table[score] for table in tables] for score in tables[0]}


def all_but_one(name: str, quick: bool) -> dict[str, Any]:
    """AUROC with one class the anomalies, of a model of all others."""
    data, found = ae.load_dataset(name), {}
    for y in LEFT_OUT[name][: 1 if quick else None]:
        knobs = {"latent_dim": 16, "hidden": (240, 128), "epochs": 1 if quick else 8}
        model = trained(data, "vae", leave_out=(y,), **knobs)
        normal = [other for other in range(10) if other != y]
        found[data.spec.classes[y]] = anomalies.figures(model, normal, 1_000 if quick else None)["auroc"]
    return found


def tables(name: str, quick: bool) -> dict[str, Any]:
    """AUROC on ECG5000 or breast cancer, of a small autoencoder of the normal class; three seeds."""
    data = ae.load_dataset(name)
    normal = (0,) if name == "ecg5000" else (data.spec.classes.index("benign"),)
    rest = tuple(y for y in range(len(data.spec.classes)) if y not in normal)
    found = []
    for seed in range(1 if quick else SEEDS):
        knobs = {"latent_dim": 2, "hidden": (32,), "batch_size": 32, "epochs": 10 if quick else 120, "seed": seed}
        found.append(anomalies.figures(trained(data, "ae", leave_out=rest, **knobs), normal)["auroc"])
    return {score: [one[score] for one in found] for score in found[0]}


def super_resolution(name: str, level: float, quick: bool) -> dict[str, Any]:
    """PSNR, SSIM and recognition of restored test pictures; three seeds."""
    data, found = ae.load_dataset(name), []
    for seed in range(1 if quick else SEEDS):
        knobs = {"latent_dim": 256, "hidden": (512,), "epochs": 1 if quick else 8, "seed": seed}
        model = trained(data, "dae", corruption="low_resolution", level=level, **knobs)
        n = 200 if quick else 1_000
        found.append(restoration.compare(model, data.test.x[:n], data.test.y[:n]))
    return {way: {key: [one[way][key] for one in found] for key in found[0][way]} for way in found[0]}


def labels(run: str, quick: bool) -> dict[str, Any]:
    """Accuracy by labels per class."""
    budgets = (1, 10) if quick else (1, 2, 5, 10, 50, few_labels.ALL)
    knobs = few_labels.Knobs(draws=2 if quick else DRAWS, budgets=budgets, tuned=not quick)
    return list(few_labels.study(open_run(run), knobs))[-1][1]


def semi_supervised(draw: int, quick: bool) -> dict[str, Any]:
    """Test accuracy of M2 on MNIST with one draw of the labels, by labels per class."""
    data, found = ae.load_dataset("mnist"), {}
    for budget in (1, 10) if quick else (1, 2, 5, 10, 50):
        knobs = M2 | ({"epochs": 1} if quick else {})
        model = trained(data, "m2", labels=10 * budget, seed=draw, **knobs)
        found[str(budget)] = model.run.status.result["accuracy"]
    return found


def bits_back(quick: bool) -> dict[str, Any]:
    """Bits per pixel of a file of binarised digits, beside what the ELBO promises and other ways."""
    model = open_run("pretrained/mnist-binary-vae")
    x = lossless.black_and_white(model.dataset.test, 100 if quick else 1_000)
    return lossless.figures(model, x, lossless.compress(model, x))


def factors(quick: bool) -> dict[str, Any]:
    """Scores of the pretrained models of shapes."""
    names = [f"pretrained/{name}" for name, recipe in RECIPES.items() if recipe.dataset == "shapes"]
    rows = []
    for name in names[: 2 if quick else None]:
        model = open_run(name)
        said = {"group": disentanglement.group_of(model.run), "seed": model.run.spec.training.seed}
        rows.append(said | disentanglement.figures(model))
    return {"runs": rows}


def parts(quick: bool) -> dict[str, Any]:
    found = {}
    for name in ("mnist", "fashion-mnist"):
        found[f"one-class-{name}"] = lambda name=name: one_class(name, quick)
        found[f"all-but-one-{name}"] = lambda name=name: all_but_one(name, quick)
    for name in ("ecg5000", "breast-cancer"):
        found[f"table-{name}"] = lambda name=name: tables(name, quick)
    found["lossless"] = lambda: bits_back(quick)
    found["disentanglement"] = lambda: factors(quick)
    for name in ("mnist", "fashion-mnist"):
        for level in (0.5, 0.75):
            found[f"super-{name}-{level:g}"] = lambda name=name, level=level: super_resolution(name, level, quick)
    for run in ("pretrained/mnist-vae", "pretrained/mnist-ae"):
        found[f"labels-{run.rpartition('/')[2]}"] = lambda run=run: labels(run, quick)
    for draw in range(2 if quick else DRAWS):
        found[f"m2-{draw}"] = lambda draw=draw: semi_supervised(draw, quick)
    return found


def with_m2(found: dict[str, Any], labels: dict[str, Any]) -> dict[str, Any]:
    """The accuracies of a study of labels beside those of M2 at the same numbers of labels."""
    draws = [of for name, of in found.items() if name.startswith("m2-")]
    curve = {str(b): [of[str(b)] for of in draws if str(b) in of] for b in labels["budgets"]}
    return labels | {"accuracy": labels["accuracy"] | {"M2": curve}} if draws else labels


def spread(values: list[float], digits: int = 3) -> str:
    """The mean, with the standard deviation where there are several."""
    if len(values) < 2:
        return f"{np.mean(values):.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1):.{digits}f}"


def page(found: dict[str, Any]) -> str:
    """The figures as a page in Markdown."""
    text = [
        "# Applications, measured",
        "",
        "AUROC and accuracy: higher is better. Seed 0 unless a spread over seeds is given.",
        "",
    ]
    order = ("error", "latent", "both", "mahalanobis", "kl", "neg_elbo", *BASELINES)
    for name in ("mnist", "fashion-mnist"):
        if table := found.get(f"one-class-{name}"):
            family, knobs = ONE_CLASS[name]
            known = ", ".join(f"{way} {value:.3f}" for way, value in TO_BEAT[name].items())
            text += [
                f"## One class against the rest: {name}",
                "",
                f"Mean AUROC over the classes, each in turn the only normal one; {family} ({', '.join(f'{k} {v}' for k, v in knobs.items())}), 25 epochs of one class. Measured before: {known}.",
                "",
            ]
            text += ["| score | mean AUROC | worst class |", "|---|---|---|"]
            rows = sorted((s for s in order if s in table), key=lambda s: -np.mean(table[s]))
            text += [f"| {anomalies.TITLES[s]} | {np.mean(table[s]):.3f} | {min(table[s]):.3f} |" for s in rows]
            text += ["", anomalies.verdict({s: float(np.mean(table[s])) for s in rows}), ""]
        if table := found.get(f"all-but-one-{name}"):
            known = [y for y in table if y != "cpu_seconds"]
            scores = [s for s in order if s in table[known[0]]]
            text += [
                f"## One class left out: {name}",
                "",
                "AUROC with that class the anomalies, of a VAE of all others.",
                "",
            ]
            text += ["| score | " + " | ".join(known) + " |", "|---" * (len(known) + 1) + "|"]
            text += [
                f"| {anomalies.TITLES[s]} | " + " | ".join(f"{table[y][s]:.3f}" for y in known) + " |" for s in scores
            ]
            text += [""]
    for name in ("ecg5000", "breast-cancer"):
        if table := found.get(f"table-{name}"):
            text += [
                f"## {name}",
                "",
                "An autoencoder 32-2-32 of the normal class, 120 epochs, three seeds.",
                "",
                "| score | AUROC |",
                "|---|---|",
            ]
            rows = sorted((s for s in order if s in table), key=lambda s: -np.mean(table[s]))
            text += [f"| {anomalies.TITLES[s]} | {spread(table[s])} |" for s in rows]
            text += ["", anomalies.verdict({s: float(np.mean(table[s])) for s in rows}), ""]
    supers = [key for key in found if key.startswith("super-")]
    if supers:
        text += [
            "## Super-resolution",
            "",
            "1,000 test pictures, a denoising autoencoder trained on exactly that loss of resolution for 8 epochs, three seeds. Recognised: by the shipped classifier.",
            "",
        ]
        text += ["| data | factor | way | PSNR, dB | SSIM | recognised |", "|---|---|---|---|---|---|"]
        for key in supers:
            _, rest = key.split("-", 1)
            name, level = rest.rsplit("-", 1)
            for way in ("clean", "corrupted", "bicubic", "model"):
                one = found[key][way]
                psnr = "" if way == "clean" else spread(one["psnr"], 1)
                text += [
                    f"| {name} | {1 / (1 - float(level)):g} | {way} | {psnr} | {spread(one['ssim'])} | {spread(one['recognised'])} |"
                ]
        text += [""]
    draws = sum(key.startswith("m2-") for key in found)
    for key in (key for key in found if key.startswith("labels-")):
        text += [
            f"## Few labels: {key.removeprefix('labels-')}",
            "",
            f"Test accuracy by labels per class, mean ± standard deviation of {DRAWS} draws; of all labels, those of "
            f"{few_labels.POOL:,} samples, there is one. M2 is trained anew with each of {draws} draws of its own, on "
            f"{M2['samples']:,} digits for {M2['epochs']} epochs, and judged on all test digits, the others on "
            f"{few_labels.JUDGED:,}; the codes are of a model of 55,000 digits, which saw no label.",
            "",
        ]
        text += few_labels.as_markdown(with_m2(found, found[key]))
        text += [""]
    if one := found.get("lossless"):
        others = ", ".join(f"{name.replace('_', ' ')} {bits:.3f}" for name, bits in one["bits_per_pixel_of"].items())
        text += ["## A file without loss", ""]
        text += [
            f"The first {one['n']:,} binarised test digits by bits-back coding with `mnist-binary-vae`: {one['bytes']:,} bytes,"
            f" {one['bits_per_pixel']:.4f} bits per pixel with the header and the first bits; {one['net_bits_per_pixel']:.4f}"
            f" without them, where −ELBO / ln 2 promises {one['elbo_bits_per_pixel']:.4f}. Other ways: {others}.",
            "",
        ]
    if rows := found.get("disentanglement", {}).get("runs"):
        titles = disentanglement.TITLES
        text += ["## Disentanglement", "", "The models of shapes that come along, each seed a number.", ""]
        text += ["| family | " + " | ".join(titles.values()) + " |", "|---" * (len(titles) + 1) + "|"]
        for group in dict.fromkeys(row["group"] for row in rows):
            of = [row for row in rows if row["group"] == group]
            cells = [" ".join(f"{row[score]:.2f}" for row in of) for score in titles]
            text += [f"| {group} | " + " | ".join(cells) + " |"]
        text += ["", disentanglement.disagreement(rows), ""]
    seconds = sum(part["cpu_seconds"][0] for part in found.values())
    return "\n".join(
        [
            *text,
            f"Made by `python benchmarks/applications.py --write docs/applications.md` in {seconds / 60:.0f} minutes of one core.",
            "",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples and epochs, for a look")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument("--write", type=Path, help="Markdown page to write")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.mkdtemp()), help="folder of figures already made")
    parser.add_argument("--only", default="", help="parts by the beginnings of their names, separated by commas")
    arguments = parser.parse_args()
    compute_on_one_thread()
    pieces = Pieces(arguments.cache, "applications", arguments.quick)
    wanted = tuple(arguments.only.split(",")) if arguments.only else ("",)
    found = {name: pieces.kept(name, make) for name, make in parts(arguments.quick).items() if name.startswith(wanted)}
    if arguments.write:
        arguments.write.write_text(page(found), encoding="utf-8")
    print(json.dumps(found) if arguments.json else page(found))


if __name__ == "__main__":
    main()
