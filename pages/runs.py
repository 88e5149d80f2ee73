"""Runs: find the runs that were trained, and open, rename, delete or import them."""

from __future__ import annotations

import streamlit as st

from aeexplorer.ui.runs import run_table
from aeexplorer.ui.runs_import import import_button
from aeexplorer.ui.shared.text import heading

title, tools = st.columns([4, 1], vertical_alignment="center")
with title:
    heading("Runs", "All models that were trained here, newest first, and the pretrained models.")
with tools, st.container(horizontal=True, horizontal_alignment="right"):
    import_button()
run_table()
