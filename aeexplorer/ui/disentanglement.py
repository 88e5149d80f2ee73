"""The parts of Disentanglement: a matrix of dimensions and factors, traversals beside exact factors, and scores of
several seeds as dots."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.applications.disentanglement import TITLES, disagreement, factor_codes
from aeexplorer.data.factors import along
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.panel import Row, Slider
from aeexplorer.metrics import information
from aeexplorer.plots.bands import dots, matrix
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.companions import same_data
from aeexplorer.ui.shared.dimensions import symbol
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import explorer, theme, written
from aeexplorer.ui.shared.run_picker import picked_sample
from aeexplorer.ui.shared.samples import chart
from aeexplorer.ui.shared.samples import show as show_samples
from aeexplorer.ui.shared.studies import study
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, number

REACH = Setting("disentanglement", "reach", number(0, 5))
SHOWN = 6
"""Dimensions that are traversed, and columns of the pictures of a factor, at most."""
STEPS = 9


def fits(run: Run) -> bool:
    """Whether its data have exact factors, and its code is one of numbers."""
    return bool(run.spec.data.factors) and "codebook" not in run.family.traits_of(run.config)


def show(model: Explorer) -> None:
    """Show the information of dimensions about factors, traversals, and the scores of all runs of the data."""
    table, order = _information(str(model.run.path), written(model.run, "weights.safetensors"))
    factors = [factor.name for factor in model.spec.factors]
    left, right = st.columns([1, 1.5], gap="medium")
    with left, st.container(border=True):
        st.markdown("**Information in each dimension about each factor**")
        names = [symbol(k) for k in order[: 2 * SHOWN]]
        chart(matrix(table.T[order[: 2 * SHOWN]], names, factors, theme(), "share of the factor's entropy"), height=330)
        st.caption(
            "Mutual information as a share of the factor's entropy. Disentangled: one strong cell in each column."
        )
    with right:
        _traverse(model, [int(k) for k in order[:SHOWN]])
    _exact(model)
    st.markdown("**Scores of all runs on these data, one dot per seed**")
    runs = [run for run in (model.run, *same_data(model.run)) if fits(run) and run.spec.dial is None]
    known = tuple(sorted(run.reference for run in runs))
    study(model.run, "disentanglement", "Score all runs", _scores, runs=known)
    page_footer(
        r"\mathrm{MIG} = \frac 1F \sum_k \frac{I(z_{j_k}; v_k) - \max_{j \ne j_k} I(z_j; v_k)}{H(v_k)}",
        f"{model.latent_dim} dimensions, {len(factors)} factors",
        opening(model.run) + "from aeexplorer.applications.disentanglement import figures\n\nscores = figures(model)\n",
    )


@st.cache_data(max_entries=16, show_spinner="Comparing dimensions and factors")
def _information(path: str, changed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (factors, dimensions), and the dimensions, those that know most first."""
    z, factors, _ = factor_codes(explorer(Run(path)))
    table = information(z, factors)
    return table, np.argsort(-table.max(0), kind="stable")


def _traverse(model: Explorer, dims: list[int]) -> None:
    state = PanelState("disentanglement.panel", reach=REACH)
    place = picked_sample(len(model.dataset.test))
    panel = live_panel(
        "traverse",
        key=state.key,
        label="Traversals",
        params={"run": model.name, "sample": {"index": place}, "dims": dims, "steps": STEPS},
        controls=[
            Slider(
                param="reach",
                label="Range (± standard deviations)",
                low=0,
                high=5,
                step=0.1,
                value=state.start({"reach": (0, 5)}, reach=2.0)["reach"],
            )
        ],
        rows=[Row(array=f"dim_{k}", label=symbol(k), tile=56) for k in dims],
    )
    state.left(panel.values)


def _exact(model: Explorer) -> None:
    """The same sample with one exact factor after the other moved."""
    test = model.dataset.test
    place = picked_sample(len(test))
    with st.expander("Exact factors, changed one at a time"):
        rows = []
        for i, factor in enumerate(model.spec.factors):
            index = along(test, place, i)
            chosen = index[np.unique(np.linspace(0, len(index) - 1, STEPS).astype(int))]
            rows.append((factor.name, test.x[chosen]))
        show_samples(rows, model.spec, tile_width=56)
        st.caption(
            "Test samples that differ from the selected sample in one factor only, as many as the test split has."
        )


def _scores(found: dict[str, Any]) -> None:
    rows = found.get("runs", [])
    if not rows:
        return
    groups = list(dict.fromkeys(row["group"] for row in rows))
    series = {
        group: {title: [row[score] for row in rows if row["group"] == group] for score, title in TITLES.items()}
        for group in groups
    }
    with st.container(border=True):
        chart(dots(series, theme(), "score"), height=380)
    st.caption(as_text(disagreement(rows)))
