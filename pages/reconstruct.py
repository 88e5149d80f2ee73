"""Reconstruct one sample and see what a model keeps of it."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import reconstruct
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading("Reconstruct a sample", "See what a model keeps of a sample, and what it loses.")
with picker:
    run = pick_run(preferred=("mnist-dae", "mnist-vae", "digits-dae", "digits-vae"))
if run is not None:
    model = open_picked(run)
    with refusals():
        reconstruct.reconstruct(model)
