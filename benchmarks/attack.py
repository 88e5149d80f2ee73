"""What a hostile visitor does to the others: each attack runs beside an honest visitor, on loopback and for a bounded
time.

    python benchmarks/attack.py            # 15 s each, then a minute's rest before memory is read again
    python benchmarks/attack.py --quick    # 2.5 s each and 4 s of rest, within a minute
    python benchmarks/attack.py --only sockets connections --json

Of each row: the health page, asked ten times a second over new connections; 16 decoded samples on an open socket, asked
30 times a second; the first frame of a newcomer, once a second; and the server's memory before, at most, and after the
rest. Attackers are a process of their own, from the same address as the honest visitor, which is the hardest case; it
leaves the processor to the others when they want it, as one on another computer would.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from live import ROOT, server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

sys.path.insert(0, str(ROOT))

from aeexplorer.data import DATASETS

HEALTH_LIMIT, DECODE_LIMIT, MEMORY_LIMIT = 100.0, 50.0, 1.10
DATASET = "mnist" if DATASETS["mnist"].available() else "digits"
RUN = f"{DATASET}-vae-2d"
PICTURES = ("mnist-", "fashion-mnist-") if DATASET == "mnist" else ("digits-",)
OTHERS = sorted(
    path.name for path in (ROOT / "pretrained").iterdir() if path.name.startswith(PICTURES)
)  # more than are kept open
SIXTEEN = {"run": RUN, "z": [[0.1, 0.2]] * 16}
CHEAP = {"run": RUN, "a": {"code": 1}, "b": {"code": 2}, "steps": 2, "kinds": ["lerp"]}
LONG = {"run": RUN, "sample": {"pixels": [0.5] * 95_000}}
DEAR = CHEAP | {"steps": 33, "kinds": ["lerp", "slerp", "pixels", "pca"]}


@dataclass
class Row:
    """One attack: latencies in ms, memory in MB."""

    attack: str
    health: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    first_frame: list[float] = field(default_factory=list)
    failed: int = 0
    memory_before: float = 0.0
    memory_most: float = 0.0
    memory_after: float = 0.0

    def figures(self) -> dict[str, Any]:
        """The row with percentiles in place of the single latencies."""
        known = asdict(self)
        for name in ("health", "decode", "first_frame"):
            values = known.pop(name)
            p50, p95 = np.percentile(values, (50, 95)).round(1).tolist() if values else (None, None)
            known |= {f"{name}_p50": p50, f"{name}_p95": p95, f"{name}_n": len(values)}
        return known


# what attackers do


def opened(port: int, **options: Any) -> Any:
    return connect(
        f"ws://127.0.0.1:{port}/live", compression=None, max_size=None, proxy=None, close_timeout=1, **options
    )


async def ask(client: ClientConnection, scene: str, params: dict[str, Any], ident: Any = 1, stream: str = "") -> Any:
    await client.send(json.dumps({"id": ident, "scene": scene, "params": params, "stream": stream}))
    return await client.recv()


async def again_and_again(one: Callable[[], Awaitable[None]]) -> None:
    """Repeat an attack also after the server has put an end to it."""
    while True:
        with contextlib.suppress(OSError, WebSocketException, EOFError, TimeoutError):
            await one()
        await asyncio.sleep(0.05)


async def work(port: int) -> None:
    """One socket: nine cheap requests of a kind, then a dear one of it that opens another run as well."""

    async def one() -> None:
        async with opened(port) as client:
            for other in itertools.cycle(OTHERS):
                for number in range(9):
                    await ask(client, "interpolate", CHEAP | {"t": number / 10})
                await ask(client, "interpolate", DEAR | {"compare_run": other})

    await again_and_again(one)


async def messages(port: int) -> None:
    """Eight sockets that send half a megabyte of JSON as fast as they can."""
    long = json.dumps({"id": 1, "scene": "encode", "params": LONG})

    async def one() -> None:
        async with opened(port) as client:
            reading = asyncio.create_task(drain(client))
            try:
                while True:
                    await client.send(long)
            finally:
                reading.cancel()

    await asyncio.gather(*(again_and_again(one) for _ in range(8)))


async def drain(client: ClientConnection) -> None:
    async for _ in client:
        pass


async def unread(port: int) -> None:
    """Twelve sockets that ask for much, in many streams, and read nothing."""
    grid = {"run": RUN, "n": 20}

    async def one() -> None:
        async with opened(port, max_queue=1) as client:
            for number in itertools.count():
                scene, params = ("grid", grid) if number % 4 == 0 else ("encode", LONG)
                request = {"id": number, "scene": scene, "params": params, "stream": f"s{number % 32}"}
                async with asyncio.timeout(30):
                    await client.send(json.dumps(request))

    await asyncio.gather(*(again_and_again(one) for _ in range(12)))


async def uploads(port: int) -> None:
    """Files of 25 MB for a session of one's own, each of which stays in memory."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + bytes(25_000_000) + b"\r\n--b--\r\n"
    )

    def put(session: str, number: int, token: str) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/_stcore/upload_file/{session}/{number}", body, method="PUT",
            headers={"Content-Type": "multipart/form-data; boundary=b", "Cookie": f"_streamlit_xsrf={token}", "X-Xsrftoken": token},
        )  # fmt: skip
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=30):
            pass

    async def one() -> None:
        token = f"2|00000000|{0:032x}|1"  # any that the cookie and the header agree on
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        async with connect(address, subprotocols=["streamlit"], max_size=None, proxy=None) as client:  # type: ignore[list-item]
            run = BackMsg()
            run.rerun_script.query_string = ""
            await client.send(run.SerializeToString())
            told = ForwardMsg()
            while not told.HasField("new_session"):
                told.ParseFromString(await client.recv())  # type: ignore[arg-type]
            reading = asyncio.create_task(drain(client))
            for number in range(40):
                await asyncio.to_thread(put, told.new_session.initialize.session_id, number, token)
                await asyncio.sleep(0.1)
            await asyncio.sleep(3600)
            reading.cancel()

    await again_and_again(one)


