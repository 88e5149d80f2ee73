"""The parts of Overfitting: live loss curves of a grid of trainings, and the button that trains the one shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import load_dataset
from aeexplorer.live.components import Panel, live_panel
from aeexplorer.live.panel import Chart, Line, Mark, Readout, Segmented, Slider
from aeexplorer.program_files import PAGES
from aeexplorer.runs.overfitting import DATASET, FAMILY, REMEDIES, SAMPLES, knobs_of
from aeexplorer.runs.request import new_run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, number

FIRST = {"samples": 200.0, "remedy": "none"}
LINES = (
    Line(name="validation without a remedy", colour="quiet", x_array="epoch", y_array="plain"),
    Line(name="training", colour="accent", x_array="epoch", y_array="train", readout="train_loss", x_readout="last"),
    Line(
        name="validation",
        colour="mark",
        x_array="epoch",
        y_array="validation",
        readout="validation_loss",
        x_readout="last",
    ),
)
GAPS = tuple(
    Line(name=remedy.title, colour=colour, x_array="sizes", y_array=f"gap_{name}")
    for (name, remedy), colour in zip(REMEDIES.items(), ("ink", "accent", "mark", "quiet"), strict=True)
)


def show() -> None:
    """The panel, and what the training that it shows is made of."""
    state = PanelState(
        "overfitting.panel",
        samples=Setting("overfitting", "samples", number(SAMPLES[0], SAMPLES[-1])),
        remedy=Setting("overfitting", "remedy"),
    )
    limits: dict[str, tuple[float, float] | list[str]] = {
        "samples": (float(SAMPLES[0]), float(SAMPLES[-1])),
        "remedy": list(REMEDIES),
    }
    values = state.left(_panel(state.key, state.start(limits, **FIRST)).values)
    samples, remedy = round(values["samples"]), values["remedy"]
    st.caption(
        "Models were trained at the marked numbers of samples; curves in between are interpolated. The curve of a "
        "training that stopped early continues at its last loss."
    )
    nearest = min(SAMPLES, key=lambda n: abs(n - samples))
    if st.button(f"Train this one ({nearest} samples)", icon=":material/play_arrow:", key="overfitting.train"):
        _train(nearest, remedy)
    given = "".join(f",\n    {name}={value!r}" for name, value in knobs_of(nearest, remedy).items())
    page_footer(
        r"\text{gap} = L_{\text{validation}} - L_{\text{training}}",
        f"{nearest} samples, {'no remedy' if remedy == 'none' else REMEDIES[remedy].title.lower()}",
        f"import aeexplorer as ae\n\nrun = ae.train({FAMILY!r}, ae.load_dataset({DATASET!r}){given})\n",
    )


def _panel(key: str, start: Mapping[str, Any]) -> Panel:
    """Two controls, and the curves that follow them."""
    view = partial(Chart, scene="overfitting", fields=("samples", "remedy"), place="above")
    return live_panel(
        "overfitting",
        key=key,
        label="Overfitting",
        params={},
        controls=[
            Slider(
                param="samples",
                label="Training samples",
                symbol="n",
                low=SAMPLES[0],
                high=SAMPLES[-1],
                value=start["samples"],
                step=1,
                digits=0,
                scale="log",
                marks=tuple(Mark(x=n, label=str(n)) for n in SAMPLES),
            ),
            Segmented(
                param="remedy",
                label="Remedy",
                options=tuple((name, remedy.title) for name, remedy in REMEDIES.items()),
                value=start["remedy"],
            ),
        ],
        rows=[],
        readouts=[
            Readout(name="train_loss", label="training loss at the end"),
            Readout(name="validation_loss", label="validation loss at the end"),
            Readout(name="gap", label="gap"),
            Readout(name="best_loss", label="lowest validation loss"),
            Readout(name="best", label="after epoch", digits=0),
        ],
        views=[
            view(
                title="Loss over the epochs",
                x="samples",
                x_readout="last",
                x_label="epoch",
                y_label="nats per sample",
                lines=LINES,
                from_zero=False,
            ),
            view(
                title="Gap at the last epoch",
                x="samples",
                x_label="training samples",
                y_label="nats per sample",
                lines=GAPS,
            ),
        ],
    )


def _train(samples: int, remedy: str) -> None:
    """Start one training of the grid, and show it."""
    owner = current_owner()
    try:
        run = new_run(
            FAMILY,
            load_dataset(DATASET),
            f"Overfitting · {samples} samples",
            owner=owner,
            pace=jobs.pace(),
            **knobs_of(samples, remedy),
        )
        jobs.start(run, owner, 0.0, current_address(), new=True)
    except (ConfigError, OSError) as error:
        st.error(as_text(reason(error)), icon=":material/error:")
        return
    st.switch_page(PAGES / "train.py", query_params={"job": run.id})
