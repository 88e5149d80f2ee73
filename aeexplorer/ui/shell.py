"""The script behind every page: navigation, tab title, style and side bar."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from aeexplorer.program_files import PAGES
from aeexplorer.server.identity import current_address
from aeexplorer.server.page_scheduler import turn
from aeexplorer.server.style import style
from aeexplorer.ui.shared.jobs_panel import jobs_panel
from aeexplorer.ui.shared.page_help import PAGE
from aeexplorer.ui.shared.view_state import one_link

LARGE = "large_type"
VISITED = "visited"

# neither reruns nor the first pages of others at one address hold a newcomer from another up
with turn((current_address(), VISITED in st.session_state)):
    st.session_state[VISITED] = True
    st.set_page_config(
        page_icon=str(Path(__file__).with_name("icon.png")),
        layout="wide",
        initial_sidebar_state=216,
    )
    large = st.session_state.get(LARGE, st.query_params.get(LARGE) == "true")  # the switch itself comes later
    st.html(style(large))

    page = st.navigation(
        {
            "Begin": [
                st.Page(PAGES / "start.py", title="Start here", url_path="start"),
                st.Page(PAGES / "families.py", title="Families", url_path="families"),
                st.Page(PAGES / "glossary.py", title="Glossary", url_path="glossary"),
            ],
            "Explore": [
                st.Page(PAGES / "home.py", title="Home", default=True),
                st.Page(PAGES / "interpolate.py", title="Interpolate", url_path="interpolate"),
                st.Page(PAGES / "corruption.py", title="Corruption", url_path="corruption"),
                st.Page(PAGES / "beta.py", title="β-VAE", url_path="beta"),
                st.Page(PAGES / "generate.py", title="Generate", url_path="generate"),
                st.Page(PAGES / "reconstruct.py", title="Reconstruct", url_path="reconstruct"),
                st.Page(PAGES / "latent_map.py", title="Latent map", url_path="map"),
            ],
            "Apply": [
                st.Page(PAGES / "anomalies.py", title="Anomalies", url_path="anomalies"),
                st.Page(PAGES / "restore.py", title="Restore", url_path="restore"),
                st.Page(PAGES / "few_labels.py", title="Few labels", url_path="few-labels"),
                st.Page(PAGES / "compression.py", title="Compression", url_path="compression"),
                st.Page(PAGES / "disentanglement.py", title="Disentanglement", url_path="disentanglement"),
                st.Page(PAGES / "generate_to_order.py", title="Generate to order", url_path="generate-to-order"),
                st.Page(PAGES / "units.py", title="Units", url_path="units"),
            ],
            "Training": [
                st.Page(PAGES / "data.py", title="Data", url_path="data"),
                st.Page(PAGES / "train.py", title="Train", url_path="train"),
                st.Page(PAGES / "runs.py", title="Runs", url_path="runs"),
                st.Page(PAGES / "compare.py", title="Compare", url_path="compare"),
            ],
            "Theory": [
                st.Page(PAGES / "columns.py", title="Columns", url_path="columns"),
                st.Page(PAGES / "score.py", title="Score of a DAE", url_path="score"),
                st.Page(PAGES / "failures.py", title="Failure gallery", url_path="failures"),
                st.Page(PAGES / "overfitting.py", title="Overfitting", url_path="overfitting"),
            ],
        },
        expanded=True,
    )
    st.session_state[PAGE] = page.url_path or "home"
    st.set_page_config(page_title=f"{page.title} · aeexplorer")
    jobs_panel()
    st.sidebar.toggle(
        "Large type", key=LARGE, bind="query-params", help="Larger text, pictures and charts for projectors."
    )
    with one_link(page.url_path or "home"):
        page.run()