async def sockets(port: int) -> None:
    """A hundred sockets, each with slow work at all times."""

    async def one() -> None:
        async with opened(port, open_timeout=60) as client:
            for other in itertools.cycle(OTHERS[:2]):
                await ask(client, "interpolate", DEAR | {"compare_run": other})

    await asyncio.gather(*(again_and_again(one) for _ in range(100)))


async def connections(port: int) -> None:
    """1,100 connections at a time on which the header of a request never ends."""

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            await reader.read()
            await asyncio.sleep(1)
        finally:
            writer.close()

    await asyncio.gather(*(again_and_again(one) for _ in range(1_100)))


async def nothing(port: int) -> None:
    """No attack, to compare with."""
    await asyncio.sleep(3600)


ATTACKS = {attack.__name__: attack for attack in (nothing, work, messages, unread, uploads, sockets, connections)}


# what an honest visitor sees


async def see_health(port: int, row: Row) -> None:
    while True:
        start = time.perf_counter()
        try:
            async with asyncio.timeout(30):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /_stcore/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                well = (await reader.read()).startswith(b"HTTP/1.1 200")
                writer.close()
        except (OSError, TimeoutError):
            well = False
        row.failed += not well
        row.health.append(1e3 * (time.perf_counter() - start))
        await asyncio.sleep(max(0.0, 0.1 - (time.perf_counter() - start)))


async def see_decoded(client: ClientConnection, row: Row) -> None:
    for number in itertools.count():
        start = time.perf_counter()
        reply = await ask(client, "decode", SIXTEEN, number)
        row.failed += isinstance(reply, str)
        row.decode.append(1e3 * (time.perf_counter() - start))
        await asyncio.sleep(max(0.0, 1 / 30 - (time.perf_counter() - start)))


async def see_first_frame(port: int, row: Row) -> None:
    while True:
        start = time.perf_counter()
        with contextlib.suppress(OSError, WebSocketException):
            async with opened(port, open_timeout=30) as client:
                await ask(client, "decode", SIXTEEN)
                row.first_frame.append(1e3 * (time.perf_counter() - start))
        await asyncio.sleep(max(0.0, 1 - (time.perf_counter() - start)))


