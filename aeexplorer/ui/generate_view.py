"""Parts shared by the views of Generate: the picked sample, pictures, and the content for the footer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.panel import Readout
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.sample_picker import PickedSample, pick_samples
from aeexplorer.ui.shared.view_state import Setting, number, whole

DRAWS, WIDE_DRAWS = 48, 16
SEED = Setting("generate", "seed", whole(0, 2**31))
TEMPERATURE = Setting("generate", "temperature", number(0, 2))
DIFFERENCE = Readout(name="difference", label="RMS difference to the nearest real sample", digits=2)
View = Callable[[OpenRun, DeltaGenerator], "Shown"]
"""Draws itself below, and the picker of its sample beside the names of the views."""


@dataclass(frozen=True)
class Shown:
    """The content of a view, for the footer of the page.

    Attributes:
        equation: LaTeX.
        numbers: those of the equation.
        python: lines that make the same, for `model`.
        files: downloads.
    """

    equation: str
    numbers: str
    python: str
    files: tuple[Download, ...] = ()


def picked(opened: OpenRun, place: DeltaGenerator) -> tuple[PickedSample, DeltaGenerator]:
    """The picked sample, whose card takes half of a place, and the other half."""
    with place:
        left, right = st.columns(2, vertical_alignment="center")
    with left:
        return pick_samples(opened, ("Sample",))[0], right
