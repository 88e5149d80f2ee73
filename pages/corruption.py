"""Corrupt samples and see what a denoising autoencoder makes of them, compared with a plain one."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import corruption
from aeexplorer.ui.shared.page_footer import loss_equation, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.run_progress import awaited, follow, wait
from aeexplorer.ui.shared.sample_sets import SampleSet
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-dae-gaussian", "digits-dae-gaussian", "mnist-dae", "digits-dae")
MISSING = (
    "There is no model trained on corrupted samples yet. Train a denoising autoencoder: "
    "training on digits takes seconds."
)


def page(run: Run, other: Run | None) -> None:
    model = open_picked(run)
    samples = SampleSet(model, "corruption")
    right = samples.place()
    shown = samples.samples()
    with right:
        with st.container(key="corruption"):
            params = corruption.restore(model, other, shown)
        picker, caption = st.columns([1.1, 1], vertical_alignment="bottom")
        with picker:
            samples.ask()
        caption.caption(
            f"{corruption.about_training(run, params['kind'])} The noise pattern stays the same while the level moves."
        )
    if corruption.is_dial(run):
        follow(run)
    missing_data(
        model,
        "The page shows decoded stored codes in place of the original samples, which favours the model they come from.",
    )
    frame = corruption.frame_of(params)
    page_footer(
        loss_equation(run),
        corruption.numbers(frame, run, other, len(shown.samples)),
        corruption.as_python(run, other, shown, params),
        corruption.as_file(frame, model.spec),
    )


title, picker, box = st.columns([2.2, 1.3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Corruption",
        "A denoising autoencoder sees the corrupted sample and must restore the clean one. Drag the test noise.",
    )
expected = awaited(corruption.is_dial)
if expected is not None:
    wait(expected)
else:
    with picker:
        picked = pick_run("Model", PREFERRED, corruption.denoises, MISSING, family="dae", dataset="digits")
    if picked is not None:
        with box:
            other = corruption.choose_other(picked)
        with refusals():
            page(picked, other)
