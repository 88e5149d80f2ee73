"""Who is looking: the login where one is configured, else a token that the browser keeps in a cookie.

On a server of one's own every visitor from the machine itself is the local user, who also owns what the command line
makes. A visitor from elsewhere or through a proxy has a token of his own, and so has everybody when AEEXPLORER_SHARED is
set, which a server behind a proxy on the same machine needs if that proxy does not name whom it speaks for.
"""

from __future__ import annotations

import os
import secrets
from http.cookies import CookieError, SimpleCookie

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer.config import ConfigError
from aeexplorer.runs.owners import local_owner, owner_of

COOKIE = "aeexplorer_owner"
YEAR_SECONDS = 31_536_000
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


def current_owner() -> str:
    """The owner for whom this page acts."""
    user = st.user.to_dict()
    if user.get("is_logged_in"):
        return owner_of(f"login {user.get('iss', '')} {user.get('sub') or user.get('email')}"[:200].ljust(16))
    if not _shared():
        return local_owner()
    try:
        return owner_of(st.context.cookies.get(COOKIE, ""))
    except ConfigError:  # a browser that keeps no cookies is somebody for as long as its page is open
        return owner_of(st.session_state.setdefault(COOKIE, secrets.token_urlsafe(24)))


def _shared() -> bool:
    if os.environ.get("AEEXPLORER_SHARED", "") not in ("", "0"):
        return True
    elsewhere = isinstance(st.context.ip_address, str)  # of a visitor from this machine there is none
    return elsewhere or any(name in st.context.headers for name in FORWARDED)


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
                        f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; Max-Age={YEAR_SECONDS}; HttpOnly; SameSite=Lax{secure}",
                    )
            await send(message)

        new = scope["type"] == "http" and not _has_token(Headers(scope=scope))
        await self.app(scope, receive, send_with_cookie if new else send)


def _has_token(headers: Headers) -> bool:
    try:
        return COOKIE in SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False
