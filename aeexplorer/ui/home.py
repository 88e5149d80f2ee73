"""The plane of Home: where its point begins, where the hand let go of it, and the drawing that lands on it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad, latent_pad
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing, remember_sample

PLANE = "home"


def has_plane(run: Run) -> bool:
    """Whether its code has two values, so that every point of a plane is a code."""
    return bool(run.config.latent_dim == 2)


def move(model: Explorer) -> None:
    """The live plane; where the hand lets go, the nearest sample becomes the picked one."""
    key = _key(model)
    # where a plane begins stays while it lives: what the hand did since is the plane's own
    if key not in st.session_state or f"{key}.start" not in st.session_state:
        st.session_state[f"{key}.start"] = _beginning(model)
        for name in ("z", "hand", "drawing"):
            st.session_state.pop(f"{key}.{name}", None)
    point = latent_pad(
        model.run.id, key=key, z=st.session_state[f"{key}.start"], classes=max(len(model.spec.classes), 1), name=PLANE,
        label=f"Latent plane of {model.spec.title}",
    )  # fmt: skip
    _moved(model, "hand", point.z if point else None)
    if point and point.nearest is not None and point.nearest < len(model.codes.index):
        remember_sample(int(model.codes.index[point.nearest]))


def draw_on(model: Explorer) -> bool:
    """A sheet whose drawing lands on the plane, where a hand can draw such samples; whether there is a drawing."""
    spec: DataSpec = model.spec
    if not drawable(spec):
        link(None)
        return False
    pixels = shared_drawing(spec)
    drawn = draw_pad(
        model.run.id, spec, key=f"sheet.{model.run.id}", plane=PLANE, pixels=pixels,
        label="Draw a digit: it lands on the plane",
    )  # fmt: skip
    _moved(model, "drawing", drawn.z if drawn and len(drawn.z) == 2 else None)
    if drawn:
        pixels = drawn.pixels
        remember_drawing(spec, pixels)
    link(pixels)
    return bool(pixels)


def where(model: Explorer) -> tuple[float, float]:
    """The point where hand or drawing put it last; the link says so too."""
    key = _key(model)
    z: tuple[float, float] = st.session_state.get(f"{key}.z") or st.session_state[f"{key}.start"]
    said = f"{z[0]:.3f},{z[1]:.3f}"
    if st.query_params.get("z") != said:
        st.query_params["z"] = said
    return z


def decoded_at(model: Explorer, z: tuple[float, float]) -> np.ndarray:
    """What a point of the plane decodes to, (1, *shape)."""
    return model.decode(np.array([z]))


def _key(model: Explorer) -> str:
    return f"plane.{model.run.id}"


def _moved(model: Explorer, by: str, z: tuple[float, ...] | None) -> None:
    """Of hand and drawing the one whose point is new says where the point is."""
    key = _key(model)
    if z is not None and st.session_state.get(f"{key}.{by}") != z:
        st.session_state[f"{key}.{by}"] = st.session_state[f"{key}.z"] = z


def _beginning(model: Explorer) -> tuple[float, float]:
    """The point of the link, else the code of the picked sample, so that the first picture is a good one."""
    try:
        asked = [float(part) for part in st.query_params.get("z", "").split(",")]
    except ValueError:
        asked = []
    stored = model.codes.z
    reach = 3 * max(float(np.abs(stored).max()), 1.0)
    if len(asked) == 2 and np.isfinite(asked).all() and max(map(abs, asked)) <= reach:
        return asked[0], asked[1]
    index = model.codes.index
    row = int(np.abs(index - picked_sample(int(index.max()) + 1)).argmin())
    return float(stored[row, 0]), float(stored[row, 1])
