"""Places of work that clients take in turn."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

HALF_LIFE_SECONDS = 2.0
CLIENTS_KNOWN = 2_000


class Client(NamedTuple):
    """One socket, and the address that it comes from."""

    address: str
    socket: int


class FairQueue:
    """A few places; one that becomes free goes to whoever has used the least time of late.

    Addresses are compared first, then the sockets of one address. So a newcomer does not wait behind everybody who came
    before, and who opens a hundred sockets gets no more than who opens one. Time that was used counts half after
    `HALF_LIFE_SECONDS`.

    Args:
        places: how many work at once.
    """

    def __init__(self, places: int) -> None:
        self.free = places
        self.waiting: dict[asyncio.Future[None], Client] = {}
        self.used: dict[str | Client, tuple[float, float]] = {}

    async def acquire(self, client: Client) -> None:
        """Wait for a place."""
        if self.free and not self.waiting:
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self.waiting[turn] = client
        try:
            await turn
        except asyncio.CancelledError:
            if self.waiting.pop(turn, None) is None:  # the place was given just before
                self._give()
            raise

    def release(self, client: Client, seconds: float) -> None:
        """Give the place back after having worked for so long."""
        now = time.monotonic()
        for user in (client.address, client):
            self.used[user] = (self._used(user, now) + seconds, now)
        if len(self.used) > CLIENTS_KNOWN:
            self.used = {user: used for user, used in self.used.items() if self._used(user, now) > 1e-3}
        self._give()

    def _give(self) -> None:
        """Hand a place to the next in turn."""
        now = time.monotonic()
        turns = [turn for turn in self.waiting if not turn.done()]
        if not turns:
            self.free += 1
            return
        turn = min(turns, key=lambda turn: self._share(self.waiting[turn], now))
        del self.waiting[turn]
        turn.set_result(None)

    def _share(self, client: Client, now: float) -> tuple[float, float]:
        return self._used(client.address, now), self._used(client, now)

    def _used(self, user: str | Client, now: float) -> float:
        """Seconds of work that count now."""
        seconds, since = self.used.get(user, (0.0, now))
        return float(seconds * 0.5 ** ((now - since) / HALF_LIFE_SECONDS))
