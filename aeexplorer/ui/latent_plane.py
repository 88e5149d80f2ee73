"""The plane of Home: where the point stands, and what a click or a link says about it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec
from aeexplorer.metrics import Standing
from aeexplorer.plots import add_ground, add_point, names_below, scatter_map
from aeexplorer.runs import Codes, Run
from aeexplorer.ui.resources import Plane, theme
from aeexplorer.ui.samples import chart, class_name, long_names

FLAT = 3  # times as wide as high: from there on a plane fills the panel instead of keeping one scale
BADGES = {"on the data": "green", "in a sparse region": "orange", "off the map": "red"}


def point_keys(run: Run, plane: Plane) -> list[str]:
    """Names of the coordinates in the session; at first those of the link, else of the first stored code."""
    keys = [f"plane.{run.id}.{axis}" for axis in range(min(2, plane.map.codes.shape[1]))]
    if any(key not in st.session_state for key in keys):
        start = _from_link(len(keys))
        for axis, key in enumerate(keys):
            value = float(plane.map.points[0, axis] if start is None else start[axis])
            st.session_state[key] = round(float(np.clip(value, plane.low[axis], plane.high[axis])), 3)
    return keys


def _from_link(n: int) -> list[float] | None:
    try:
        values = [float(part) for part in st.query_params.get("z", "").split(",")]
    except ValueError:
        return None
    return values if len(values) == n and np.isfinite(values).all() else None


def move_point(run: Run, plane: Plane) -> np.ndarray:
    """One slider per coordinate, across the full width; the point (2,) on the plane."""
    keys = point_keys(run, plane)
    raw = plane.map.method == "raw"
    boxes = st.columns(len(keys), gap="large")
    for axis, (key, box) in enumerate(zip(keys, boxes, strict=True)):
        low, high = (round(float(edge[axis]), 3) for edge in (plane.low, plane.high))
        name = f"z{'₁₂'[axis]}" if raw else f"principal axis {axis + 1}"
        box.slider(name, low, high, step=round((high - low) / 200, 3) or 0.001, key=key, format="%.2f",
                   persist_state="session")  # fmt: skip
    where = [st.session_state[key] for key in keys]
    said = ",".join(f"{value:g}" for value in where)
    if st.query_params.get("z") != said:
        st.query_params["z"] = said
    return np.array(where + [0.0] * (2 - len(where)), dtype=np.float32)


def draw_plane(run: Run, plane: Plane, codes: Codes, where: np.ndarray, class_names: tuple[str, ...]) -> None:
    """The stored codes in the colours of their classes; a click anywhere moves the point there."""
    keys = point_keys(run, plane)
    labels = codes.labels if (codes.labels >= 0).any() else None
    figure = scatter_map(
        plane.map.points, labels, class_names, theme(),
        alt=f"The plane of {len(codes.z)} stored codes; the point is at {where[0]:.2f}, {where[1]:.2f}",
    )  # fmt: skip
    figure.update_layout(showlegend=False)
    if long_names(class_names):
        names_below(figure)
    add_ground(figure, plane.low, plane.high)
    add_point(figure, where, theme())
    figure.update_xaxes(range=[plane.low[0], plane.high[0]])
    figure.update_yaxes(range=[plane.low[1], plane.high[1]])
    span = plane.high - plane.low
    if span.max() > FLAT * span.min():
        figure.update_yaxes(scaleanchor=None)
    key = f"plane.{run.id}.chart"
    chart(figure, height=470, key=key, on_select=lambda: _clicked(key, keys, plane), selection_mode="points")


def _clicked(key: str, keys: list[str], plane: Plane) -> None:
    points = st.session_state[key].selection.points
    if points:
        for axis, name in enumerate(keys):
            value = float(points[0]["xy"[axis]])
            st.session_state[name] = round(float(np.clip(value, plane.low[axis], plane.high[axis])), 3)


def say_standing(said: str, standing: Standing, plane: Plane) -> None:
    """Where the point stands: its coordinates, a badge, and the distances the badge is read from."""
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{said}**", width="content")
            st.badge(standing.where, color=BADGES[standing.where])  # type: ignore[arg-type]
        st.caption(
            f"nearest code {standing.distance:.2g} away, usual {plane.spacing:.2g}",
            help="95 % of the stored codes have another one within the usual distance. A point is on the data within "
            "it, in a sparse region up to 3 times as far, off the map beyond.",
        )


def names_of(codes: Codes, rows: np.ndarray, spec: DataSpec) -> list[str]:
    """The class of each of some stored codes, or its place in the test split where it has none."""
    return [class_name(spec, int(codes.labels[row])) or f"#{codes.index[row]}" for row in rows]
