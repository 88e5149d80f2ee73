"""Score whether each exact factor has its own dimension, by five measures that need not agree."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui import disentanglement
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.text import heading

PREFERRED = ("shapes-beta-4-seed-0",)
MISSING = "There is no model of data with exact factors yet. Train one on shapes."

title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Disentanglement",
        "Does each factor of variation have its own latent dimension? Five scores over several seeds tell.",
    )
with picker:
    run = pick_run("Model", PREFERRED, disentanglement.fits, MISSING, family="beta_vae", dataset="shapes")
if run is not None:
    with refusals():
        disentanglement.show(open_picked(run))
