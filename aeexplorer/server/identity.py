"""Identity of a visitor: the login where one is configured, else the token that the browser keeps in a cookie.

A visitor from this computer who opened the app as localhost, 127.0.0.1 or [::1] is the local user, who also owns what
the command line makes. A visitor from elsewhere, by another name or through a proxy has a token of their own. So has
everybody when AEEXPLORER_SHARED is set, which a server behind a proxy on the same computer needs if that proxy neither
keeps the Host nor says for whom it speaks.
"""

from __future__ import annotations

import os
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from aeexplorer.config import ConfigError
from aeexplorer.owners import client_of, local_owner, look_for_viewers, owner_of
from aeexplorer.server.allowed_hosts import THIS_COMPUTER, host_name

COOKIE = "aeexplorer_owner"
YEAR_SECONDS = 31_536_000
PROXY_HEADERS = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "Forwarded",
    "Via",
    "CF-Connecting-IP",
)


LOGINS_KNOWN = 10_000
NOBODY = ""
"""The owner in a thread that no page and no socket started; it owns nothing."""

_logins: OrderedDict[str, str] = OrderedDict()  # owners of logged-in visitors by the token of their browser


def current_owner() -> str:
    """The owner in whose name this page acts."""
    user = st.user.to_dict()
    if user.get("is_logged_in"):
        owner = owner_of(f"login {user.get('iss', '')} {user.get('sub') or user.get('email')}"[:200].ljust(16))
        _remember_login(owner)
        return owner
    if not _shared():
        return local_owner()
    try:
        return owner_of(st.context.cookies.get(COOKIE, ""))
    except ConfigError:  # a browser that keeps no cookies is somebody for as long as its page is open
        return owner_of(st.session_state.setdefault(COOKIE, secrets.token_urlsafe(24)))


def _remember_login(owner: str) -> None:
    """Note whose browser this is, for its sockets, which carry no login."""
    token = st.context.cookies.get(COOKIE, "")
    if token:
        _logins[token] = owner
        _logins.move_to_end(token)
        while len(_logins) > LOGINS_KNOWN:
            _logins.popitem(last=False)


def owner_of_socket(socket: HTTPConnection) -> str:
    """The owner in whose name a socket asks, the same as that of the pages of its browser."""
    token = socket.cookies.get(COOKIE, "")
    if token in _logins:
        return _logins[token]
    address = socket.client.host if socket.client else ""
    forced = os.environ.get("AEEXPLORER_SHARED", "") not in ("", "0")
    if not forced and not client_of(address) and is_local(socket.headers):
        return local_owner()
    try:
        return owner_of(token)
    except ConfigError:
        return NOBODY


def _viewer() -> str:
    """The current owner: the visitor of the running page; nobody in other threads of a server; else the local user."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        return current_owner()
    return NOBODY if runtime.exists() else local_owner()


look_for_viewers(_viewer)


def current_address() -> str:
    """The network address that this page is shown at; "" on this computer, or behind a proxy that does not give it."""
    address = st.context.ip_address
    return address if isinstance(address, str) else ""


def _shared() -> bool:
    if os.environ.get("AEEXPLORER_SHARED", "") not in ("", "0"):
        return True
    # Streamlit gives no address for a visitor from this computer, and a script without a browser has no headers
    return isinstance(st.context.ip_address, str) or not is_local(st.context.headers)


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether a request that came from this computer is its user's own: not through a proxy, nor by a foreign name."""
    named = host_name(headers.get("Host", "localhost")) in THIS_COMPUTER
    return named and not any(name in headers for name in PROXY_HEADERS)


class OwnerCookie:
    """Gives every browser a token once; scripts on a page cannot read it, and other sites cannot send it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    secure = "; Secure" if scope.get("scheme") == "https" else ""
                    headers["Cache-Control"] = "private, no-cache"  # nobody else's browser may get this token
                    headers.append(
                        "Set-Cookie",
                        f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; "
                        f"SameSite=Lax{secure}",
                    )
            await send(message)

        new = scope["type"] == "http" and not _has_token(Headers(scope=scope))
        await self.app(scope, receive, send_with_cookie if new else send)


def _has_token(headers: Headers) -> bool:
    try:
        return COOKIE in SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False
