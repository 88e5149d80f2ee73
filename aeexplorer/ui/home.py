"""The latent plane of Home: where its point begins, where the hand left it, and the drawing that lands on it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad, latent_pad
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing, remember_sample
from aeexplorer.ui.shared.view_state import PanelState, Setting, place

PLANE = "home"
Point = tuple[float, float]


def has_plane(run: Run) -> bool:
    """Whether its code has two values, so that every point of a plane is a code."""
    return bool(run.config.latent_dim == 2)


class Plane:
    """The live plane of a model with the drawing pad beside it; both move one point, which is a code."""

    def __init__(self, model: Explorer) -> None:
        self._model, self._key = model, f"plane.{model.name}"
        reach = 3 * max(float(np.abs(model.codes.z).max()), 1.0)
        self._state = PanelState(
            self._key,
            z=Setting("home", "z", place((-reach, -reach), (reach, reach)), lambda z: f"{z[0]:.3f},{z[1]:.3f}"),
        )
        self._start: Point = self._state.start(z=self._first_point())["z"]
        self.drawn = False

    def show(self) -> None:
        """The plane; where the hand lets go, the nearest sample becomes the picked one."""
        model = self._model
        point = latent_pad(
            model.name,
            key=self._key,
            z=self._start,
            classes=max(len(model.spec.classes), 1),
            name=PLANE,
            label=f"Latent plane of {model.spec.title}",
        )
        self._moved("hand", point.z if point else None)
        if point and point.nearest is not None and point.nearest < len(model.codes.index):
            remember_sample(int(model.codes.index[point.nearest]))

    def show_pad(self) -> None:
        """A sheet whose drawing lands on the plane, where such samples can be drawn by hand."""
        spec = self._model.spec
        if not drawable(spec):
            link(None)
            return
        pixels = shared_drawing(spec)
        drawn = draw_pad(
            self._model.name,
            spec,
            key=f"sheet.{self._model.name}",
            plane=PLANE,
            pixels=pixels,
            label="Draw a digit: it lands on the plane",
        )
        self._moved("drawing", drawn.z if drawn and len(drawn.z) == 2 else None)
        if drawn:
            pixels = drawn.pixels
            remember_drawing(spec, pixels)
        link(pixels)
        self.drawn = bool(pixels)

    @property
    def point(self) -> Point:
        """The point where hand or drawing put it last."""
        z: Point = self._state.left({"z": st.session_state.get(f"{self._key}.z", self._start)})["z"]
        return z

    def _moved(self, by: str, z: tuple[float, ...] | None) -> None:
        """Move the point to that of the hand or the drawing, whichever is new."""
        state = st.session_state
        if z is not None and state.get(f"{self._key}.{by}") != z:
            state[f"{self._key}.{by}"] = state[f"{self._key}.z"] = z

    def _first_point(self) -> Point:
        """The code of the picked sample, so that the first picture is a good one."""
        index = self._model.codes.index
        row = int(np.abs(index - picked_sample(int(index.max()) + 1)).argmin())
        x, y = self._model.codes.z[row].tolist()
        return x, y


def decoded_at(model: Explorer, z: Point) -> np.ndarray:
    """The decoded sample (1, *shape) of a point of the plane."""
    return model.decode(np.array([z]))
