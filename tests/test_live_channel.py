"""The channel on a real socket: what it answers, what it closes and with which code, and that others do not notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from live_runs import PLANE, RESTORE, live_home  # noqa: F401
from starlette.applications import Starlette
from waiting import PATIENCE, wait_until
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from aeexplorer.live import answers, frame
from aeexplorer.live import channel as room
from aeexplorer.live.channel import Channel, Limits, modules_path
from aeexplorer.live.fair_queue import Client
from aeexplorer.live.open_runs import OPEN_RUNS, explorer
from aeexplorer.live.request import SceneRequest, read_request

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("live_home")]

SIXTEEN = {"run": PLANE, "z": [[0.1, 0.2]] * 16}


@contextlib.contextmanager
def serving(limits: Limits | None = None, base: str = "") -> Iterator[str]:
    """host:port of a server that has nothing but the channel; it lets in messages as large as Streamlit's server
    does."""
    channel = Channel(base, limits=limits)
    config = uvicorn.Config(
        Starlette(routes=channel.routes), ws="websockets-sansio", ws_max_size=200_000_000, log_level="error",
        ws_per_message_deflate=False, lifespan="off",
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        thread.join(10)
    channel.close()


@pytest.fixture
def host() -> Iterator[str]:
    with serving() as address:
        yield address


def opened(host: str, path: str = "/live", **options: Any) -> ClientConnection:
    return connect(f"ws://{host}{path}", max_size=None, compression=None, proxy=None, **options)


def ask(client: ClientConnection, scene: str, params: dict[str, Any], ident: Any = 1, **more: Any) -> dict[str, Any]:
    client.send(json.dumps({"id": ident, "scene": scene, "params": params, **more}))
    return read(client)


def read(client: ClientConnection) -> dict[str, Any]:
    reply = client.recv(timeout=PATIENCE)
    if isinstance(reply, str):
        return json.loads(reply)
    header, arrays = frame.decode(reply)
    return {**header, "arrays": arrays}


def test_a_request_is_answered_with_its_frame(host: str) -> None:
    with opened(host) as client:
        reply = ask(client, "decode", SIXTEEN, ident="pad:3")
        assert reply["id"] == "pad:3" and reply["scene"] == "decode" and reply["kind"] == "image"
        assert reply["names"] == ["tiles"] and reply["shapes"] == [[16, 8, 8]] and reply["dtypes"] == ["uint8"]
        assert reply["arrays"]["tiles"].max() > 100 and reply["server_ms"] >= 0 and reply["dropped"] == []
        assert ask(client, "echo", {"x": [1, 2], "name": "ü"})["readouts"] == {"x": [1, 2], "name": "ü"}


def test_params_out_of_bounds_are_a_sentence_with_their_field(host: str) -> None:
    with opened(host) as client:
        refused = ask(client, "corrupt", {"run": RESTORE, "samples": [{"index": 0}], "level": 7}, ident=5)
        assert refused["id"] == 5 and refused["field"] == "level" and "less than or equal to 1" in refused["error"]
        assert "known are" in ask(client, "dance", {})["error"]
        assert ask(client, "echo", {})["id"] == 1


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (os.urandom(400), "JSON text, got bytes"),
        ('{"id": 1, "scene": "echo", "par', "must be JSON"),
        ("", "must be JSON"),
        ("[1, 2]", "JSON object"),
        ('{"id": 1, "scene": "echo", "params": {"x": NaN}}', "must be JSON"),
        ('{"id": 1, "scene": "echo", "params": {"x": 1e999}}', None),
        ('{"id": 1, "scene": "decode", "params": {"run": "plane", "z": [[Infinity, 0]]}}', "must be JSON"),
        ('{"id": 1, "scene": "decode", "params": {"run": "plane", "z": [[1e999, 0]]}}', "finite"),
        ('{"id": [1], "scene": "echo"}', "id must be"),
        ('{"id": 1e999, "scene": "echo"}', "id must be finite"),
        ('{"id": 1, "scene": "decode", "params": {"self": 1, "run": "plane", "z": [[0, 0]]}}', "unknown knob 'self'"),
        ('{"id": 1, "scene": 5, "params": {}}', "scene must be text"),
        ('{"id": 1, "scene": "sample", "params": {"run": "plane", "n": 1000000}}', "n must be less than or equal"),
        ('{"id": 1, "scene": "echo", "params": {"\\ud800": "\\udfff"}}', "valid string"),
        ('{"id": 1, "scene": "\\ud800", "params": {}}', "unknown scene"),
        ("[" * 100_000, "must be JSON"),
        ('{"id": ' + "9" * 6000 + "}", "must be JSON"),
    ],
)
def test_garbage_is_answered_and_the_socket_stays(host: str, message: str | bytes, said: str | None) -> None:
    with opened(host) as client:
        client.send(message)
        reply = read(client)
        assert (said is None and "error" not in reply) or (said is not None and said in reply["error"])
        assert ask(client, "echo", {"still": "here"})["readouts"] == {"still": "here"}


def test_an_error_inside_a_scene_is_a_sentence_and_no_trace(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, params: dict[str, Any]) -> None:
        raise RuntimeError("secret path")

    with opened(host) as client, monkeypatch.context() as patch:
        patch.setattr(answers, "render", fail)
        reply = ask(client, "echo", {})
        assert reply["error"] == "scene echo failed on the server"


def close_code(client: ClientConnection) -> int:
    """Read until the server closes; the code it closes with."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            client.recv(timeout=PATIENCE)
    received = closed.value.rcvd
    assert received is not None
    return received.code


