"""Maps turned onto what was shown before, so that another seed, other settings or another model do not jump.

t-SNE and UMAP know no directions, so a map may be turned and mirrored; a map by PCA or along an axis of the shown model
stays as it is. While places are decoded every map stays as it is: the places are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from aeexplorer.live.components import Placed
from aeexplorer.projection import align
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.latent_map.new_points import placed_on


@dataclass(frozen=True, eq=False)
class Shown:
    """A map as it is shown: see `Layout`, and what is placed on it.

    Attributes:
        content: a checksum of the points before they were turned; the same ones are shown as they were.
    """

    run: str
    content: int
    points: np.ndarray
    index: np.ndarray
    ghost: np.ndarray | None
    placed: tuple[Placed, ...]


def shown_maps(layouts: Sequence[Layout], as_they_are: bool) -> list[Shown]:
    """Every map as it is shown, and remembered for the next one in its place."""
    found: list[Shown] = []
    for number, layout in enumerate(layouts):
        key = f"map-before.{number}"
        before: Shown | None = st.session_state.get(key)
        first = found[0] if found else None
        own = _own(layout)
        if as_they_are or layout.state == "refused":
            shown = own
        elif first is not None and layout.panel.run.id != first.run and layout.panel.method == layouts[0].panel.method:
            shown = _turned(own, first)
        elif layout.panel.by_job and before is not None and before.run == own.run:
            shown = _turned(own, before)
        else:
            shown = own
        st.session_state[key] = shown
        found.append(shown)
    return found


def _own(layout: Layout) -> Shown:
    return Shown(
        layout.panel.run.id, layout.checksum, layout.points, layout.index, layout.ghost, tuple(placed_on(layout))
    )


def _turned(own: Shown, reference: Shown) -> Shown:
    """A map with all that is on it turned onto another one of the same dimensions."""
    if own.points.shape[1] != reference.points.shape[1] or len(np.intersect1d(own.index, reference.index)) < 3:
        return own
    placed = np.array([place.point for place in own.placed], np.float32).reshape(-1, own.points.shape[1])
    strangers = -1 - np.arange(len(placed))  # names of no sample: they are turned along
    turned = align(
        np.concatenate([own.points, placed]), reference.points, np.concatenate([own.index, strangers]), reference.index
    )
    points = reference.points if own.content == reference.content else turned[: len(own.points)]
    moved = tuple(
        place._replace(point=tuple(float(value) for value in point))
        for place, point in zip(own.placed, turned[len(own.points) :], strict=True)
    )
    ghost = None if own.ghost is None else align(own.ghost, points)
    return replace(own, points=points, ghost=ghost, placed=moved)
