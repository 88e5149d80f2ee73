"""Move a point across the latent plane and see what it decodes to."""

from __future__ import annotations

import streamlit as st

from aeexplorer.metrics import standing
from aeexplorer.plots import add_point, scatter_toy
from aeexplorer.runs import Run
from aeexplorer.ui.doors import door
from aeexplorer.ui.foot import foot, opening
from aeexplorer.ui.latent_plane import draw_plane, move_point, names_of, say_standing
from aeexplorer.ui.resources import openable_runs, plane, theme
from aeexplorer.ui.samples import background, chart, is_plane, long_names, missing_data, show, test_split
from aeexplorer.ui.state import open_picked, pick_run
from aeexplorer.ui.widgets import heading, refusals

NEIGHBOURS = 6
DOORS = (
    ("train", "Train a model", "digits take seconds", "model_training"),
    ("latent_map", "Map the codes", "PCA, t-SNE and UMAP of the codes", "scatter_plot"),
    ("explore", "Explore a model", "reconstruct, sample and interpolate", "image_search"),
)


def doors() -> None:
    for page, label, said, icon in DOORS:
        with st.container(border=True, gap="xxsmall"):
            door(page, f"**{label}**", icon)
            st.caption(said)


def empty() -> None:
    heading(
        "Move across the latent plane",
        "Every point of a latent plane decodes to a sample, once a model has learned it.",
    )
    with st.container(border=True, horizontal_alignment="center", gap="medium"):
        st.subheader("There is no trained model yet", anchor=False)
        st.markdown("This page needs one. Training an autoencoder on the built-in digits takes seconds and no network.")
        door("train", "Train a model", "model_training")
        door("data", "Look at the data first", "dataset")


@st.fragment
def explore(run: Run) -> None:
    model = open_picked(run)
    with refusals():
        ground = plane(run)
    codes, spec = model.codes, model.spec
    where = move_point(run, ground)
    z = ground.map.lift(where[None])[0]
    stand = standing(z, codes.z, ground.spacing, NEIGHBOURS)
    decoded = model.decode(z)
    split = test_split(model)

    left, middle, right = st.columns([5, 2.4, 2], gap="small")
    with left, st.container(border=True):
        draw_plane(run, ground, codes, where, spec.classes)
    with middle:
        with st.container(border=True, gap="xsmall"):
            if is_plane(spec):
                figure = scatter_toy(background(model), theme=theme()).update_layout(showlegend=False)
                add_point(figure, decoded[0], theme())
                chart(figure, height=280)
            else:
                show([("", decoded)], spec, columns=1, tile_width=240)
            coordinates = ", ".join(f"{value:.2f}" for value in z[:4])
            say_standing(f"z = ({coordinates}{', …' if len(z) > 4 else ''})", stand, ground)
        if split is not None and not is_plane(spec):
            with st.container(border=True, gap="xxsmall"):
                names = names_of(codes, stand.nearest, spec)
                long = long_names(spec.classes)
                st.caption("Nearest real samples" + (f": {', '.join(dict.fromkeys(names))}" if long else ""))
                show([("", split.x[codes.index[stand.nearest]])], spec, None if long else [names], 6, 60)
    with right:
        doors()
        if split is None:
            missing_data(model, "The plane works without it; the nearest real samples need it.")

    numbers = f"{len(z)} {'number' if len(z) == 1 else 'numbers'} in, {spec.size} {'pixels' if spec.kind == 'image' else 'values'} out"
    through = "" if ground.map.method == "raw" else ", on the plane of the two main axes"
    inside = ",\\, ".join(f"{value:.2f}" for value in z[:4]) + (r",\, \ldots" if len(z) > 4 else "")
    listed = ", ".join(f"{value:.3f}" for value in where[: min(2, len(z))])
    code = opening(run)
    if ground.map.method == "raw":
        code += f"sample = model.decode([[{listed}]])[0]\n"
    else:
        code += f'plane = ae.project(model.codes.z, "pca")\nsample = model.decode(plane.lift([[{listed}]]))[0]\n'
    foot(rf"\hat x = g(z) = g({inside})", numbers + through, code)


if not openable_runs():
    empty()
else:
    title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
    with title:
        heading("Move across the latent plane", "Every point decodes to a sample: move the sliders or click on the plane. "
                "Colours are classes, which the model never saw.")  # fmt: skip
    with picker:
        picked = pick_run()
    if picked is not None:
        explore(picked)
