"""The Quality view: distances before and after a map, and the error of the model against PCA of as many dimensions."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.data import load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import PCALine, pca_line, shepard
from aeexplorer.plots import dimension_curve, shepard_plot
from aeexplorer.ui.latent_map import panels
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.resources import map_codes, openable_runs, theme
from aeexplorer.ui.shared.samples import chart, test_split
from aeexplorer.ui.shared.text import as_text

PCA_DIMENSIONS = 64
PCA_SAMPLES = 5_000
PAIRS, SHOWN_PAIRS = 4_000, 1_500  # of the correlation, and of the diagram, which a browser draws as SVG


def quality_view(model: Explorer, layouts: list[Layout], areas: panels.Areas) -> str:
    """Draw the Shepard diagram of a finished map, and the test error of the dataset's models against PCA.

    Returns:
        Lines of Python that compute the rank correlation, for codes `z` and the points of the map.
    """
    drawn = {layout.panel.title: layout for layout in layouts if layout.done and len(layout.points) > 2}
    if not drawn:
        areas[0].caption("The figures appear when a map is finished.")
        return ""
    with areas[0]:
        titles = list(drawn)
        chosen = titles[0]
        if len(titles) > 1:
            chosen = str(
                st.segmented_control("Distances on", titles, default=titles[-1], required=True, key="shepard-of")
            )
        layout = drawn.get(chosen, drawn[titles[0]])
        distances = shepard(map_codes(layout.panel.run, layout.panel.code_set).z, layout.points, PAIRS)
        correlation = f"{distances.rank_correlation:.3f}"
        explanation = "Spearman's; 1 if the map keeps the order of all distances."
        figures_line([("rank correlation of distances", correlation, explanation)])
    with areas[1]:
        some = max(1, len(distances.codes) // SHOWN_PAIRS)
        chart(shepard_plot(distances.codes[::some], distances.points[::some], theme()), 205, key="shepard")
    with areas[2]:
        _dimension_chart(model)
    return f"from aeexplorer.metrics import shepard\n\nprint(shepard(z, {layout.panel.method}).rank_correlation)\n"


def _dimension_chart(model: Explorer) -> None:
    """The test error of this dataset's models by latent dimension, against as many principal components."""
    if test_split(model) is None:
        st.caption(f"The comparison with PCA needs {as_text(model.spec.title)} on this computer.")
        return
    runs = [run for run in openable_runs() if run.spec.dataset == model.run.spec.dataset and "mse" in run.status.result]
    line = _pca_line(model.run.spec.dataset)
    explained = float(np.interp(model.latent_dim, line.dimensions, line.explained_variance))
    st.caption(
        f"Test error by latent dimension. {model.latent_dim} principal components explain {explained:.0%} of the "
        "variance."
    )
    ids = [run.id for run in runs]
    figure = dimension_curve(
        line.dimensions,
        line.test_error,
        [run.config.latent_dim for run in runs],
        [float(run.status.result["mse"]) for run in runs],
        [run.title.removeprefix(f"{run.spec.data.title} · ") for run in runs],
        ids.index(model.run.id) if model.run.id in ids else None,
        theme(),
    )
    chart(figure, 225, key="dimension-curve")


@st.cache_resource(max_entries=6, show_spinner=False)
def _pca_line(name: str) -> PCALine:
    data = load_dataset(name)
    train, test = (data.spec.values(split.x[:PCA_SAMPLES]) for split in (data.train, data.test))
    return pca_line(train, test, PCA_DIMENSIONS)
