"""The channel: scenes over one WebSocket per page, and the modules that pages load from here.

A request is JSON text `{"id": 7, "scene": "decode", "params": {...}, "stream": "pad"}`. The answer is one binary message
(see `frame`), or JSON text `{"id": 7, "error": "one sentence", "field": "level"}`.

Requests of one socket are computed one at a time. Each stream (a component of the page) has at most one request
waiting: a newer one takes its place, and the reply that stands in for it lists it under `dropped`. So no queue ever
grows, however fast a finger moves; a client that sends its next request when it has its last reply never loses one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from aeexplorer.config import Config, ConfigError
from aeexplorer.explorer import compute_on_one_thread
from aeexplorer.live.frame import encode
from aeexplorer.live.scenes import SCENES, render
from aeexplorer.store import Damaged

LOG = logging.getLogger(__name__)

PATH = "/live"
STATIC = Path(__file__).parent / "static"
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}

NAME_LIMIT = 100
DROPPED_NAMED = 4_000
QUICK_SECONDS = 0.004
KINDS_KNOWN = 1_000

# Close codes of RFC 6455, section 7.4.1
UNREADABLE, POLICY, TOO_BIG, TRY_LATER = 1007, 1008, 1009, 1013


class Limits(Config):
    """What one client may ask of the server."""

    message_bytes: int = Field(512_000, ge=1, description="Longest request; a longer one closes the socket, 1009.")
    sockets: int = Field(512, ge=1, description="Sockets open at once; one more is closed, 1013.")
    sockets_per_client: int = Field(
        128, ge=1, description="The same for one client address: a class behind one router."
    )
    streams: int = Field(32, ge=1, description="Streams of one socket with a request waiting; more are refused.")
    rate: float = Field(
        400, gt=0, description="Requests a second of one socket over ten seconds; more closes it, 1008."
    )
    unreadable: int = Field(20, ge=1, description="Messages in a row that are no request, before it is closed, 1007.")


class Waiting(NamedTuple):
    """The newest request of a stream, and the ids of those it replaced."""

    ident: Any
    scene: str
    params: dict[str, Any]
    dropped: list[Any]


class Channel:
    """The socket and its limits.

    Args:
        base: the server's base URL path, "" or "/name".
        origins: hosts other than the server's own that pages may come from.
    """

    def __init__(self, base: str = "", origins: Sequence[str] = (), limits: Limits | None = None) -> None:
        self.base = base.strip("/") and "/" + base.strip("/")
        self.origins = frozenset(host.lower() for host in origins)
        self.limits = limits or Limits()
        self.answers = Answers()
        self.open: Counter[str] = Counter()

    @property
    def routes(self) -> list[BaseRoute]:
        """What the app mounts: the socket and the modules."""
        return [
            WebSocketRoute(self.base + PATH, self.endpoint),
            Route(f"{self.base}{PATH}/static/{{version}}/{{name:path}}", static_file),
        ]

    async def endpoint(self, socket: WebSocket) -> None:
        """One page's socket, from handshake to close."""
        if not self.welcome(socket.headers.get("origin"), socket.headers.get("host")):
            await socket.close(POLICY)  # before it is accepted: the handshake ends with 403
            return
        await socket.accept()
        client = socket.client.host if socket.client else "unknown"
        if self.open.total() >= self.limits.sockets or self.open[client] >= self.limits.sockets_per_client:
            await socket.close(TRY_LATER, "too many connections, try again later")
            return
        self.open[client] += 1
        try:
            await Conversation(socket, self).run()
        finally:
            self.open[client] -= 1
            self.open += Counter()  # forgets clients that have left

    def welcome(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of this origin may connect. Browsers always name it; other programs need not."""
        if origin is None:
            return True
        try:
            page = urlsplit(origin)
            return page.netloc.lower() == (host or "").lower() or (page.hostname or "") in self.origins
        except ValueError:
            return False

    def close(self) -> None:
        """Stop computing."""
        self.answers.close()


class Answers:
    """Where requests are computed: those known to be quick at once, all others on threads of their own.

    A thread would not make a quick one quicker: both wait for the same interpreter lock, and handing over costs as much
    as decoding a few samples. What a scene of a run takes is known from its last frames; the first, which may open the run,
    is not known to be quick, a slow one is remembered for a while, and a refusal says nothing.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="live", initializer=compute_on_one_thread)
        self.seconds: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def to(self, request: Waiting) -> bytes | str:
        """The reply to a request: a frame, or a sentence."""
        kind = request.scene[:NAME_LIMIT], str(request.params.get("run"))[:NAME_LIMIT]
        if self.seconds.get(kind, math.inf) < QUICK_SECONDS:
            reply, took = timed_answer(request)
        else:
            reply, took = await asyncio.get_running_loop().run_in_executor(self.pool, timed_answer, request)
        if isinstance(reply, bytes):
            self.seconds[kind] = max(took, self.seconds.get(kind, 0.0) / 2)
            self.seconds.move_to_end(kind)
            if len(self.seconds) > KINDS_KNOWN:
                self.seconds.popitem(last=False)
        return reply

    def close(self) -> None:
        """Drop what waits."""
        self.pool.shutdown(wait=False, cancel_futures=True)


