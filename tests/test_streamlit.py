"""The three places that lean on Streamlit's insides: each test says what changed if Streamlit did.

None of the three is needed: without it the app runs, slower or less guarded, as the tests behind show.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import subprocess
import sys
from typing import Any

import pytest
import streamlit as st
import uvicorn
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.server.starlette import starlette_server
from waiting import PATIENCE

from aeexplorer.program_files import SHELL
from aeexplorer.server import connections, garbage_collector, preload


def test_streamlits_server_is_found_and_takes_guarded_protocols() -> None:
    app = st.App(SHELL)
    config = uvicorn.Config(app, **starlette_server._get_uvicorn_config_kwargs())
    assert "uvicorn.Config(" in inspect.getsource(starlette_server.UvicornRunner), (
        "Streamlit starts its server otherwise"
    )
    before = config.http_protocol_class if config.loaded else None
    assert connections.guard_connections() >= 1, "the server's configuration is no uvicorn.Config any more"
    assert config.http_protocol_class is not before
    assert config.http_protocol_class.__name__ == "GuardedHTTP" and config.ws_protocol_class
    assert config.ws_protocol_class.__name__ == "GuardedSocket"


def test_uvicorn_has_what_the_guards_look_at() -> None:
    config = uvicorn.Config(st.App(SHELL))
    connections.Connections().guard(config)
    loop = asyncio.new_event_loop()
    protocol: Any = config.http_protocol_class(config, uvicorn.server.ServerState(), {}, loop)  # type: ignore[call-arg]
    for name in ("cycle", "transport", "connections", "client", "loop"):
        assert hasattr(protocol, name), (
            f"uvicorn's protocol has no {name} any more: are requests that do not come given up?"
        )
    loop.close()


def test_without_a_server_the_app_starts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gc, "get_objects", list)
    with caplog.at_level(logging.WARNING):
        assert connections.guard_connections() == 0
    assert "connections are not limited" in caplog.text


def test_streamlit_has_the_bundles_that_are_preloaded() -> None:
    assert preload.CHUNKS.is_dir(), "Streamlit keeps its scripts elsewhere: preload.CHUNKS"
    for element in (*preload.ELEMENTS, *(name for names in preload.LATER.values() for name in names)):
        assert list(preload.CHUNKS.glob(f"{element}.*.js")), f"Streamlit has no script {element} any more"
    assert preload.at_start(), "Streamlit's page names its scripts in another way: preload.at_start()"


def test_without_those_bundles_pages_name_only_our_own_modules(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(preload, "CHUNKS", tmp_path / "static" / "js")
    preload.at_start.cache_clear()
    try:
        links = preload.links(("map/latent_map",), later=("PlotlyChart",))
    finally:
        preload.at_start.cache_clear()
    assert "latent_map.js" in links and "/static/js/" not in links.replace(preload.modules_path(), "")


def test_streamlit_collects_after_every_run_unless_it_is_told_otherwise() -> None:
    assert st.get_option("runner.postScriptGC") is True, (
        "Streamlit has no runner.postScriptGC: is freezing still needed?"
    )
    assert "gc.collect(2)" in inspect.getsource(script_runner), "Streamlit collects in another way: is freezing needed?"


def test_an_import_that_is_missing_does_not_stop_the_freezing() -> None:
    code = """
import asyncio, gc
from aeexplorer.server import garbage_collector

garbage_collector.SOON_NEEDED, garbage_collector.LOOK_SECONDS = ("no_such_module",), 0.01

async def run():
    keeping = asyncio.create_task(garbage_collector.keep_frozen())
    while not gc.get_freeze_count():
        await asyncio.sleep(0.01)
    keeping.cancel()

asyncio.run(run())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert garbage_collector.SOON_NEEDED
