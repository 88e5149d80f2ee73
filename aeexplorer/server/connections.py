"""Acceptance of connections: without delay, no more than there are descriptors for, and none that keeps the server
waiting.

Streamlit makes the server, uvicorn, and hands it to nobody. So its configuration is looked for among all objects before
it listens, and the classes in it that speak HTTP and WebSocket are replaced by guarded ones. Where it is not found the
app runs unguarded, and says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

import uvicorn
from pydantic import Field

from aeexplorer.config import Config
from aeexplorer.live.log_filter import OncePerMinute

LOG = logging.getLogger(__name__)

DESCRIPTORS_WANTED = 65_536
DESCRIPTORS_RESERVED = 256  # for files, jobs and what else the program opens
SLOWEST_READ = 65_536  # bytes in `unread_seconds`
DESCRIPTORS_PER_CONNECTION = 2  # the socket, and the file that is sent over it


class ConnectionLimits(Config):
    """Limits of connections."""

    connections: int = Field(4_096, ge=1, description="Open at once; one more is closed.")
    without_request: int = Field(
        256, ge=1, description="Of those, connections whose request has not come; of more the oldest are closed."
    )
    patience_seconds: float = Field(
        0.5, gt=0, description="For which a connection may be without a request in any case."
    )
    header_seconds: float = Field(10, gt=0, description="Time for the header of a request to come.")
    unread_seconds: float = Field(
        20, gt=0, description="In which a client must read some of what it is sent, or its connection is closed."
    )


class Connections:
    """The connections of a server and the guards that watch them.

    Args:
        longest: bytes of the longest message that a socket takes, by the end of its path; "" is for all others.
    """

    def __init__(self, limits: ConnectionLimits | None = None, longest: Mapping[str, int] | None = None) -> None:
        self.limits = limits or ConnectionLimits()
        self.longest = longest or {}
        self.without_request: dict[str, dict[Any, float]] = {}
        """Protocols by address, the oldest first, with the time at which they began."""

    def guard(self, config: uvicorn.Config) -> None:
        """Replace the protocols of a server that does not listen yet."""
        if not config.loaded:
            config.load()
        config.http_protocol_class = _guarded_http(config.http_protocol_class, self)
        if config.ws_protocol_class is not None:
            config.ws_protocol_class = _guarded_socket(config.ws_protocol_class, self)

    def admit(self, protocol: Any, transport: asyncio.Transport) -> None:
        """Take a new connection, or close it where there are too many."""
        with contextlib.suppress(OSError):  # sockets of the file system do not have it
            # with Nagle's algorithm a reply that is written before the last one was acknowledged waits 40 ms
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        if len(protocol.connections) > self.limits.connections and not self.close_one(0.0):
            LOG.warning("more than %d connections: new ones are closed", self.limits.connections)
            transport.abort()

    def expect_request(self, protocol: Any) -> None:
        """Note a connection whose request has not come, and close the oldest of too many."""
        self.without_request.setdefault(_address(protocol), {})[protocol] = time.monotonic()
        most = self.limits.without_request
        while sum(map(len, self.without_request.values())) > most and self.close_one(self.limits.patience_seconds):
            LOG.warning("more than %d connections without a request: the oldest are closed", most)

    def forget(self, protocol: Any) -> None:
        """Note that a request has come, or that none will."""
        address = _address(protocol)
        known = self.without_request.get(address, {})
        known.pop(protocol, None)
        if not known:
            self.without_request.pop(address, None)

    def close_one(self, patience: float) -> bool:
        """Close the oldest connection without a request of the address that has most; False if that is too young."""
        if not self.without_request:
            return False
        oldest, since = next(iter(max(self.without_request.values(), key=len).items()))
        if time.monotonic() - since < patience:
            return False
        oldest.give_up()
        return True


def _address(protocol: Any) -> str:
    return str(protocol.client[0]) if protocol.client else ""


def _guarded_reader(protocol: Any, unread_seconds: float) -> Any:
    """A protocol that closes the connection to a client that does not read."""

    class GuardedReader(protocol):
        unread: asyncio.TimerHandle | None = None

        def pause_writing(self) -> None:
            super().pause_writing()
            self.expect_reading()

        def expect_reading(self) -> None:
            left = self.transport.get_write_buffer_size()
            self.unread = self.loop.call_later(unread_seconds, self.check_reading, left)

        def check_reading(self, before: int) -> None:
            if self.transport.get_write_buffer_size() > before - SLOWEST_READ:
                self.transport.abort()
            else:
                self.expect_reading()

        def resume_writing(self) -> None:
            super().resume_writing()
            self.forget_unread()

        def connection_lost(self, error: Exception | None) -> None:
            self.forget_unread()
            super().connection_lost(error)

        def forget_unread(self) -> None:
            if self.unread is not None:
                self.unread.cancel()
                self.unread = None

    return GuardedReader


def _guarded_socket(protocol: Any, connections: Connections) -> Any:
    """A protocol that closes a socket when the header of a message says that it is too long, before it is received."""
    reader: Any = _guarded_reader(protocol, connections.limits.unread_seconds)

    class GuardedSocket(reader):
        def handle_connect(self, event: Any) -> None:
            path = event.path.partition("?")[0]
            longest = next((size for end, size in connections.longest.items() if path.endswith(end)), None)
            self.conn.max_message_size = longest or self.conn.max_message_size
            super().handle_connect(event)

    return GuardedSocket


def _guarded_http(protocol: Any, connections: Connections) -> Any:
    """A protocol that is counted, and closes the connection when a request does not come."""
    reader: Any = _guarded_reader(protocol, connections.limits.unread_seconds)

    class GuardedHTTP(reader):
        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            connections.admit(self, transport)
            self.watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self.watch()

        def connection_lost(self, error: Exception | None) -> None:
            self.forget_deadline()
            super().connection_lost(error)

        def watch(self) -> None:
            """Set a deadline for the next request while none is being answered."""
            answering = self.cycle is not None and not self.cycle.response_complete
            upgraded = self.transport.get_protocol() is not self
            if answering or upgraded or self.transport.is_closing():
                self.forget_deadline()
            elif self.deadline is None:
                self.deadline = self.loop.call_later(connections.limits.header_seconds, self.give_up)
                connections.expect_request(self)

        def give_up(self) -> None:
            self.forget_deadline()
            self.transport.abort()

        def forget_deadline(self) -> None:
            connections.forget(self)
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

    return GuardedHTTP


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open descriptors to what the system allows; returns the limit."""
    if sys.platform == "win32":  # where a process may open as many as it likes
        return DESCRIPTORS_WANTED
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_WANTED if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return DESCRIPTORS_WANTED if soft == resource.RLIM_INFINITY else soft


def guard_connections(longest: Mapping[str, int] | None = None) -> int:
    """Guard the servers of this process that do not listen yet; returns their number. For `longest` see
    `Connections`."""
    for name in ("asyncio", "uvicorn.error", __name__):  # one line a minute for what a client can provoke at any rate
        logger = logging.getLogger(name)
        if not any(isinstance(known, OncePerMinute) for known in logger.filters):
            logger.addFilter(OncePerMinute())
    room = (raise_descriptor_limit() - DESCRIPTORS_RESERVED) // DESCRIPTORS_PER_CONNECTION
    limits = ConnectionLimits()
    limits = limits.replace(connections=max(min(limits.connections, room), 64))
    servers = [found for found in gc.get_objects() if type(found) is uvicorn.Config]
    for config in servers:
        Connections(limits, longest).guard(config)
    if not servers:
        LOG.warning(
            "the server's configuration was not found: connections are not limited, and replies may wait for 40 ms"
        )
    return len(servers)
