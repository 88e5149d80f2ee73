"""Turn β and see what a VAE keeps, what it gives up, and when it collapses."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import beta
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.run_progress import awaited, follow, wait
from aeexplorer.ui.shared.sample_sets import DRAWN, Choice
from aeexplorer.ui.shared.samples import missing_data, test_split
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-beta", "digits-beta")
MISSING = "There is no dial over β yet. Train a VAE as a dial: digits take a minute."


def find_open_run(run: Run) -> None:
    model = open_picked(run)
    assert model.dial is not None
    if len(model.dial.stops) < 2:
        st.info(
            f"This dial has one snapshot so far, at β = {model.dial.stops[0]:g}; it turns from the second one on.",
            icon=":material/info:",
        )
        follow(run, lambda: beta.fresh_runs(run))
        return
    choice = Choice(model, "beta")
    if choice.which == DRAWN:
        left, right = st.columns([1, 4], gap="medium")
        with left:
            choice.pad()
    else:
        right = st.container()
    chosen = choice.samples()
    marks = beta.marks_of(model)
    panel = right.container(key="beta")
    picker, said = st.columns([1.9, 1], vertical_alignment="bottom")
    with picker, st.container(horizontal=True, vertical_alignment="bottom"):
        choice.ask()
        gated = beta.gated_of(run)
        with panel:
            params = beta.turn(model, beta.twin_of(run), gated, chosen, marks)
        beta.offer_fresh(run, params["value"])
    frame = beta.frame_of(params)
    said.caption(beta.beside(frame) if gated else beta.honesty(model, marks))
    follow(run, lambda: beta.fresh_runs(run))
    if test_split(model) is None:
        missing_data(model, "What stored codes decode to stands in for the samples, and there is no latent map.")
    page_footer(
        r"\mathcal L = D + \beta R",
        beta.numbers(frame, run),
        beta.as_python(run, chosen, params),
        beta.as_file(frame, model),
    )


title, picker = st.columns([4, 1.25], vertical_alignment="bottom")
with title:
    heading(
        "Turn β",
        "Small β: faithful pictures, loose latent space. Large β: a tidy one that says less and less, until it collapses.",
    )
expected = awaited(beta.has_beta)
if expected is not None:
    wait(expected)
else:
    with picker:
        picked = pick_run("Model", PREFERRED, beta.has_beta, MISSING, family="vae", dataset="digits")
    if picked is not None:
        with refusals():
            find_open_run(picked)