class Conversation:
    """What is said on one socket: a reader that keeps the newest request of each stream, a writer that answers them."""

    def __init__(self, socket: WebSocket, channel: Channel) -> None:
        self.socket = socket
        self.channel = channel
        self.limits = channel.limits
        self.waiting: dict[str, Waiting | str] = {}
        self.news = asyncio.Event()
        self.credit = 10 * self.limits.rate
        self.counted = time.monotonic()
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
        """Take messages in; end when the other side has gone or a limit is passed."""
        while True:
            message = await self.socket.receive()
            if message["type"] != "websocket.receive":
                return
            closing = self.take(message.get("text"), message.get("bytes"))
            if closing:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                    await self.socket.close(*closing)
                return

    def take(self, text: str | None, raw: bytes | None) -> tuple[int, str] | None:
        """Note one message. Returns code and reason where the socket is to be closed for it."""
        now = time.monotonic()
        self.credit = min(self.credit + (now - self.counted) * self.limits.rate, 10 * self.limits.rate) - 1
        self.counted = now
        if self.credit < 0:
            return POLICY, f"more than {self.limits.rate:g} requests a second"
        size = len(text or raw or "")
        if size > self.limits.message_bytes:
            return TOO_BIG, f"a request must be at most {self.limits.message_bytes} bytes, got {size}"
        try:
            stream, request = read_request(text)
        except ConfigError as error:
            self.unreadable += 1
            if self.unreadable > self.limits.unreadable:
                return UNREADABLE, "too many messages that are no request"
            self.note("", refusal(None, str(error)))
            return None
        self.unreadable = 0
        older = self.waiting.get(stream)
        if isinstance(older, Waiting):
            request = request._replace(dropped=[*older.dropped, older.ident][-DROPPED_NAMED:])
        if older is None and len(self.waiting) >= self.limits.streams:
            self.note("", refusal(request.ident, f"stream must be one of at most {self.limits.streams} at a time"))
        else:
            self.note(stream, request)
        return None

    def note(self, stream: str, what: Waiting | str) -> None:
        self.waiting[stream] = what
        self.news.set()

    async def write(self) -> None:
        """Answer what waits, in the order in which streams came to wait."""
        while True:
            await self.news.wait()
            self.news.clear()
            while self.waiting:
                request = self.waiting.pop(next(iter(self.waiting)))
                reply = request if isinstance(request, str) else await self.channel.answers.to(request)
                if isinstance(reply, str):
                    await self.socket.send_text(reply)
                else:
                    await self.socket.send_bytes(reply)


def read_request(text: str | None) -> tuple[str, Waiting]:
    """Stream and request of a message.

    Raises:
        ConfigError: when it is no request.
    """
    if text is None:
        raise ConfigError("a request must be JSON text, got bytes")
    try:
        request = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ConfigError(f"a request must be JSON, got {text[:40]!r}") from None
    if not isinstance(request, dict):
        raise ConfigError(f"a request must be a JSON object, got {text[:40]!r}")
    ident, scene, params, stream = (request.get(k, d) for k, d in (("id", None), ("scene", ""), ("params", {}), ("stream", "")))  # fmt: skip
    if not isinstance(ident, int | float | str | None) or len(str(ident)) > NAME_LIMIT:
        raise ConfigError(f"id must be a number or text of at most {NAME_LIMIT} characters")
    if not isinstance(scene, str) or not isinstance(params, dict):
        raise ConfigError("scene must be text and params a JSON object")
    return f"={stream}"[:NAME_LIMIT], Waiting(ident, scene, params, [])


def answer(request: Waiting) -> bytes | str:
    """Compute a request and pack the reply; whatever goes wrong is a sentence, never a closed socket."""
    start = time.perf_counter()
    try:
        frame = render(request.scene, request.params)
        spent = round((time.perf_counter() - start) * 1e3, 3)
        return encode(frame, id=request.ident, scene=request.scene, server_ms=spent, dropped=request.dropped)
    except (ConfigError, Damaged) as error:
        return refusal(request.ident, str(error), request.scene, request.dropped)
    except Exception:
        LOG.exception("scene %s failed", request.scene[:60])
        return refusal(request.ident, f"scene {request.scene[:60]} failed on the server", "", request.dropped)


def timed_answer(request: Waiting) -> tuple[bytes | str, float]:
    """The reply to a request and the seconds it took."""
    start = time.perf_counter()
    return answer(request), time.perf_counter() - start


def refusal(ident: Any, sentence: str, scene: str = "", dropped: Sequence[Any] = ()) -> str:
    """The reply that says what was wrong, and of which field where the sentence names one."""
    fields = SCENES[scene].params.model_fields if scene in SCENES else ()
    field = next((name for name in fields if sentence.startswith((f"{name} ", f"{name}."))), None)
    said = {"id": ident, "error": sentence, **({"field": field} if field else {}), "dropped": list(dropped)}
    return json.dumps(said)


def _no_constant(name: str) -> None:
    raise ValueError(name)


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
