"""Owners: every run, job and own dataset belongs to one owner, who alone may change it.

Anyone may look at runs and jobs, except at those of private data, which only their owner and their guests see.

An owner is a hash of a secret: a token kept in the browser, or the identity of a login. So reading an owner in a file
gives nobody the owner's rights. The command line and Python on the machine itself act as the local user, unless
AEEXPLORER_OWNER holds another token.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from aeexplorer.config import ConfigError

T = TypeVar("T")
LOCAL = "local"
TOKEN_LETTERS = (16, 200)


def owner_of(token: str) -> str:
    """The owner that a token identifies.

    Raises:
        ConfigError: when it is too short to be a secret, or too long.
    """
    low, high = TOKEN_LETTERS
    if not low <= len(token) <= high:
        raise ConfigError(f"an owner's token must have {low} to {high} characters, got {len(token)}")
    return hashlib.sha256(b"aeexplorer owner " + token.encode()).hexdigest()[:24]


def local_owner() -> str:
    """The default owner: that of AEEXPLORER_OWNER, else the local user."""
    token = os.environ.get("AEEXPLORER_OWNER", "")
    return owner_of(token) if token else LOCAL


def client_of(address: str) -> str:
    """A hash of a network address, to count what comes from it without keeping it; "" for this computer.

    Of an IPv6 address only the first 64 bits count, because a visitor may choose the others.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return hashlib.sha256(address.encode()).hexdigest()[:16] if address else ""
    if parsed.is_loopback:
        return ""
    network = ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False)
    return hashlib.sha256(str(network).encode()).hexdigest()[:16]


def require_owner(owner: str, by: str | None, what: str, verb: str) -> None:
    """Refuse an action that only the owner may take.

    Args:
        by: the owner who acts; None is `local_owner()`.
        what, verb: the thing and the action, for the sentence: "run x cannot be deleted".

    Raises:
        ConfigError: when it is somebody else.
    """
    if owner != (local_owner() if by is None else by):
        raise ConfigError(f"{what} cannot be {verb}: it belongs to somebody else")


_viewer: ContextVar[str | None] = ContextVar("_viewer", default=None)
_find_viewer: Callable[[], str] = local_owner


def viewer() -> str:
    """The owner who looks now, whose private data may be read: whoever `acting_as` says, else whoever a server finds
    (`look_for_viewers`), else the local user."""
    owner = _viewer.get()
    return _find_viewer() if owner is None else owner


@contextmanager
def acting_as(owner: str) -> Iterator[None]:
    """Act in the name of an owner inside."""
    token = _viewer.set(owner)
    try:
        yield
    finally:
        _viewer.reset(token)


def look_for_viewers(find: Callable[[], str]) -> None:
    """Ask this function who looks, wherever nobody says so: a server has many visitors."""
    global _find_viewer
    _find_viewer = find


def as_viewer(make: Callable[[], T]) -> Callable[[], T]:
    """The function, to be called later and elsewhere in the name of whoever looks now: a download is made when its
    button is pressed."""
    owner = viewer()

    def made() -> T:
        with acting_as(owner):
            return make()

    return made
