"""The page of live components behind the real app's channel and headers."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from aeexplorer.server.lifespan import lifespan
from aeexplorer.server.middleware import MIDDLEWARE
from aeexplorer.server.routes import ROUTES

app = st.App(Path(__file__).parent / "live_page.py", lifespan=lifespan, routes=ROUTES, middleware=MIDDLEWARE)
