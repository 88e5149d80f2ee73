"""The foot of a page: the equation with the current numbers, and the lines of Python that do the same."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs import Run
from aeexplorer.ui.widgets import as_text


def foot(equation: str, said: str, python: str) -> None:
    """A line, the equation, its numbers, and a button that shows the code.

    Args:
        equation: LaTeX.
        said: plain text.
        python: code that people may copy.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="foot"):
        st.markdown(f"${equation}$ &emsp; :gray[{as_text(said)}]", width="content")
        with st.popover("Copy as Python", icon=":material/code:"):
            st.code(python, language="python", width=620)


def opening(run: Run) -> str:
    """The lines of Python that open a run as `model`."""
    name = run.id if run.removable else f"pretrained/{run.path.name}"
    return f'import aeexplorer as ae\n\nmodel = ae.open_run("{name}")\n'
