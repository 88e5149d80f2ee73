"""The parts of the page Columns: what a latent dimension of a table means, beside PCA."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.data import load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import PCALine, pca_axes, pca_line
from aeexplorer.metrics.columns import most_moved, moved_columns
from aeexplorer.plots import bars
from aeexplorer.ui.shared.dimensions import dimensions_of, symbol
from aeexplorer.ui.shared.figures import figure_of, figures_line
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.sample_picker import opened_run
from aeexplorer.ui.shared.samples import chart, test_split
from aeexplorer.ui.shared.text import as_text

SHOWN = 20
MOST = 64


def show(model: Explorer) -> None:
    """A dimension, the columns that it moves, those of the principal component of its rank, and the errors."""
    known = dimensions_of(opened_run(model.run))
    order = [*known.active, *known.inactive]
    place = int(
        st.selectbox("Dimension", order, format_func=known.name, key=f"columns.{model.run.id}", persist_state="session")
    )
    moved = moved_columns(model.decode, model.codes.z, place)
    left, right = st.columns(2)
    with left, st.container(border=True):
        st.markdown(f"**{symbol(place)} of the model**: change from one standard deviation below its mean to one above")
        _columns(moved, model)
    if test_split(model) is not None:
        rank = order.index(place)
        with right, st.container(border=True):
            axes = _axes(model.run.spec.dataset)
            if rank < axes.shape[1]:
                st.markdown(f"**Principal component {rank + 1}**: the columns with the largest loadings")
                _columns(axes[:, rank], model, "loading")
        _errors(model)
    page_footer(
        r"\Delta_j = g_j(\bar z + \sigma_k e_k) - g_j(\bar z - \sigma_k e_k)",
        f"{min(SHOWN, len(moved))} of {len(moved):,} columns; k = {place + 1}, σ = {model.codes.z[:, place].std():.3g}",
        opening(model.run)
        + "from aeexplorer.metrics.columns import most_moved, moved_columns\n\n"
        + f"moved = moved_columns(model.decode, model.codes.z, {place})\n"
        + f"columns = [model.spec.features[i] for i in most_moved(moved, {SHOWN})]\n",
    )


def _columns(values: np.ndarray, model: Explorer, unit: str = "change, standard deviations") -> None:
    """The columns that move most as bars, with their names below."""
    places = most_moved(values, SHOWN)
    names = model.spec.features or tuple(f"column {i + 1}" for i in range(model.spec.size))
    named = [names[i] for i in places]
    chart(bars(values[places], named, theme(), unit=unit), height=260)
    up, down = ([as_text(names[i]) for i in places if (values[i] > 0) == rises] for rises in (True, False))
    st.caption(f"Up: {', '.join(up) or 'none'}. Down: {', '.join(down) or 'none'}.")


def _errors(model: Explorer) -> None:
    """The test error of the model beside that of PCA of as many dimensions, and of PCA at its best."""
    line = _line(model.run.spec.dataset)
    ours = float(model.run.status.result.get("mse", np.nan))
    same = min(model.latent_dim, len(line.test_error) - 1)
    best = int(line.test_error.argmin())
    with st.container(border=True):
        figures_line(
            [
                (
                    f"model, {model.latent_dim} dimensions",
                    figure_of(ours),
                    "Squared error per value on the test split.",
                ),
                (
                    f"PCA, {same} dimensions",
                    figure_of(float(line.test_error[same])),
                    "Squared error per value of PCA on the test split.",
                ),
                (
                    f"PCA at its best, {best}",
                    figure_of(float(line.test_error[best])),
                    "The lowest error over 0 to 64 dimensions.",
                ),
                (
                    "mean of the training samples",
                    figure_of(float(line.test_error[0])),
                    "Every sample is reconstructed as the mean.",
                ),
            ]
        )


@st.cache_resource(max_entries=6, show_spinner="Computing PCA")
def _line(dataset: str) -> PCALine:
    data = load_dataset(dataset)
    return pca_line(data.train.x, data.test.x, MOST)


@st.cache_resource(max_entries=6, show_spinner="Computing PCA")
def _axes(dataset: str) -> np.ndarray:
    data = load_dataset(dataset)
    return pca_axes(data.train.x, min(MOST, data.spec.size - 1, len(data.train) - 1))
