"""Draw maps of a model's codes side by side, and see what lies next to what."""

from __future__ import annotations

import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.ui.latent_map import panels
from aeexplorer.ui.latent_map.clusters import clusters_view
from aeexplorer.ui.latent_map.controls import ask
from aeexplorer.ui.latent_map.files import files_of
from aeexplorer.ui.latent_map.layouts import Layout, forget_unwatched, python_of
from aeexplorer.ui.latent_map.neighbours import look_view, quality_view
from aeexplorer.ui.latent_map.selection import selection_view
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.text import heading
from aeexplorer.ui.shared.view_state import Setting

EQUATIONS = {
    "raw": r"y = z",
    "pca": r"y = W\,(z - \bar z)",
    "axis": r"y_1 = (z - \bar z)^{\!\top} \frac{\bar z_b - \bar z_a}{\lVert \bar z_b - \bar z_a \rVert}",
    "tsne": r"\min_y\; \mathrm{KL}(P(z) \,\Vert\, Q(y))",
    "umap": r"\min_y\; \mathrm{CE}(\mu(z),\, \nu(y))",
}
VIEWS = ("Look", "Selection", "Clusters", "Quality")


def view_of() -> str:
    setting = Setting("map", "view")
    key = setting.begin(VIEWS[0], VIEWS)
    chosen = st.segmented_control("View", VIEWS, required=True, key=key, label_visibility="collapsed")
    setting.end(VIEWS[0])
    return str(chosen)


def beside(model: Explorer, layouts: list[Layout], view: str, areas: panels.Areas) -> str:
    """What the chosen view says of the maps; lines of Python that say the same."""
    if view == "Selection":
        return selection_view(model, layouts, areas)
    if view == "Clusters":
        return clusters_view(model, layouts[0].panel.size, areas)
    if view == "Quality":
        return quality_view(model, layouts, areas)
    return look_view(model, layouts, areas)


def page(model: Explorer) -> None:
    asked = ask(model)
    forget_unwatched(asked.panels)
    wide = len(asked.panels) > 2
    if wide:
        maps, panel = st.container(), st.container()
    else:
        maps, panel = st.columns([2.2, 1], gap="medium")
    with maps:
        layouts = panels.show_maps(model, asked)
    with panel:
        view = view_of()
        areas = st.columns(3, gap="medium") if wide else [st.container(gap="small", key="map-view")] * 3
        code = beside(model, layouts, view, areas)
    last = layouts[-1]
    said = f"{max(len(layout.points) for layout in layouts):,} codes of {model.latent_dim} numbers"
    if last.done and last.seconds:
        said += f", drawn in {last.seconds:.1f} s"
    page_footer(
        EQUATIONS[last.panel.method], said, opening(model.run) + python_of(layouts, model) + code,
        *files_of(model, layouts),
    )  # fmt: skip


title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Map the codes of a model",
        "Each point is the code of a test sample: hover, click, or draw around some to select them.",
    )
with picker:
    run = pick_run()
if run is not None:
    opened = open_picked(run)
    with refusals():
        page(opened)