def test_endless_garbage_is_closed(host: str) -> None:
    with opened(host) as client:
        for _ in range(Limits().unreadable + 1):
            client.send("garbage")
        assert close_code(client) == room.UNREADABLE


def test_a_message_of_64_mb_closes_its_socket_and_no_other(host: str) -> None:
    with opened(host) as other, opened(host) as client:
        client.send(" " * 64_000_000)
        assert close_code(client) == room.TOO_BIG
        assert ask(other, "echo", {"x": 1})["readouts"] == {"x": 1}


def noting() -> room.Conversation:
    """A conversation that takes messages in and answers none."""
    return room.Conversation(None, Channel(), Client("here", 1))  # type: ignore[arg-type]


def note(conversation: room.Conversation, ident: int, stream: str, **params: Any) -> None:
    text = json.dumps({"id": ident, "scene": "echo", "params": params, "stream": stream})
    assert asyncio.run(conversation.take(text, len(text))) is None


def test_the_newest_request_of_a_stream_wins_and_its_reply_names_those_it_replaces() -> None:
    conversation = noting()
    for ident, stream in ((1, "a"), (2, "b"), (3, "a"), (4, "a")):
        note(conversation, ident, stream)
    assert [(w.ident, w.dropped) for w in conversation.waiting.values()] == [(4, [1, 3]), (2, [])]
    for i in range(80):
        note(conversation, i, f"s{i}")
    assert len(conversation.waiting) == Limits().streams == len(conversation.refusals)


def test_every_request_is_answered_or_named_as_dropped(host: str) -> None:
    with opened(host) as client:
        for ident in range(300):
            client.send(json.dumps({"id": ident, "scene": "decode", "params": SIXTEEN}))
        done: set[int] = set()
        while len(done) < 300:
            reply = read(client)
            done |= {reply["id"], *reply["dropped"]}
        assert reply["id"] == 299


def test_a_flood_is_closed_and_others_keep_their_frames() -> None:
    with serving(Limits(rate=50)) as host, opened(host) as other, opened(host) as client:
        before = ask(other, "decode", SIXTEEN)
        with contextlib.suppress(ConnectionClosed):
            for ident in range(20_000):
                client.send(json.dumps({"id": ident, "scene": "echo", "params": {}}))
        assert close_code(client) == room.POLICY
        assert (ask(other, "decode", SIXTEEN)["arrays"]["tiles"] == before["arrays"]["tiles"]).all()


def test_a_client_that_does_not_read_holds_nobody_up(host: str) -> None:
    with opened(host) as other, opened(host) as deaf:
        for ident in range(200):
            deaf.send(json.dumps({"id": ident, "scene": "grid", "params": {"run": PLANE, "n": 20}}))
        assert [ask(other, "echo", {"n": n})["readouts"]["n"] for n in range(20)] == list(range(20))


def test_a_thousand_sockets_are_counted_and_the_first_ones_keep_their_frames(host: str) -> None:
    limit = Limits().sockets_per_client

    async def crowd() -> tuple[int, list[int]]:
        async def enter() -> Any:
            client = await connect_async(f"ws://{host}/live", compression=None, proxy=None, open_timeout=PATIENCE)
            try:
                await asyncio.wait_for(client.send('{"id": 1, "scene": "echo"}'), PATIENCE)
                frame.decode(await asyncio.wait_for(client.recv(), PATIENCE))  # type: ignore[arg-type]
                return client
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None

        places: list[Any] = []
        for _ in range(10):
            places += await asyncio.gather(*(enter() for _ in range(100)))
        seated = [p for p in places if not isinstance(p, int | None)]
        await asyncio.gather(*(p.close() for p in seated))
        return len(seated), [p for p in places if isinstance(p, int | None)]

    with opened(host) as first:
        seated, codes = asyncio.run(crowd())
        assert seated == limit - 1 and set(codes) == {room.TRY_LATER} and len(codes) == 1000 - seated
        assert ask(first, "decode", SIXTEEN)["shapes"] == [[16, 8, 8]]

        def there_is_room() -> bool:
            with opened(host) as late, contextlib.suppress(ConnectionClosed):
                return bool(ask(late, "echo", {})["id"] == 1)
            return False

        wait_until(there_is_room)  # those who left made it


