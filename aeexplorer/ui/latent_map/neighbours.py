"""The picked sample: its reconstruction, its nearest neighbours by code and by pixels, and the place that was
decoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.live.map_cache import cached_map
from aeexplorer.metrics import nearest_samples
from aeexplorer.plots import scatter_toy
from aeexplorer.ui.latent_map import panels
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.latent_map.new_points import cached_map_id, new_point_controls, projection_of
from aeexplorer.ui.shared.resources import CodeSet, map_codes, map_errors, map_samples, theme
from aeexplorer.ui.shared.run_picker import picked_sample
from aeexplorer.ui.shared.samples import background, chart, class_name, is_plane, missing_data, show, test_split
from aeexplorer.ui.shared.text import as_text

SHOWN_NEIGHBOURS = 7


def neighbours_view(model: Explorer, layouts: list[Layout], areas: panels.Areas) -> str:
    """Draw the picked sample, its neighbours, and the controls of the new points.

    Returns:
        Lines of Python that reconstruct the sample.
    """
    code_set = layouts[0].panel.code_set
    picked = picked_sample(int(map_codes(model.run, code_set).index.max()) + 1)
    with areas[0]:
        decoded = panels.decoded_place(model.run.spec.dataset)
        if decoded is not None and decoded[0] < len(layouts):
            _decoded(model, layouts[decoded[0]], decoded[1])
        _picked(model, picked, code_set)
    with areas[1]:
        _neighbours(model, picked, code_set)
    with areas[2]:
        new_point_controls(model)
        missing = missing_data(model, "The maps work without it; the pictures of their samples need it.")
    if missing or picked >= len(model.dataset.test):
        return ""
    return f"x = model.dataset.test.x[[{picked}]]\nreconstruction = model.reconstruct(x)\n"


def _decoded(model: Explorer, layout: Layout, place: tuple[float, ...]) -> None:
    """The sample decoded at the place where the pointer was released."""
    if not layout.done or layout.points.shape[1] != len(place):
        return
    projection = projection_of(layout)
    numbers = ", ".join(f"{value:.2f}" for value in place)
    how = "approximately, between its neighbours on the map" if projection.approximate else "exactly"
    st.caption(f"({numbers}) on {as_text(layout.panel.title)}, decoded {how}")
    lifted = cached_map(str(cached_map_id(layout))).lift(np.array([place]), model)
    _side_by_side(model, model.decode(lifted), [], ["decoded"])


def _picked(model: Explorer, picked: int, code_set: CodeSet) -> None:
    split, spec, codes = test_split(model), model.spec, map_codes(model.run, code_set)
    row = np.flatnonzero(codes.index == picked)
    name = class_name(spec, int(codes.labels[row[0]])) if len(row) else ""
    error = f", squared error {map_errors(model.run, code_set)[row[0]]:.4f}" if split is not None and len(row) else ""
    st.markdown(f"**Picked: #{picked}{f', {as_text(name)}' if name else ''}**{as_text(error)}")
    if split is not None:
        x = model.dataset.take(np.array([picked])).x
        _side_by_side(model, x, model.reconstruct(x), ["original", "reconstruction"])
    elif len(row):
        _side_by_side(
            model, model.decode(map_codes(model.run, code_set.whole).z[row[:1]]), [], ["decoded from its code"]
        )
    else:
        st.caption("Its code is not stored, and its samples are not on this computer.")


def _side_by_side(
    model: Explorer, x: np.ndarray, reconstructions: Sequence[np.ndarray] | np.ndarray, captions: list[str]
) -> None:
    """A sample, and its reconstruction where there is one."""
    if is_plane(model.spec):
        figure = scatter_toy(background(model), theme=theme())
        sample = scatter_toy(x, np.asarray(reconstructions) if len(reconstructions) else None, theme=theme())
        sample.update_traces(marker_size=12, selector={"mode": "markers"}).update_traces(
            marker_color=theme().mark, selector={"name": "data"}
        )
        chart(figure.add_traces(sample.data).update_layout(showlegend=False), 200)
    else:
        width = 112 if model.spec.row.pixels else 160
        show([("", [x[0], *reconstructions])], model.spec, [captions], 2, width)


def _neighbours(model: Explorer, picked: int, code_set: CodeSet) -> None:
    """The nearest samples by code above the nearest by pixels; those in both are marked."""
    split, codes = test_split(model), map_codes(model.run, code_set)
    row = np.flatnonzero(codes.index == picked)
    if split is None or not len(row) or len(codes.z) < 3:
        return
    x = map_samples(model.run, code_set).x
    values = model.spec.values(x).reshape(len(x), -1)
    nearest = nearest_samples(codes.z, values, int(row[0]), SHOWN_NEIGHBOURS)
    shared = set(nearest.shared.tolist())
    st.markdown(f"**Nearest neighbours**: {len(shared)} of {len(nearest.by_code)} agree")
    if is_plane(model.spec):
        return
    picture = model.spec.row.pixels
    for title, rows in (("by code", nearest.by_code), ("by pixels" if picture else "by values", nearest.by_pixels)):
        st.caption(title)
        shown = rows if picture else rows[:2]
        captions = ["both" if place in shared else "" for place in shown.tolist()]
        show([("", x[shown])], model.spec, [captions], SHOWN_NEIGHBOURS if picture else 2, 48 if picture else 150)
