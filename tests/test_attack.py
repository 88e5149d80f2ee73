"""What hostile visitors try: each was tried on the running app and worked, or was held and must go on being held."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
import uvicorn
from asgi_client import Answer, request
from live_runs import PLANE, live_home  # noqa: F401
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed
from waiting import PATIENCE, wait_until
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from aeexplorer.live import channel as room
from aeexplorer.live import frame
from aeexplorer.live.answers import Answers
from aeexplorer.live.channel import Channel, Limits
from aeexplorer.live.fair_queue import Client, FairQueue
from aeexplorer.live.log_filter import OncePerMinute
from aeexplorer.server import identity
from aeexplorer.server.allowed_hosts import AllowedHosts, host_allowed, own_names
from aeexplorer.server.connections import ConnectionLimits, Connections, raise_descriptor_limit
from aeexplorer.server.metrics import LocalMetrics
from aeexplorer.server.middleware import MIDDLEWARE
from aeexplorer.server.security_headers import SecurityHeaders
from aeexplorer.server.socket_limits import SocketLimits
from aeexplorer.server.uploads import BoundedUploads, UploadLimits, Uploads

if TYPE_CHECKING:
    pass

SIXTEEN = {"run": PLANE, "z": [[0.1, 0.2]] * 16}


LEFT = threading.Event()
DOWNLOAD = 30_000_000


async def download(request: Any) -> StreamingResponse:
    """A long answer; `LEFT` is set when it has ended."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            for _ in range(DOWNLOAD // 100_000):
                yield bytes(100_000)
        finally:
            LEFT.set()

    return StreamingResponse(pieces())


