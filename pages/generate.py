"""Generate samples that nobody has seen: draw codes, or change one by hand."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import generate
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.sample_picker import opened_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading
from aeexplorer.ui.shared.view_state import Setting


def page(run: Run) -> None:
    model = open_picked(run)
    opened = opened_run(run)
    views = generate.views(opened)
    names, place = st.columns([1.1, 1.2], vertical_alignment="center", gap="medium")
    setting = Setting("generate", "view")
    with names:
        st.segmented_control(
            "View",
            list(views),
            required=True,
            key=setting.begin("Sample", list(views)),
            label_visibility="collapsed",
        )
    shown = views[setting.end()](opened, place)
    page_footer(shown.equation, shown.numbers, opening(run) + shown.python, *shown.files)
    missing_data(model, "This page works with the stored codes; all samples are decoded from them.")


title, picker = st.columns([3, 1.4], vertical_alignment="bottom")
with title:
    heading(
        "Generate new samples",
        "The decoder turns any code into a sample: draw codes at random, or change them one dimension at a time.",
    )
with picker:
    picked = pick_run(preferred=("mnist-vae", "digits-vae", "mnist-vae-2d", "digits-vae-2d"))
if picked is not None:
    with refusals():
        page(picked)
