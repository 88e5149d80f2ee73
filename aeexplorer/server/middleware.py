"""Layers that every request and every answer passes, the outermost first."""

from __future__ import annotations

from starlette.middleware import Middleware

from aeexplorer.server.allowed_hosts import AllowedHosts
from aeexplorer.server.identity import OwnerCookie
from aeexplorer.server.inline_style import FirstLook
from aeexplorer.server.metrics import LocalMetrics
from aeexplorer.server.preload import Preload
from aeexplorer.server.routes import BASE
from aeexplorer.server.security_headers import SecurityHeaders
from aeexplorer.server.socket_limits import SocketLimits
from aeexplorer.server.uploads import BoundedUploads

MIDDLEWARE = [
    Middleware(SecurityHeaders),
    Middleware(AllowedHosts),
    Middleware(SocketLimits, path=f"{BASE}/_stcore/stream"),
    Middleware(BoundedUploads, base=BASE),
    Middleware(LocalMetrics, base=BASE),
    Middleware(OwnerCookie),
    Middleware(Preload, base=BASE),
    Middleware(FirstLook),
]
