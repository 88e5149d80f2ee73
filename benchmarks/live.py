"""Load on the live channel: clients that ask at a fixed rate, on the server as people run it.

    python benchmarks/live.py            # 30 clients at 30 Hz, 20 s a row, with and without a training job
    python benchmarks/live.py --quick    # 8 clients at 30 Hz, 3 s a row
    python benchmarks/live.py --seconds 300 --rates 30 --json

Each row asks the echo scene, which has no model in it, and then for 16 decoded samples on the same sockets. Clients
keep their rate whether replies have come or not, so that a slow server cannot slow the measurement down. A request that
a newer one replaced is named by the reply that stands in for it ("replaced"); one that nobody answered is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aeexplorer import jobs
from aeexplorer.data import load_dataset
from aeexplorer.live import frame
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs.request import new_run

TILES = 16
GRACE = 3.0
SETTLING = 6.0  # seconds in which the server imports what the first visits need


@dataclass
class Row:
    """One row of the table: latencies in ms, memory of the server in MB."""

    scene: str
    clients: int
    hertz: float
    training: bool
    asked: int
    p50: float
    p95: float
    p99: float
    replaced: int
    lost: int
    memory_start: float
    memory_end: float


@contextlib.contextmanager
def server(home: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Port and process of the app, running as people run it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port", str(port)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "AEEXPLORER_HOME": str(home), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        for _ in range(600):
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health") as reply,
            ):
                if reply.status == 200:
                    break
            time.sleep(0.1)
        time.sleep(SETTLING)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(15)


@contextlib.contextmanager
def training(home: Path) -> Iterator[None]:
    """A training job of the running app that does not end while the row is measured."""
    os.environ["AEEXPLORER_HOME"] = str(home)
    run = new_run("vae", load_dataset("shapes"), net="conv", epochs=1000)
    jobs.start(run)
    try:
        while not any(event.get("type") == "epoch" for event in run.events()[0]):
            time.sleep(0.5)
        yield
        if run.status.state != "running":
            raise SystemExit(f"the training job is {run.status.state} before the end of the measurement")
    finally:
        jobs.cancel(run)


async def client(port: int, scene: str, params: dict[str, Any], hertz: float, seconds: float, start: float) -> Tally:
    """Ask at a rate for some time, then wait for what is still under way."""
    tally = Tally()
    async with connect(f"ws://127.0.0.1:{port}/live", compression=None, max_size=None, proxy=None) as connection:
        reader = asyncio.create_task(tally.listen(connection))
        for tick in range(int(hertz * seconds)):
            await asyncio.sleep(max(0.0, start + tick / hertz - time.perf_counter()))
            tally.sent[tick] = time.perf_counter()
            await connection.send(json.dumps({"id": tick, "scene": scene, "params": params}))
        end = time.perf_counter() + GRACE
        while tally.sent and time.perf_counter() < end:
            await asyncio.sleep(0.01)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return tally


class Tally:
    """What became of one client's requests."""

    def __init__(self) -> None:
        self.sent: dict[int, float] = {}
        self.latencies: list[float] = []
        self.replaced = 0

    async def listen(self, connection: ClientConnection) -> None:
        async for message in connection:
            now = time.perf_counter()
            if isinstance(message, str):
                raise SystemExit(f"refused: {message}")
            header, _ = frame.decode(message)
            self.latencies.append(1e3 * (now - self.sent.pop(header["id"])))
            for ident in header["dropped"]:
                self.replaced += self.sent.pop(ident, None) is not None


async def measure(
    port: int, process: psutil.Process, scene: str, params: dict[str, Any], options: argparse.Namespace, hertz: float,
    busy: bool,
) -> Row:  # fmt: skip
    """One row: all clients begin within one period, at times spread over it."""
    before = process.memory_info().rss / 1e6
    start = time.perf_counter() + 1
    tallies = await asyncio.gather(
        *(
            client(port, scene, params, hertz, options.seconds, start + i / options.clients / hertz)
            for i in range(options.clients)
        )
    )
    latencies = np.concatenate([t.latencies for t in tallies])
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return Row(
        scene, options.clients, hertz, busy, int(hertz * options.seconds) * options.clients, float(p50), float(p95),
        float(p99), sum(t.replaced for t in tallies), sum(len(t.sent) for t in tallies), before,
        process.memory_info().rss / 1e6,
    )  # fmt: skip


async def rows(port: int, process: psutil.Process, options: argparse.Namespace, busy: bool) -> list[Row]:
    """Echo, then decode, at each rate."""
    z = np.random.default_rng(0).standard_normal((TILES, 2)).round(3).tolist()
    decode = {"run": options.run, "z": z}
    found = []
    async with connect(f"ws://127.0.0.1:{port}/live", proxy=None) as connection:  # opens the run before it counts
        await connection.send(json.dumps({"id": 0, "scene": "decode", "params": decode}))
        reply = await connection.recv()
        if isinstance(reply, str):
            raise SystemExit(reply)
    for hertz in options.rates:
        for scene, params in (("echo", {"z": z}), ("decode", decode)):
            row = await measure(port, process, scene, params, options, hertz, busy)
            found.append(row)
            if not options.json:
                show(row)
    return found


def show(row: Row) -> None:
    print(
        f"{row.scene:8s}{row.clients:>8d}{row.hertz:>6g}{'yes' if row.training else 'no':>10s}{row.p50:>9.2f}{row.p95:>8.2f}"
        f"{row.p99:>8.2f}{row.asked:>9d}{row.replaced:>10d}{row.lost:>6d}{row.memory_start:>9.0f}{row.memory_end:>6.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--rates", type=float, nargs="+", default=[10, 30])
    parser.add_argument("--seconds", type=float, default=20, help="of each row")
    default = next((n for n in ("mnist-vae-2d", "digits-vae-2d") if (PRETRAINED / n).is_dir()), "digits-vae-2d")
    parser.add_argument("--run", default=default, help="a run with a 2-d code (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="8 clients at 30 Hz, 3 s a row")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    if options.quick:
        options.clients, options.rates, options.seconds = 8, [30], 3
    if not options.json:
        print(f"{TILES} samples of {options.run} a reply; times in ms, memory of the server in MB")
        print("scene    clients    Hz  training      p50     p95     p99    asked  replaced  lost   memory")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(os.environ.get("AEEXPLORER_HOME", folder))
        with server(home) as (port, process):
            found = asyncio.run(rows(port, process, options, busy=False))
            with training(home):
                found += asyncio.run(rows(port, process, options, busy=True))
    ratios = [b.p50 / a.p50 for a, b in zip(found[::2], found[1::2], strict=True)]
    if options.json:
        print(json.dumps({"run": options.run, "rows": [asdict(r) for r in found], "decode_to_echo_p50": ratios}))
    else:
        print("decode to echo, p50:", ", ".join(f"{r:.2f}" for r in ratios))


if __name__ == "__main__":
    main()
