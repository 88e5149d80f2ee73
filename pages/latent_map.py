"""The Latent map page: maps of a model's codes side by side."""

from __future__ import annotations

import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.ui.latent_map.clusters import clusters_view
from aeexplorer.ui.latent_map.controls import map_controls
from aeexplorer.ui.latent_map.files import map_downloads, map_python
from aeexplorer.ui.latent_map.layouts import Layout, release_unshown
from aeexplorer.ui.latent_map.neighbours import neighbours_view
from aeexplorer.ui.latent_map.panels import Areas, show_maps
from aeexplorer.ui.latent_map.quality import quality_view
from aeexplorer.ui.latent_map.request import TITLES
from aeexplorer.ui.latent_map.selection import selection_view
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.resources import map_codes
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.setting_widgets import buttons
from aeexplorer.ui.shared.text import counted, duration, heading
from aeexplorer.ui.shared.view_state import Setting

EQUATIONS = {
    "raw": r"y = z",
    "pca": r"y = W\,(z - \bar z)",
    "axis": r"y_1 = (z - \bar z)^{\!\top} \frac{\bar z_b - \bar z_a}{\lVert \bar z_b - \bar z_a \rVert}",
    "tsne": r"\min_y\; \mathrm{KL}(P(z) \,\Vert\, Q(y))",
    "umap": r"\min_y\; \mathrm{CE}(\mu(z),\, \nu(y))",
}
VIEWS = {name: name for name in ("Sample", "Selection", "Clusters", "Quality")}


def show_view(model: Explorer, layouts: list[Layout], view: str, areas: Areas) -> str:
    """Draw the chosen view of the maps. Returns lines of Python that compute the same."""
    if view == "Selection":
        return selection_view(model, layouts, areas)
    if view == "Clusters":
        return clusters_view(model, layouts[0].panel.code_set, areas)
    if view == "Quality":
        return quality_view(model, layouts, areas)
    return neighbours_view(model, layouts, areas)


def page(model: Explorer) -> None:
    request = map_controls(model)
    release_unshown(request.panels)
    if request.wide:
        maps, panel = st.container(), st.container()
    else:
        maps, panel = st.columns([2.1, 1], gap="medium")
    with maps:
        layouts = show_maps(model, request)
    with panel:
        view = buttons(Setting("map", "view"), "View", VIEWS, "Sample", label_visibility="collapsed", wrap=True)
        areas = st.columns(3, gap="medium") if request.wide else [st.container(gap="small", key="map-area")] * 3
        code = show_view(model, layouts, view, areas)
    last = layouts[-1]
    width = map_codes(last.panel.run, last.panel.code_set).z.shape[1]
    numbers = f"{max(len(layout.points) for layout in layouts):,} codes of {counted(width, 'number')}"
    if last.just_computed:
        numbers += f"; {TITLES[last.panel.method]} took {duration(last.seconds)}"
    python = opening(model.run) + map_python(model, layouts) + code
    page_footer(EQUATIONS[last.panel.method], numbers, python, *map_downloads(model, layouts))


title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Latent map of a model",
        "Each point is the code of a test sample. Hover, click, or draw around points to select them.",
    )
with picker:
    run = pick_run()
if run is not None:
    opened = open_picked(run)
    with refusals():
        page(opened)
