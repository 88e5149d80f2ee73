"""Follow what a denoising autoencoder's residual points to: the score of its data."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import score
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data, test_split
from aeexplorer.ui.shared.text import heading

PREFERRED = ("two-moons-score", "swiss-roll-score", "pinwheel-score")
MISSING = "There is no denoising autoencoder of points in the plane yet. Train one: two moons take seconds."
SOURCES = (
    "The denoising autoencoder is from [Vincent et al. 2008](https://doi.org/10.1145/1390156.1390294); that it learns "
    "the score is from [Vincent 2011](https://doi.org/10.1162/NECO_a_00142) and [Alain & Bengio 2014]"
    "(https://jmlr.org/papers/v15/alain14a.html). For the best denoiser the formula below is exact: Miyasawa 1961, and "
    "Robbins 1956, who credits Tweedie. Arrows stop 3σ from the data: farther out a net only continues what it saw."
)


def find_open_run(run: Run, beside: Run | None) -> None:
    model = open_picked(run)
    if test_split(model) is None:
        missing_data(model, "The exact score is that of the training samples, so this page needs them.")
        return
    with st.container(key="score"):
        params = score.follow_score(model, beside)
    field, way = score.frames(params)
    st.caption(SOURCES)
    page_footer(
        r"\mathbb E[x \mid \tilde x] = \tilde x + \sigma^2\, \nabla \log p_\sigma(\tilde x)",
        score.numbers(way, params),
        score.as_python(run, params),
        score.as_file(field),
    )


title, picker, other = st.columns([2.6, 1.2, 1.2], vertical_alignment="bottom")
with title:
    heading(
        "Walk along the score",
        "What a denoising autoencoder adds to a noisy sample points to where data become denser. Move σ, put the point "
        "somewhere, and let it walk.",
    )
with picker:
    picked = pick_run("Model", PREFERRED, score.has_score, MISSING, family="score_dae", dataset="two-moons")
if picked is not None:
    with other:
        beside = score.choose_companion(picked)
    with refusals():
        find_open_run(picked, beside)
