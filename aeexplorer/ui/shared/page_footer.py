"""The foot of a page: the equation with the current numbers, the lines of Python that do the same, the view as a link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.text import as_text

BESIDE = 2  # files that are buttons of the foot; more are behind one


class Download(NamedTuple):
    """A file to take along: what the button says, its name, and what is in it or makes it when the button is pressed."""

    label: str
    name: str
    content: bytes | Callable[[], bytes]


def page_footer(equation: str, said: str, python: str, *taken: Download) -> None:
    """A line, the equation, its numbers, and a button that shows the code.

    Args:
        equation: LaTeX.
        said: plain text.
        python: code that people may copy.
        taken: what is shown, as files.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="foot"):
        st.markdown(f"${equation}$ &emsp; :gray[{as_text(said)}]", width="content")
        with st.container(horizontal=True, width="content"):
            with st.popover("Copy as Python", icon=":material/code:"):
                st.code(python, language="python", width=620)
            if st.context.url:
                with st.popover("Link", icon=":material/link:"):
                    st.caption("This view, for whoever has the same models.")
                    st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)
            if len(taken) > BESIDE:
                with st.popover("Files", icon=":material/download:"):
                    _downloads(taken)
            else:
                _downloads(taken)


def _downloads(taken: Sequence[Download]) -> None:
    for file in taken:
        st.download_button(
            file.label, file.content, file.name, icon=":material/download:", on_click="ignore", key=f"take.{file.name}"
        )


def opening(run: Run) -> str:
    """The lines of Python that open a run as `model`."""
    name = run.id if run.removable else f"pretrained/{run.path.name}"
    return f'import aeexplorer as ae\n\nmodel = ae.open_run("{name}")\n'
