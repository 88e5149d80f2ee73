"""Dials against separately trained models: the agreement of a warm-started chain with models trained from scratch.

    python benchmarks/dials.py [--quick] [--json] [--seeds 0,1,2] [--dataset mnist] [--cache FOLDER] [--write
    docs/dials.md]

The chains are trained as the pretrained ones. Separate models are trained at each stop for as many epochs as the chain
has at its first stop, four times those of each later stop; over β with a warm-up over the first quarter. A chain
trained downwards shows how many collapsed units come back. Results are kept in the cache folder, so that a long run can
be stopped and continued.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from pieces import Pieces
from scipy.stats import spearmanr

import aeexplorer as ae
from aeexplorer import noise
from aeexplorer.families import FAMILIES
from aeexplorer.runs.pretraining import RECIPES
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import configure, new_run
from aeexplorer.training.evaluation import rate_distortion, restoration
from aeexplorer.training.plan import TESTED, DialSpec, Part, Plan, train_plan

KINDS = ("gaussian", "salt_and_pepper", "masking")
Figures = dict[str, list[float]]


class Trainings(Pieces):
    """Trains models of a dataset and remembers their figures by name."""

    def __init__(self, dataset: str, cache: Path, quick: bool) -> None:
        super().__init__(cache, dataset, quick)
        self.data, self.dataset = ae.load_dataset(dataset), dataset

    def recipe(self, name: str) -> tuple[dict[str, Any], DialSpec]:
        """The knobs and the dial of a chain that comes with the program; quick ones learn from little."""
        row = RECIPES[f"{self.dataset}-{name}"]
        knobs, dial = dict(row.knobs), row.dial
        assert dial is not None
        if self.quick:
            knobs |= {"samples": 1_500, "epochs": 4}
            dial = dial.model_copy(update={"epochs_per_stop": 2, "stops": dial.stops[::2]})
        return knobs, dial

    def train(self, family: str, dial: DialSpec | None = None, **knobs: Any) -> ae.Explorer:
        with tempfile.TemporaryDirectory() as folder:
            run = new_run(family, self.data, path=Path(folder) / "run", dial=dial, **knobs)
            model = ae.open_run(train_run(run, self.data, bar=False))
            _ = model.dial  # reads the snapshots while they are there
            return model


def price(model: ae.Explorer, pieces: Trainings, value: float) -> list[float]:
    """J, D, R and active units on the whole test set."""
    found = rate_distortion(model._model, pieces.data.test)
    d, r = float(found["distortion"]), float(found["rate"])
    return [d + value * r, d, r, float(found["active_units"])]


def beta(pieces: Trainings, seeds: list[int]) -> dict[str, Any]:
    """J_chain / J_separate at each stop, and J half-way over that of the better neighbour; means over the seeds.

    A neighbour is priced at the same β: D + βR with its own D and R. At another β it would have another price for the
    same D and R, and the comparison would say nothing.
    """
    knobs, dial = pieces.recipe("beta")
    middles = [math.sqrt(a * b) for a, b in zip(dial.stops, dial.stops[1:], strict=False)]

    def chain(seed: int) -> Figures:
        model = pieces.train("vae", dial, **{**knobs, "seed": seed})
        return {f"{value:g}": price(model.at(value), pieces, value) for value in (*dial.stops, *middles)}

    def separate(seed: int, value: float) -> Figures:
        longer = {**knobs, "warmup": 0.25, "seed": seed + 100, "beta": value}
        return {"figures": price(pieces.train("vae", **longer), pieces, value)}

    chains = [pieces.kept(f"beta-chain-{s}", lambda s=s: chain(s)) for s in seeds]
    rows = []
    for value in dial.stops:
        ours = np.mean([c[f"{value:g}"] for c in chains], 0)
        theirs = [pieces.kept(f"beta-{value:g}-{s}", lambda s=s: separate(s, value))["figures"] for s in seeds]  # noqa: B023
        rows.append(
            {
                "beta": value,
                "chain": ours.tolist(),
                "separate": np.mean(theirs, 0).tolist(),
                "ratio": float(np.mean([c[f"{value:g}"][0] / t[0] for c, t in zip(chains, theirs, strict=True)])),
            }
        )
    gaps = []
    for low, high, middle in zip(dial.stops, dial.stops[1:], middles, strict=False):
        over = []
        for c in chains:
            (_, d, r, _), (_, d_high, r_high, _) = c[f"{low:g}"], c[f"{high:g}"]
            over.append(c[f"{middle:g}"][0] / min(d + middle * r, d_high + middle * r_high) - 1)
        gaps.append({"beta": middle, "above the better neighbour": float(np.mean(over))})
    return {"stops": rows, "gaps": gaps, "chain_cpu_seconds": statistics.mean(c["cpu_seconds"][0] for c in chains)}


def included(dataset: str) -> list[dict[str, Any]]:
    """The same half-way comparison from the stored curves of the pretrained chains over β, without training."""
    found = []
    for name in (f"{dataset}-beta", f"{dataset}-beta-2d"):
        dial = ae.open_run(f"pretrained/{name}").dial
        assert dial is not None
        values, d, r = (dial.curve[key].astype(float) for key in ("value", "distortion", "rate"))
        at = {f"{v:.6g}": i for i, v in enumerate(values)}
        for low, high in zip(dial.stops, dial.stops[1:], strict=False):
            middle = math.sqrt(low * high)
            i, a, b = (at[f"{v:.6g}"] for v in (middle, low, high))
            best = min(d[a] + middle * r[a], d[b] + middle * r[b])
            found.append({"run": name, "beta": middle, "above": (d[i] + middle * r[i]) / best - 1})
    return found


def downwards(pieces: Trainings) -> list[dict[str, Any]]:
    """Chains trained from the largest β to the smallest beside one trained upwards: "down" with the same epochs at each
    place, "longer" with as many at each stop as at the first."""
    knobs, dial = pieces.recipe("beta")
    row = FAMILIES["vae"]

    def chain(stops: tuple[float, ...], dial: DialSpec) -> Figures:
        config, training = configure("vae", **knobs)
        parts = [
            Part(0, f"β = {v:g}", config.replace(beta=v), dial.training_at(training, i)) for i, v in enumerate(stops)
        ]
        with noise.building(training.seed):
            model = row.make(config, pieces.data.spec)
        found = {}
        for progress in train_plan(model, pieces.data, Plan(tuple(parts))):
            if progress.settled:
                figures = rate_distortion(model, pieces.data.test)
                d, r, beta = float(figures["distortion"]), float(figures["rate"]), stops[progress.stage]
                used = float((figures["kl"] > 0.05).sum())
                found[f"{beta:g}"] = [d + beta * r, d, r, float(figures["active_units"]), used]
        return found

    whole = dial.replace(epochs_per_stop=knobs["epochs"])
    chains = {
        "up": pieces.kept("beta-up-0", lambda: chain(dial.stops, dial)),
        "down": pieces.kept("beta-down-0", lambda: chain(dial.stops[::-1], dial)),
        "longer": pieces.kept("beta-longer-0", lambda: chain(dial.stops[::-1], whole)),
    }
    return [{"beta": v, **{name: found[f"{v:g}"] for name, found in chains.items()}} for v in dial.stops]


def level(pieces: Trainings, kind: str, seeds: list[int]) -> dict[str, Any]:
    """The map of clean errors, trained at x tested at, of a chain and of nets trained separately; means over the
    seeds."""
    knobs, dial = pieces.recipe(f"dae-{kind.replace('_', '-')}")

    def chain(seed: int) -> Figures:
        model = pieces.train("dae", dial, **{**knobs, "seed": seed})
        return {f"{v:g}": restoration(model.at(v)._model, pieces.data.test, TESTED).tolist() for v in dial.stops}

    def separate(seed: int, value: float) -> Figures:
        longer = {**knobs, "seed": seed + 100, "level": value}
        return {"mse": restoration(pieces.train("dae", **longer)._model, pieces.data.test, TESTED).tolist()}

    chains = [pieces.kept(f"{kind}-chain-{s}", lambda s=s: chain(s)) for s in seeds]
    ours = np.array([np.mean([c[f"{v:g}"] for c in chains], 0) for v in dial.stops])
    theirs = np.array([
        np.mean([pieces.kept(f"{kind}-{v:g}-{s}", lambda s=s, v=v: separate(s, v))["mse"] for s in seeds], 0)
        for v in dial.stops
    ])  # fmt: skip
    off = np.abs(ours / theirs - 1)
    return {
        "trained": list(dial.stops), "tested": list(TESTED), "chain": ours.tolist(), "separate": theirs.tolist(),
        "median difference": float(np.median(off)), "largest difference at level 0": float(off[0].max()),
        "rank correlation": float(spearmanr(ours.ravel(), theirs.ravel()).statistic),
    }  # fmt: skip


def between(found: list[dict[str, Any]]) -> list[str]:
    """The half-way comparison of the pretrained chains as lines of Markdown."""
    return [
        "Half-way between two stops, where no model was trained: J of the interpolated model over J of the better of "
        "the two",
        "neighbouring stops, both priced at the same β. From the stored curves of the pretrained chains, seed 0.",
        "",
        "| chain | β | difference |",
        "|---|---|---|",
        *(f"| {g['run']} | {g['beta']:.3g} | {g['above']:+.1%} |" for g in found),
        "",
    ]


def _returned(found: list[dict[str, Any]]) -> str:
    """How many units are active again at β = 1."""
    row = min(found, key=lambda r: abs(math.log(r["beta"])))
    start = max(found, key=lambda r: r["beta"])["down"][3]
    return (
        f"From {start:.0f} active at the largest β, {row['down'][3]:.0f} and {row['longer'][3]:.0f} of the "
        f"{row['up'][3]:.0f} of the chain upwards are active at β = {row['beta']:g}."
    )


def down_table(found: list[dict[str, Any]]) -> list[str]:
    """The chains upwards and downwards as lines of Markdown."""
    lines = [
        "### Downwards",
        "",
        "The same chain trained from the largest β to the smallest, seed 0: with the epochs of the chain upwards, and with as",
        f"many at each stop as at the first. {_returned(found)}",
        "Active: variance of the mean above 0.01; used: more than 0.05 nats.",
        "",
        "| β | J up | down / up | longer / up | active up, down, longer | used up, down, longer |",
        "|---|---|---|---|---|---|",
    ]
    for row in found:
        up, down, longer = row["up"], row["down"], row["longer"]
        active, used = (", ".join(f"{chain[i]:.0f}" for chain in (up, down, longer)) for i in (3, 4))
        over = " | ".join(f"{chain[0] / up[0] - 1:+.1%}" for chain in (down, longer))
        lines.append(f"| {row['beta']:g} | {up[0]:.2f} | {over} | {active} | {used} |")
    return [*lines, ""]


def report(found: dict[str, Any], dataset: str, seeds: list[int], quick: bool) -> str:
    """The figures as a page of documentation."""
    title = ae.load_dataset(dataset).spec.title
    lines = [
        "# Dials, measured", "",
        "A model for another β, or for another corruption level in training, is another model. A dial is a "
        "warm-started chain:",
        "one model trained at the first stop and continued at each next one, with the weights interpolated between "
        "two stops.",
        f"Here chains of {title} (seeds {', '.join(map(str, seeds))}) are compared with models trained from scratch "
        "(seeds",
        f"{', '.join(str(s + 100) for s in seeds)}) on the whole test set. Each separate model has as many epochs as "
        "the chain",
        "at its first stop; at a later stop the chain has had more in all"
        + (" (a quick run, on little data: not to be quoted)." if quick else "."), "",
        "## β", "", "J = D + βR in nats per image. Separate models have β warmed up over the first quarter.", "",
        "| β | epochs chain / separate | J chain | J separate | chain / separate | R chain | R separate "
        "| active units chain | separate |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    knobs, dial = RECIPES[f"{dataset}-beta"].knobs, RECIPES[f"{dataset}-beta"].dial
    assert dial is not None
    for i, row in enumerate(found["beta"]["stops"]):
        c, s = row["chain"], row["separate"]
        epochs = knobs["epochs"] + i * dial.epochs_per_stop
        lines.append(
            f"| {row['beta']:g} | {epochs} / {knobs['epochs']} | {c[0]:.2f} | {s[0]:.2f} | {row['ratio'] - 1:+.1%} | "
            f"{c[2]:.2f} | {s[2]:.2f} "
            f"| {c[3]:.1f} | {s[3]:.1f} |"
        )
    lines += ["", *between(found["included"]), *down_table(found["down"])]
    lines += [
        "",
        "## Corruption",
        "",
        "Squared error per pixel of restoring corrupted test images, chain / separate (error ·1000).",
        "",
    ]
    for kind in KINDS:
        part = found[kind]
        lines += [
            f"### {kind.replace('_', ' ').capitalize()}", "",
            f"Median difference {part['median difference']:.1%}, rank correlation {part['rank correlation']:.3f}, largest "
            f"difference of the model trained at level 0 {part['largest difference at level 0']:.1%}.", "",
            "| trained at \\ tested at | " + " | ".join(f"{t:g}" for t in part["tested"]) + " |",
            "|---|" + "---|" * len(part["tested"]),
        ]  # fmt: skip
        for trained, ours, theirs in zip(part["trained"], part["chain"], part["separate"], strict=True):
            cells = " | ".join(f"{1000 * a:.1f} / {1000 * b:.1f}" for a, b in zip(ours, theirs, strict=True))
            lines.append(f"| {trained:g} | {cells} |")
        lines.append("")
    return "\n".join([*lines, "Made by `python benchmarks/dials.py --write docs/dials.md`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="little data and one seed: within a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--dataset", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--cache", type=Path, help="folder in which finished pieces are kept")
    parser.add_argument("--write", type=Path, help="Markdown file for the figures")
    parser.add_argument("--without-separate", action="store_true", help="the half-way and the downward tables alone")
    a = parser.parse_args()
    seeds = [0] if a.quick else [int(s) for s in a.seeds.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        pieces = Trainings(a.dataset, a.cache or Path(scratch), a.quick)
        short = {"included": included(a.dataset), "down": downwards(pieces)}
        if a.without_separate:
            print("\n".join([*between(short["included"]), *down_table(short["down"])]))
            return
        found = {**short, "beta": beta(pieces, seeds), **{kind: level(pieces, kind, seeds) for kind in KINDS}}
    said = report(found, a.dataset, seeds, a.quick)
    print(said)
    if a.write:
        a.write.write_text(said, "utf-8")
    if a.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
