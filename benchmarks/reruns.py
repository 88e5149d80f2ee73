"""Reruns of pages: sessions without a browser that change something, wait until the page has run, and think.

    pip install -e .
    python benchmarks/reruns.py            # 30 sessions, 20 s a page
    python benchmarks/reruns.py --quick    # 6 sessions, 4 s a page
    python benchmarks/reruns.py --training --json
    python benchmarks/reruns.py --queued 1000 --pages home train      # beside a long queue of trainings
    python benchmarks/reruns.py --sessions 200 --pages home           # and what the next visitor waits for

Each session is what a browser is to the server: a cookie of its own, a web socket, and Streamlit's messages over it. On
Train it changes the number of epochs, on the other pages the picked sample, so that no rerun repeats the one before.
It thinks for half a second to one and a half (uniform), one on average: busier than people are. The time of a rerun is
that from the change until the server says that the script has finished, with all that it drew received. Beside it the
CPU time of the server process for each rerun, all that it does meanwhile included. While the sessions are at work one
more visitor comes: newcomer is the time until the first page is there. Where jobs wait or run, tick is the time of one
rerun of the panel that shows them, which every browser asks for once a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import psutil
from live import server, training
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

from aeexplorer.data import load_dataset
from aeexplorer.jobs.registry import registry
from aeexplorer.jobs.submission import Submission
from aeexplorer.runs.request import new_run
from aeexplorer.store import write_json

THINK = 0.5, 1.5
LIMIT = 120.0


class Asked(NamedTuple):
    """What the sessions of a row do: the page's path, its query, and the label of the field whose number they change."""

    path: str
    query: str
    number: str = ""


PAGES = {
    "home": Asked("", "run={plane}"),
    "train": Asked("train", "dataset=digits&family=ae", "Epochs"),
    "train, adversarial": Asked("train", "dataset=digits&family=aae", "Epochs"),
    "interpolate": Asked("interpolate", "run={run}"),
    "corruption": Asked("corruption", "run={restorer}"),
    "latent map": Asked("map", "run={run}"),
}


@dataclass
class Row:
    """One row of the table: times in ms, messages and kB that one rerun sent."""

    page: str
    sessions: int
    training: bool
    queued: int
    reruns: int
    first: float
    newcomer: float
    p50: float
    p95: float
    p99: float
    cpu: float
    tick_p50: float | None
    tick_p95: float | None
    messages: float
    kilobytes: float


