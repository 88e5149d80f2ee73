"""Turn β and see what a VAE keeps, what it gives up, and when it collapses."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import beta
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.run_progress import awaited, follow, wait
from aeexplorer.ui.shared.sample_sets import SampleSet
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

PREFERRED = ("mnist-beta", "digits-beta")
MISSING = "There is no β dial yet. Train a VAE as a dial: training on digits takes a minute."


def page(run: Run) -> None:
    model = open_picked(run)
    assert model.dial is not None
    if len(model.dial.stops) < 2:
        st.info(
            f"This dial has one snapshot so far, at β = {model.dial.stops[0]:g}. The slider appears with the second.",
            icon=":material/info:",
        )
        follow(run, lambda: beta.fresh_runs(run))
        return
    samples = SampleSet(model, "beta")
    right = samples.place()
    shown = samples.samples()
    marks = beta.marks_of(model)
    panel = right.container(key="beta")
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        samples.ask()
        multirate = beta.choose_multirate(run)
        with panel:
            params = beta.turn(model, beta.twin_of(run), multirate, shown, marks)
        beta.offer_fresh(run, params["value"])
    frame = beta.frame_of(params)
    st.caption(beta.about_multirate(frame) if multirate else beta.about_dial(model, marks))
    follow(run, lambda: beta.fresh_runs(run))
    missing_data(model, "The page shows decoded stored codes in place of samples, and no latent map.")
    page_footer(
        r"\mathcal L = D + \beta R",
        beta.numbers(frame, run),
        beta.as_python(run, shown, params),
        beta.as_file(frame, model),
    )


title, picker = st.columns([4, 1.5], vertical_alignment="bottom")
with title:
    heading(
        "β-VAE: what β does",
        "Small β: faithful reconstructions, a disordered latent space. Large β: a tidier one, carrying less and less "
        "information, until it collapses. A dial is a series of models trained at increasing β.",
    )
expected = awaited(beta.has_beta)
if expected is not None:
    wait(expected)
else:
    with picker:
        picked = pick_run("Model", PREFERRED, beta.has_beta, MISSING, family="vae", dataset="digits")
    if picked is not None:
        with refusals():
            page(picked)
