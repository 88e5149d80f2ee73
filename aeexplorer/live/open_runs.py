"""Runs held open: the last few, shared by pages and the live channel."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.live.open_run import OpenRun
from aeexplorer.runs.listing import find_run, visible

CAPACITY = 16

# A name, never a path: what comes over a socket must not open folders elsewhere.
_NAME = re.compile(r"(pretrained/)?[A-Za-z0-9_][\w.-]{0,199}")
_LABEL = re.compile(r"\d{1,4}")


@dataclass
class _Entry:
    weights: Path
    written: int
    opened: OpenRun
    told: dict[str, OpenRun] = field(default_factory=dict)

    def given(self, label: str) -> OpenRun:
        """The run, or the run told a class."""
        if not label:
            return self.opened
        if not _LABEL.fullmatch(label):
            raise ConfigError(f"the class of a run must be a number, got {label[:60]!r}")
        if label not in self.told:
            self.told[label] = OpenRun(self.opened.explorer.given(int(label)))
        return self.told[label]


class OpenRuns:
    """The last few runs held open, by name; one whose weights changed is opened again. Safe in threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._open: OrderedDict[str, _Entry] = OrderedDict()
        self._guard = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def find(self, run: str) -> OpenRun:
        """The open run of this id or pretrained name, told a class where the name ends with one ("digits-cvae@3").

        Raises:
            ConfigError: for a name that is none, or a run that is not here or of somebody else's private data.
            Damaged: when it cannot be opened.
        """
        opened = self._fresh(run) or self._open_now(run)
        if not visible(opened.explorer.run):
            raise ConfigError(f"unknown run {run[:60]!r}")
        if (noted := _noted.get()) is not None:
            noted[run] = opened
        return opened

    def is_open(self, run: str, opened: OpenRun | None) -> bool:
        """Whether this is the open run of that name, with its newest weights."""
        return opened is not None and self._fresh(run) is opened

    def _open_now(self, name: str) -> OpenRun:
        run, _, label = name.partition("@")
        if not _NAME.fullmatch(run):
            raise ConfigError(f"run must be an id or a pretrained name, got {run[:60]!r}")
        with self._guard:
            opening = self._opening.setdefault(run, threading.Lock())
        with opening:
            if opened := self._fresh(name):
                return opened
            explorer = open_run(find_run(run))
            weights = explorer.run.weights_path
            entry = _Entry(weights, weights.stat().st_mtime_ns, OpenRun(explorer))
            with self._guard:
                self._open[run] = entry
                while len(self._open) > self._capacity:
                    self._open.popitem(last=False)
                self._opening.pop(run, None)
            return entry.given(label)

    def _fresh(self, name: str) -> OpenRun | None:
        run, _, label = name.partition("@")
        with self._guard:
            entry = self._open.get(run)
            if entry is None:
                return None
            self._open.move_to_end(run)
        try:
            newest = entry.opened.explorer.run.weights_path
            if newest == entry.weights and newest.stat().st_mtime_ns == entry.written:
                return entry.given(label)
        except OSError:
            pass
        with self._guard:
            self._open.pop(run, None)
        return None

    def close(self) -> None:
        """Forget every open run."""
        with self._guard:
            self._open.clear()


OPEN_RUNS = OpenRuns()

_noted: ContextVar[dict[str, OpenRun] | None] = ContextVar("noted", default=None)


@contextmanager
def noting_runs() -> Iterator[dict[str, OpenRun]]:
    """The open runs that are asked for inside, by name."""
    runs: dict[str, OpenRun] = {}
    token = _noted.set(runs)
    try:
        yield runs
    finally:
        _noted.reset(token)


def find_open_run(run: str) -> OpenRun:
    """The open run of this id or pretrained name; see `OpenRuns.find`."""
    return OPEN_RUNS.find(run)


def explorer(run: str) -> Explorer:
    """The explorer of a run that pages and the channel share."""
    return OPEN_RUNS.find(run).explorer
