"""The foot of a page: the equation with the current numbers, and the lines of Python that do the same."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from aeexplorer.runs import Run
from aeexplorer.ui.widgets import as_text


class Taken(NamedTuple):
    """A file to take along: what the button says, its name, what is in it."""

    label: str
    name: str
    content: bytes


def foot(equation: str, said: str, python: str, taken: Taken | None = None) -> None:
    """A line, the equation, its numbers, and a button that shows the code.

    Args:
        equation: LaTeX.
        said: plain text.
        python: code that people may copy.
        taken: what is shown, as a file.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="foot"):
        st.markdown(f"${equation}$ &emsp; :gray[{as_text(said)}]", width="content")
        with st.container(horizontal=True, width="content"):
            with st.popover("Copy as Python", icon=":material/code:"):
                st.code(python, language="python", width=620)
            if taken:
                st.download_button(
                    taken.label, taken.content, taken.name, icon=":material/download:", on_click="ignore", key="take"
                )


def opening(run: Run) -> str:
    """The lines of Python that open a run as `model`."""
    name = run.id if run.removable else f"pretrained/{run.path.name}"
    return f'import aeexplorer as ae\n\nmodel = ae.open_run("{name}")\n'
