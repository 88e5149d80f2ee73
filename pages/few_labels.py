"""Learn from few labels: compare classifiers on codes, raw values and PCA."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import few_labels
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Few labels", "The codes were learned without labels. How many labels does a classifier on these codes need?"
    )
with picker:
    run = pick_run("Model", ("mnist-vae", "digits-vae"), few_labels.fits, needs_data=True)
if run is not None:
    model = open_picked(run)
    if not missing_data(model, "Training classifiers needs the samples."):
        with refusals():
            few_labels.show(model)
