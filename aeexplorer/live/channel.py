"""The channel: scenes over one WebSocket per page, and the modules that pages load from here.

A request is JSON text `{"id": 7, "scene": "decode", "params": {...}, "stream": "pad"}`. The answer is one binary
message (see `frame`), or JSON text `{"id": 7, "error": "one sentence", "field": "level"}`.

Requests of one socket are computed one at a time. Each stream (a component of the page) has at most one request
waiting: a newer one takes its place, and the reply that stands in for it lists it under `dropped`. So no queue ever
grows, however fast a finger moves; a client that sends its next request when it has its last reply never loses one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import itertools
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from aeexplorer.config import Config, ConfigError
from aeexplorer.live.answers import QUICK_CHARACTERS, Answers
from aeexplorer.live.fair_queue import Client
from aeexplorer.live.request import SceneRequest, read_request, refusal
from aeexplorer.owners import local_owner

PATH = "/live"
STATIC = Path(__file__).parent / "static"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}

DROPPED_NAMED = 4_000
BUDGETS_KNOWN = 2_000

# Close codes of RFC 6455, section 7.4.1
UNREADABLE, POLICY, TOO_BIG, TRY_LATER = 1007, 1008, 1009, 1013


class Limits(Config):
    """Limits of one client."""

    message_bytes: int = Field(512_000, ge=1, description="Longest request; a longer one closes the socket, 1009.")
    bytes_per_second: int = Field(
        500_000,
        ge=1,
        description="Of the requests of one socket; it is read no faster, after a second's worth at once.",
    )
    bytes_per_second_of_client: int = Field(1_000_000, ge=1, description="Of the long requests of one address.")
    waiting_bytes: int = Field(600_000, ge=1, description="Of all requests of one socket that wait; more are refused.")
    sockets: int = Field(512, ge=1, description="Sockets open at once; one more is closed, 1013.")
    sockets_per_client: int = Field(
        128, ge=1, description="The same for one client address: a class behind one router."
    )
    streams: int = Field(32, ge=1, description="Streams of one socket with a request waiting; more are refused.")
    rate: float = Field(
        400, gt=0, description="Requests a second of one socket over ten seconds; more closes it, 1008."
    )
    unreadable: int = Field(20, ge=1, description="Messages in a row that are no request, before it is closed, 1007.")


class Budget:
    """A budget that grows by so much a second and saves up to `seconds` of it."""

    def __init__(self, rate: float, seconds: float) -> None:
        self.rate = rate
        self.most = rate * seconds
        self.left = self.most
        self.counted = time.monotonic()

    def spend(self, amount: float) -> float:
        """Spend, also what is not there. Returns the seconds until it would have been there."""
        now = time.monotonic()
        self.left = min(self.left + (now - self.counted) * self.rate, self.most) - amount
        self.counted = now
        return max(-self.left / self.rate, 0.0)


class Channel:
    """The socket and its limits. Who may connect is decided before, by `aeexplorer.server.allowed_hosts`.

    Args:
        base: the server's base URL path, "" or "/name".
        owner_of: the owner in whose name a socket asks.
    """

    def __init__(
        self,
        base: str = "",
        limits: Limits | None = None,
        owner_of: Callable[[WebSocket], str] = lambda _: local_owner(),
    ) -> None:
        self.base = base.strip("/") and "/" + base.strip("/")
        self.limits = limits or Limits()
        self.owner_of = owner_of
        self.answers = Answers()
        self.open: Counter[str] = Counter()
        self.budgets: dict[str, Budget] = {}
        self.numbers = itertools.count()

    @property
    def routes(self) -> list[BaseRoute]:
        """The routes that the app mounts: the socket and the modules."""
        return [
            WebSocketRoute(self.base + PATH, self.endpoint),
            Route(f"{self.base}{PATH}/static/{{version}}/{{name:path}}", static_file),
        ]

    async def endpoint(self, socket: WebSocket) -> None:
        """One page's socket, from handshake to close."""
        await socket.accept()
        address = address_of(socket.scope)
        if self.open.total() >= self.limits.sockets or self.open[address] >= self.limits.sockets_per_client:
            await socket.close(TRY_LATER, "too many connections, try again later")
            return
        self.open[address] += 1
        try:
            client = Client(address, next(self.numbers))
            await Conversation(socket, self, client, self.owner_of(socket)).run()
        finally:
            self.open[address] -= 1
            self.open += Counter()  # forgets clients that have left

    def budget_of(self, address: str) -> Budget:
        """The bytes that an address may send; kept when its sockets are closed, so that new ones do not begin anew."""
        if address not in self.budgets and len(self.budgets) >= BUDGETS_KNOWN:
            self.budgets = {known: self.budgets[known] for known in self.open if known in self.budgets}
        return self.budgets.setdefault(address, Budget(self.limits.bytes_per_second_of_client, 1))

    def close(self) -> None:
        """Stop computing."""
        self.answers.close()


def address_of(scope: Scope) -> str:
    """The address whose limits a socket counts towards: of IPv6 the network, in which a client has all addresses."""
    text = str(scope["client"][0]) if scope.get("client") else "unknown"
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 6:
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return text