def test_the_base_path_is_respected() -> None:
    with serving(base="/lab/") as host:
        with opened(host, "/lab/live") as client:
            assert ask(client, "echo", {})["id"] == 1
        assert fetch(f"http://{host}{modules_path('/lab')}shared/protocol.js")[0] == 200
        with pytest.raises(InvalidStatus):
            opened(host, "/live")


def fetch(url: str) -> tuple[int, dict[str, str], bytes]:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {}, b""


def test_modules_are_kept_by_browsers_under_the_address_of_their_content(host: str) -> None:
    for name, path in room.modules().items():
        status, headers, body = fetch(f"http://{host}{modules_path()}{name}")
        assert status == 200 and body == path.read_bytes() and "immutable" in headers["cache-control"]
        assert headers["content-type"].startswith("text/javascript")
    assert fetch(f"http://{host}/live/static/old/shared/protocol.js")[1]["cache-control"] == "no-store"
    for name in ("..%2fchannel.py", "map/..%2f..%2fchannel.py", "nothing.js", "shared", "package.json", "%2e%2e"):
        assert fetch(f"http://{host}{modules_path()}{name}")[0] == 404


def test_requests_compute_on_one_torch_thread() -> None:
    import torch

    torch.set_num_threads(2)
    channel = Channel()
    assert channel.answers.pool.submit(torch.get_num_threads).result() == 1
    assert torch.get_num_threads() == 2
    channel.close()


def ran_on(request: SceneRequest, computer: answers.Answers) -> str:
    """Where a request is computed: "loop" or "thread"."""
    threads: list[str] = []
    compute = answers.answer

    def noted(request: SceneRequest) -> bytes | str:
        threads.append(threading.current_thread().name)
        return compute(request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "answer", noted)
        asyncio.run(computer.to(request, Client("here", 1)))
    return "loop" if threads == [threading.current_thread().name] else "thread"


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Iterator[answers.Answers]:
    monkeypatch.setattr(answers, "QUICK_SECONDS", 10.0)  # so that this machine's pace does not matter
    found = answers.Answers()
    yield found
    found.close()


def asked(scene: str, params: dict[str, Any]) -> SceneRequest:
    return read_request(json.dumps({"id": 1, "scene": scene, "params": params}))[1]


def test_only_the_same_work_that_was_quick_is_computed_where_sockets_are_read(computer: answers.Answers) -> None:
    assert ran_on(asked("decode", SIXTEEN), computer) == "thread"  # nothing is known of it
    assert ran_on(asked("decode", {"run": PLANE, "z": [[0.5, -0.5]] * 16}), computer) == "loop"  # another place only
    assert ran_on(asked("decode", {"run": PLANE, "z": [[0.5, -0.5]] * 17}), computer) == "thread"  # one sample more
    cheap = {"run": PLANE, "a": {"code": 1}, "b": {"code": 2}, "steps": 3, "kinds": ["lerp"]}
    assert [ran_on(asked("interpolate", cheap | {"t": t}), computer) for t in (0.1, 0.2)] == ["thread", "loop"]
    for dear in ({"steps": 33}, {"kinds": ["lerp", "pca"]}, {"compare_run": RESTORE}, {"start": -0.5}):
        assert ran_on(asked("interpolate", cheap | dear), computer) == "thread"


def test_a_slow_or_refused_request_is_not_known_to_be_quick(
    computer: answers.Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = asked("decode", {"run": PLANE, "z": [[1, 2, 3]]})
    assert [ran_on(refused, computer) for _ in range(2)] == ["thread", "thread"]
    monkeypatch.setattr(answers, "QUICK_SECONDS", 0.0)
    assert [ran_on(asked("decode", SIXTEEN), computer) for _ in range(2)] == ["thread", "thread"]


def test_a_run_is_never_opened_where_sockets_are_read(computer: answers.Answers) -> None:
    request = asked("decode", SIXTEEN)
    assert [ran_on(request, computer) for _ in range(2)] == ["thread", "loop"]
    OPEN_RUNS.close()
    assert [ran_on(request, computer) for _ in range(2)] == ["thread", "loop"]
    OPEN_RUNS.close()
    explorer(PLANE)  # opened by somebody else, so that its parts are still to be computed
    assert ran_on(request, computer) == "thread"


def test_a_long_request_is_read_and_computed_on_a_thread(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[str] = []
    read = room.read_request

    def noted(text: str | None) -> Any:
        readers.append(threading.current_thread().name)
        return read(text)

    monkeypatch.setattr(room, "read_request", noted)
    monkeypatch.setattr(answers, "read_request", noted)
    with opened(host) as client:
        assert ask(client, "echo", {"x": "short"})["id"] == 1
        assert ask(client, "echo", {"x": "long" * 2_000})["id"] == 1
    assert [name.startswith("live") for name in readers] == [False, True]
