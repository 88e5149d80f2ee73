"""Draw a map of a model's codes and see what lies next to what."""

from __future__ import annotations

import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.jobs.maps import FinishedMap
from aeexplorer.projection import METHODS
from aeexplorer.ui import mapping
from aeexplorer.ui.foot import foot, opening
from aeexplorer.ui.resources import direct_map
from aeexplorer.ui.samples import missing_data, test_split
from aeexplorer.ui.state import open_picked, pick_run, picked_sample
from aeexplorer.ui.widgets import as_text, heading, refusals

EQUATIONS = {
    "raw": r"y = z",
    "pca": r"y = W\,(z - \bar z)",
    "tsne": r"\min_y\; \mathrm{KL}(P(z) \,\Vert\, Q(y))",
    "umap": r"\min_y\; \mathrm{CE}(\mu(z),\, \nu(y))",
}


def controls(model: Explorer) -> tuple[str, int, int, str, dict[str, object]]:
    titles = mapping.methods_for(model.latent_dim)
    left, middle, right, last = st.columns([3.2, 1.2, 1, 1], vertical_alignment="bottom", gap="medium")
    with left:
        method = st.segmented_control(
            "Map", list(titles), default=next(iter(titles)), required=True, format_func=titles.__getitem__,
            key=f"method.{min(model.latent_dim, 4)}",
        )  # fmt: skip
    with middle:
        choice = st.segmented_control(
            "Dimensions", ["2-D", "3-D"], default="2-D", required=True, disabled=method == "raw"
        )
    with right:
        n = mapping.how_many(model)
    with last:
        by = mapping.colour_by(model)
    dimensions = 3 if choice == "3-D" else 2
    parameters: dict[str, object] = {}
    if method in mapping.SHOWN:
        parameters = mapping.parameters_for(method) | {"components": dimensions}
    return method, dimensions, n, by, parameters


def page(model: Explorer) -> None:
    method, dimensions, n, by, parameters = controls(model)
    if refused := st.session_state.pop("map-refused", ""):
        st.error(as_text(refused), icon=":material/error:")
    left, right = st.columns([3, 1.35], gap="medium")
    found: FinishedMap | None
    with left:
        if method in mapping.SHOWN:
            found = mapping.computed_map(model.run, method, n, parameters)
        else:
            found = direct_map(model.run, method, n, dimensions)
    if found is None:
        with right, st.container(border=True):
            st.caption(f"{METHODS[method].summary} {mapping.READING[method]}")
    else:
        picked = picked_sample(int(found.index.max()) + 1)
        with right:
            mapping.say_quality(method, found)
            mapping.show_picked(model, picked, found)
            mapping.take_along(model, method, found)
            if test_split(model) is None:
                missing_data(model, "The map works without it; the pictures of its samples need it.")
        with left:
            mapping.draw_map(model, found, method, by, picked)
            for notice in found.notices:
                st.caption(f"Note: {notice}.")
    asked = "".join(f", {name}={value!r}" for name, value in parameters.items())
    asked = asked or (f", components={dimensions}" if method == "pca" else "")
    said = f"{n:,} codes of {model.latent_dim} numbers"
    if found is not None and found.seconds:
        said += f", drawn in {found.seconds:.1f} s"
    foot(
        EQUATIONS[method],
        said,
        opening(model.run) + f'map = ae.project(model.codes.z, "{method}"{asked})\nprint(map.points)\n',
    )


title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
with title:
    heading(
        "Map the codes of a model",
        "Each point is the code of a test sample; click one to see it and its reconstruction.",
    )
with picker:
    run = pick_run()
if run is not None:
    opened = open_picked(run)
    with refusals():
        page(opened)
