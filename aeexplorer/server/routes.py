"""The addresses that the app answers beside Streamlit's own."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from aeexplorer.live.channel import Channel
from aeexplorer.live.components import base_path
from aeexplorer.server.health_route import show_health
from aeexplorer.server.identity import owner_of_socket
from aeexplorer.server.old_addresses import old_addresses

BASE = base_path()

channel = Channel(BASE, owner_of=owner_of_socket)

ROUTES: list[BaseRoute] = [*channel.routes, Route(f"{BASE}/health", show_health), *old_addresses(BASE)]
