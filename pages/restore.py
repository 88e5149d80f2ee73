"""Restore pictures: denoise, fill, enlarge and brighten them with a model that was trained on exactly that."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import restore
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-upscaler-2", "mnist-dae", "digits-dae")
MISSING = (
    "There is no model trained on corrupted pictures yet. Train a denoising autoencoder: "
    "training on digits takes seconds."
)

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading("Restore", "Compare a denoising autoencoder with textbook methods, on samples and on your own pictures.")
with picker:
    run = pick_run("Model", PREFERRED, restore.fits, MISSING, needs_data=True, family="dae", dataset="digits")
if run is not None:
    model = open_picked(run)
    with refusals():
        if not missing_data(model, "You can still restore your own pictures."):
            restore.show(model)
        restore.own_picture(model)
