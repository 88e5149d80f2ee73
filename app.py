"""The entry: `streamlit run app.py`."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer.live.channel import Channel

# A course page that shows the app in a frame is named here, as in "'self' https://moodle.example.org".
FRAME_ANCESTORS = os.environ.get("AEEXPLORER_FRAME_ANCESTORS", "'self'")

# Streamlit's own pages need inline styles and scripts, blobs for components, and compiled expressions for its charts.
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors " + FRAME_ANCESTORS,
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class SecurityHeaders:
    """Says to browsers what this app never does, on every answer over HTTP."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


channel = Channel(
    st.get_option("server.baseUrlPath") or "", origins=tuple(st.get_option("server.corsAllowedOrigins") or ())
)


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Load what every page needs and take it out of the garbage collector's sight.

    Streamlit runs a full collection after every script run; with torch and plotly loaded that is a third of a second
    in which every session waits, unless their objects are frozen.
    """
    import plotly.graph_objects  # noqa: F401

    import aeexplorer.explorer  # noqa: F401

    gc.collect()
    gc.freeze()
    async with channel:
        yield


app = st.App(
    Path(__file__).parent / "aeexplorer" / "ui" / "shell.py",
    lifespan=lifespan,
    routes=channel.routes,
    middleware=[Middleware(SecurityHeaders)],
)
