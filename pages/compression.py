"""Compress samples: with some loss beside JPEG and WebP, and without any, where the ELBO is the length of a file."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import compression
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Compression",
        "A code is a short description of a sample. Compare its size in bytes with other compression methods.",
    )
    mode = compression.choose_mode()
with picker:
    run = pick_run(
        preferred=mode.preferred,
        fits=mode.fits,
        missing=mode.missing,
        needs_data=True,
        family="vae",
        dataset=mode.dataset,
    )
if run is not None:
    model = open_picked(run)
    if not missing_data(model, "Measuring compression needs the samples."):
        with refusals():
            mode.show(model)
