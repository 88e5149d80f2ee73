"""Links from page to page."""

from __future__ import annotations

import streamlit as st

from aeexplorer.program_files import PAGES


def page_link(page: str, label: str, icon: str = "", **query: str) -> None:
    """A link to a page.

    Args:
        page: name of its file, without the ending.
        label: Markdown.
        icon: name of a Material symbol, empty for none.
        query: what the page's address says.
    """
    symbol = f":material/{icon}:" if icon else None
    st.page_link(PAGES / f"{page}.py", label=label, icon=symbol, query_params=query or None)


def watch_button(run: str, label: str, key: str) -> None:
    """A button that shows the training of a run; a link to the page that is shown already would do nothing.

    Args:
        run: name of its folder.
        label: Markdown.
        key: begins the button's key.
    """
    if st.button(label, key=f"{key}.{run}", type="tertiary"):
        st.switch_page(PAGES / "train.py", query_params={"job": run})
