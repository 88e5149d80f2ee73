"""Pages take turns, and nobody waits for one that takes long."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from waiting import PATIENCE, wait_until

from aeexplorer.server.page_scheduler import Turns


def test_one_runs_at_a_time() -> None:
    turns, running, most = Turns(longest=60), [], []

    def script(number: int) -> None:
        with turns.turn():
            running.append(number)
            most.append(len(running))
            time.sleep(0.002)
            running.remove(number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(script, range(64)))
    assert most == [1] * 64


def test_nobody_waits_for_a_script_that_takes_long() -> None:
    turns, over = Turns(longest=0.05), threading.Event()

    def long_script() -> None:
        with turns.turn():
            over.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(long_script)
        for _ in range(3):  # also those after the first, although the long one goes on
            with turns.turn():
                assert not slow.done()
        over.set()
    with turns.turn():
        pass


def test_lanes_take_turns() -> None:
    turns, order = Turns(longest=60), list[str]()

    def script(lane: str) -> None:
        with turns.turn(lane):
            order.append(lane)

    with ThreadPoolExecutor(8) as pool, turns.turn("held"):
        for at, lane in enumerate("aaaaabb", start=1):
            pool.submit(script, lane)
            wait_until(lambda at=at: sum(map(len, turns._lanes.values())) == at)  # type: ignore[misc]
    assert order == list("ababaaa") and not turns._lanes


def test_a_script_that_fails_gives_its_turn_back() -> None:
    turns = Turns(longest=60)
    for _ in range(2):
        with pytest.raises(RuntimeError), turns.turn():
            raise RuntimeError
