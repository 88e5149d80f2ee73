"""The address at which Streamlit takes uploaded files into memory: open to pages that ask for one, and bounded.

A page that shows `st.file_uploader` calls `UPLOADS.expect`, and `UPLOADS.release` when it needs its files no longer.
"""

from __future__ import annotations

import asyncio
import threading
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

    session: int = Field(110_000_000, ge=0, description="Of one session of a page.")
    owner: int = Field(
        220_000_000, ge=0, description="Of all sessions of one browser, or of one address that keeps no cookie."
    )
    total: int = Field(440_000_000, ge=0, description="Of everybody.")


def _is_active(session: str) -> bool:
    from streamlit.runtime import get_instance

    return get_instance().is_active_session(session)


def _free(session: str) -> None:
    from streamlit.runtime import get_instance

    get_instance().uploaded_file_mgr.remove_session_files(session)


class Uploads:
    """Bytes of uploaded files by holder. A session's files go when its page releases them or when it ends.

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
        self.expected: dict[str, float] = {}  # when each session that asks for files was active last
        self.files: dict[tuple[str, str], tuple[str, int]] = {}  # owner and size by session and file
        self._lock = threading.RLock()  # pages run in threads of their own

    def expect(self, session: str) -> None:
        """Take files of a session, because its page asks for them."""
        with self._lock:
            self.expected[session] = time.monotonic()

    def release(self, session: str) -> None:
        """Let go of the files of a session, and take no more."""
        with self._lock:
            self.expected.pop(session, None)
            if any(own == session for own, _ in self.files):
                self.free(session)
            self.files = {key: held for key, held in self.files.items() if key[0] != session}

    def take(self, session: str, file: str, owner: str, size: int) -> str:
        """Count a file. Returns the sentence that refuses it, or ""."""
        with self._lock:
            self.sweep()
            others = {key: held for key, held in self.files.items() if key != (session, file)}
            for name, limit, held in (
                (
                    "this page",
                    self.limits.session,
                    sum(size for (own, _), (_, size) in others.items() if own == session),
                ),
                ("you", self.limits.owner, sum(size for own, size in others.values() if own == owner)),
                ("all visitors", self.limits.total, sum(size for _, size in others.values())),
            ):
                if held + size > limit:
                    return f"files of {name} must be at most {limit} bytes, got {size} on top of {held}"
            self.files[session, file] = owner, size
            return ""

    def forget(self, session: str, file: str) -> None:
        """Count a file no longer: it was removed, or did not arrive."""
        with self._lock:
            self.files.pop((session, file), None)

    def sweep(self) -> None:
        """Let go of the files of sessions that have ended."""
        with self._lock:
            now = time.monotonic()
            for session, seen in list(self.expected.items()):
                if self.is_active(session):
                    self.expected[session] = now
                elif now - seen >= self.grace_seconds:
                    self.release(session)


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
        elif self._names(scope)[0] not in self.uploads.expected:
            await PlainTextResponse("This page takes no files.\n", 404)(scope, receive, send)
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
