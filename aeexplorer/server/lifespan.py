"""Services that begin and end with the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import streamlit as st

from aeexplorer import jobs
from aeexplorer.explorer import compute_on_one_thread
from aeexplorer.live.channel import PATH
from aeexplorer.server.connections import guard_connections
from aeexplorer.server.garbage_collector import freeze, keep_frozen
from aeexplorer.server.routes import channel
from aeexplorer.server.uploads import keep_swept


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Load what every page needs and supervise jobs; at the end stop both and the live channel."""
    import plotly.graph_objects  # noqa: F401

    compute_on_one_thread()  # every run of a page is a thread of its own, which would begin with making more of them
    widgets = 1024 * 1024 * int(st.get_option("server.maxWidgetStateSize"))
    # before anything is frozen: it looks among the objects that the collector sees
    guard_connections({PATH: channel.limits.message_bytes, "": widgets})
    freeze()
    jobs.supervise()
    tasks = [asyncio.create_task(keep_frozen()), asyncio.create_task(keep_swept())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        jobs.stop_supervising()
        channel.close()