async def flood(client: WebSocket) -> None:
    """The same over a socket."""
    await client.accept()
    try:
        for _ in range(DOWNLOAD // 1_000_000):
            await client.send_bytes(bytes(1_000_000))
    finally:
        LEFT.set()


@contextlib.contextmanager
def serving(limits: Limits | None = None, guards: ConnectionLimits | None = None) -> Iterator[tuple[str, int]]:
    """Address of a server with the live channel and a route /health, behind the rule for hosts and guarded
    connections."""
    channel = Channel(limits=limits)
    health = Route("/health", lambda request: PlainTextResponse("well"))
    more = [Route("/download", download), WebSocketRoute("/flood", flood)]
    app = Starlette(routes=[*channel.routes, health, *more], middleware=[Middleware(AllowedHosts)])
    config = uvicorn.Config(
        app, ws="websockets-sansio", log_level="error", ws_per_message_deflate=False, lifespan="off"
    )
    Connections(guards, {room.PATH: channel.limits.message_bytes}).guard(config)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield listening.getsockname()
        server.should_exit = server.force_exit = True
        thread.join(20)
    channel.close()


def opened(address: tuple[str, int], **headers: str) -> ClientConnection:
    url = f"ws://{address[0]}:{address[1]}/live"
    return connect(url, max_size=None, compression=None, proxy=None, additional_headers=headers, close_timeout=1)


def ask(client: ClientConnection, scene: str, params: dict[str, Any], stream: str = "") -> dict[str, Any]:
    client.send(json.dumps({"id": 1, "scene": scene, "params": params, "stream": stream}))
    reply = client.recv(timeout=PATIENCE)
    return json.loads(reply) if isinstance(reply, str) else frame.decode(reply)[0]


def health(address: tuple[str, int]) -> int:
    connection = HTTPConnection(*address, timeout=PATIENCE)
    connection.request("GET", "/health")
    with contextlib.closing(connection):
        return connection.getresponse().status


# hosts and origins


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets options of Streamlit, by their names without the section."""
    options: dict[str, Any] = {
        "server.allowedHosts": [], "browser.serverAddress": "localhost", "server.address": "127.0.0.1",
        "server.corsAllowedOrigins": [], "server.enableCORS": True,
    }  # fmt: skip
    known = st.get_option
    monkeypatch.setattr("streamlit.config.get_option", lambda name: options.get(name, known(name)))
    monkeypatch.setattr(st, "get_option", lambda name: options.get(name, known(name)))
    return options.update


async def _inner(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the host and the client that it was told."""
    host = dict(scope["headers"]).get(b"host", b"").decode()
    if scope["type"] == "http":
        await PlainTextResponse(f"{host} {scope['client'][0]}")(scope, receive, send)
    else:
        await send({"type": "websocket.accept", "host": host})


def knocked(origin: str | None, host: str) -> str | None:
    """The host that a socket's endpoint is told, or None where the handshake is refused."""
    headers = {"host": host, **({"origin": origin} if origin else {})}
    scope = {
        "type": "websocket", "path": "/live", "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(AllowedHosts(_inner)(scope, None, send))  # type: ignore[arg-type]
    return None if sent[0]["type"] == "websocket.close" else sent[0]["host"]


@pytest.mark.parametrize(
    ("host", "answered"),
    [("localhost:8501", True), ("127.0.0.1:8501", True), ("[::1]:8501", True), ("LOCALHOST.:8501", True),
     ("192.168.1.7:8501", True), (min(own_names()), True), ("evil.example:8501", False), ("evil.example", False),
     ("localhost.evil.example", False), ("127.0.0.1.evil.example", False), ("127.1", False), ("2130706433", False),
     ("evil.example@localhost", False), ("localhost/evil", False), ("localhost:port", False), ("[::1", False), ("", False)],
)  # fmt: skip
def test_a_name_that_is_not_ours_is_not_answered(configured: Any, host: str, answered: bool) -> None:
    configured({})
    reply = request(AllowedHosts(_inner), "/", host=host)
    assert reply.status == (200 if answered else 403)
    assert answered or b"does not answer to" in reply.body
    assert (knocked(f"http://{host}", host) is not None) is answered


def test_every_route_and_both_sockets_stand_behind_the_rule() -> None:
    assert [middleware.cls for middleware in MIDDLEWARE[:2]] == [SecurityHeaders, AllowedHosts]


def test_the_sentence_for_a_foreign_name_is_text() -> None:
    reply = request(AllowedHosts(_inner), "/", host="<script>alert(1)</script>")
    assert reply.status == 403 and reply.headers["content-type"].startswith("text/plain")


def test_names_that_the_operator_lists_are_the_only_ones(configured: Any) -> None:
    configured({"server.allowedHosts": ["lab.example.org", "*.uni.example"]})
    hosts = ("lab.example.org:443", "a.uni.example", "uni.example", "localhost:8501", "evil.example")
    assert [host_allowed(host) for host in hosts] == [True, True, False, False, False]
    configured({"server.allowedHosts": ["*"]})
    assert host_allowed("evil.example")


PAGE = "https://lab.example.org"
SET = {
    "the whole address in corsAllowedOrigins": {"server.corsAllowedOrigins": [PAGE]},
    "its host in corsAllowedOrigins": {"server.corsAllowedOrigins": ["lab.example.org"]},
    "serverAddress": {"browser.serverAddress": "lab.example.org"},
    "allowedHosts and serverAddress": {
        "server.allowedHosts": ["lab.example.org", "127.0.0.1"], "browser.serverAddress": "lab.example.org",
    },
}  # fmt: skip
PASSED_ON = {"keeps the host": "lab.example.org", "names its upstream": "127.0.0.1:8501"}


@pytest.mark.parametrize("host", PASSED_ON.values(), ids=PASSED_ON)
@pytest.mark.parametrize("options", SET.values(), ids=SET)
def test_pages_behind_a_proxy_open_both_sockets_as_the_operator_says(
    configured: Any, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], host: str
) -> None:
    def ask_the_internet() -> str:
        raise AssertionError("Streamlit must not have to find out this server's address: everybody waits meanwhile")

    monkeypatch.setattr("streamlit.net_util.get_external_ip", ask_the_internet)
    configured(options)
    told = knocked(PAGE, host)
    assert told is not None, "the live channel would refuse"
    assert _is_origin_allowed(PAGE, told), "Streamlit would refuse"
    for foreign in ("https://evil.example", "https://lab.example.org.evil.example", "http://localhost:3000", "null"):
        assert knocked(foreign, host) is None


def test_a_proxy_that_drops_the_port_needs_the_address_configured(configured: Any) -> None:
    configured({"browser.serverAddress": "lab.example.org"})
    assert knocked("http://lab.example.org:8080", "lab.example.org")
    configured({"browser.serverAddress": "localhost", "server.corsAllowedOrigins": ["http://lab.example.org:8080"]})
    assert knocked("http://lab.example.org:8080", "lab.example.org")
    assert not knocked("http://lab.example.org:3000", "lab.example.org"), "a page of another port is not the one named"


def test_without_cors_every_page_may_open_sockets_at_our_names(configured: Any) -> None:
    configured({"server.enableCORS": False})
    assert knocked("https://evil.example", "localhost:8501") == "localhost:8501"
    assert knocked("http://evil.example", "evil.example") is None


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "http://127.0.0.1:8502", "https://localhost:8501.evil.example"]
)
def test_a_page_of_another_port_is_not_ours(configured: Any, origin: str) -> None:
    configured({})
    assert knocked(origin, "localhost:8501") is None
    assert knocked("http://localhost:8501", "localhost:8501")
    assert knocked(None, "localhost:8501"), "programs that are no browser name no origin"


