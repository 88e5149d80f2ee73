"""The maps side by side, with their progress and quality, and the gestures on them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import MapTouch, latent_map
from aeexplorer.ui.latent_map.alignment import AlignedMap, aligned_maps
from aeexplorer.ui.latent_map.colours import Colouring, colourings
from aeexplorer.ui.latent_map.layouts import REFUSAL, Layout, layout_of, request_panel, stop_job
from aeexplorer.ui.latent_map.new_points import cached_map_id
from aeexplorer.ui.latent_map.request import TITLES, MapRequest
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.run_picker import picked_sample, remember_sample
from aeexplorer.ui.shared.text import as_text

TICK_SECONDS = 0.4
OLD_RANKED = 2_000  # samples among which older maps ranked neighbours
HEIGHTS = {"panel": 400, "three": 360, "large": 600}  # of a map; the style sheet keeps room for each
READING = {
    "raw": "The codes themselves: distances are meaningful.",
    "pca": "A linear view: distant codes can overlap.",
    "axis": "From one group at the left to the other at the right.",
    "tsne": "Distances between clusters and sizes of clusters mean nothing in t-SNE.",
    "umap": "Distances between clusters and sizes of clusters mean little in UMAP.",
}
AXES = {"raw": "z{}", "pca": "PC {}", "axis": "axis {}", "tsne": "t-SNE {}", "umap": "UMAP {}"}
FIGURES = (
    ("knn_recall", "kNN recall@{k}", "Share of the {k} nearest codes that are among the {k} nearest points."),
    (
        "trustworthiness",
        "trustworthiness",
        "1 if all neighbours on the map are neighbours in the latent space (Venna & Kaski 2001).",
    ),
    (
        "continuity",
        "continuity",
        "1 if all neighbours in the latent space are neighbours on the map (Venna & Kaski 2001).",
    ),
    ("label_accuracy", "label accuracy", "Share of points whose class is that of most of their {k} nearest points."),
)

Areas = Sequence[DeltaGenerator]
"""Three places side by side, or the same place three times, whose contents then stand below each other."""


def selection(dataset: str) -> tuple[int, ...]:
    """The selected samples of a dataset, by their index in it."""
    return tuple(st.session_state.get(f"map-selected.{dataset}", ()))


def select(dataset: str, places: Sequence[int]) -> None:
    """Select samples; an empty sequence clears the selection."""
    st.session_state[f"map-selected.{dataset}"] = tuple(int(place) for place in places)


def decoded_place(dataset: str) -> tuple[int, tuple[float, ...]] | None:
    """The number of the map and the place on it where a decoding pointer was released last; None before that."""
    return st.session_state.get(f"map-at.{dataset}")


def show_maps(model: Explorer, request: MapRequest) -> list[Layout]:
    """Draw the maps; while a job runs they redraw themselves."""
    layouts = [layout_of(panel) for panel in request.panels]
    if any(layout.unfinished for layout in layouts):
        st.fragment(_redraw, run_every=TICK_SECONDS)(model, request)
    else:
        _maps(model, request, layouts)
    return layouts


def _redraw(model: Explorer, request: MapRequest) -> None:
    layouts = [layout_of(panel) for panel in request.panels]
    if not any(layout.unfinished for layout in layouts) or _maps(model, request, layouts):
        st.rerun()


def _maps(model: Explorer, request: MapRequest, layouts: list[Layout]) -> bool:
    """Draw the maps. Returns whether there was a new gesture on one of them."""
    if refusal := st.session_state.pop(REFUSAL, ""):
        st.error(as_text(refusal), icon=":material/error:")
    colours = colourings(request.colour, layouts)
    gesture, notes = False, []
    aligned = aligned_maps(layouts, keep=request.decode)
    size = "large" if request.large else "three" if len(layouts) > 2 else "panel"
    for number, (box, layout) in enumerate(zip(st.columns(len(layouts)), layouts, strict=True)):
        with box, st.container(border=True, gap="xsmall", key=f"map-{size}-{number}"):
            gesture |= _map(model, request, layout, aligned[number], colours[number], number, HEIGHTS[size])
            notes.append(st.container(gap="xsmall", key=f"map-note-{number}"))
    for note, layout in zip(notes, layouts, strict=True):  # the figures take longer than the points
        with note:
            _status(layout)
    return gesture


def _map(
    model: Explorer,
    request: MapRequest,
    layout: Layout,
    aligned: AlignedMap,
    colour: Colouring,
    number: int,
    height: int,
) -> bool:
    panel, dataset = layout.panel, model.run.spec.dataset
    if layout.state == "refused":
        st.markdown(f"**{as_text(panel.title)}**")
        st.error(as_text(layout.message), icon=":material/error:")
        return False
    key = f"map-{number}"
    touch = latent_map(
        scene_name(panel.run),
        key=key,
        points=aligned.points,
        index=aligned.index,
        colouring=colour,
        title=panel.title,
        axes=[AXES[panel.method].format(i + 1) for i in range(aligned.points.shape[1])],
        group="maps",
        map_id=cached_map_id(layout),
        ghost=aligned.ghost,
        placed=aligned.placed,
        selected=selection(dataset),
        picked=picked_sample(int(layout.index.max()) + 1),
        mode="decode" if request.decode and layout.done else "select",
        density=request.density,
        pictures=request.pictures,
        height=height,
        label=_description(layout, colour),
    )
    return _record_gesture(dataset, number, f"{key}.heard", touch)


def _description(layout: Layout, colour: Colouring) -> str:
    """The map in words, for those who cannot see it."""
    panel, components = layout.panel, layout.points.shape[1]
    codes = f"{len(layout.points):,} codes of {run_name(panel.run)}"
    name = f"{TITLES[panel.method]} map of {codes} in {components} dimensions"
    coloured = f", coloured by {colour.label}" if colour.label else ""
    return f"{name}{coloured}. Arrow keys go from point to point, Enter picks one, plus and minus zoom."


def _record_gesture(dataset: str, number: int, key: str, touch: MapTouch) -> bool:
    """Keep the picked sample, the selection and the decoded place. Returns whether any of them is new."""
    before: MapTouch = st.session_state.get(key, MapTouch(None, (), None))
    if touch == before:
        return False
    st.session_state[key] = touch
    if touch.picked is not None and touch.picked != before.picked:
        remember_sample(touch.picked)
    if touch.selected != before.selected:
        select(dataset, touch.selected)
        if touch.selected:
            st.query_params["view"] = "Selection"
    if touch.at is not None and touch.at != before.at:
        st.session_state[f"map-at.{dataset}"] = (number, touch.at)
    return True


def _status(layout: Layout) -> None:
    """The progress of a map with the button of its state; of a finished map its quality and how to read it."""
    if layout.state == "stopped":
        st.error(as_text(layout.message), icon=":material/error:")
        _request_button(layout, "Draw the map again")
    elif layout.state == "offered":
        st.caption(f"{as_text(layout.message)} Until then PCA is shown.")
        _request_button(layout, f"Draw {TITLES[layout.panel.method]}")
    elif layout.state == "moving" and layout.job is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(layout.fraction, layout.message)
            st.button(
                "Stop",
                key=f"stop.{layout.job.path.name}",
                on_click=stop_job,
                args=(layout.job,),
                disabled=layout.job.cancel_requested,
                type="tertiary",
            )
        st.caption("Starts from the PCA layout and improves step by step.")
    elif layout.done:
        _quality(layout)
        st.caption(_reading(layout))
        for notice in layout.notices:
            st.caption(f"Note: {as_text(notice)}.")


def _quality(layout: Layout) -> None:
    """The figures of a finished map, and over how many samples they are taken where that is not all."""
    figures, _ = layout.quality()
    k, n = int(figures.get("k", 15)), len(layout.points)
    figures_line(
        [
            (title.format(k=k), f"{figures[name]:.3f}", explanation.format(k=k))
            for name, title, explanation in FIGURES
            if name in figures
        ]
    )
    if figures.get("ranked", n) < n:
        st.caption(f"Trustworthiness and continuity are means over {figures['ranked']:,.0f} of the samples.")
    elif figures and "ranked" not in figures and n > OLD_RANKED:
        st.caption(
            f"Trustworthiness and continuity are measured on {OLD_RANKED:,} samples only; on all they would be higher."
        )


def _request_button(layout: Layout, label: str) -> None:
    panel = layout.panel
    key = f"draw.{panel.method}.{panel.run.id}"
    st.button(label, type="primary", key=key, on_click=request_panel, args=(panel,))


def _reading(layout: Layout) -> str:
    """Explain how to read a map of this method, with the variance that its axes explain."""
    sentence = READING[layout.panel.method]
    if layout.explained_variance:
        share = float(np.sum(layout.explained_variance))
        sentence = f"{sentence} Its axes explain {share:.0%} of the variance."
    return sentence
