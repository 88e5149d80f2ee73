"""The parts of Start here: an autoencoder in one picture whose code can be dragged, and five steps."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from aeexplorer.data import load_dataset
from aeexplorer.live.components import latent_pad
from aeexplorer.runs.listing import find_run
from aeexplorer.ui.shared.glossary import say
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.pictures import picture_rows
from aeexplorer.ui.shared.resources import explorer
from aeexplorer.ui.shared.setting_widgets import number_box
from aeexplorer.ui.shared.view_state import Setting, whole

RUN = "digits-vae-2d"
SAMPLES = 60


class Step(NamedTuple):
    """One step: a question, the page that answers it with everything set, and the answer."""

    title: str
    text: str
    page: str
    query: dict[str, str]
    label: str
    question: str
    answer: str


STEPS = (
    Step(
        "Lose something", "The bottleneck forces the model to choose what to keep. Compare a sample with its "
        "reconstruction, and look at the residual.", "reconstruct", {"run": "digits-ae", "sample": "12"},
        "Reconstruct a digit", "Where is the residual largest, inside the strokes or at their edges?",
        "At the edges: where a stroke ends differs from sample to sample, and 16 numbers cannot encode all of it.",
    ),
    Step(
        "See the code space", "Each test sample has a code. A map of the codes shows which samples look alike "
        "to the model, although it never saw a class label.", "latent_map", {"run": "digits-vae"},
        "Open the latent map",
        "Which two digits share a border on the map?",
        "Digits that look alike, such as 4 and 9, or 3 and 8: codes are close where decoded samples are.",
    ),
    Step(
        "Walk through it", "Between two codes lie other codes, and the decoder makes a sample of each of them.",
        "interpolate", {"run": "digits-vae", "sample": "3", "to": "8"}, "Interpolate between two digits",
        "Why does the pixel cross-fade show two digits at once, but the interpolation only one?",
        "The cross-fade mixes pictures. The interpolation mixes codes, and the decoder makes one sample of one code.",
    ),
    Step(
        "Trade detail for order", "A VAE pays for every nat of information in its code. β is the price: the higher, "
        "the tidier the latent space, and the blurrier the reconstruction.", "beta", {"run": "digits-beta"}, "Change β",
        "What is left of a code at β = 30?",
        "Almost nothing: the rate goes to zero, the posterior collapses onto the prior, and all reconstructions are "
        "alike.",
    ),
    Step(
        "Make something new", "Draw a code from the prior and decode it: a sample that nobody drew.", "generate",
        {"run": "digits-vae"}, "Generate digits", "What does a lower temperature do?",
        "Codes stay nearer to the middle of the prior: samples become safer and more alike.",
    ),
)  # fmt: skip


def picture() -> None:
    """A sample, its code on the plane, which can be dragged, and what the decoder makes of it."""
    run = find_run(RUN)
    model, test = explorer(run), load_dataset(run.spec.dataset).test
    left, right = st.columns([1, 3.4], vertical_alignment="center")
    with left:
        place = int(number_box(Setting("start", "digit", whole(0, SAMPLES)), "Sample", int, (0, SAMPLES), 0))
        x = test.x[[place]]
        picture_rows([("", x)], run.spec.data, tile_width=170)
        z = model.encode(x)[0]
        say(f"A sample of {run.spec.data.size} numbers.")
        st.html('<div class="ae-flow">↓ encoder</div>')
        say(f"Its code: {z[0]:.2f}, {z[1]:.2f}. It is the circle on the latent plane. Drag it.")
        st.html('<div class="ae-flow">→ decoder</div>')
        say("The decoder makes a sample of the code again, at the right of the plane: the reconstruction.")
    with right:
        latent_pad(
            model.name,
            key=f"start.plane.{place}",
            z=[float(v) for v in z],
            classes=len(run.spec.data.classes),
            neighbours=4,
            label="The latent plane: drag the code, and the decoded sample follows",
        )


def steps() -> None:
    """Five steps, each a link with everything set, a question, and its answer behind a click."""
    for number, step in enumerate(STEPS, 1):
        with st.container(border=True):
            text, action = st.columns([3, 1], vertical_alignment="center")
            with text:
                st.markdown(f"**{number}. {step.title}**")
                say(step.text)
            with action:
                page_link(step.page, step.label, "arrow_forward", **step.query)
            with st.expander(step.question, type="compact", key=f"start-answer-{number}"):
                say(step.answer)
