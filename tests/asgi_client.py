"""One request to an ASGI application, without a server."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What an application answered: the HTTP status, headers in lower case, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(app: Any, target: str, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """Send a request. Underscores in the names of headers stand for hyphens; "host" is localhost:8501 unless given."""
    path, _, query = target.partition("?")
    named = {"host": "localhost:8501", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path, "root_path": "",
        "raw_path": path.encode(), "query_string": query.encode(), "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8501), "headers": [(k.lower().encode(), v.encode()) for k, v in named.items()],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    about = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], about, b"".join(message.get("body", b"") for message in sent[1:]))
