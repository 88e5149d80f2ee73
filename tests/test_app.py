"""The entry: what its lifespan takes out of the garbage collector's sight, and what it says to browsers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]

LIVED = """
import asyncio, gc
import app

async def live():
    async with app.lifespan(app.app):
        print(gc.get_freeze_count(), len(gc.get_objects()))

asyncio.run(live())
"""


def test_a_collection_after_a_rerun_looks_at_few_objects() -> None:
    """Streamlit collects after every rerun; what a collection costs is the number of objects it has to look at."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LIVED], capture_output=True, text=True, cwd=ROOT, check=True
    )
    frozen, looked_at = map(int, done.stdout.split())
    assert frozen > 100_000
    assert looked_at < frozen / 20


def answered(scope: dict[str, Any]) -> dict[str, str]:
    """The headers of an answer that has passed through the middleware."""
    from app import SecurityHeaders

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