class Session:
    """One visitor of one page."""

    def __init__(self, socket: ClientConnection, asked: Asked) -> None:
        self.socket = socket
        self.asked = asked
        self.script = ""
        self.query = asked.query
        self.known: set[str] = set()
        self.number = ""
        self.panel = ""
        self.messages = self.size = 0

    @classmethod
    async def begin(cls, port: int, asked: Asked) -> tuple[Self, float]:
        """A visitor and the seconds until the page was there."""
        address = f"127.0.0.1:{port}"
        token = await asyncio.to_thread(_cookie, f"http://{address}/{asked.path}")
        socket = await connect(
            f"ws://{address}/_stcore/stream", subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers={"Cookie": token}, max_size=None, proxy=None,
        )  # fmt: skip
        self = cls(socket, asked)
        return self, await self.rerun()

    async def change(self, turn: int) -> float:
        """Change the number, or pick another sample; the seconds of the rerun that follows."""
        if not self.asked.number:
            self.query = f"{self.asked.query}&sample={turn % 200}"
            return await self.rerun()
        if not self.number:
            raise SystemExit(f"the page {self.asked.path} has no number {self.asked.number!r}")
        return await self.rerun(WidgetState(id=self.number, string_value=str(20 + turn % 400)))

    async def tick(self) -> float:
        """Rerun the panel of jobs as its timer does; the seconds it took."""
        return await self.rerun(fragment=self.panel)

    async def rerun(self, *states: WidgetState, fragment: str = "") -> float:
        """Ask for a rerun of the page or of a fragment and take in all that it draws; the seconds it took."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.page_name = self.query, self.script, self.asked.path
        state.widget_states.widgets.extend(states)
        state.fragment_id = fragment
        state.cached_message_hashes.extend(self.known)
        state.context_info.url, state.context_info.color_scheme = f"http://127.0.0.1/{self.asked.path}", "light"
        begun = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        async with asyncio.timeout(LIMIT):
            while not self._take(await self.socket.recv()):
                pass
        return time.perf_counter() - begun

    def _take(self, received: str | bytes) -> bool:
        """Note one message; whether it says that the script has finished."""
        if isinstance(received, str):
            raise SystemExit(f"the server said {received[:100]!r}")
        message = ForwardMsg.FromString(received)
        self.messages += 1
        self.size += len(received)
        kind = message.WhichOneof("type")
        if message.metadata.cacheable and kind != "ref_hash":
            self.known.add(message.hash)
        if kind == "navigation":
            self.script = message.navigation.page_script_hash
        elif kind == "auto_rerun":
            self.panel = message.auto_rerun.fragment_id
        elif kind == "delta":
            self._look_at(message)
        return kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _look_at(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        if element.WhichOneof("type") == "text_input" and element.text_input.label == self.asked.number:
            self.number = element.text_input.id
        if element.WhichOneof("type") == "exception":
            raise SystemExit(f"the page {self.asked.path} failed: {element.exception.message[:200]}")


def _cookie(address: str) -> str:
    """What the server gives every new browser to be known by."""
    with urllib.request.urlopen(address) as reply:
        return "; ".join(line.partition(";")[0] for line in reply.headers.get_all("Set-Cookie") or ())


def _seconds(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


async def visit(session: Session, seconds: float, start: float) -> list[float]:
    """Reruns until the time is over, the first of them at any moment of the first second."""
    chance = random.Random(start)
    taken = list[float]()
    turn = chance.randrange(1000)
    await asyncio.sleep(chance.random())
    while time.perf_counter() < start + seconds:
        turn += 1
        taken.append(await session.change(turn))
        await asyncio.sleep(chance.uniform(*THINK))
    return taken


async def measure(port: int, process: psutil.Process, page: str, options: argparse.Namespace) -> Row:
    """One row: the sessions come one after another, and then change things all at once."""
    asked = PAGES[page]
    asked = asked._replace(query=asked.query.format(plane=options.plane, run=options.run, restorer=options.restorer))
    begun = [await Session.begin(port, asked) for _ in range(options.sessions)]
    sessions = [session for session, _ in begun]
    for session in sessions:
        await session.change(0)
        session.messages = session.size = 0
    used, clock = _seconds(process), time.perf_counter()
    visits = [visit(s, options.seconds, clock + i * 1e-3) for i, s in enumerate(sessions)]
    *times, newcomer = await asyncio.gather(*visits, newcomers(port, asked, options.seconds / 2))
    used = _seconds(process) - used
    felt = 1e3 * np.concatenate([np.asarray(own) for own in times])
    reruns, sent, size = len(felt), sum(s.messages for s in sessions), sum(s.size for s in sessions)
    panelled = sessions[0].panel if options.queued or options.training else ""  # any other job ends, and its panel goes
    ticks = [1e3 * await sessions[0].tick() for _ in range(100)] if panelled else []
    for session in sessions:
        await session.socket.close()
    return Row(
        page, options.sessions, options.training, options.queued, reruns,
        first=1e3 * begun[0][1], newcomer=1e3 * newcomer,
        **{f"p{q}": float(np.percentile(felt, q)) for q in (50, 95, 99)}, cpu=1e3 * used / reruns,
        **{f"tick_p{q}": float(np.percentile(ticks, q)) if ticks else None for q in (50, 95)},
        messages=sent / reruns, kilobytes=size / reruns / 1e3,
    )  # fmt: skip


async def newcomers(port: int, asked: Asked, after: float) -> float:
    """The seconds until the first page of one more visitor is there."""
    await asyncio.sleep(after)
    start = time.perf_counter()
    session, _ = await Session.begin(port, asked)
    await session.socket.close()
    return time.perf_counter() - start


@contextlib.contextmanager
def queue(home: Path, length: int) -> Iterator[None]:
    """So many trainings of thirty owners that wait, the first of them running, submitted past the limits of a queue."""
    os.environ["AEEXPLORER_HOME"] = str(home)
    data = load_dataset("digits")
    for number in range(length):
        run = new_run("ae", data, epochs=10_000)
        submission = Submission(kind="train", owner=f"o{number % 30}", estimated=60.0, submitted=float(number))
        write_json(run.path / "control" / "job.json", submission.model_dump(), durable=False)
    registry().rebuild()
    yield


async def rows(port: int, process: psutil.Process, options: argparse.Namespace) -> list[Row]:
    found = []
    for page in options.pages:
        row = await measure(port, process, page, options)
        found.append(row)
        if not options.json:
            show(row)
    return found


def show(row: Row) -> None:
    print(
        f"{row.page:20s}{row.sessions:>9d}{'yes' if row.training else 'no':>10s}{row.queued:>8d}{row.reruns:>8d}"
        f"{row.first:>8.0f}{row.newcomer:>10.0f}{row.p50:>8.0f}{row.p95:>8.0f}{row.p99:>8.0f}{row.cpu:>8.1f}"
        f"{row.tick_p95 or 0:>10.1f}{row.messages:>10.0f}{row.kilobytes:>8.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20, help="of each row")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES), metavar="PAGE", help=", ".join(PAGES))
    parser.add_argument("--plane", default="digits-vae-2d", help="the run of home (default: %(default)s)")
    parser.add_argument("--run", default="digits-vae", help="that of interpolate and latent map (default: %(default)s)")
    parser.add_argument("--restorer", default="digits-dae", help="that of corruption (default: %(default)s)")
    parser.add_argument("--training", action="store_true", help="while a training job runs")
    parser.add_argument("--queued", type=int, default=0, help="so many trainings of thirty owners wait")
    parser.add_argument("--quick", action="store_true", help="6 sessions, 4 s a page")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    if options.quick:
        options.sessions, options.seconds = 6, 4
    if not options.json:
        print("times and the server's CPU time in ms; messages and kB of one rerun; first: the first visit of all")
        print(
            "page                 sessions  training  queued  reruns   first  newcomer     p50     p95     p99     cpu"
            "  tick p95  messages      kB"
        )
    os.environ["AEEXPLORER_SHARED"] = "1"  # each session is an owner of its own
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        home = Path(os.environ.get("AEEXPLORER_HOME", folder))
        port, process = stack.enter_context(server(home))
        if options.queued:
            stack.enter_context(queue(home, options.queued))
        if options.training:
            stack.enter_context(training(home))
        found = asyncio.run(rows(port, process, options))
    if options.json:
        print(json.dumps({"think_seconds": THINK, "rows": [asdict(row) for row in found]}))


if __name__ == "__main__":
    main()
