"""The work behind the page of maps: ask for one, watch it being drawn, colour it, and take it along."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.data import DATASETS, factor_groups
from aeexplorer.explorer import Explorer
from aeexplorer.jobs import MapJob, cancel, find_map, request_map, under_way
from aeexplorer.jobs.maps import FinishedMap
from aeexplorer.plots import add_point, names_below, scatter_map
from aeexplorer.projection import METHODS, coordinates_csv
from aeexplorer.runs import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.identity import current_owner
from aeexplorer.ui.jobs_panel import waiting_sentence
from aeexplorer.ui.resources import theme
from aeexplorer.ui.samples import chart, class_name, is_plane, long_names, sentence_case, show, test_split
from aeexplorer.ui.state import remember_sample
from aeexplorer.ui.widgets import as_text, knobs

SHOWN = {"tsne": ["perplexity", "seed"], "umap": ["n_neighbors", "min_dist", "seed"]}
HEIGHT = 460
FIGURES = (
    ("knn_recall", "kNN recall", "Share of the {k} nearest codes that are among the {k} nearest points."),
    ("trustworthiness", "Trustworthiness", "1 if no neighbour on the map is invented (Venna & Kaski 2001)."),
    ("continuity", "Continuity", "1 if no true neighbours are torn apart (Venna & Kaski 2001)."),
    ("label_accuracy", "Label accuracy", "Share of points whose class the {k} nearest points guess right."),
)


def methods_for(latent_dim: int) -> dict[str, str]:
    """Titles of the maps that codes of this dimension can have; codes as they are come first where they fit."""
    names = (["raw"] if latent_dim <= 3 else []) + ["pca", "tsne", "umap"]
    return {name: METHODS[name].title for name in names}


def how_many(model: Explorer) -> int:
    """A number of points: the stored codes, or more where the dataset is here to be encoded."""
    stored, name = len(model.codes.z), model.run.spec.dataset
    most = max(stored, DATASETS[name].n_test) if test_split(model) is not None else stored
    if most <= 4:
        return stored
    return int(
        st.number_input(
            "Points", 4, most, min(stored, most), step=500, key=f"points.{model.run.id}",
            help=f"Test samples on the map. Above the {stored:,} stored codes the samples are encoded anew.",
        )
    )  # fmt: skip


def parameters_for(method: str) -> dict[str, Any]:
    """The knobs of a method, with the bounds of its configuration."""
    return knobs(METHODS[method].config(), f"map.{method}", SHOWN[method], columns=len(SHOWN[method]))


def computed_map(run: Run, method: str, n: int, parameters: dict[str, Any]) -> FinishedMap | None:
    """A t-SNE or UMAP map: at once when it was drawn before; else what to press, or how far it is, and None."""
    _, job = find_map(run, method, n, **parameters)
    state, reason = "none", ""
    if job is not None:
        try:
            status = job.status
            state, reason = status.state, status.reason
            if state == "done":
                return job.finished()
        except Damaged as error:
            state, reason = "failed", str(error)
    if job is not None and under_way(job):
        _watch(job, METHODS[method].title)
        return None
    with st.container(border=True, height=HEIGHT, horizontal_alignment="center", vertical_alignment="center"):
        title = METHODS[method].title
        if state in ("failed", "interrupted"):
            st.error(as_text(f"{title} stopped: {reason}"), icon=":material/error:")
        elif state == "cancelled":
            st.markdown(f"This {title} map was cancelled.", width="content")
        else:
            st.markdown(
                f"This {title} map was not drawn yet. It takes seconds to a minute and is kept.", width="content"
            )
        st.button(
            f"Draw the {title} map" if state == "none" else "Draw it again", type="primary", key="draw-map",
            on_click=_begin, args=(run, method, n, parameters),
        )  # fmt: skip
    return None


def _begin(run: Run, method: str, n: int, parameters: dict[str, Any]) -> None:
    try:
        request_map(run, method, n, current_owner(), **parameters)
    except (ValueError, OSError) as error:
        st.session_state["map-refused"] = str(error)


def _cancel(job: MapJob) -> None:
    try:
        cancel(job, current_owner())
    except ConfigError as error:
        st.session_state["map-refused"] = str(error)


@st.fragment(run_every=0.5)
def _watch(job: MapJob, title: str) -> None:
    """Progress, time left, the layout as it is now, and a way to stop."""
    if not under_way(job):
        st.rerun()
    event = job.last_event("progress") or {}
    fraction = float(event.get("fraction", 0.0))
    left = f", about {max(1, round(event['seconds_left']))} s left" if fraction > 0.05 else ""
    bar, stop = st.columns([5, 1], vertical_alignment="center")
    if job.cancel_requested:
        doing = "Cancelling"
    elif event:
        doing = f"{title}: {fraction:.0%}{left}"
    else:
        doing = f"{title}: {waiting_sentence(job).lower()}"
    bar.progress(min(max(fraction, 0.0), 1.0), doing)
    stop.button("Cancel", on_click=_cancel, args=(job,), disabled=job.cancel_requested, key="cancel-map")
    points = job.intermediate()
    with st.container(border=True):
        if points is None:
            with st.container(height=HEIGHT, border=False, horizontal_alignment="center", vertical_alignment="center"):
                st.caption("Finding the nearest neighbours of every code", width="content")
        else:
            figure = scatter_map(points, theme=theme(), alt=f"The layout at {fraction:.0%}, not finished")
            figure.update_layout(uirevision=None)
            chart(figure, HEIGHT, key="map-preview")


def colour_by(model: Explorer) -> str:
    """What to colour the points by: the class and, where the samples are here, their exact factors; empty for neither."""
    split = test_split(model)
    factors = (
        [] if split is None or split.factors is None else [f.name for f in model.spec.factors if f.name != "shape"]
    )
    options = (["class"] if (model.codes.labels >= 0).any() else []) + factors
    if not options:
        return ""
    return str(st.selectbox("Colour by", options, format_func=sentence_case, key=f"colour.{model.run.spec.dataset}"))


def groups_of(model: Explorer, found: FinishedMap, by: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Group of each point, -1 for none, and the names of the groups."""
    split, names = test_split(model), [factor.name for factor in model.spec.factors]
    if by not in names or split is None or split.factors is None:
        return found.labels, model.spec.classes
    column = names.index(by)
    return factor_groups(split.factors[found.index, column], model.spec.factors[column])


