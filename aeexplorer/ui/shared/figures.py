"""Figures in a line, each under its name, and those of a run on its test split."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.data import find_source, load_dataset
from aeexplorer.losses import pick_loss
from aeexplorer.metrics import cross_entropy_floor
from aeexplorer.runs.folders import Status
from aeexplorer.runs.run import Run
from aeexplorer.training import evaluation

NAMES = {
    "reconstruction": "reconstruction",
    "kl": "KL",
    "neg_elbo": "−ELBO",
    "mse": "MSE",
    "pca_mse": "MSE of PCA",
    "symbol_accuracy": "symbols restored",
    "sample_accuracy": "samples restored whole",
    "pca_angle": "angle to PCA, °",
    "denoising_mse": "denoising MSE",
    "perplexity": "perplexity",
    "prior_nats": "prior",
    "nll": "−log p(x)",
    "accuracy": "accuracy",
    "capacity": "distance to the capacity",
    "importance": "importance weighting",
    "tc": "total correlation",
    "mmd": "MMD²",
    "class_kl": "KL of the class",
}
"""Figures of `training.evaluation.evaluate` that people see, and terms of a loss, as they are named on pages."""


def figures_line(figures: Sequence[tuple[str, str, str]]) -> None:
    """Show numbers in a line, each under its name.

    Args:
        figures: (name, number, explanation) of each.
    """
    cells = "".join(
        f'<div title="{html.escape(explanation, quote=True)}"><span>{html.escape(name)}</span>'
        f'<b data-figure="{html.escape(name, quote=True)}">{html.escape(number)}</b></div>'
        for name, number, explanation in figures
    )
    st.html(f'<div class="ae-figures">{cells}</div>')


def figure_of(value: float) -> str:
    """A number with three significant digits, or whole from a thousand on."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def figures_on_test(run: Run, status: Status) -> dict[str, str]:
    """Figures on the test split by their names, with units, of a run that is done."""
    in_nats = _cross_entropy(run) or run.spec.data.row.symbols
    nats = {"kl", "neg_elbo", "prior_nats", "nll"} | ({"reconstruction"} if in_nats else set())
    return {
        NAMES[name]: f"{figure_of(value)}{' nats' if name in nats else ''}"
        for name, value in status.result.items()
        if name in NAMES
    }


def _cross_entropy(run: Run) -> bool:
    return pick_loss(run.config.loss, run.spec.data).name == "bce"


def likelihood_sentence(run: Run) -> str:
    """Say whether cross-entropy is a likelihood, and of grey levels its smallest value; "" for other losses."""
    return evaluation.likelihood_sentence(_floor(run.spec.dataset)) if _cross_entropy(run) else ""


@st.cache_data(max_entries=16, show_spinner=False)
def _floor(dataset_name: str) -> float | None:
    """The smallest cross-entropy per test sample; None where the samples are not on this computer."""
    try:
        return cross_entropy_floor(load_dataset(dataset_name).test.x) if find_source(dataset_name).available() else None
    except ConfigError:  # data of that name are gone, or damaged
        return None