@pytest.mark.parametrize(
    ("headers", "local"),
    [({"Host": "localhost:8501"}, True), ({"Host": "127.0.0.1"}, True), ({"Host": "[::1]:8501"}, True), ({}, True),
     ({"Host": "evil.example:8501"}, False), ({"Host": "192.168.1.7"}, False), ({"Host": "127.0.0.2"}, False)]
    + [({"Host": "localhost", name: "x"}, False) for name in identity.PROXY_HEADERS],
)  # fmt: skip
def test_only_who_opens_the_app_at_this_computer_is_its_user(headers: dict[str, str], local: bool) -> None:
    assert identity.is_local(headers) is local


def test_a_forged_address_is_not_another_client(monkeypatch: pytest.MonkeyPatch) -> None:
    async def as_uvicorn_does(scope: Any, receive: Any, send: Any) -> None:
        await AllowedHosts(_inner)({**scope, "client": ("10.9.8.7", 0)}, receive, send)

    monkeypatch.delenv("AEEXPLORER_SHARED", raising=False)
    assert request(as_uvicorn_does, "/", x_forwarded_for="10.9.8.7").body.endswith(b" 127.0.0.1")
    assert request(as_uvicorn_does, "/", x_forwarded_for="1.1.1.1, 10.9.8.7:44").body.endswith(b" 127.0.0.1")
    assert request(as_uvicorn_does, "/", x_forwarded_for="1.1.1.1").body.endswith(b" 10.9.8.7"), "the peer itself"
    monkeypatch.setenv("AEEXPLORER_SHARED", "1")
    assert request(as_uvicorn_does, "/", x_forwarded_for="10.9.8.7").body.endswith(b" 10.9.8.7"), "a proxy's word"


# one socket against all others


