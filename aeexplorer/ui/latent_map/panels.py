"""The maps side by side: how each stands, what a hand did on them, and how much of the neighbourhood each kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import MapTouch, latent_map
from aeexplorer.ui.latent_map import layouts
from aeexplorer.ui.latent_map.alignment import Shown, shown_maps
from aeexplorer.ui.latent_map.colours import Colouring, colourings
from aeexplorer.ui.latent_map.controls import TITLES, Asked
from aeexplorer.ui.latent_map.layouts import Layout, layout_of
from aeexplorer.ui.latent_map.new_points import held_as
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.run_picker import picked_sample, remember_sample
from aeexplorer.ui.shared.text import as_text

TICK_SECONDS = 0.4
HEIGHT, LOW = 400, 216  # of a map, and of one of three; `look` keeps room for both
READING = {
    "raw": "The codes themselves: distances mean what they say.",
    "pca": "A linear view: far codes can fall together.",
    "axis": "From one group at the left to the other at the right.",
    "tsne": "Distances between clusters and sizes of clusters mean nothing in t-SNE.",
    "umap": "Distances between clusters and sizes of clusters mean little in UMAP.",
}
FIGURES = (
    ("knn_recall", "kNN recall@{k}", "Share of the {k} nearest codes that are among the {k} nearest points."),
    ("trustworthiness", "trustworthiness", "1 if no neighbour on the map is invented (Venna & Kaski 2001)."),
    ("continuity", "continuity", "1 if no true neighbours are torn apart (Venna & Kaski 2001)."),
    ("label_accuracy", "label accuracy", "Share of points whose class the {k} nearest points guess right."),
)

Areas = Sequence[DeltaGenerator]
"""Three places beside each other, or three times the same one whose content goes below each other."""


def selection(dataset: str) -> tuple[int, ...]:
    """The selected samples of a dataset, as places in the test split."""
    return tuple(st.session_state.get(_selected(dataset), ()))


def select(dataset: str, places: Sequence[int]) -> None:
    """Select samples; none ends the selection."""
    st.session_state[_selected(dataset)] = tuple(int(place) for place in places)


def pointed_at(dataset: str) -> tuple[int, tuple[float, ...]] | None:
    """Where a pointer that decodes was let go: which map of those side by side, and the place on it."""
    return st.session_state.get(f"map-at.{dataset}")


def show_maps(model: Explorer, asked: Asked) -> list[Layout]:
    """The maps; while one is being drawn they are looked at again by themselves."""
    layouts = [layout_of(panel) for panel in asked.panels]
    if waiting(layouts):
        st.fragment(_watched, run_every=TICK_SECONDS)(model, asked)
    else:
        _maps(model, asked, layouts)
    return layouts


def waiting(layouts: list[Layout]) -> bool:
    """Whether any of them must be looked at again."""
    return any(layout.waits for layout in layouts)


def _watched(model: Explorer, asked: Asked) -> None:
    layouts = [layout_of(panel) for panel in asked.panels]
    if not waiting(layouts) or _maps(model, asked, layouts):
        st.rerun()


def _maps(model: Explorer, asked: Asked, layouts: list[Layout]) -> bool:
    """Draws them. Returns whether a hand has done something new on one."""
    if said := st.session_state.pop("map-refused", ""):
        st.error(as_text(said), icon=":material/error:")
    colours = colourings(asked.colour, layouts)
    touched, notes = False, []
    shown = shown_maps(layouts, asked.decode)
    name = "map-low" if len(layouts) > 2 else "map-panel"
    for number, (box, layout) in enumerate(zip(st.columns(len(layouts)), layouts, strict=True)):
        with box, st.container(border=True, gap="xsmall", key=f"{name}-{number}"):
            touched |= _map(model, asked, layout, shown[number], colours[number], number)
            notes.append(st.container(gap="xsmall", key=f"map-note-{number}"))
    for note, layout in zip(notes, layouts, strict=True):  # after the points, which people wait for
        _foot(note, layout)
    return touched


def _map(model: Explorer, asked: Asked, layout: Layout, shown: Shown, colour: Colouring, number: int) -> bool:
    panel, dataset = layout.panel, model.run.spec.dataset
    if layout.state == "refused":
        st.markdown(f"**{as_text(panel.title)}**")
        st.error(as_text(layout.said), icon=":material/error:")
        return False
    key = f"map-{number}"
    touch = latent_map(
        panel.run.path.name, key=key, points=shown.points, index=shown.index, values=colour.values,
        categories=colour.categories, colour_label=colour.label, title=panel.title, group="maps", map_id=held_as(layout),
        ghost=shown.ghost, placed=shown.placed, selected=selection(dataset),
        picked=picked_sample(int(layout.index.max()) + 1), mode="decode" if asked.decode and layout.done else "select",
        density=asked.density, pictures=asked.pictures, height=LOW if len(asked.panels) > 2 else HEIGHT,
        label=f"{panel.title} of {len(layout.points):,} codes",
    )  # fmt: skip
    return _heard(dataset, number, f"{key}.heard", touch)


def _heard(dataset: str, number: int, name: str, touch: MapTouch) -> bool:
    """Take in what is new of what a hand did."""
    before: MapTouch = st.session_state.get(name, MapTouch(None, (), None))
    if touch == before:
        return False
    st.session_state[name] = touch
    if touch.picked is not None and touch.picked != before.picked:
        remember_sample(touch.picked)
    if touch.selected != before.selected:
        select(dataset, touch.selected)
    if touch.at is not None and touch.at != before.at:
        st.session_state[f"map-at.{dataset}"] = (number, touch.at)
    return True


def _foot(place: DeltaGenerator, layout: Layout) -> None:
    """How far a map is and the button that its state asks for; of a finished one what it kept, and what must not be read
    from it."""
    with place:
        if layout.state == "stopped":
            st.error(as_text(layout.said), icon=":material/error:")
            _draw(layout, "Draw it again")
        elif layout.state == "offered":
            st.caption(f"{as_text(layout.said)} Until then this is PCA.")
            _draw(layout, f"Draw {TITLES[layout.panel.method]}")
        elif layout.state == "moving" and layout.job is not None:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.progress(layout.fraction, layout.said)
                st.button(
                    "Stop", key=f"stop.{layout.job.path.name}", on_click=layouts.stop, args=(layout.job,),
                    disabled=layout.job.cancel_requested, type="tertiary",
                )  # fmt: skip
            st.caption("It begins from PCA; points travel to where they belong.")
        elif layout.done:
            found, _ = layout.judged()
            k = int(found.get("k", 15))
            figures_line(
                [
                    (title.format(k=k), f"{found[name]:.3f}", said.format(k=k))
                    for name, title, said in FIGURES
                    if name in found
                ]
            )
            st.caption(_reading(layout))
            for notice in layout.notices:
                st.caption(f"Note: {as_text(notice)}.")


def _draw(layout: Layout, label: str) -> None:
    panel = layout.panel
    st.button(label, type="primary", key=f"draw.{panel.method}.{panel.run.id}", on_click=layouts.begin, args=(panel,))


def _reading(layout: Layout) -> str:
    said = READING[layout.panel.method]
    if layout.explained_variance:
        share = float(np.sum(layout.explained_variance))
        said = f"{said} {share:.0%} of the variance lies on these axes."
    return said


def _selected(dataset: str) -> str:
    return f"map-selected.{dataset}"
