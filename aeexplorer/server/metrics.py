"""Streamlit's figures about its memory and sessions, which are the operator's only."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from aeexplorer.server.allowed_hosts import THIS_COMPUTER
from aeexplorer.server.identity import is_local

PATH = "/_stcore/metrics"


class LocalMetrics:
    """Answers for the figures to programs of this computer only.

    Args:
        base: the server's base URL path, "" or "/name".
    """

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app = app
        self.path = base + PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].rstrip("/") == self.path:
            client = (scope.get("client") or ("",))[0]
            if client not in THIS_COMPUTER or not is_local(Headers(scope=scope)):
                await PlainTextResponse("Not found\n", 404)(scope, receive, send)
                return
        await self.app(scope, receive, send)
