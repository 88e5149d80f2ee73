"""Alignment of each map with the map shown before it, so that a new seed, setting or model does not make it jump.

The axes of t-SNE and UMAP have no meaning, so those maps may be rotated and mirrored; maps by PCA and along an axis
keep their orientation within a run. While the pointer decodes, every map keeps its own coordinates: places are decoded
in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from aeexplorer.live.components import Placed
from aeexplorer.projection import align
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.latent_map.new_points import placed_points


@dataclass(frozen=True, eq=False)
class AlignedMap:
    """A map in the orientation in which it is shown.

    Attributes:
        run: its id.
        checksum: of the points before alignment; equal points keep the orientation they had.
        points: (n, 2 or 3) float32.
        index: (n,) samples.
        ghost: (n, 2 or 3), the second layout, or None.
        placed: the new points.
    """

    run: str
    checksum: int
    points: np.ndarray
    index: np.ndarray
    ghost: np.ndarray | None
    placed: tuple[Placed, ...]


def aligned_maps(layouts: Sequence[Layout], keep: bool) -> list[AlignedMap]:
    """Align each map with the one shown before in its place, or with the first map where a second model is compared.

    Args:
        keep: whether every map keeps its own coordinates.
    """
    maps: list[AlignedMap] = []
    for number, layout in enumerate(layouts):
        key = f"map-before.{number}"
        before: AlignedMap | None = st.session_state.get(key)
        own = _unaligned(layout)
        first = maps[0] if maps else None
        if keep or layout.state == "refused":
            aligned = own
        elif first is not None and layout.panel.run.id != first.run and layout.panel.method == layouts[0].panel.method:
            aligned = _align_with(own, first)
        elif layout.panel.by_job and before is not None and before.run == own.run:
            aligned = _align_with(own, before)
        else:
            aligned = own
        st.session_state[key] = aligned
        maps.append(aligned)
    return maps


def _unaligned(layout: Layout) -> AlignedMap:
    placed = tuple(placed_points(layout))
    return AlignedMap(layout.panel.run.id, layout.checksum, layout.points, layout.index, layout.ghost, placed)


def _align_with(own: AlignedMap, reference: AlignedMap) -> AlignedMap:
    """Rotate a map with its ghost and new points onto another map of as many dimensions."""
    if own.points.shape[1] != reference.points.shape[1] or len(np.intersect1d(own.index, reference.index)) < 3:
        return own
    placed = np.array([place.point for place in own.placed], np.float32).reshape(-1, own.points.shape[1])
    new_index = -1 - np.arange(len(placed))  # no sample has a negative index, so new points only follow the rotation
    rotated = align(
        np.concatenate([own.points, placed]), reference.points, np.concatenate([own.index, new_index]), reference.index
    )
    points = reference.points if own.checksum == reference.checksum else rotated[: len(own.points)]
    moved = tuple(
        place._replace(point=tuple(float(value) for value in point))
        for place, point in zip(own.placed, rotated[len(own.points) :], strict=True)
    )
    ghost = None if own.ghost is None else align(own.ghost, points)
    return replace(own, points=points, ghost=ghost, placed=moved)
