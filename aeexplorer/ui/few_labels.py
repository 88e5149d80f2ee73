"""The parts of Few labels: what is tried, and the curves that grow while a job draws labels."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from aeexplorer.applications.anomalies import classes_of
from aeexplorer.applications.few_labels import ALL, WAYS, title_of, winners, with_classifiers
from aeexplorer.explorer import Explorer
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import openable_runs
from aeexplorer.ui.shared.studies import accuracy_curves, study
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting, whole

BUDGETS = (1, 2, 5, 10, 50, ALL)
DRAWS = Setting("few_labels", "draws", whole(1, 10))
TUNED = Setting("few_labels", "tuned")


def fits(run: Run) -> bool:
    """Whether its data may have labels, and its encoder can be tuned on samples."""
    return len(run.spec.data.classes) > 1 and not run.spec.data.row.symbols


def show(model: Explorer) -> None:
    """The choices, the curves, and who wins."""
    classes_of(model.dataset)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options = [3, 10]
        st.segmented_control("Draws of the labels", options, key=DRAWS.begin(10, options), required=True)
        draws = int(DRAWS.end(10))
        trained = ["yes", "no"]
        st.segmented_control(
            "Train encoders too",
            trained,
            key=TUNED.begin("yes", trained),
            format_func=str.capitalize,
            required=True,
            help="Fine-tuned from the model, and from scratch; takes longest.",
        )
        tuned = TUNED.end("yes") == "yes"
    st.caption(
        "Each draw labels a few training samples per class. Classifiers learn from these labels on the codes, on as "
        "many principal components and on raw values; with “Train encoders too” the encoder learns as well."
    )
    curves = partial(_curves, model.run)
    study(
        model.run, "few_labels", "Draw labels and train classifiers", curves, budgets=BUDGETS, draws=draws, tuned=tuned
    )
    page_footer(
        r"\hat y = \arg\max_k\, w_k^\top f(x) + b_k",
        f"{model.latent_dim} numbers in place of {model.spec.size}",
        opening(model.run) + "from aeexplorer.applications import few_labels\n\n"
        f"knobs = few_labels.Knobs(draws={draws}, tuned={tuned})\n*_, last = few_labels.study(model, knobs)\n",
    )


def _curves(run: Run, found: dict[str, Any]) -> None:
    found = with_classifiers(found, run, openable_runs())
    titles = {way: title_of(way) for way in found["accuracy"]}
    if not accuracy_curves(found, titles, "labels per class", height=430):
        return
    told = ", ".join(f"{budget}: {titles[way]}" for budget, way in winners(found).items())
    st.markdown(f"**Best by labels per class** &emsp; {as_text(told)}")
    alone = " For a family that classifies, each trained model is one draw." if titles.keys() - WAYS.keys() else ""
    st.caption(
        f"Measured on {found['judged']:,} test samples; bars: one standard deviation over draws of labels.{alone}"
    )
