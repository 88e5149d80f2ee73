"""Look at one unit of a code: the samples that activate it, its effect, and its correlations."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import units
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Units",
        "See which samples activate one dimension of the code or one codebook entry, and what changes when it moves.",
    )
with picker:
    run = pick_run("Model", ("mnist-sparse-ae", "mnist-vae", "digits-vae"), units.fits, needs_data=True)
if run is not None:
    model = open_picked(run)
    if not missing_data(model, "Showing what activates a unit needs the samples."):
        with refusals():
            units.show(model)
