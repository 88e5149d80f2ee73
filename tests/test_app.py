"""The app as a whole: what its lifespan does, what it says to browsers, and where old addresses lead."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asgi_client import request
from starlette.applications import Starlette

from aeexplorer.server.old_addresses import NOW_AT, old_addresses
from aeexplorer.server.routes import ROUTES

ROOT = Path(__file__).parents[1]

LIVED = """
import asyncio, gc, sys, threading
import app
from aeexplorer.server import garbage_collector
from aeexplorer.server.lifespan import lifespan

garbage_collector.SOON_NEEDED, garbage_collector.LOOK_SECONDS = ("sklearn.neighbors", "no_such_module"), 0.01

async def live():
    async with lifespan(app.app):
        print(gc.get_freeze_count(), len(gc.get_objects()))
        while "sklearn.neighbors" not in sys.modules:
            await asyncio.sleep(0.01)
        import sqlite3.dbapi2, sklearn.manifold  # as a page would
        for _ in range(100):
            await asyncio.sleep(0.02)
            if gc.get_freeze_count() > 150_000 and len(gc.get_objects()) < 5_000:
                break
        print(gc.get_freeze_count(), len(gc.get_objects()))
        import torch
        page = threading.Thread(target=lambda: print(torch.get_num_threads()))
        page.start()
        page.join()

asyncio.run(live())
"""


@pytest.mark.long
def test_after_a_rerun_little_is_collected_and_no_threads_were_made() -> None:
    """Streamlit collects after every rerun; what a collection costs is the number of objects it has to look at.

    Also after something more was imported.
    """
    command = [sys.executable, "-W", "ignore", "-c", LIVED]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=environment)
    before, after, threads = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    for frozen, looked_at in (before, after):
        assert frozen > 100_000
        assert looked_at < frozen / 20
    assert after[0] > before[0] + 10_000
    assert threads == (1,), "a page, which runs in a thread of its own, would make more of them"


def answered(scope: dict[str, Any]) -> dict[str, str]:
    """The headers of an answer that has passed through the middleware."""
    from aeexplorer.server.security_headers import SecurityHeaders

    said: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        kind = "http.response.start" if scope["type"] == "http" else "websocket.accept"
        await send({"type": kind, "status": 200, "headers": [(b"x-own", b"1")]})

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(SecurityHeaders(inner)(scope, None, send))  # type: ignore[arg-type]
    return {k.decode(): v.decode() for k, v in said[0]["headers"]}


def test_answers_say_what_the_app_never_does() -> None:
    headers = answered({"type": "http"})
    assert headers["x-own"] == "1"
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'self'" and policy["object-src"] == "'none'"
    for source in policy.values():
        assert "*" not in source and "http" not in source
    assert answered({"type": "websocket"}) == {"x-own": "1"}


PAGE = b"<html><head><title>x</title></head><body></body></html>"


def given(headers: list[tuple[bytes, bytes]], kind: bytes = b"text/html; charset=utf-8") -> tuple[Any, Any, bytes]:
    """What the inner application is asked and what the browser gets: headers, and the body."""
    from aeexplorer.server.inline_style import FirstLook

    asked, said = [], list[Any]()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        asked.extend(name for name, _ in scope["headers"])
        length = str(len(PAGE)).encode()
        about = [(b"content-type", kind), (b"content-length", length), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": about})
        await send({"type": "http.response.body", "body": PAGE[:20], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[20:]})

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": headers}
    asyncio.run(FirstLook(inner)(scope, None, send))  # type: ignore[arg-type]
    return asked, dict(said[0]["headers"]), b"".join(message["body"] for message in said[1:])


def test_a_page_has_its_style_before_any_script_has_run() -> None:
    accepts = (b"accept", b"text/html,*/*")
    asked, headers, body = given(
        [accepts, (b"accept-encoding", b"gzip"), (b"if-none-match", b'"1"'), (b"cookie", b"a=b")]
    )
    assert asked == [b"accept", b"cookie"]  # else the page would come packed, or not at all
    head = body.removeprefix(PAGE.split(b"</head>")[0]).removesuffix(b"</head><body></body></html>")
    assert head.startswith(b"<script>") and b"history.pushState" in head
    assert head.endswith(b"</style>") and b"stMainBlockContainer" in head
    assert int(headers[b"content-length"]) == len(body)
    assert b"etag" not in headers  # it named the page without the style


def test_what_is_no_page_passes_as_it_is() -> None:
    packed = (b"accept-encoding", b"gzip")
    for headers, kind in (([packed], b"text/html"), ([(b"accept", b"text/html"), packed], b"application/json")):
        _, about, body = given(headers, kind)
        assert body == PAGE and about[b"etag"] == b'"1"'


@pytest.mark.parametrize("base", ["", "/lab"])
def test_old_addresses_lead_to_todays_page_with_their_query(base: str) -> None:
    app = Starlette(routes=old_addresses(base))
    moved = request(app, f"{base}/explore?run=mnist-vae&sample=3&name=%C3%BC%26")
    assert moved.status == 308
    assert moved.headers["location"] == f"{base}/reconstruct?run=mnist-vae&sample=3&name=%C3%BC%26"
    assert request(app, f"{base}/explore").headers["location"] == f"{base}/reconstruct"


def test_the_app_answers_old_addresses() -> None:
    assert {"/explore", "/health", "/live"} <= {getattr(route, "path", "") for route in ROUTES}
    assert all((ROOT / "pages" / f"{new}.py").is_file() for new in NOW_AT.values())
