"""The footer of a page: the equation with the current numbers, the lines of Python that do the same, the view as a
link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from aeexplorer.losses import pick_loss
from aeexplorer.owners import as_viewer
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import picked_class, takes_class
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import link_query

MOST_BUTTONS = 2  # files that are buttons of the footer; more are behind one


class Download(NamedTuple):
    """A file to download: the label of its button, its name, and its content, or what makes that when the button is
    pressed."""

    label: str
    name: str
    content: bytes | Callable[[], bytes]


def page_footer(equation: str, numbers: str, python: str, *files: Download) -> None:
    """A line, the equation, its numbers, and a button that shows the code.

    Args:
        equation: LaTeX.
        numbers: the equation's, as plain text.
        python: code that people may copy.
        files: what is shown.
    """
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="page-footer"
    ):
        st.markdown(f"${equation}$ &emsp; :gray[{as_text(numbers)}]", width="content")
        with st.container(horizontal=True, width="content"):
            with st.popover("Copy as Python", icon=":material/code:"):
                st.code(python, language="python", width=620)
            if st.context.url:
                with st.popover("Link", icon=":material/link:"):
                    st.caption("Opens this view for anyone who has the same models.")
                    st.code(f"{st.context.url}?{urlencode(link_query())}", language=None, wrap_lines=True)
            if len(files) > MOST_BUTTONS:
                with st.popover("Files", icon=":material/download:"):
                    _downloads(files)
            else:
                _downloads(files)


def _downloads(files: Sequence[Download]) -> None:
    for file in files:
        st.download_button(
            file.label,
            as_viewer(file.content) if callable(file.content) else file.content,
            file.name,
            icon=":material/download:",
            on_click="ignore",
            key=f"take.{file.name}",
        )


def opening(run: Run) -> str:
    """The lines of Python that open a run as `model`, told the class that the page tells it."""
    told = f".given({picked_class(run)})" if takes_class(run) else ""
    return f"import aeexplorer as ae\n\nmodel = ae.open_run({run.reference!r}){told}\n"


def loss_equation(run: Run) -> str:
    """The loss that a run was trained to minimise, in LaTeX: CE is the cross-entropy, SE the squared error."""
    symbol = pick_loss(run.config.loss, run.spec.data).symbol
    equation = run.family.equation.split(r", \quad")[0].replace(r"\ell", symbol)
    return equation.replace("f(x)", r"f(\tilde x)") if run.config.corruption != "none" else equation
