"""The page as browsers are given it, before any script of ours has run: with its style and with its rule of the
history."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer.server.history import history_script
from aeexplorer.server.style import STYLE

_HEAD = f"<script>{history_script()}</script><style>{STYLE}</style></head>".encode()
_PARTS = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"if-range", b"range"}


class FirstLook:
    """Puts the style into the page that browsers are given; else all they see moves when it arrives."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or "text/html" not in Headers(scope=scope).get("accept", "")
        ):
            await self.app(scope, receive, send)
            return
        whole = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name not in _PARTS]}
        held: list[Message] = []  # the start of a page, until its length is known
        page = bytearray()

        async def send_dressed(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                page.extend(message.get("body", b""))
                if not message.get("more_body"):
                    body = bytes(page).replace(b"</head>", _HEAD, 1)
                    headers = MutableHeaders(scope=held[0])
                    headers["Content-Length"] = str(len(body))
                    for name in ("etag", "last-modified"):  # of the page without the style
                        del headers[name]
                    await send(held[0])
                    await send({"type": "http.response.body", "body": body})

        await self.app(whole, receive, send_dressed)


def _is_page(start: Message) -> bool:
    return bool(start["status"] == 200 and Headers(scope=start).get("content-type", "").startswith("text/html"))
