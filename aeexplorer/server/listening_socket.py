"""The listening socket, which Streamlit makes and shows to nobody."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket

LOG = logging.getLogger(__name__)


def send_at_once() -> int:
    """Switch Nagle's algorithm off for all connections that this process will accept.

    With it a reply that is written before the last one was acknowledged waits for the client's next request, a whole
    period of its rate, or for a delayed acknowledgement, 40 ms. asyncio switches it off only for sockets made with their
    protocol named, which Streamlit's is not. Accepted connections inherit the option from the listening socket, which is
    looked for among all objects.

    Returns:
        The number of listening sockets found; without any the app runs, and its live views are slower.
    """
    found = 0
    for candidate in gc.get_objects():
        if type(candidate) is socket.socket and candidate.type == socket.SOCK_STREAM:
            with contextlib.suppress(OSError):  # closed ones and those of other families do not have it
                candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
                found += bool(candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    if not found:
        LOG.warning("no listening socket was found: replies of the live channel may wait for up to 40 ms each")
    return found
