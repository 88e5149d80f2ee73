"""Find anomalies by how badly a model reconstructs them, or how far their codes are from normal ones."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import anomalies
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-ae", "mnist-vae", "digits-ae", "digits-vae")

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Anomalies",
        "A model trained on normal samples should reconstruct anomalies badly. Drag the threshold to test this.",
    )
with picker:
    run = pick_run(preferred=PREFERRED, needs_data=True)
if run is not None:
    model = open_picked(run)
    if not missing_data(model, "Scoring anomalies needs the samples."):
        with refusals():
            anomalies.show(model)
