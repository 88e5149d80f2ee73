"""The entry: `streamlit run app.py`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer import jobs
from aeexplorer.jobs.health import health
from aeexplorer.live.channel import Channel
from aeexplorer.server.identity import OwnerCookie
from aeexplorer.server.inline_style import FirstLook
from aeexplorer.server.preload import Preload

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


BASE = (st.get_option("server.baseUrlPath") or "").strip("/")
channel = Channel(BASE, origins=tuple(st.get_option("server.corsAllowedOrigins") or ()))


# What the first visits need beyond what every page does: two seconds of imports, off the way of the start.
SOON_NEEDED = ("pandas", "sklearn.datasets", "sklearn.neighbors", "torch._dynamo")
LOOK_SECONDS = 2.0


def settle() -> None:
    """Take all there is out of the garbage collector's sight.

    Streamlit runs a full collection after every script run; with torch and plotly loaded that is a third of a second
    in which every session waits, unless their objects are frozen.
    """
    gc.collect()
    gc.freeze()


async def stay_settled() -> None:
    """Import what is soon needed, and settle again whenever something was imported."""
    for name in SOON_NEEDED:
        with contextlib.suppress(ImportError):
            await run_in_threadpool(importlib.import_module, name)
    settled = 0
    while True:
        if len(sys.modules) != settled:
            settled = len(sys.modules)
            await run_in_threadpool(settle)
        await asyncio.sleep(LOOK_SECONDS)


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Load what every page needs, look after jobs, and answer on the live channel."""
    import plotly.graph_objects  # noqa: F401

    from aeexplorer.explorer import compute_on_one_thread

    compute_on_one_thread()  # every run of a page is a thread of its own, that would begin with making more of them
    async with channel:  # before settling: it looks for the server's socket among what the collector sees
        settle()
        jobs.supervise()
        looking = asyncio.create_task(stay_settled())
        try:
            yield
        finally:
            looking.cancel()
            jobs.stop_supervising()


async def show_health(request: Request) -> JSONResponse:
    """For whoever watches the server: 200 while jobs are looked after and the home can be written to, else 503."""
    said = await run_in_threadpool(health)
    return JSONResponse(said, status_code=200 if said["ok"] else 503)


app = st.App(
    Path(__file__).parent / "aeexplorer" / "ui" / "shell.py",
    lifespan=lifespan,
    routes=[*channel.routes, Route(f"/{BASE}/health".replace("//", "/"), show_health)],
    middleware=[
        Middleware(SecurityHeaders),
        Middleware(OwnerCookie),
        Middleware(Preload, base=channel.base),
        Middleware(FirstLook),
    ],
)
