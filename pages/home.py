"""Home: move across the latent plane and see what each of its points decodes to."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.listing import pretrained
from aeexplorer.runs.run import Run
from aeexplorer.ui.home import Plane, decoded_at, has_plane
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.resources import openable_runs
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.samples import missing_data
from aeexplorer.ui.shared.text import heading
from aeexplorer.ui.shared.view_state import one_link

TITLE = "Home: the latent plane"
MISSING = "There is no model with a 2-D latent space yet. Train one: training on digits takes seconds."
CARDS = (
    ("interpolate", "Interpolate", "Move between two samples: lerp, slerp and a pixel cross-fade"),
    ("corruption", "Corruption", "Corrupt samples and let a denoising autoencoder restore them"),
    ("train", "Train", "Train your own model and watch it learn, epoch by epoch"),
    ("data", "Add your own data", "Your pictures, tables and series, ready to train on in a minute"),
)


def cards(drawn: bool) -> None:
    """Links to other pages; a drawing goes along."""
    with st.container(key="home-cards", gap="small"):
        for page, label, caption in CARDS:
            with st.container(border=True, gap=None, key=f"home-card-{page}"):
                query = {"corruption": {"samples": "drawn"} if drawn else {}, "data": {"add": "1"}}.get(page, {})
                page_link(page, f"**{label}**", **query)
                st.caption(caption)


def empty() -> None:
    heading(TITLE, "Every point of a latent plane decodes to a sample, once a model has learned it.")
    with st.container(border=True, horizontal_alignment="center", gap="medium"):
        st.subheader("There is no trained model yet", anchor=False)
        st.markdown(
            "This page needs one. Training an autoencoder on the built-in digits takes seconds and needs no internet."
        )
        page_link("train", "Train a model", "model_training", family="vae", dataset="digits")
        page_link("data", "Browse the data", "dataset")


@st.fragment
def explore(run: Run) -> None:
    with one_link(), refusals():
        model = open_picked(run)
        plane = Plane(model)
        left, right = st.columns([3.9, 1], gap="small")
        with left, st.container(key="plane"):
            plane.show()
        with right:
            plane.show_pad()
            cards(plane.drawn)
        z, spec = plane.point, model.spec
        missing_data(model, "The plane works without it; the nearest real samples need it.")
        page_footer(
            rf"\hat x = g(z) = g({z[0]:.2f},\, {z[1]:.2f})",
            f"2 numbers in, {spec.measured} {spec.row.part}s out",
            opening(run) + f"sample = model.decode([[{z[0]:.4g}, {z[1]:.4g}]])[0]\n",
            sheet("decoded", {"decoded": decoded_at(model, z)}, spec),
        )


if not (pretrained() or openable_runs()):
    empty()
else:
    title, picker = st.columns([3, 1.3], vertical_alignment="bottom")
    with title:
        heading(
            TITLE,
            "Every point of this plane decodes to a sample. The dots are encoded test samples. "
            "Colours show class labels; the model was trained without them.",
        )
    with picker:
        picked = pick_run("Model (2-D latent space)", fits=has_plane, missing=MISSING, family="vae")
    if picked is not None:
        explore(picked)