@pytest.mark.usefixtures("live_home")
@pytest.mark.long
def test_slow_work_of_one_socket_is_not_done_where_sockets_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine cheap requests of a kind do not make a dear one of that kind quick."""
    names: list[str] = []
    compute = Answers._on_loop

    async def noted(self: Any, request: Any, client: Client) -> Any:
        names.append(request.ident)
        return await compute(self, request, client)

    monkeypatch.setattr(Answers, "_on_loop", noted)
    monkeypatch.setattr("aeexplorer.live.answers.QUICK_SECONDS", 10.0)
    cheap = {"run": PLANE, "a": {"code": 0}, "b": {"code": 1}, "steps": 2, "kinds": ["lerp"]}
    with serving() as address, opened(address) as client:
        for number in range(9):
            ask(client, "interpolate", cheap | {"t": number / 10})
        assert len(names) == 8
        for dear in (
            {"kinds": ["lerp", "pca"]},
            {"steps": 33},
            {"compare_run": PLANE},
            {"steps": 33, "kinds": ["pca"]},
        ):
            ask(client, "interpolate", cheap | dear)
        assert len(names) == 8


def test_the_loop_is_looked_at_between_two_quick_answers() -> None:
    async def turns() -> list[str]:
        queue, order = FairQueue(1), []

        async def work(name: str) -> None:
            client = Client(name, 1)
            await queue.acquire(client)
            order.append(name)
            asyncio.get_running_loop().call_soon(queue.release, client, 0.0)

        async def look() -> None:
            for _ in range(4):
                order.append("sockets")
                await asyncio.sleep(0)

        await asyncio.gather(look(), *(work(name) for name in "abc"))
        return order

    order = asyncio.run(turns())
    places = [order.index(name) for name in "abc"]
    assert all("sockets" in order[before:after] for before, after in itertools.pairwise(places))


# big messages, and who does not read


def big(size: int) -> str:
    return json.dumps({"id": 1, "scene": "echo", "params": {"x": "x" * size}})


def test_long_messages_are_read_no_faster_than_the_budget() -> None:
    clock = [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room.time, "monotonic", lambda: clock[0])
        budget = room.Budget(1_000_000, 2)
        assert [budget.spend(500_000) for _ in range(5)] == [0, 0, 0, 0, 0.5]
        clock[0] = 60.0
        assert budget.spend(2_000_000) == 0 and budget.spend(1) > 0, "what is not spent is not saved up for ever"


@pytest.mark.usefixtures("live_home")
@pytest.mark.long
def test_who_sends_long_messages_waits_and_others_do_not() -> None:
    limits = Limits(bytes_per_second=50_000, bytes_per_second_of_client=100_000)
    with serving(limits) as address, opened(address) as other, opened(address) as client:
        ask(other, "decode", SIXTEEN)
        for _ in range(8):
            client.send(big(100_000))  # together eight seconds' worth and more
        for _ in range(20):
            assert ask(other, "decode", SIXTEEN)["id"] == 1
        with pytest.raises(TimeoutError):  # the sixth is not read yet, and so are not answered: by far not within this
            for _ in range(8):
                client.recv(timeout=1)


@pytest.mark.usefixtures("live_home")
def test_what_waits_of_one_socket_is_bounded_in_bytes() -> None:
    conversation = room.Conversation(None, Channel(), Client("here", 1))  # type: ignore[arg-type]
    for stream in range(30):
        text = json.dumps({"id": stream, "scene": "echo", "params": {"x": "x" * 100_000}, "stream": f"s{stream}"})
        asyncio.run(conversation.take(text, len(text)))
    assert sum(waiting.size for waiting in conversation.waiting.values()) <= Limits().waiting_bytes
    assert len(conversation.waiting) == 5
    assert all("600000 bytes" in refused for refused in conversation.refusals) and len(conversation.refusals) == 25


@pytest.mark.parametrize("path", ["/download", "/flood"])
@pytest.mark.long
def test_the_connection_to_who_does_not_read_is_closed(path: str) -> None:
    """A download and a socket alike: what was to be sent would stay in memory, and the descriptor open."""
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    LEFT.clear()
    with serving(guards=ConnectionLimits(unread_seconds=0.5)) as address, socket.create_connection(address) as deaf:
        headers = "Host: localhost\r\n" + (upgrade if path == "/flood" else "")
        deaf.sendall(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
        assert LEFT.wait(PATIENCE)


@pytest.mark.long
def test_who_reads_slowly_is_served() -> None:
    with serving(guards=ConnectionLimits(unread_seconds=2)) as address, socket.create_connection(address) as slow:
        slow.sendall(b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = 0
        while got < DOWNLOAD:
            time.sleep(0.01)  # longer in all than the limit for reading nothing
            piece = slow.recv(100_000)
            assert piece, f"closed after {got} bytes"
            got += len(piece)


def ends(client: socket.socket) -> bool:
    """Whether the other side gives a connection up."""
    client.settimeout(PATIENCE)
    try:
        while client.recv(65_536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_a_message_that_is_too_long_is_not_even_received() -> None:
    """Its header says how long it is; what follows would be kept in memory until it is whole."""
    with serving() as address, opened(address) as other, opened(address) as client:
        frame_of_40_mb = b"\x81\xff" + (40_000_000).to_bytes(8, "big") + b"mask"
        client.socket.sendall(frame_of_40_mb)  # and nothing of it
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=30)
        assert closed.value.rcvd and closed.value.rcvd.code == room.TOO_BIG
        assert ask(other, "echo", {})["id"] == 1


def test_a_request_longer_than_its_scene_can_need_is_refused_unread_by_the_scene() -> None:
    with serving() as address, opened(address) as client:
        refused = ask(client, "echo", {"x": [[0, 0]] * 10_000})
        assert refused["error"].startswith("a request of echo must have at most 20000 characters, got 8")


def test_sockets_of_pages_are_counted() -> None:
    open_now, most = [0], [0]

    async def page(scope: Any, receive: Any, send: Any) -> None:
        open_now[0] += 1
        most[0] = max(most[0], open_now[0])
        await send({"type": "websocket.accept"})
        await receive()
        open_now[0] -= 1

    async def crowd() -> list[int]:
        app, leave, sent = SocketLimits(page, "/_stcore/stream", most=5, most_of_address=3), asyncio.Event(), []

        async def visit(address: str, path: str) -> None:
            async def send(message: Any) -> None:
                sent.append(message["type"])

            await app({"type": "websocket", "path": path, "client": (address, 1)}, leave.wait, send)  # type: ignore[arg-type]

        addresses = ["10.0.0.1"] * 4 + ["2001:db8::1", "2001:db8::2", "2001:db8::3"]
        visits = [asyncio.create_task(visit(address, "/_stcore/stream")) for address in addresses]
        visits += [asyncio.create_task(visit("10.0.0.1", "/live")) for _ in range(3)]  # not counted here
        await asyncio.sleep(0)
        refused = [sent.count("websocket.close")]
        leave.set()
        await asyncio.gather(*visits)
        refused.append(len(app.open))
        return refused

    assert asyncio.run(crowd()) == [2, 0], "the fourth of an address, and one more than all places"
    assert most[0] == 8
    assert any(middleware.cls is SocketLimits for middleware in MIDDLEWARE)


# uploads


def streamlits_upload(status: int = 204) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("", status)(scope, receive, send)

    return app


def upload(app: Any, session: str, file: str, size: int, cookie: str = "", method: str = "PUT") -> Answer:
    headers = {"content_length": str(size), **({"cookie": f"{identity.COOKIE}={cookie}"} if cookie else {})}
    return request(app, f"/lab/_stcore/upload_file/{session}/{file}", method, b"", **headers)


def test_files_are_not_taken_while_no_page_asks_for_one() -> None:
    uploads = Uploads(is_active=lambda session: True, free=lambda session: None)
    app, methods = BoundedUploads(streamlits_upload(), "/lab", uploads), ("PUT", "OPTIONS", "DELETE")
    uploads.expect("asks")
    assert [upload(app, "s", "f", 10, method=method).status for method in methods] == [404] * 3
    assert [upload(app, "asks", "f", 10, method=method).status for method in methods] == [204] * 3
    uploads.release("asks")
    assert [upload(app, "asks", "f", 10, method=method).status for method in methods] == [404] * 3
    assert request(app, "/lab/other").status == 204
    assert any(middleware.cls is BoundedUploads for middleware in MIDDLEWARE)


def test_files_are_bounded_by_session_by_owner_and_in_all_and_freed_when_the_session_ends() -> None:
    active, freed = {"s1", "s2", "s3", "s4"}, []
    uploads = Uploads(
        UploadLimits(session=100, owner=150, total=220), active.__contains__, freed.append, grace_seconds=0
    )
    app = BoundedUploads(streamlits_upload(), "/lab", uploads)
    for session in sorted(active):
        uploads.expect(session)
    assert upload(app, "s1", "a", 90, "anna").status == 204
    assert upload(app, "s1", "b", 20, "anna").status == 413
    assert upload(app, "s1", "a", 100, "anna").status == 204, "a file in place of itself"
    assert upload(app, "s2", "c", 60, "anna").status == 413
    assert upload(app, "s2", "c", 50, "anna").status == 204
    assert upload(app, "s3", "d", 80, "ben").status == 413
    refused = upload(app, "s3", "d", 71, "ben")
    assert refused.body == b"files of all visitors must be at most 220 bytes, got 71 on top of 150\n"
    assert upload(app, "s3", "d", 70, "ben").status == 204
    assert upload(app, "s3", "d", 70, "ben", method="DELETE").status == 204
    assert upload(app, "s4", "e", 70, "eve").status == 204
    active.discard("s1")
    assert upload(app, "s3", "d", 90, "ben").status == 204, "of a session that has ended nothing is held"
    assert freed == ["s1"]
    uploads.release("s3")
    assert freed == ["s1", "s3"] and upload(app, "s4", "e", 100, "eve").status == 204, "released, nothing is held"


def test_a_file_that_does_not_arrive_is_not_counted_and_one_of_unknown_length_not_taken() -> None:
    uploads = Uploads(UploadLimits(session=100, owner=100, total=100), lambda session: True, lambda session: None)
    uploads.expect("s")
    assert upload(BoundedUploads(streamlits_upload(400), "/lab", uploads), "s", "f", 90).status == 400
    assert not uploads.files
    app = BoundedUploads(streamlits_upload(), "", uploads)
    assert request(app, "/_stcore/upload_file/s/f", "PUT", transfer_encoding="chunked").status == 411


# turns by client


def test_a_newcomer_does_not_wait_behind_everybody_who_came_before() -> None:
    async def order() -> list[Client]:
        queue, served = FairQueue(2), []

        async def work(client: Client) -> None:
            for _ in range(3):
                await queue.acquire(client)
                served.append(client)
                await asyncio.sleep(0.001)
                queue.release(client, 0.5)

        crowd = [asyncio.create_task(work(Client("crowd", number))) for number in range(100)]
        while len(served) < 20:
            await asyncio.sleep(0)
        newcomer, neighbour = Client("newcomer", 0), Client("crowd", 1_000)
        late = [asyncio.create_task(work(newcomer)), asyncio.create_task(work(neighbour))]
        await asyncio.gather(*crowd, *late)
        assert served.index(newcomer) <= 24, "one of another address is next"
        first_turns = [client for client in served if client.address == "crowd"]
        assert first_turns.index(neighbour) <= 105, "one of the same address is next after those who had no turn yet"
        return served

    assert len(asyncio.run(order())) == 306


def test_who_leaves_while_waiting_or_working_leaves_no_place_taken() -> None:
    async def leave() -> None:
        queue, client = FairQueue(1), Client("a", 1)
        await queue.acquire(client)
        waiting = [asyncio.create_task(queue.acquire(Client("b", number))) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        queue.release(client, 0.1)  # the place is given to the second, which leaves before it learns of it
        waiting[1].cancel()
        await asyncio.wait(waiting)
        assert waiting[2].done() and not waiting[2].cancelled()
        queue.release(Client("b", 2), 0.1)
        assert queue.free == 1 and not queue.waiting

    asyncio.run(leave())


@pytest.mark.usefixtures("live_home")
@pytest.mark.long
def test_work_of_sockets_that_left_still_counts_as_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking for slow work and leaving must not fill the threads."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(name: str, params: Any) -> Any:
        if params.get("slow"):
            begun.release()
            go_on.wait(PATIENCE)
        return frame.Frame({}, {})

    monkeypatch.setattr("aeexplorer.live.answers.render", slow)
    try:
        with serving() as address:
            for _ in range(6):
                with opened(address) as client:
                    client.send(json.dumps({"id": 1, "scene": "echo", "params": {"slow": True}}))
                    begun.acquire(timeout=0.5)
            assert begun.acquire(timeout=0.2) is False, "no more than the threads that there are"
            go_on.set()
            with opened(address) as newcomer:
                assert ask(newcomer, "echo", {})["id"] == 1
    finally:
        go_on.set()


# connections


@pytest.mark.long
def test_a_request_that_does_not_come_is_given_up() -> None:
    with serving(guards=ConnectionLimits(header_seconds=0.4)) as address:
        with socket.create_connection(address) as silent, socket.create_connection(address) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: loc")
            assert ends(silent) and ends(slow)
        with socket.create_connection(address) as second:
            second.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert second.recv(65_536).startswith(b"HTTP/1.1 200")
            second.sendall(b"GET /hea")  # the next request on the same connection
            assert ends(second)


@pytest.mark.long
def test_a_socket_and_an_answer_that_takes_long_are_no_missing_requests() -> None:
    with serving(guards=ConnectionLimits(header_seconds=0.2)) as address, opened(address) as client:
        time.sleep(0.6)
        assert ask(client, "echo", {})["id"] == 1


def test_more_half_open_connections_than_are_kept_do_not_lock_visitors_out(caplog: pytest.LogCaptureFixture) -> None:
    guards = ConnectionLimits(without_request=20, patience_seconds=1e-9, header_seconds=3_600)
    with caplog.at_level(logging.WARNING), serving(guards=guards) as address, contextlib.ExitStack() as stack:
        half_open = [stack.enter_context(socket.create_connection(address)) for _ in range(200)]
        assert health(address) == 200
        assert sum(ends(client) for client in half_open[:5]) == 5, "the oldest are closed"
    assert sum("without a request" in record.getMessage() for record in caplog.records) <= 200


def test_connections_are_counted() -> None:
    with serving(guards=ConnectionLimits(connections=5)) as address, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(opened(address)) for _ in range(5)]
        with pytest.raises((OSError, WebSocketException)):
            opened(address)
        clients[0].close()

        def let_in() -> bool:
            with contextlib.suppress(OSError):
                return health(address) == 200
            return False

        wait_until(let_in)


def test_the_limit_of_descriptors_is_what_the_system_allows() -> None:
    resource = pytest.importorskip("resource", reason="this system has no such limit")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, soft), hard))
        assert raise_descriptor_limit() >= min(soft, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_same_message_is_logged_once_a_minute() -> None:
    passes = OncePerMinute()
    records = [logging.LogRecord("a", logging.WARNING, "", 1, "socket.accept() %s", (text,), None) for text in "xxyx"]
    assert [passes.filter(record) for record in records] == [True, False, True, False]


# what is said to whom


@pytest.mark.usefixtures("live_home")
def test_errors_do_not_say_where_the_home_is(home: Path) -> None:
    with serving() as address, opened(address) as client:
        said = ask(client, "decode", {"run": "nothing-here", "z": [[0, 0]]})["error"]
    assert "nothing-here" in said and str(home.parent) not in said


def test_metrics_are_for_this_computer() -> None:
    app = LocalMetrics(streamlits_upload(200), "/lab")
    assert request(app, "/lab/_stcore/metrics").status == 200
    assert request(app, "/lab/_stcore/metrics", host="evil.example").status == 404
    assert request(app, "/lab/_stcore/metrics", x_forwarded_for="10.0.0.1").status == 404
    assert any(middleware.cls is LocalMetrics for middleware in MIDDLEWARE)
