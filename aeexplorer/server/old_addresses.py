"""Addresses that pages once had: links to them arrive where the page is now."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

NOW_AT = {"explore": "reconstruct"}
"""Today's address of a page by its old one."""


def old_addresses(base: str) -> list[Route]:
    """A route for each old address.

    Args:
        base: the server's base URL path, "" or "/name".
    """
    return [_moved(base, old, new) for old, new in NOW_AT.items()]


def _moved(base: str, old: str, new: str) -> Route:
    async def redirect(request: Request) -> RedirectResponse:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{base}/{new}{query}", status_code=308)

    return Route(f"{base}/{old}", redirect)
