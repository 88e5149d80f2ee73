"""The page of live components behind the real app's channel and headers."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app import SecurityHeaders, channel, lifespan

app = st.App(
    Path(__file__).parent / "live_page.py",
    lifespan=lifespan,
    routes=channel.routes,
    middleware=[Middleware(SecurityHeaders)],
)
