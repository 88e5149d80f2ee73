"""The script behind every page: title, groups of pages, the look."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from aeexplorer.ui.doors import PAGES
from aeexplorer.ui.look import style
from aeexplorer.ui.resources import theme

st.set_page_config(page_title="aeexplorer", page_icon=str(Path(__file__).with_name("icon.png")), layout="wide")
st.html(style(theme()))

page = st.navigation(
    {
        "Explore": [
            st.Page(PAGES / "home.py", title="Home", default=True),
            st.Page(PAGES / "explore.py", title="Explore", url_path="explore"),
        ],
        "Look": [st.Page(PAGES / "latent_map.py", title="Latent map", url_path="map")],
        "Make": [
            st.Page(PAGES / "data.py", title="Data", url_path="data"),
            st.Page(PAGES / "train.py", title="Train", url_path="train"),
            st.Page(PAGES / "runs.py", title="Runs", url_path="runs"),
        ],
    },
    expanded=True,
)
page.run()
