"""The entry: `streamlit run app.py`."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st


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
    yield


app = st.App(Path(__file__).parent / "aeexplorer" / "ui" / "shell.py", lifespan=lifespan)
