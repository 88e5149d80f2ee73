"""Follow the residual of a denoising autoencoder: the score of its data."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import score, score_own
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading

PREFERRED = ("two-moons-score", "swiss-roll-score", "pinwheel-score")
MISSING = (
    "There is no denoising autoencoder of points in the plane yet. Train one: training on two moons takes seconds."
)
SOURCES = (
    "The denoising autoencoder is from [Vincent et al. 2008](https://doi.org/10.1145/1390156.1390294); that it learns "
    "the score is from [Vincent 2011](https://doi.org/10.1162/NECO_a_00142) and [Alain & Bengio 2014]"
    "(https://jmlr.org/papers/v15/alain14a.html). For the best denoiser the formula below is exact: Miyasawa 1961, and "
    "Robbins 1956, who credits Tweedie. Arrows stop 3σ from the data: farther out the network extrapolates. Particles "
    "sample by annealed Langevin dynamics, [Song & Ermon 2019](https://arxiv.org/abs/1907.05600). A diffusion model is "
    "the same idea with one network for all σ ([Ho et al. 2020](https://arxiv.org/abs/2006.11239))."
)


def page(run: Run, other: Run | None) -> None:
    model = open_picked(run)
    if missing_data(model, "The exact score is that of the training samples, so this page needs them."):
        return
    with st.container(key="score"):
        params = score.follow_score(model, other)
    field, walk = score.frames(params)
    st.caption(SOURCES)
    page_footer(
        r"\mathbb E[x \mid \tilde x] = \tilde x + \sigma^2\, \nabla \log p_\sigma(\tilde x)",
        score.numbers(walk, params),
        score.as_python(run, params),
        score.as_file(field),
    )


title, picker, box = st.columns([2.2, 1.3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Score of a DAE",
        "The correction that a denoising autoencoder makes to a noisy sample points to where the data are denser. "
        "Drag σ, place a point and let it follow the arrows.",
    )
with picker:
    picked = pick_run("Model", PREFERRED, score.has_score, MISSING, family="score_dae", dataset="two-moons")
score_own.draw_own()
if picked is not None:
    with box:
        other = score.choose_other(picked)
    with refusals():
        page(picked, other)
