"""The address that tells whoever watches the server how it is."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from aeexplorer.jobs.health import health


async def show_health(request: Request) -> JSONResponse:
    """200 while jobs are supervised and the home can be written to, else 503; the body holds the figures."""
    figures = await run_in_threadpool(health)
    return JSONResponse(figures, status_code=200 if figures["ok"] else 503)
