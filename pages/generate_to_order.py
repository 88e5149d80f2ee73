"""Generate samples of a class, near a sample or along an attribute, and count whether they help a classifier."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import generate_to_order
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.text import heading

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Generate to order",
        "Generate samples of a class, near a sample or along an attribute, and count how many match the order.",
    )
with picker:
    run = pick_run("Model", ("mnist-cvae", "mnist-vae", "digits-vae"), generate_to_order.fits, needs_data=True)
if run is not None:
    with refusals():
        generate_to_order.show(open_picked(run))
