"""Make samples that nobody has seen: draw codes, or move one by hand."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import generate
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.sample_picker import opened_run
from aeexplorer.ui.shared.samples import missing_data, test_split
from aeexplorer.ui.shared.text import heading


def page(run: Run) -> None:
    model = open_picked(run)
    opened = opened_run(run)
    views = generate.views(opened)
    asked = st.query_params.get("view", "")
    names, beside = st.columns([1.1, 1.2], vertical_alignment="center", gap="medium")
    with names:
        view = st.segmented_control(
            "View", list(views), default=asked if asked in views else "Sample", required=True, key=f"view.{len(views)}",
            label_visibility="collapsed",
        )  # fmt: skip
    st.query_params["view"] = view
    shown = views[view](opened, beside)
    page_footer(shown.equation, shown.said, opening(run) + shown.python, *shown.files)
    if test_split(model) is None:
        missing_data(model, "This page works on the stored codes; pictures of samples are then decoded from them.")


title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
with title:
    heading("Make new samples", "The decoder answers any code: draw codes at random, or turn their numbers one by one.")
with picker:
    picked = pick_run(preferred=("mnist-vae", "digits-vae", "mnist-vae-2d", "digits-vae-2d"))
if picked is not None:
    with refusals():
        page(picked)
