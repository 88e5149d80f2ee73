"""The three places that lean on Streamlit's insides: each test says what changed if Streamlit did.

None of the three is needed: without it the app runs, and only its speed suffers, as each second test shows.
"""

from __future__ import annotations

import gc
import inspect
import logging
import socket
import subprocess
import sys

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.server.starlette import starlette_server

from aeexplorer.server import garbage_collector, listening_socket, preload


def test_streamlit_listens_on_a_socket_of_which_accepted_ones_inherit_that_replies_are_sent_at_once() -> None:
    make = getattr(starlette_server, "_bind_socket", None)
    assert make, "Streamlit makes its listening socket elsewhere: does listening_socket.send_at_once() still find it?"
    with make("127.0.0.1", 0, 8) as listening:
        assert listening_socket.send_at_once() >= 1, "Streamlit's listening socket is no socket.socket any more"
        listening.setblocking(True)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_without_a_listening_socket_the_server_starts_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gc, "get_objects", list)
    with caplog.at_level(logging.WARNING):
        assert listening_socket.send_at_once() == 0
    assert "no listening socket" in caplog.text


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
        links = preload.links(("latent_map",), later=("PlotlyChart",))
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
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert garbage_collector.SOON_NEEDED
