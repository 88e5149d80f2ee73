"""Commands of the applications: their flags, and the figures that they report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from aeexplorer.config import ConfigError
from aeexplorer.store import write_atomic

A_RUN = "a run folder, an id, or pretrained/NAME"

Report = Callable[[argparse.Namespace], dict[str, Any]]


class Command(Protocol):
    """Adds a command to the parser; what its report returns is printed."""

    def __call__(self, name: str, report: Report, text: str, run: str = "") -> argparse.ArgumentParser: ...


def add_commands(command: Command) -> None:
    """Add the commands of all applications."""
    text = "Measure how well a run separates anomalies from normal samples, beside methods without a model"
    sub = command("anomalies", anomalies, text, A_RUN)
    help_normal = "normal classes, by name or place (default: those it was trained on, or the usual ones of the data)"
    sub.add_argument("--normal", default="", metavar="CLASS[,CLASS]", help=help_normal)
    text = "Score the disentanglement of a run on data with exact factors of variation"
    command("disentanglement", disentanglement, text, A_RUN)
    text = "Compress black-and-white test samples of a run losslessly, by bits-back coding"
    sub = command("compress", compress, text, A_RUN)
    sub.add_argument("file", type=Path, help="file to write")
    sub.add_argument("--n", type=int, default=1_000, help="samples, the first of the test split (default: 1000)")
    sub = command("decompress", decompress, "Restore the samples from a file that `compress` wrote")
    sub.add_argument("file", type=Path, help="file to read")
    sub.add_argument("--out", type=Path, required=True, metavar="X.npy", help="file to write, uint8 0 or 255")
    sub.add_argument("--run", help="the run that wrote the file, if its name here is different")
    sub = command("nets", nets, "List the networks that fit a dataset: parameters, multiply-adds and time per sample")
    sub.add_argument("--dataset", default="digits", help="a dataset (default: digits)")
    sub.add_argument("--family", default="ae", help="the family whose encoder and decoder are measured (default: ae)")
    text = "Restore a picture of any size with a run that was trained on corrupted pictures"
    sub = command("restore", restore, text, A_RUN)
    sub.add_argument("picture", type=Path, help="PNG, JPEG, WebP or BMP file")
    sub.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="file to write")
    scale = "factor by which the picture is enlarged first, for super-resolution (default: 1)"
    sub.add_argument("--scale", type=int, default=1, choices=(1, 2, 4), help=scale)


def anomalies(arguments: argparse.Namespace) -> dict[str, Any]:
    """AUROC and average precision by score and baseline."""
    from aeexplorer.applications.anomalies import class_places, figures, usual_normal
    from aeexplorer.explorer import open_run

    model = open_run(arguments.run)
    names = [name.strip() for name in arguments.normal.split(",") if name.strip()]
    normal = class_places(model.spec, names) if names else usual_normal(model)
    classes = model.spec.classes
    named = [classes[place] if place < len(classes) else str(place) for place in normal]
    return {"run": str(model.run.path), "normal": named, **figures(model, normal)}


def disentanglement(arguments: argparse.Namespace) -> dict[str, Any]:
    """The five scores."""
    from aeexplorer.applications.disentanglement import figures
    from aeexplorer.explorer import open_run

    model = open_run(arguments.run)
    return {"run": str(model.run.path), **figures(model)}


def compress(arguments: argparse.Namespace) -> dict[str, Any]:
    """Bytes, bits per pixel, what the ELBO promises and what other ways take."""
    from aeexplorer.applications import lossless
    from aeexplorer.explorer import open_run

    model = open_run(arguments.run)
    if lack := lossless.refusal(model.run):
        raise ConfigError(lack)
    x = lossless.black_and_white(model.dataset.test, arguments.n)
    written = lossless.compress(model, x)
    write_atomic(arguments.file.absolute(), written.content)
    found = lossless.figures(model, x, written)
    return {"run": str(model.run.path), "path": str(arguments.file.absolute()), **found}


def decompress(arguments: argparse.Namespace) -> dict[str, Any]:
    """The number and the shape of the samples that were read."""
    import io

    import numpy as np

    from aeexplorer.applications import lossless
    from aeexplorer.explorer import open_run

    model = open_run(arguments.run) if arguments.run else None
    x = lossless.decompress(arguments.file.read_bytes(), model)
    out = io.BytesIO()
    np.lib.format.write_array(out, x, allow_pickle=False)
    write_atomic(arguments.out.absolute(), out.getvalue())
    return {"path": str(arguments.out.absolute()), "n": len(x), "shape": list(x.shape)}


def nets(arguments: argparse.Namespace) -> dict[str, Any]:
    """The cost of each network with the knobs that are suggested; of its convolutions each kind."""
    from aeexplorer.data import find_source
    from aeexplorer.families import family
    from aeexplorer.training.estimation import suggested
    from aeexplorer.training.net_costs import net_costs

    source = find_source(arguments.dataset)
    config, _ = suggested(family(arguments.family), source.spec, source.n_train)
    costs = net_costs(source.spec, config)
    return {
        cost.name: {
            "parameters": cost.parameters,
            "multiply_adds": cost.multiply_adds,
            "microseconds": round(1e6 * cost.seconds, 3),
        }
        for cost in costs
    }


def restore(arguments: argparse.Namespace) -> dict[str, Any]:
    """The size of the picture that was written."""
    import time

    from aeexplorer.applications import restoration
    from aeexplorer.explorer import open_run
    from aeexplorer.plots import to_png

    model = open_run(arguments.run)
    picture = restoration.read_picture(arguments.picture.read_bytes())
    begun = time.perf_counter()
    made = restoration.restore_picture(model, picture, arguments.scale)
    seconds = round(time.perf_counter() - begun, 3)
    write_atomic(arguments.out.absolute(), to_png(made))
    shape = list(made.shape)
    return {"run": str(model.run.path), "path": str(arguments.out.absolute()), "shape": shape, "seconds": seconds}
