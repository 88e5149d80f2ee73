"""Where requests are computed: those known to be quick where the sockets are read, all others on threads."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
import weakref
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from aeexplorer.config import ConfigError
from aeexplorer.explorer import compute_on_one_thread
from aeexplorer.live.fair_queue import Client, FairQueue
from aeexplorer.live.frame import encode
from aeexplorer.live.log_filter import OncePerMinute
from aeexplorer.live.open_runs import OPEN_RUNS, OpenRun, noting_runs
from aeexplorer.live.request import SceneRequest, read_request, refusal
from aeexplorer.live.scenes import SCENES, render
from aeexplorer.owners import acting_as
from aeexplorer.store import Damaged

LOG = logging.getLogger(__name__)
LOG.addFilter(OncePerMinute())

THREADS = 2
QUICK_SECONDS = 0.004
QUICK_CHARACTERS = 4_000
WORKS_KNOWN = 2_000


class Known(NamedTuple):
    """Statistics of a piece of work: the seconds of computing it took, and the open runs that it asked for, by
    name."""

    seconds: float
    runs: dict[str, weakref.ref[OpenRun]]


class Answers:
    """Computes requests, in turn by client.

    A thread would not make a quick request quicker: both wait for the same interpreter lock, and handing over costs as
    much as decoding a few samples. So a quick one is computed on the event loop, one between two looks at the sockets.
    It must be known to be quick before it begins: the very same work, in scene, runs, sizes and whatever else its time
    depends on, has been quick, and the runs that it asked for are still open. The first of its kind, which may open a
    run, is computed on a thread.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="live", initializer=compute_on_one_thread)
        self.threads = FairQueue(THREADS)
        self.loop = FairQueue(1)
        self.known: OrderedDict[str, Known] = OrderedDict()

    async def to(self, request: SceneRequest, client: Client) -> bytes | str:
        """The reply to a request: a frame, or a sentence."""
        work = work_of(request)
        if work and self.is_quick(work):
            reply, known = await self._on_loop(request, client)
        else:
            reply, known = await self._on_thread(client, timed_answer, request)
        if work and isinstance(reply, bytes):  # a refusal says nothing about the time that a frame takes
            before = self.known.pop(work, known).seconds
            self.known[work] = known._replace(seconds=max(known.seconds, before / 2))
            if len(self.known) > WORKS_KNOWN:
                self.known.popitem(last=False)
        return reply

    def is_quick(self, work: str) -> bool:
        """Whether this work has been quick, and nothing has to be opened for it now."""
        known = self.known.get(work)
        if known is None or known.seconds >= QUICK_SECONDS:
            return False
        return all(OPEN_RUNS.is_open(name, run()) for name, run in known.runs.items())

    async def read(self, text: str, client: Client) -> tuple[str, SceneRequest]:
        """Stream and request of a long message, which is read on a thread; see `read_request`."""
        return await self._on_thread(client, read_request, text)

    async def _on_loop(self, request: SceneRequest, client: Client) -> tuple[bytes | str, Known]:
        await self.loop.acquire(client)
        seconds = 0.0
        try:
            reply, known = timed_answer(request)
            seconds = known.seconds
        finally:
            # the next one begins when the loop has looked at the sockets again
            asyncio.get_running_loop().call_soon(self.loop.release, client, seconds)
        return reply, known

    async def _on_thread(self, client: Client, compute: Any, argument: Any) -> Any:
        await self.threads.acquire(client)
        start = time.monotonic()
        try:
            work = asyncio.get_running_loop().run_in_executor(self.pool, compute, argument)
        except RuntimeError:  # the server stops
            self.threads.release(client, 0.0)
            raise
        # a client that leaves does not give back the thread, which works on
        work.add_done_callback(lambda _: self.threads.release(client, time.monotonic() - start))
        return await asyncio.shield(work)

    def close(self) -> None:
        """Drop what waits."""
        self.pool.shutdown(wait=False, cancel_futures=True)


def work_of(request: SceneRequest) -> str | None:
    """The work that a request asks for, by all that its time depends on; None where that is not known.

    Of lists of numbers and long texts only the length counts, and of the params that a scene says its time does not
    depend on (`Scene.moves`) nothing.
    """
    scene = SCENES.get(request.scene)
    if scene is None or request.size > QUICK_CHARACTERS:
        return None
    return json.dumps(
        [scene.name, {k: _size(v) for k, v in request.params.items() if k not in scene.moves}], sort_keys=True
    )


def _size(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= 100 else len(value)
    if isinstance(value, dict):
        return {key: _size(item) for key, item in value.items()}
    if isinstance(value, list):
        return len(value) if all(type(item) in (int, float) for item in value) else [_size(item) for item in value]
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def timed_answer(request: SceneRequest) -> tuple[bytes | str, Known]:
    """The reply to a request, the seconds of computing it took and the runs it asked for.

    Only this thread's own computing counts: how long it waited for the interpreter lock says nothing about the next
    time.
    """
    start = time.thread_time()
    with noting_runs() as runs:
        reply = answer(request)
    return reply, Known(time.thread_time() - start, {name: weakref.ref(run) for name, run in runs.items()})


def answer(request: SceneRequest) -> bytes | str:
    """Compute a request and pack the reply; whatever goes wrong is a sentence, never a closed socket."""
    start = time.perf_counter()
    try:
        scene = SCENES.get(request.scene)
        if scene and scene.longest and request.size > scene.longest:
            raise ConfigError(
                f"a request of {scene.name} must have at most {scene.longest} characters, got {request.size}"
            )
        with acting_as(request.owner):
            frame = render(request.scene, request.params)
        spent = round((time.perf_counter() - start) * 1e3, 3)
        return encode(frame, id=request.ident, scene=request.scene, server_ms=spent, dropped=request.dropped)
    except (ConfigError, Damaged) as error:
        return refusal(request.ident, str(error), request.scene, request.dropped)
    except Exception as error:
        LOG.exception("scene %s failed: %s", request.scene[:60], type(error).__name__)
        return refusal(request.ident, f"scene {request.scene[:60]} failed on the server", "", request.dropped)
