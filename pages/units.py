"""Look at one unit of a code: when it is active, what it does, and what it goes along with."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import units
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading("Units", "One dimension of a code, or one entry of a codebook: what makes it active, and what it makes.")
with picker:
    run = pick_run("Model", ("mnist-sparse-ae", "mnist-vae", "digits-vae"), units.fits, needs_data=True)
if run is not None:
    model = open_picked(run)
    if not missing_data(model, "Units are shown by the samples that make them active."):
        with refusals():
            units.show(model)
