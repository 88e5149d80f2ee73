"""Figures in a line, each under its name, and those of a run on its test split."""

from __future__ import annotations

import html
from collections.abc import Sequence

import streamlit as st

from aeexplorer.runs.folders import Status

NAMES = {
    "reconstruction": "reconstruction",
    "kl": "KL",
    "neg_elbo": "−ELBO",
    "mse": "MSE",
    "denoising_mse": "denoising MSE",
    "perplexity": "perplexity",
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


def figures_on_test(status: Status) -> dict[str, str]:
    """Figures on the test split by their names, of a run that is done."""
    return {NAMES[name]: figure_of(value) for name, value in status.result.items() if name in NAMES}
