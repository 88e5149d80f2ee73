"""The address at which Streamlit takes uploaded files into memory: closed while no page asks for one, else bounded.

A page with `st.file_uploader` raises `UPLOADS.limits`; nothing else has to change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from pydantic import Field
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer.config import Config
from aeexplorer.server.identity import COOKIE

PATH = "/_stcore/upload_file/"
SWEEP_SECONDS = 10.0


class UploadLimits(Config):
    """Bytes of uploaded files that are held at once."""

    session: int = Field(0, ge=0, description="Of one session of a page; 0 closes the address.")
    owner: int = Field(0, ge=0, description="Of all sessions of one browser, or of one address that keeps no cookie.")
    total: int = Field(0, ge=0, description="Of everybody.")


def _is_active(session: str) -> bool:
    from streamlit.runtime import get_instance

    return get_instance().is_active_session(session)


def _free(session: str) -> None:
    from streamlit.runtime import get_instance

    get_instance().uploaded_file_mgr.remove_session_files(session)


class Uploads:
    """Who holds how much. A session's files are let go when it has ended.

    Args:
        is_active: whether a session has a page open.
        free: makes Streamlit let go of the files of a session.
        grace_seconds: for which the files of a page that has lost its connection wait for it to come back.
    """

    def __init__(
        self,
        limits: UploadLimits | None = None,
        is_active: Callable[[str], bool] | None = None,
        free: Callable[[str], None] | None = None,
        grace_seconds: float = 60.0,
    ) -> None:
        self.limits = limits or UploadLimits()
        self.is_active = is_active or _is_active
        self.free = free or _free
        self.grace_seconds = grace_seconds
        self.files: dict[tuple[str, str], tuple[str, int]] = {}  # owner and size by session and file
        self.seen: dict[str, float] = {}  # when each session was active last

    def take(self, session: str, file: str, owner: str, size: int) -> str:
        """Count a file. Returns the sentence that refuses it, or ""."""
        self.sweep()
        others = {key: held for key, held in self.files.items() if key != (session, file)}
        for name, limit, held in (
            ("this page", self.limits.session, sum(size for (own, _), (_, size) in others.items() if own == session)),
            ("you", self.limits.owner, sum(size for own, size in others.values() if own == owner)),
            ("all visitors", self.limits.total, sum(size for _, size in others.values())),
        ):
            if held + size > limit:
                return f"files of {name} must be at most {limit} bytes, got {size} beside {held}"
        self.files[session, file] = owner, size
        self.seen.setdefault(session, time.monotonic())
        return ""

    def forget(self, session: str, file: str) -> None:
        """Count a file no longer: it was removed, or did not arrive."""
        self.files.pop((session, file), None)

    def sweep(self) -> None:
        """Let go of the files of sessions that have ended."""
        now = time.monotonic()
        for session in {session for session, _ in self.files}:
            if self.is_active(session):
                self.seen[session] = now
            elif now - self.seen.get(session, now) >= self.grace_seconds:
                self.free(session)
                self.files = {key: held for key, held in self.files.items() if key[0] != session}
        self.seen = {
            session: seen for session, seen in self.seen.items() if any(own == session for own, _ in self.files)
        }


UPLOADS = Uploads()


async def keep_swept() -> None:
    """Let go of the files of sessions that have ended, also when nobody uploads any more; runs until it is
    cancelled."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        UPLOADS.sweep()


class BoundedUploads:
    """Lets through what `UPLOADS` has room for.

    Args:
        base: the server's base URL path, "" or "/name".
    """

    def __init__(self, app: ASGIApp, base: str = "", uploads: Uploads = UPLOADS) -> None:
        self.app = app
        self.path = base + PATH
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self.path):
            await self.app(scope, receive, send)
        elif not self.uploads.limits.session:
            await PlainTextResponse("No page of this app takes files.\n", 404)(scope, receive, send)
        elif scope["method"] == "PUT":
            await self._upload(scope, receive, send)
        else:
            await self.app(scope, receive, send)
            if scope["method"] == "DELETE":
                self.uploads.forget(*self._names(scope))

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")  # no more than this can come: the server checks it
        if not length.isdecimal():
            await PlainTextResponse("An upload must say its Content-Length.\n", 411)(scope, receive, send)
            return
        owner = cookie_parser(headers.get("cookie", "")).get(COOKIE) or (scope.get("client") or ("",))[0]
        session, file = self._names(scope)
        refused = self.uploads.take(session, file, owner, int(length))
        if refused:
            await PlainTextResponse(refused + "\n", 413)(scope, receive, send)
            return
        arrived = False

        async def send_and_note(message: Message) -> None:
            nonlocal arrived
            arrived = arrived or (message["type"] == "http.response.start" and message["status"] < 300)
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            if not arrived:
                self.uploads.forget(session, file)

    def _names(self, scope: Scope) -> tuple[str, str]:
        session, _, file = scope["path"].removeprefix(self.path).partition("/")
        return session, file
