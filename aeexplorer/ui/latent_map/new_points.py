"""New codes on the maps: a drawing, or the way from the picked sample to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.interpolation import lerp
from aeexplorer.live.components import Placed, draw_pad
from aeexplorer.live.map_cache import hold
from aeexplorer.live.scenes.samples import Sample, code_of
from aeexplorer.projection import METHODS, Projection
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.resources import explorer, map_codes
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing
from aeexplorer.ui.shared.sample_picker import opened_run
from aeexplorer.ui.shared.view_state import Setting, whole

if TYPE_CHECKING:
    from aeexplorer.ui.latent_map.layouts import Layout

NOTHING, DRAWING, WAY = "nothing", "drawing", "way"
STEPS = 9


def _what() -> Setting:
    return Setting("map", "place")


def _end(dataset: str) -> Setting:
    return Setting(f"map.{dataset}", "way", whole(0, 10**7))


def ask_placing(model: Explorer) -> None:
    """What to place on the maps; they follow at the next run, which a new drawing asks for."""
    spec, last = model.spec, int(model.codes.index.max())
    titles = {NOTHING: "Nothing", WAY: "A way"} | ({DRAWING: "A drawing"} if drawable(spec) else {})
    what = _what()
    key = what.begin(NOTHING, list(titles))
    chosen = st.segmented_control(
        "Place on the maps", list(titles), format_func=titles.__getitem__, required=True, key=key,
        help="New codes among the known ones: exactly by PCA, approximately by t-SNE and UMAP.",
    )  # fmt: skip
    what.end(NOTHING)
    if chosen == WAY:
        end = _end(spec.name)
        st.number_input(
            "From the picked sample to", 0, last, step=1, key=end.begin(_other(model)),
            help="A straight line between the two codes, in eight steps.",
        )  # fmt: skip
        end.end(_other(model))
    elif chosen == DRAWING:
        drawn = draw_pad(
            model.run.path.name, spec, key=f"map.sheet.{spec.name}", label="Draw a digit: it lands on the maps",
            pixels=shared_drawing(spec),
        )  # fmt: skip
        if drawn and drawn.pixels != shared_drawing(spec):
            remember_drawing(spec, drawn.pixels)
            link(drawn.pixels)
            st.rerun()


def new_codes(model: Explorer) -> tuple[np.ndarray, list[str]]:
    """The codes (m, latent_dim) that are to be placed, and what stands beside each."""
    spec, what = model.spec, _what()
    chosen = st.session_state[what.begin(NOTHING, [NOTHING, WAY, DRAWING])]
    none: tuple[np.ndarray, list[str]] = (np.empty((0, model.latent_dim), np.float32), [])
    opened = opened_run(model.run)
    if chosen == DRAWING:
        pixels = shared_drawing(spec)
        return none if not pixels else (code_of(Sample(pixels=pixels), opened)[None], ["drawn"])
    if chosen == WAY:
        end = _end(spec.name)
        places = [picked_sample(int(model.codes.index.max()) + 1), st.session_state[end.begin(_other(model))]]
        codes = [_code_at(model, int(place)) for place in places]
        way = lerp(codes[0], codes[1], np.linspace(0, 1, STEPS)).astype(np.float32)
        return way, [f"#{places[0]}", *[""] * (STEPS - 2), f"#{places[1]}"]
    return none


def placed_on(layout: Layout) -> list[Placed]:
    """What is placed, where it lies on a map; nothing on one that is not there yet."""
    if not layout.done:
        return []
    codes, names = new_codes(explorer(layout.panel.run))
    if not len(codes):
        return []
    where = projection_of(layout).transform(codes)
    approximate = METHODS[layout.panel.method].approximate
    return [
        Placed(tuple(float(value) for value in point), name, approximate)
        for point, name in zip(where, names, strict=True)
    ]


def projection_of(layout: Layout) -> Projection:
    """The map with its codes, so that other codes can be placed on it and places lifted from it."""
    if layout.projection is not None:
        return layout.projection
    panel = layout.panel
    key = f"{layout.job.path.name if layout.job else ''}.{panel.run.id}"
    return _projection(key, panel.method, layout)


def held_as(layout: Layout) -> str | None:
    """The name under which scenes find a finished map, which is held from then on; None before."""
    if not layout.done:
        return None
    panel = layout.panel
    name = layout.job.path.name if layout.job else f"{panel.method}.{panel.size.split}.{panel.size.n}.{layout.checksum}"
    hold(f"{panel.run.id}.{name}", projection_of(layout))
    return f"{panel.run.id}.{name}"


@st.cache_resource(max_entries=12, show_spinner=False)
def _projection(key: str, method: str, _layout: Layout) -> Projection:
    panel = _layout.panel
    return Projection(_layout.points, map_codes(panel.run, panel.size).z, method, dict(panel.parameters))


def _code_at(model: Explorer, place: int) -> np.ndarray:
    """The code of a test sample: encoded where the data is here, else the stored one that is nearest by number."""
    opened = opened_run(model.run)
    if opened.test is not None and place < len(opened.test):
        return code_of(Sample(index=place), opened)
    row = int(np.abs(model.codes.index - place).argmin())
    return model.codes.z[row]


def _other(model: Explorer) -> int:
    """A sample of another class than the first one's, to begin with."""
    labels, index = model.codes.labels, model.codes.index
    different = np.flatnonzero(labels != labels[0])
    return int(index[different[0]] if len(different) else index[-1])
