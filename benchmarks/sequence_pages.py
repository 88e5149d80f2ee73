"""The figures of `sequences.py` as a page of Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

HEAD = """# Sequences, symbols, wide tables and nets that cost less

Made by `python benchmarks/sequences.py --write docs/sequences.md`; one thread of a CPU each, seconds are of CPU. Trainings
are short, up to a minute each: the figures compare, and are not the best that these models reach. What a part does not show
was not measured; pieces were measured at different times.
"""


def page(found: dict[str, Any]) -> str:
    """All parts that were measured, one after the other."""
    return "\n".join([HEAD, *(PARTS[name](found[name]) for name in PARTS if found.get(name))])


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def _ecg(found: dict[str, Any]) -> str:
    def row(name: str, figures: dict[str, float], more: str = "") -> list[str]:
        return [name, *(f"{figures[k]:.4f}" for k in ("auroc", "accuracy", "smooth_auroc", "smooth_accuracy")), more]

    rows = [row(name, figures) for name, figures in found["classical"].items()]
    for net in ("transformer", "gru"):
        for seed, figures in enumerate(found.get(net, ())):
            rows.append(row(f"denoising AE, {net}, seed {seed}", figures, f"{figures['seconds']:.0f} s"))
    for size, figures in found.get("sizes", {}).items():
        rows.append(row(f"AE, gru, code of {size}", figures, f"{figures['seconds']:.0f} s"))
    return (
        "## Heartbeats\n\nECG5000, official split, trained on the 292 normal beats alone; the score of a test beat is its "
        "squared error (`error`), or that of the differences averaged over 7 steps (`smooth_error`). The accuracy is that of "
        "the best threshold. Frame or patch, code, noise and epochs of the two denoising autoencoders were chosen among "
        "seventeen settings by the smoothed accuracy on these test beats with seed 0, so read them as a best case: 100 epochs with "
        "Gaussian noise of 0.5; GRU of 64 units that reads 14 steps at once both ways, code of 16; transformer on patches of "
        "20 steps, code of 8. The plain GRU autoencoders read 7 steps at once and train for 50 epochs.\n\n"
        + table(("method", "AUROC", "best accuracy", "AUROC, smoothed", "accuracy, smoothed", "training"), rows)
        + "\nFrom four principal components on, more of them detect worse: they reconstruct what is odd as well.\n"
    )


def _texts(found: dict[str, Any]) -> str:
    parts = [
        "## Names and molecules\n\nCodes of 16 dimensions, β = 1. GRU: feedback and 96 units, ten epochs of 8,000 texts. Fully "
        "connected: hidden layers of 256 and 128 units, 20 epochs of all texts. Capacity: the KL is held at 0.75 nats for each "
        "symbol. Texts are drawn from the prior and written greedily: where the code has collapsed, all are the same. A "
        "molecule is valid if its brackets, rings and valences are right, a name if it is not empty. Train suggests fully "
        "connected nets for symbols, and for VAEs this capacity.\n"
    ]
    for name, rows in found.items():
        base = rows["baselines"]
        shown = [["unigram", f"{base['unigram']:.2f}", *[""] * 6]]
        markov = base["markov_shares"]
        shown.append(["Markov", f"{base['markov']:.2f}", *[""] * 4, _shares(markov), ""])
        for title, figures in rows.items():
            if title in ("baselines", "ends"):
                continue
            kl = figures.get("kl")
            collapsed = " (collapsed)" if kl is not None and kl < 0.5 else ""
            shown.append(
                [
                    title + collapsed,
                    f"{figures['neg_elbo']:.2f}" if "neg_elbo" in figures else "",
                    f"{kl:.2f}" if kl is not None else "",
                    f"{figures['active_units']:.0f}",
                    f"{figures['symbol_accuracy']:.1%}",
                    f"{figures['sample_accuracy']:.1%}",
                    _shares(figures) if "valid" in figures else "",
                    f"{figures['seconds']:.0f} s",
                ]
            )
        head = (
            "model",
            "−ELBO or −log p, nats",
            "KL",
            "active units",
            "symbols restored",
            "texts restored",
            "valid · unique · novel",
            "training",
        )
        walks = [
            f"- {title}: {' → '.join(f'`{text}`' for text in rows[title]['walk'])}"
            for title in rows
            if title != "ends" and "walk" in rows[title]
        ]
        parts.append(
            f"### {name.capitalize()}\n\n{table(head, shown)}\nFrom the code of `{rows['ends'][0]}` to that of `{rows['ends'][1]}`:\n\n"
            + "\n".join(walks)
            + "\n"
        )
    return "\n".join(parts)


def _shares(figures: dict[str, float]) -> str:
    return " · ".join(f"{figures[name]:.1%}" for name in ("valid", "unique", "novel"))


def _chorales(found: dict[str, Any]) -> str:
    titles = {"symbols": "symbols, β = 0.2", "numbers": "numbers, β = 0.05"}
    steps = (1, 2, 3, 5)
    rows = [
        [
            titles[name],
            f"{f['restored']:.1%}",
            f"{f['random']:.2f}",
            *(f"{f[f'transposed_{k}']:.2f} ({f[f'nearer_{k}']:.0%})" for k in steps),
        ]
        for name, f in found.items()
    ]
    head = ("notes as", "notes restored", "distance of two samples", *(f"{k} semitones up" for k in steps))
    return (
        "## Chorales\n\nVAEs of two bars (fully connected, 32 dimensions, eight epochs), trained in up to seven keys. Median "
        "distance of the code of a test sample to that of another one, and to that of its own transposition; in brackets "
        "how often that is the shorter one.\n\n"
        + table(head, rows)
        + "\nAs symbols, neighbouring notes have nothing in common, and a transposed sample lies as far away as any other. As "
        "numbers (series of four voices, whose reconstructions are rounded to notes) it lies near.\n"
    )


def _blocks(found: dict[str, Any]) -> str:
    plain = next(iter(found.values()))
    rows = [
        [
            name,
            f"{f['parameters']:,}",
            f"{f['multiply_adds']:,} ({f['multiply_adds'] / plain['multiply_adds']:.0%})",
            f"{1e6 * f['seconds']:.0f} µs ({f['seconds'] / plain['seconds']:.0%})",
            f"{f['rate']:g}",
            f"{f['training']:.0f} s",
            f"{f['mse']:.5f} ({f['mse'] / plain['mse'] - 1:+.0%})",
        ]
        for name, f in found.items()
    ]
    head = ("convolutions", "parameters", "multiply-adds", "measured per sample", "rate", "training", "test error")
    return (
        "## Convolutions\n\nAutoencoders of 10,000 pictures of Fashion-MNIST, 16 dimensions, five epochs, seed 0; the better, by "
        "validation error, of the learning rates 0.002 and 0.005. Separable and bottleneck layers are wider: 32-64 with 0.002 they "
        "reach 0.02042 and 0.01898.\n\n"
        + table(head, rows)
        + "\nTime and multiply-adds differ: a CPU computes depthwise convolutions at a lower rate.\n"
    )


STUDENTS = {
    "teacher": "teacher",
    "guided": "student, guided at first",
    "student": "student, taught to the end",
    "alone": "the same net alone",
}


def _students(found: dict[str, Any]) -> str:
    rows = []
    for name, title in STUDENTS.items():
        errors = [figures[name]["mse"] for figures in found.values()]
        teacher = [figures["teacher"]["mse"] for figures in found.values()]
        f = next(iter(found.values()))[name]
        worse = statistics.mean(e / t - 1 for e, t in zip(errors, teacher, strict=True))
        rows.append(
            [
                title,
                f"{f['parameters']:,}",
                f"{f['multiply_adds']:,}",
                f"{1e6 * f['seconds']:.1f} µs",
                " · ".join(f"{e:.5f}" for e in errors),
                f"{worse:+.1%}",
            ]
        )
    head = ("model", "parameters", "multiply-adds", "time per sample", "test error by seed", "beside the teacher")
    return (
        "## Distillation\n\n10,000 pictures of Fashion-MNIST, 16 dimensions, 15 epochs; the teacher has hidden layers of 512 "
        "and 256 units, the student one of 160.\n\n"
        + table(head, rows)
        + f"\n{GUIDANCE}\n\n![Teacher, student and the same net alone on Compare](pictures/students.png)\n"
    )


GUIDANCE = (
    "The codes of a teacher that leaves after 30% of the training (`guidance=0.3`, `imitation=0`) make a student better than "
    "the same net alone. A teacher that stays to the end brings its own error into the target; its decoder reads the "
    "codes of that student. Other weights to the end did not help (seed 0; of codes and imitation 0 and 1: 0.01708, 0.1 and 1: "
    "0.01715, 0 and 4: 0.01744), nor did 2,000 samples in 40 epochs (0.01767 with the teacher, 0.01737 alone)."
)


def _progressive(found: dict[str, Any]) -> str:
    names = {"ae": "direct", "progressive_ae": "progressive"}
    last = {name: f["curve"][-1] for name, f in found.items()}
    wanted = max(point[2] for point in last.values())
    rows = []
    for name, f in found.items():
        reached = next((seconds for seconds, _, error in f["curve"] if error <= wanted), None)
        rows.append(
            [names[name], f"{last[name][0]:.0f} s", f"{f['mse']:.5f}", f"{reached:.0f} s" if reached else "not reached"]
        )
    head = ("training", "eight epochs", "test error", f"time to an error of {wanted:.5f}")
    return (
        "## Progressive training\n\n10,000 pictures of Fashion-MNIST, channels 16, 32, 64: 7 × 7, 14 × 14, then 28 × 28 for half "
        "of the epochs, new layers faded in.\n\n" + table(head, rows)
    )


def _speed(found: dict[str, Any]) -> str:
    rows = [
        [net, f"{1e3 * f['plain']:.1f} ms", f"{1e3 * f['ours']:.1f} ms", f"{f['ratio']:.2f}"]
        for net, f in found.items()
    ]
    return (
        "## Training speed\n\nSeconds of CPU per step on ECG5000, batches of 32, medians of three turns.\n\n"
        + table(("net", "plain PyTorch loop with a DataLoader", "this loop", "ratio"), rows)
    )


def _genes(found: dict[str, Any]) -> str:
    rows = [[name, f"{f['mse']:.3f}", f"{f['accuracy']:.1%}"] for name, f in found.items()]
    return (
        "## Genes\n\n490 training cells, 765 genes, ten kinds of cells. Accuracy: a vote of the 15 nearest training codes.\n\n"
        + table(("code", "test error per value", "kind of cell"), rows)
    )


PARTS = {
    "ecg": _ecg,
    "texts": _texts,
    "chorales": _chorales,
    "blocks": _blocks,
    "students": _students,
    "progressive": _progressive,
    "speed": _speed,
    "genes": _genes,
}


def without_gaps(found: Any) -> Any:
    """Figures without the pieces that are not finished, and without the seconds that each took."""
    if isinstance(found, dict):
        parts = {name: without_gaps(value) for name, value in found.items() if name != "cpu_seconds"}
        return {name: part for name, part in parts.items() if part not in ({}, [])}
    return (
        [part for value in found if (part := without_gaps(value)) not in ({}, [])] if isinstance(found, list) else found
    )