class Conversation:
    """Messages of one socket: a reader that keeps the newest request of each stream, a writer that answers them."""

    def __init__(self, socket: WebSocket, channel: Channel, client: Client, owner: str = "") -> None:
        self.socket = socket
        self.owner = owner
        self.channel = channel
        self.client = client
        self.limits = channel.limits
        self.waiting: dict[str, SceneRequest] = {}
        self.refusals: list[str] = []
        self.news = asyncio.Event()
        self.requests = Budget(self.limits.rate, 10)
        self.bytes = Budget(self.limits.bytes_per_second, 1)
        self.unreadable = 0

    async def run(self) -> None:
        """Talk until either side has had enough."""
        writer = asyncio.create_task(self.write())
        reader = asyncio.create_task(self.read())
        done, pending = await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            error = task.exception()
            if error and not isinstance(error, WebSocketDisconnect | RuntimeError | OSError):
                raise error

    async def read(self) -> None:
        """Take messages in, no faster than the budgets allow; end when the other side has gone or a limit is passed."""
        while True:
            message = await self.socket.receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            size = len(text if text is not None else message.get("bytes") or b"")
            closing = self.check(size)
            if not closing:
                await self.rest(size)
                closing = await self.take(text, size)
            if closing:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await self.socket.close(*closing)
                return

    def check(self, size: int) -> tuple[int, str] | None:
        """Code and reason where the socket is to be closed for a message of this size, or for one message too many."""
        if self.requests.spend(1) > 0:
            return POLICY, f"more than {self.limits.rate:g} requests a second"
        if size > self.limits.message_bytes:
            return TOO_BIG, f"a request must be at most {self.limits.message_bytes} bytes, got {size}"
        return None

    async def rest(self, size: int) -> None:
        """Read nothing for as long as a budget is overspent, so that the client's own sending stalls.

        Only long messages count towards the budget of an address, whose other sockets may be those of a whole class.
        """
        seconds = self.bytes.spend(size)
        if size > QUICK_CHARACTERS:
            seconds = max(seconds, self.channel.budget_of(self.client.address).spend(size))
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def take(self, text: str | None, size: int) -> tuple[int, str] | None:
        """Note one message. Returns code and reason where the socket is to be closed for it."""
        try:
            if text is not None and size > QUICK_CHARACTERS:
                stream, request = await self.channel.answers.read(text, self.client)
            else:
                stream, request = read_request(text)
        except ConfigError as error:
            self.unreadable += 1
            if self.unreadable > self.limits.unreadable:
                return UNREADABLE, "too many messages that are no request"
            self.refuse(None, str(error))
            return None
        self.unreadable = 0
        request = request._replace(owner=self.owner)
        older = self.waiting.get(stream)
        if older:
            request = request._replace(dropped=[*older.dropped, older.ident][-DROPPED_NAMED:])
        others = sum(waiting.size for name, waiting in self.waiting.items() if name != stream)
        if older is None and len(self.waiting) >= self.limits.streams:
            self.refuse(request.ident, f"stream must be one of at most {self.limits.streams} at a time")
        elif others + request.size > self.limits.waiting_bytes:
            self.refuse(request.ident, f"requests that wait must be at most {self.limits.waiting_bytes} bytes in all")
        else:
            self.waiting[stream] = request
            self.news.set()
        return None

    def refuse(self, ident: Any, sentence: str) -> None:
        """Let the writer say what was wrong with a message; of many that nobody reads the last."""
        self.refusals = [*self.refusals, refusal(ident, sentence)][-self.limits.streams :]
        self.news.set()

    async def write(self) -> None:
        """Answer what waits, in the order in which streams came to wait."""
        while True:
            await self.news.wait()
            self.news.clear()
            while self.waiting or self.refusals:
                if self.refusals:
                    reply: str | bytes = self.refusals.pop(0)
                else:
                    request = self.waiting.pop(next(iter(self.waiting)))
                    reply = await self.channel.answers.to(request, self.client)
                await (self.socket.send_text(reply) if isinstance(reply, str) else self.socket.send_bytes(reply))


@cache
def modules() -> dict[str, Path]:
    """The browser's modules by their path below `STATIC`."""
    return {path.relative_to(STATIC).as_posix(): path for path in sorted(STATIC.rglob("*.js"))}


@cache
def version() -> str:
    """Hash of the modules: their address changes when they do, so that browsers may keep them for ever."""
    digest = hashlib.sha256()
    for name, path in modules().items():
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def modules_path(base: str = "") -> str:
    """Where the modules lie, with a slash at the end."""
    return f"{base}{PATH}/static/{version()}/"


async def static_file(request: Request) -> Response:
    """A module by its path; nothing but what `modules` lists."""
    path = modules().get(request.path_params["name"])
    if path is None:
        return Response("not found", 404)
    current = request.path_params["version"] == version()
    # an old page may still ask under an old address: it gets the new file, and must not keep it
    headers = FOREVER if current else {"Cache-Control": "no-store"}
    return FileResponse(path, media_type="text/javascript", headers=headers)