async def see_memory(process: psutil.Process, row: Row) -> None:
    while True:
        row.memory_most = max(row.memory_most, process.memory_info().rss / 1e6)
        await asyncio.sleep(0.2)


async def measure(port: int, process: psutil.Process, attack: str, seconds: float, rest: float) -> Row:
    """One row: the attack begins a second before the figures do, and ends with them."""
    row = Row(attack, memory_before=process.memory_info().rss / 1e6)
    async with opened(port) as client:
        for _ in range(20):
            await ask(client, "decode", SIXTEEN)
        command = [sys.executable, __file__, "--attack", attack, "--port", str(port)]
        attackers = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert attackers.stdout
        await asyncio.to_thread(attackers.stdout.readline)  # that it has begun
        await asyncio.sleep(1)
        seen = [see_health(port, row), see_decoded(client, row), see_first_frame(port, row), see_memory(process, row)]
        tasks = [asyncio.create_task(what) for what in seen]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            attackers.kill()
            attackers.wait()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            row.failed += sum(isinstance(end, Exception) for end in ended)
    await asyncio.sleep(rest)
    row.memory_after = process.memory_info().rss / 1e6
    return row


def line(figures: dict[str, Any]) -> str:
    """A row as text; a dash where nothing was answered in all the time."""

    def both(name: str) -> str:
        p50, p95 = (figures[f"{name}_{share}"] for share in ("p50", "p95"))
        return f"{'-' if p50 is None else p50:>7} / {'-' if p95 is None else p95:>7} ms"

    memory = ", ".join(f"{figures[f'memory_{when}']:.0f}" for when in ("before", "most", "after"))
    return (
        f"{figures['attack']:12} health {both('health')}   decode {both('decode')} of {figures['decode_n']:4}"
        f"   first frame {both('first_frame')}   failed {figures['failed']}   memory {memory} MB"
        f"   {'holds' if holds(figures) else 'does not hold'}"
    )


def holds(figures: dict[str, Any]) -> bool:
    """Whether the honest visitor was served as promised."""
    served = (figures["health_p95"] or 1e9) <= HEALTH_LIMIT and (figures["decode_p95"] or 1e9) <= DECODE_LIMIT
    return bool(served and not figures["failed"] and figures["memory_after"] <= MEMORY_LIMIT * figures["memory_before"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a minute in all")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=list(ATTACKS), help="these attacks")
    parser.add_argument("--attack", choices=ATTACKS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        with contextlib.suppress(AttributeError):  # not there on Windows
            os.nice(10)
        limit_descriptors(None)
        print("begun", flush=True)
        asyncio.run(ATTACKS[options.attack](options.port))
        return
    limit_descriptors(1_024)
    seconds, rest, last = (2.5, 0.0, 4.0) if options.quick else (15.0, 5.0, 60.0)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as home, server(Path(home)) as (port, process):
        asyncio.run(warm(port))
        for attack in options.only:
            rows.append(asyncio.run(measure(port, process, attack, seconds, rest)).figures())
            print(line(rows[-1]), flush=True)
        time.sleep(last)
        memory = process.memory_info().rss / 1e6
    before = rows[0]["memory_before"]
    print(f"memory {before:.0f} MB before, {memory:.0f} MB {last:.0f} s after the last attack")
    if options.json:
        print(json.dumps({"rows": rows, "memory_before": before, "memory_at_the_end": memory}))


def limit_descriptors(most: int | None) -> None:
    """Give this process and those it starts the limit that systems usually give; None is the highest allowed."""
    with contextlib.suppress(ImportError):  # not there on Windows
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if most is None else min(most, hard), hard))


async def warm(port: int) -> None:
    """What the first visits cost is not what attacks cost."""
    async with opened(port) as client:
        for other in OTHERS:  # more than are kept open, so that what is kept has its size
            await ask(client, "interpolate", DEAR | {"compare_run": other})
        await ask(client, "grid", {"run": RUN, "n": 20})


if __name__ == "__main__":
    main()