def draw_map(model: Explorer, found: FinishedMap, method: str, by: str, picked: int) -> None:
    """The map; a click on a point makes it the picked sample."""
    labels, names = groups_of(model, found, by)
    figure = scatter_map(
        found.points, labels if (labels >= 0).any() else None, names, theme(),
        hover=[_hover(model, found, row) for row in range(len(found.index))],
        alt=f"{METHODS[method].title} of {len(found.points)} codes{f', coloured by {by}' if by else ''}",
    )  # fmt: skip
    if long_names(names):
        names_below(figure)
    row = np.flatnonzero(found.index == picked)
    if len(row):
        add_point(figure, found.points[row[0]], theme())
    flat = found.points.shape[1] == 2
    figure.update_layout(clickmode="event+select", hoverdistance=30)
    if flat:
        figure.for_each_trace(
            lambda trace: trace.update(unselected={"marker": {"opacity": 0.75}}),
            lambda trace: trace.type == "scattergl",
        )
    key = f"map-chart-{model.run.id}"
    height = HEIGHT if method in SHOWN else HEIGHT + 80  # where no row of knobs takes its place
    with st.container(border=True):
        if flat:
            chart(figure, height, key=key, on_select=lambda: _clicked(key, found), selection_mode="points")
        else:
            chart(figure, height, key=key + "-solid")


def _hover(model: Explorer, found: FinishedMap, row: int) -> str:
    name = class_name(model.spec, int(found.labels[row]))
    return f"#{found.index[row]}{f', {name}' if name else ''}"


def _clicked(key: str, found: FinishedMap) -> None:
    for point in st.session_state[key].selection.points:
        row = point.get("customdata")
        row = row[0] if isinstance(row, list | tuple) else row
        if row is not None and 0 <= int(row) < len(found.index):
            remember_sample(int(found.index[int(row)]))


def say_quality(method: str, found: FinishedMap) -> None:
    """How much of the neighbourhood the map kept, and what must not be read from it."""
    with st.container(border=True, gap="xsmall"):
        k = int(found.quality.get("k", 15))
        for pair in (FIGURES[:2], FIGURES[2:]):
            for box, (name, label, said) in zip(st.columns(2), pair, strict=True):
                if name in found.quality:
                    box.metric(label, f"{found.quality[name]:.3f}", help=said.format(k=k))
        if found.explained_variance:
            st.caption(f"{sum(found.explained_variance):.0%} of the variance lies on these axes.")
        st.caption(READING[method])


READING = {
    "raw": "These are the codes themselves: distances mean what they say.",
    "pca": "A linear view from the side: what varies least is not seen, and far codes can fall together.",
    "tsne": "Near points are near codes. Distances between clusters, their sizes and densities mean nothing.",
    "umap": "Near points are near codes. Distances between clusters and their sizes mean little.",
}


def show_picked(model: Explorer, picked: int, found: FinishedMap) -> None:
    """The picked sample and its reconstruction, as large as the column allows."""
    split, spec = test_split(model), model.spec
    row = np.flatnonzero(found.index == picked)
    stored = np.flatnonzero(model.codes.index == picked)
    with st.container(border=True, gap="xsmall"):
        name = class_name(spec, int(found.labels[row[0]])) if len(row) else ""
        st.caption(f"Test sample #{picked}{f', {name}' if name else ''}")
        if split is not None:
            x = split.x[picked][None]
            restored = model.reconstruct(x)
            if is_plane(spec):
                show([("sample", x), ("reconstruction", restored)], spec)
            elif spec.kind == "image":
                show([("", [x[0], restored[0]])], spec, [["sample", "reconstruction"]], 2, 150)
            else:
                show([("sample", x), ("decoded", restored)], spec, columns=1, tile_width=240)
        elif len(stored):
            show([("", model.decode(model.codes.z[stored[:1]]))], spec, [["decoded from its code"]], 1, 150)
        else:
            st.caption("Its code is not stored, and its samples are not on this computer.")


def take_along(model: Explorer, method: str, found: FinishedMap) -> None:
    """The coordinates as a file."""
    st.download_button(
        "Coordinates as CSV", lambda: coordinates_csv(found.points, found.index, found.labels, model.spec.classes),
        f"{model.run.spec.dataset}-{method}.csv", "text/csv", icon=":material/download:", on_click="ignore",
    )  # fmt: skip
