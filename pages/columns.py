"""Show which columns of a table the dimensions of a latent space move, beside PCA."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import columns
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.text import heading


def is_table(run: Run) -> bool:
    """Whether the samples are rows with more than two columns."""
    return run.spec.data.kind == "vector" and run.spec.data.size > 2


title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading("Columns", "See which columns of a table each latent dimension changes, compared with PCA.")
with picker:
    run = pick_run(fits=is_table, missing="There is no model of a table yet.", dataset="genes", family="vae")
if run is not None:
    with refusals():
        columns.show(open_picked(run))
