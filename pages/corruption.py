"""Corrupt samples and see what a denoising autoencoder makes of them, beside a plain one."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import corruption
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.run_progress import awaited, follow, wait
from aeexplorer.ui.shared.sample_sets import DRAWN, Choice
from aeexplorer.ui.shared.samples import missing_data, test_split
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-dae-gaussian", "digits-dae-gaussian", "mnist-dae", "digits-dae")
MISSING = "There is no model trained on corrupted samples yet. Train a denoising autoencoder: digits take seconds."


def find_open_run(run: Run, beside: Run | None) -> None:
    model = open_picked(run)
    choice = Choice(model, "corruption")
    if choice.which == DRAWN:
        left, right = st.columns([1, 4], gap="medium")
        with left:
            choice.pad()
    else:
        right = st.container()
    chosen = choice.samples()
    with right:
        with st.container(key="bench"):
            params = corruption.restore(model, beside, chosen)
        picker, said = st.columns([1.1, 1], vertical_alignment="bottom")
        with picker:
            choice.ask()
        said.caption(
            f"{corruption.honesty(run, params['kind'])} The pattern is locked: the slider changes the level, not the noise."
        )
    if corruption.turns(run):
        follow(run)
    if test_split(model) is None:
        missing_data(
            model,
            "What stored codes decode to stands in for the clean samples, which flatters the model they come from.",
        )
    frame = corruption.frame_of(params)
    page_footer(
        r"L = \lVert x - g(f(\tilde x)) \rVert^2",
        corruption.numbers(frame, run, beside, len(chosen.samples)),
        corruption.as_python(run, beside, chosen, params),
        corruption.as_file(frame, model.spec),
    )


title, picker, other = st.columns([2.6, 1.2, 1.2], vertical_alignment="bottom")
with title:
    heading(
        "Corrupt and restore",
        "A denoising autoencoder sees the corrupted sample and is asked for the clean one. Drag the level: everything follows.",
    )
expected = awaited(corruption.turns)
if expected is not None:
    wait(expected)
else:
    with picker:
        picked = pick_run("Model", PREFERRED, corruption.denoises, MISSING, family="dae", dataset="digits")
    if picked is not None:
        with other:
            beside = corruption.choose_companion(picked)
        with refusals():
            find_open_run(picked, beside)
