"""Reconstruct, sample and interpolate with one model."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import exploring
from aeexplorer.ui.state import open_picked, pick_run
from aeexplorer.ui.widgets import heading, refusals

JOBS = {
    "Reconstruct": exploring.reconstruct,
    "Sample": exploring.sample,
    "Interpolate": exploring.interpolate,
}

title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Explore a model", "See what it keeps of a sample, what it makes of a random code, and what lies between two."
    )
with picker:
    run = pick_run(preferred=("mnist-dae", "mnist-vae", "digits-dae", "digits-vae"))
if run is not None:
    model = open_picked(run)
    job = st.segmented_control(
        "What to do", list(JOBS), default="Reconstruct", required=True, key="job", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    with refusals():
        JOBS[job](model)
