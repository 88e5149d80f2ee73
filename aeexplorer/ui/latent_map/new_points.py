"""New points on the maps: the code of a drawing, or the path from the picked sample to another."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.interpolation import lerp
from aeexplorer.live.components import Placed, draw_pad
from aeexplorer.live.map_cache import cache_map
from aeexplorer.live.scenes.samples import Sample, code_of
from aeexplorer.projection import METHODS, Projection
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.resources import explorer, map_codes
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing
from aeexplorer.ui.shared.sample_picker import opened_run
from aeexplorer.ui.shared.setting_widgets import buttons, number_box
from aeexplorer.ui.shared.view_state import Setting, whole

NONE, DRAWING, PATH = "nothing", "drawing", "way"
TITLES = {NONE: "None", PATH: "Path", DRAWING: "Drawing"}
STEPS = 9
OVERLAY = Setting("map", "place")


def _end_setting(dataset: str) -> Setting:
    return Setting(f"map.{dataset}", "way", whole(0, 10**7))


def new_point_controls(model: Explorer) -> None:
    """Draw the controls of the new points; the maps show them at the next run, which a new drawing asks for."""
    spec, last = model.spec, int(model.codes.index.max())
    offered = {name: title for name, title in TITLES.items() if name != DRAWING or drawable(spec)}
    explanation = "Shows new codes on the maps: PCA places them exactly, t-SNE and UMAP approximately."
    chosen = buttons(OVERLAY, "Overlay", offered, NONE, help=explanation)
    if chosen == PATH:
        number_box(
            _end_setting(spec.name),
            "End of the path (sample number)",
            int,
            (0, last),
            _default_end(model),
            step=1,
            help=f"A straight line from the picked sample's code to the code of this one, in {STEPS - 1} steps.",
        )
    elif chosen == DRAWING:
        drawn = draw_pad(
            model.name,
            spec,
            key=f"map.sheet.{spec.name}",
            label="Draw a digit: its code appears on the maps",
            pixels=shared_drawing(spec),
        )
        if drawn and drawn.pixels != shared_drawing(spec):
            remember_drawing(spec, drawn.pixels)
            link(drawn.pixels)
            st.rerun()


def new_codes(model: Explorer) -> tuple[np.ndarray, list[str]]:
    """The codes (m, latent_dim) of the new points, and their labels."""
    spec = model.spec
    chosen = st.session_state[OVERLAY.begin(NONE, list(TITLES))]
    opened = opened_run(model.run)
    if chosen == DRAWING and (pixels := shared_drawing(spec)):
        return code_of(Sample(pixels=pixels), opened)[None], ["drawing"]
    if chosen == PATH:
        end = _end_setting(spec.name)
        samples = [picked_sample(int(model.codes.index.max()) + 1), st.session_state[end.begin(_default_end(model))]]
        start, stop = (_code_at(model, int(sample)) for sample in samples)
        path = lerp(start, stop, np.linspace(0, 1, STEPS)).astype(np.float32)
        return path, [f"#{samples[0]}", *[""] * (STEPS - 2), f"#{samples[1]}"]
    return np.empty((0, model.latent_dim), np.float32), []


def placed_points(layout: Layout) -> list[Placed]:
    """The new points at their places on a map; none before the map is done."""
    if not layout.done:
        return []
    model = explorer(layout.panel.run)
    codes, labels = new_codes(model)
    if not len(codes):
        return []
    places = projection_of(layout).transform(codes[:, model.part(layout.panel.code_set.level)])
    approximate = METHODS[layout.panel.method].approximate
    return [
        Placed(tuple(float(value) for value in place), label, approximate)
        for place, label in zip(places, labels, strict=True)
    ]


def projection_of(layout: Layout) -> Projection:
    """The map with its codes, which places other codes on it and lifts codes from it."""
    if layout.projection is not None:
        return layout.projection
    panel = layout.panel
    key = f"{layout.job.path.name if layout.job else ''}.{panel.run.id}"
    return _projection(key, panel.method, layout)


def cached_map_id(layout: Layout) -> str | None:
    """Cache a finished map for the live scenes and return the name under which they find it; None before it is done."""
    if not layout.done:
        return None
    panel = layout.panel
    codes = panel.code_set
    name = layout.job.path.name if layout.job else f"{panel.method}.{codes.split}.{codes.n}.{layout.checksum}"
    whole = map_codes(panel.run, codes.whole).z
    cache_map(f"{panel.run.id}.{name}", projection_of(layout), codes.level, whole)
    return f"{panel.run.id}.{name}"


@st.cache_resource(max_entries=12, show_spinner=False)
def _projection(key: str, method: str, _layout: Layout) -> Projection:
    panel = _layout.panel
    return Projection(_layout.points, map_codes(panel.run, panel.code_set).z, method, dict(panel.parameters))


def _code_at(model: Explorer, place: int) -> np.ndarray:
    """The code of a test sample: encoded where the data is here, else the stored code with the nearest index."""
    opened = opened_run(model.run)
    if opened.test is not None and place < len(opened.test):
        return code_of(Sample(index=place), opened)
    row = int(np.abs(model.codes.index - place).argmin())
    return model.codes.z[row]


def _default_end(model: Explorer) -> int:
    """A sample of another class than the first sample's."""
    labels, index = model.codes.labels, model.codes.index
    different = np.flatnonzero(labels != labels[0])
    return int(index[different[0]] if len(different) else index[-1])
