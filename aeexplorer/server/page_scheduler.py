"""Pages run one after another: thirty at once would each take longer, and all of them together twice as long."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator

LONGEST_SECONDS = 0.3


class Turns:
    """One script runs at a time, until it has run for so long that it shares with the next.

    Scripts that run at once fight for the interpreter's lock with each other and with the loop that sends what they
    draw: with thirty sessions the median rerun takes a fraction of the time in turn (`benchmarks/reruns.py`).

    Scripts wait in lanes, which take turns: whoever fills one lane with two hundred scripts delays the next of another
    lane by one of them.

    Args:
        longest: seconds after which nobody waits for a script any more, as for one that fetches a dataset.
    """

    def __init__(self, longest: float = LONGEST_SECONDS) -> None:
        self.longest = longest
        self._changed = threading.Condition()
        self._lanes: OrderedDict[Hashable, deque[object]] = OrderedDict()  # the first of the first lane is next
        self._holder: object = None
        self._since = 0.0

    @contextlib.contextmanager
    def turn(self, lane: Hashable = None) -> Iterator[None]:
        """Wait for one's turn, within the lane in order of arrival, and have it."""
        me = object()
        with self._changed:
            self._lanes.setdefault(lane, deque()).append(me)
            while not self._next(me) or self._left() > 0:
                self._changed.wait(self._left() if self._next(me) else None)
            rest = self._lanes.pop(lane)
            rest.popleft()
            if rest:
                self._lanes[lane] = rest  # behind the others
            self._holder, self._since = me, time.monotonic()
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                if self._holder is me:
                    self._holder = None
                    self._changed.notify_all()

    def _next(self, me: object) -> bool:
        return next(iter(self._lanes.values()))[0] is me

    def _left(self) -> float:
        """Seconds for which the next one has to wait at most."""
        return 0.0 if self._holder is None else self._since + self.longest - time.monotonic()


turn = Turns().turn
