"""Suggested knobs: does every family learn something on every dataset with every net that takes it?

    python benchmarks/suggestions.py [--quick] [--json] [--datasets wine,heartbeats] [--cache FOLDER]
    [--nets mlp,conv] [--finished] [--write docs/suggestions.md]

Each cell is one training with the knobs that Train suggests. It counts as collapsed when fewer than two dimensions of
the code vary (of a one-dimensional code: fewer than one), or when its test error is above that of one principal
component (half a percent is let pass: a linear autoencoder can only equal it). A dimension varies if its variance
exceeds 0.01 where a prior fixes the scale of codes, else a hundredth of the largest variance. Cells are kept in the
cache folder, so that a long run can be stopped and continued. `--quick` takes a few families on wine.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np

import aeexplorer as ae
from aeexplorer.config import choices
from aeexplorer.data import DATASETS
from aeexplorer.families import FAMILIES
from aeexplorer.metrics import pca_line
from aeexplorer.nets import NETS
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.training.estimation import suggested


def cells(names: list[str]) -> list[tuple[str, str, str]]:
    """Every (dataset, family, net) that go together."""
    found = []
    for name, row in itertools.product(names, FAMILIES.values()):
        spec = DATASETS[name].spec
        nets = [n for n in choices(type(row.config).model_fields["net"]) if spec.kind in NETS[n].kinds]
        if row.name == "linear_ae":
            nets = [n for n in nets if n == "mlp"]  # a convolutional network is not linear
        if "label" not in row.traits or spec.classes:
            found += [(name, row.name, net) for net in nets]
    return found


def train_cell(dataset: str, family: str, net: str) -> dict[str, Any]:
    """Train with the suggested knobs and compare with PCA on the test split."""
    data, source, row = ae.load_dataset(dataset), DATASETS[dataset], FAMILIES[family]
    config, training = suggested(row, source.spec, source.n_train, net)
    knobs = {**dict(config), **dict(training)}
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run = train_run(new_run(family, data, path=Path(folder) / "run", **knobs), data, bar=False)
        seconds = time.process_time() - began
        figures, variances = run.status.result, run.codes.z.var(axis=0)
    line = pca_line(data.train.x, data.test.x, most=min(config.latent_dim, 64))
    return {
        "dataset": dataset,
        "family": family,
        "net": net,
        "latent_dim": config.latent_dim,
        "active_units": varying(row.name, variances),
        "mse": figures["mse"],
        "pca1": float(line.test_error[1]),
        "pca": float(line.test_error[-1]),
        "seconds": seconds,
    }


def varying(family: str, variances: np.ndarray) -> int:
    """Dimensions of a code that vary, from the variance of each."""
    least = 0.01 if "prior" in FAMILIES[family].traits else 0.01 * variances.max()
    return int((variances > least).sum())


def collapsed(cell: dict[str, Any]) -> bool:
    return cell["active_units"] < min(2, cell["latent_dim"]) or cell["mse"] > 1.005 * cell["pca1"]


def report(found: list[dict[str, Any]], wanted: int) -> str:
    """A page of Markdown for the cells that were measured, of so many."""
    groups = [(name, [c for c in found if c["dataset"] == name]) for name in dict.fromkeys(c["dataset"] for c in found)]
    summary = [f"- {name}: {len(of)} combinations, {sum(map(collapsed, of))} collapsed" for name, of in groups]
    lines = [
        "# Suggested knobs, measured",
        "",
        "One training with the knobs that Train suggests, seed 0: dimensions of the code that vary, and the test error per",
        "feature over that of one principal component; below 1 is better than one component, and 1.00 is the best that a",
        "linear autoencoder of one dimension can reach. A dimension varies if its",
        "variance exceeds 0.01 where a prior fixes the scale of codes, else a hundredth of the largest variance.",
        "",
        f"{len(found)} of {wanted} combinations of these datasets with families and nets were measured:",
        "",
        *summary,
        "",
        "| dataset | family | net | active of all | error / PCA-1 | CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for c in found:
        mark = " **collapsed**" if collapsed(c) else ""
        units = f"{c['active_units']:.0f} of {c['latent_dim']}"
        ratio = c["mse"] / c["pca1"]
        lines.append(
            f"| {c['dataset']} | {c['family']} | {c['net']} | {units}{mark} | {ratio:.2f} | {c['seconds']:.0f} |"
        )
    return "\n".join([*lines, "", "Made by `python benchmarks/suggestions.py --write docs/suggestions.md`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few families on wine: within a minute")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--datasets", default="")
    parser.add_argument("--families", default="")
    parser.add_argument("--nets", default="")
    parser.add_argument("--finished", action="store_true", help="measure nothing: the cells in the cache alone")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "aeexplorer-suggestions")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    names = [name for name, source in DATASETS.items() if source.available()]
    if arguments.datasets:
        names = arguments.datasets.split(",")
    elif arguments.quick:
        names, arguments.families = ["wine"], arguments.families or "ae,dae,vae,beta_vae"
    arguments.cache.mkdir(parents=True, exist_ok=True)
    families, nets = (value.split(",") if value else [] for value in (arguments.families, arguments.nets))
    found, wanted = [], [c for c in cells(names) if c[1] in (families or c) and c[2] in (nets or c)]
    for cell in wanted:
        file = arguments.cache / f"{'-'.join(cell)}.json"
        if not file.exists():
            if arguments.finished:
                continue
            file.write_text(json.dumps(train_cell(*cell)))
        found.append(json.loads(file.read_text()))
        print(f"{' '.join(cell):40} {found[-1]}", flush=True)
    bad = [c for c in found if collapsed(c)]
    print(f"{len(found)} cells, {len(bad)} collapsed: {[(c['dataset'], c['family'], c['net']) for c in bad]}")
    if arguments.write:
        arguments.write.write_text(report(found, len(wanted)), "utf-8")
    if arguments.json:
        print(json.dumps({"cells": found, "collapsed": bad}))


if __name__ == "__main__":
    main()
