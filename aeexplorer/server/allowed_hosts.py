"""Host names that the server answers to, and pages that may open its sockets: one rule for all routes and sockets.

A page of a foreign site can have its own name resolve to this computer (DNS rebinding); the browser then takes what it
reads here for its own. So a request is answered only if its Host is a name that the operator configured, a name of this
computer, or an address in digits, which no site can own. A socket further needs an Origin of the same host and port, or
one that the operator configured.

Streamlit's own options count: `server.allowedHosts` lists the only names answered to; without it those of
`browser.serverAddress`, `server.corsAllowedOrigins` and `server.address` are answered to as well, and pages of the
first two may open sockets, also behind a proxy that names its upstream as Host. `server.enableCORS=false` admits every
page.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from functools import cache
from urllib.parse import SplitResult, urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

THIS_COMPUTER = frozenset({"localhost", "127.0.0.1", "::1"})
POLICY = 1008  # close code of RFC 6455, section 7.4.1


def host_name(host: str | None) -> str:
    """The name in a Host header or an address, in lower case, without port, brackets and final dot; "" if malformed."""
    text = (host or "").strip().lower()
    if _is_address(text):  # an IPv6 address without brackets
        return text
    parts = _split(text)
    return (parts.hostname or "").rstrip(".") if parts else ""


def host_allowed(host: str | None) -> bool:
    """Whether the server answers to this Host header."""
    name = host_name(host)
    if not name:
        return False
    if listed := st.get_option("server.allowedHosts"):
        return any(_matches(name, pattern.strip().lower().rstrip(".")) for pattern in listed)
    configured = {st.get_option("browser.serverAddress"), st.get_option("server.address"), *_configured_origins()}
    return name in THIS_COMPUTER | own_names() | {host_name(address) for address in configured} or _is_address(name)


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Whether a page of this Origin may open a socket here. Browsers always send one; other programs need not."""
    if origin is None or not st.get_option("server.enableCORS"):
        return True
    page = _split(origin)
    if page is None or not page.hostname:
        return False
    if page.netloc.lower() == (host or "").lower():
        return True
    return any(_is_page_of(page, configured) for configured in _configured_origins())


def _configured_origins() -> list[str]:
    """Addresses of pages that the operator configured: `browser.serverAddress` unless it is the default, and the CORS
    list."""
    address = st.get_option("browser.serverAddress") or ""
    own = [] if host_name(address) in THIS_COMPUTER else [address]
    return [*own, *(st.get_option("server.corsAllowedOrigins") or ())]


def _is_page_of(page: SplitResult, configured: str) -> bool:
    """Whether a page is of a configured address: the same host, and the same port where one is configured."""
    wanted = _split(configured)
    return wanted is not None and page.hostname == wanted.hostname and wanted.port in (None, page.port)


def _split(address: str) -> SplitResult | None:
    """The parts of "host:port" or of a whole address; None if it has none that could be a host."""
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        _ = parts.port  # which is checked only when it is read
    except ValueError:
        return None
    bare = "://" in address or not (parts.path or parts.query or parts.fragment)
    return parts if bare and "@" not in parts.netloc else None


def _matches(name: str, pattern: str) -> bool:
    return pattern in ("*", name) or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def own_names() -> frozenset[str]:
    """The names by which a local network knows this computer."""
    name = socket.gethostname().lower()
    first = name.partition(".")[0]
    return frozenset({name, first, f"{first}.local"} - {""})


class AllowedHosts:
    """Refuses requests to names that are not ours and sockets of foreign pages, and says to whom the others count.

    Streamlit and the live channel see the host that the page was opened at, whatever a proxy put in its place, so that
    Streamlit's check of the two comes to the same result. (Left to itself it would ask a service in the Internet for
    this server's address meanwhile, and everybody would wait.)
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if scope["type"] == "http":
            app = self.app if host_allowed(host) else refusal(host)
            await app(_counted(scope, headers), receive, send)
        elif not host_allowed(host) or not origin_allowed(origin, host):
            await WebSocketClose(POLICY)(scope, receive, send)  # before it is accepted: the handshake ends with 403
        else:
            await self.app(_counted(_at_its_page(scope, origin), headers), receive, send)


def refusal(host: str | None) -> PlainTextResponse:
    """The answer to a request for a name that is not ours."""
    name = host_name(host)[:100] or "no name"
    return PlainTextResponse(
        f"This server does not answer to {name}. On this computer open it as localhost; if the name is right, allow it "
        f"with --server.allowedHosts {name}\n",
        status_code=403,
    )


def _at_its_page(scope: Scope, origin: str | None) -> Scope:
    """The scope of a socket with the Host at which its page was opened, if that page is a configured one."""
    page = _split(origin or "")
    if page is None or page.hostname in THIS_COMPUTER or not host_allowed(page.netloc):
        return scope
    changed = {**scope, "headers": list(scope["headers"])}
    MutableHeaders(scope=changed)["host"] = page.netloc
    return changed


def _counted(scope: Scope, headers: Headers) -> Scope:
    """The scope with the client whose limits the request counts towards.

    uvicorn believes X-Forwarded-For of everybody on this computer, by which anyone here could be a new client each
    time. It is believed where the operator says that there is a proxy, by AEEXPLORER_SHARED or uvicorn's
    FORWARDED_ALLOW_IPS.
    """
    if scope.get("client") is None or os.environ.get("AEEXPLORER_SHARED", "") not in ("", "0"):
        return scope
    named = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if "FORWARDED_ALLOW_IPS" in os.environ or host_name(named) != host_name(scope["client"][0]):
        return scope
    return {**scope, "client": ("127.0.0.1", 0)}
