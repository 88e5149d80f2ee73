"""Commands of the applications: their flags, and the figures that they report."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, Protocol

A_RUN = "a run folder, an id, or pretrained/NAME"

Report = Callable[[argparse.Namespace], dict[str, Any]]


class Command(Protocol):
    """Adds a command to the parser; what its report returns is printed."""

    def __call__(self, name: str, report: Report, text: str, run: str = "") -> argparse.ArgumentParser: ...


def add_commands(command: Command) -> None:
    """Add the commands of all applications."""
    text = "How well scores of a run tell anomalies from normal samples, beside methods without an autoencoder"
    sub = command("anomalies", anomalies, text, A_RUN)
    help_normal = "normal classes, by name or place (default: those it was trained on, or the usual ones of the data)"
    sub.add_argument("--normal", default="", metavar="CLASS[,CLASS]", help=help_normal)
    text = "Scores of disentanglement of a run on data with exact factors of variation"
    command("disentanglement", disentanglement, text, A_RUN)


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
