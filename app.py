"""The entry: `streamlit run app.py`, which is what `aeexplorer app` does."""

from __future__ import annotations

import streamlit as st

from aeexplorer.program_files import SHELL
from aeexplorer.server.lifespan import lifespan
from aeexplorer.server.middleware import MIDDLEWARE
from aeexplorer.server.routes import ROUTES

app = st.App(SHELL, lifespan=lifespan, routes=ROUTES, middleware=MIDDLEWARE)
