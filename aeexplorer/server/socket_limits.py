"""A limit on the open sockets of pages; the live channel counts its own."""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from aeexplorer.live.channel import TRY_LATER, address_of

MOST, MOST_OF_ADDRESS = 1_024, 256


class SocketLimits:
    """Refuses sockets beyond the limits: each of them is a session of its own, with a script that runs for it.

    Args:
        path: of the sockets that are counted.
    """

    def __init__(self, app: ASGIApp, path: str, most: int = MOST, most_of_address: int = MOST_OF_ADDRESS) -> None:
        self.app = app
        self.path = path
        self.most, self.most_of_address = most, most_of_address
        self.open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        address = address_of(scope)
        if self.open.total() >= self.most or self.open[address] >= self.most_of_address:
            await WebSocketClose(TRY_LATER)(scope, receive, send)
            return
        self.open[address] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.open[address] -= 1
            self.open += Counter()  # forgets addresses that have left
