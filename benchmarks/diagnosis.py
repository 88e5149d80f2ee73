"""The diagnosis against runs that fail on purpose, the pretrained ones, and ordinary trainings.

    python benchmarks/diagnosis.py [--quick] [--json] [--cache FOLDER] [--write docs/diagnosis.md]

Planted: every failure of `runs.failures`, trained anew with each seed; the diagnosis must name it, and find nothing in
the same training with its one change. Ordinary: the knobs that Train suggests for a family and a dataset, one training
each, of which nothing must be found. Runs are kept in the cache folder, so that a long run can be stopped and continued.
`--quick` takes one seed and four ordinary trainings.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pieces import Pieces

from aeexplorer.data import DATASETS, load_dataset
from aeexplorer.families import FAMILIES
from aeexplorer.runs.diagnosis import diagnose_run
from aeexplorer.runs.failures import FAILURES
from aeexplorer.runs.listing import pretrained
from aeexplorer.runs.recipe import Recipe
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.training.estimation import suggested
from aeexplorer.training.loop import TrainingError

SEEDS = (0, 1, 2)
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
ORDINARY = (
    ("digits", "ae"), ("digits", "linear_ae"), ("digits", "dae"), ("digits", "sparse_ae"), ("digits", "contractive_ae"),
    ("digits", "vae"), ("two-moons", "ae"), ("digits", "beta_tcvae"), ("digits", "cvae"), ("digits", "hvae"),
    ("digits", "iwae"), ("digits", "aae"), ("digits", "wae"), ("digits", "vqvae"), ("digits", "fsq"),
    ("two-moons", "score_dae"), ("wine", "vae"), ("pinwheel", "vae"), ("breast-cancer", "ae"), ("heartbeats", "vae"),
)  # fmt: skip


def diagnosed(recipe: Recipe) -> dict[str, Any]:
    """Train a recipe and diagnose it."""
    data = load_dataset(recipe.dataset)
    with tempfile.TemporaryDirectory() as folder:
        run = new_run(recipe.family, data, path=Path(folder) / "run", **recipe.knobs)
        with contextlib.suppress(TrainingError):
            train_run(run, data, bar=False)
        found = diagnose_run(run)
    return {"found": [f.title for f in found], "names": [f.name for f in found], "numbers": [f.numbers for f in found]}


def ordinary(dataset: str, family: str) -> Recipe:
    """The training that Train suggests."""
    config, training = suggested(FAMILIES[family], DATASETS[dataset].spec, DATASETS[dataset].n_train)
    return Recipe(dataset, family, {**dict(config), **dict(training), "seed": 1})


def lines(pieces: Pieces, quick: bool) -> Iterator[str]:
    """The tables in Markdown."""
    seeds, tried = (SEEDS[:1], ORDINARY[::6]) if quick else (SEEDS, ORDINARY)
    yield from ("| planted failure | seeds that are named | found | with the change |", "|---|---|---|---|")
    for failure in FAILURES.values():
        named, silent, numbers = 0, 0, ""
        for seed in seeds:
            bad, good = (replace(r, knobs={**r.knobs, "seed": seed}) for r in (failure.recipe, failure.mended))
            one = pieces.kept(f"{failure.name}-{seed}", lambda bad=bad: diagnosed(bad))
            other = pieces.kept(f"{failure.name}-{seed}-mended", lambda good=good: diagnosed(good))
            named += one["names"] == [failure.finding]
            silent += not other["found"]
            numbers = numbers or " ".join(one["numbers"])
        yield f"| {failure.title} | {named} of {len(seeds)} | {numbers} | silent in {silent} of {len(seeds)} |"
    runs = [run for run in pretrained() if DATASETS[run.spec.dataset].available()]
    found = {run.id: [f.title for f in diagnose_run(run)] for run in runs}
    spoken = [f"{name}: {', '.join(titles)}" for name, titles in found.items() if titles]
    yield from (
        "",
        f"Of {len(runs)} pretrained runs {len(runs) - len(spoken)} are silent. {'; '.join(spoken)}".strip(),
        "",
    )
    yield from ("| ordinary training | found |", "|---|---|")
    for dataset, family in tried:
        kept = pieces.kept(f"{dataset}-{family}", lambda d=dataset, f=family: diagnosed(ordinary(d, f)))
        yield f"| {FAMILIES[family].title} on {DATASETS[dataset].spec.title} | {', '.join(kept['found']) or 'nothing'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "aeexplorer-diagnosis")
    parser.add_argument("--write", type=Path, help="page whose figures are replaced")
    arguments = parser.parse_args()
    table = list(lines(Pieces(arguments.cache, "diagnosis", arguments.quick), arguments.quick))
    if arguments.write:
        before, _, rest = arguments.write.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        text = "\n".join([before + BEGIN, "", *table, "", END + after])
        arguments.write.write_text(text, "utf-8")
    sys.stdout.write(json.dumps(table) + "\n" if arguments.json else "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
