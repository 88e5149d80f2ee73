"""Files that a browser is told to fetch along with a page, before the page's own scripts find out that they need it.

A live component arrives late: Streamlit's scripts draw the page, load the frame for components, and only then the
component's module, which names further ones. A `Link` header on the page itself lets all of that load meanwhile.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aeexplorer.live.channel import STATIC, modules_path

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "": ("pads/latent_pad",),
    "interpolate": ("panel/live_panel", "pads/latent_pad"),
    "corruption": ("panel/live_panel",),
    "beta": ("panel/live_panel",),
    "generate": ("panel/live_panel",),
    "map": ("map/latent_map",),
    "score": ("pads/vector_field",),
    "reconstruct": (),
    "data": (),
    "train": (),
    "runs": (),
}
"""Modules of live components by the address of the page that shows them first."""
ELEMENTS = ("BidiComponent", "Html")
"""Streamlit's own scripts that it loads only on sight of such an element; more of them would delay the first picture.
Without a component only the last, which keeps the height of a page's first lines from changing."""
LATER = {"train": ("PlotlyChart",)}
"""Those that a page needs only after a while, fetched when nothing else is: five megabytes of charts before a training
begins."""
CHUNKS = Path(st.__file__).parent / "static" / "static" / "js"
IMPORTED = re.compile(r"""(?:from|import)\s*["'](\.{1,2}/[\w./-]+\.js)["']""")


class Preload:
    """Adds the header to pages that show a live component.

    Args:
        base: the server's base URL path, "" or "/name".
        components: by page, as `COMPONENTS`.
    """

    def __init__(self, app: ASGIApp, base: str = "", components: Mapping[str, Iterable[str]] = COMPONENTS) -> None:
        self.app = app
        self.links = {f"{base}/{page}": links(names, base, LATER.get(page, ())) for page, names in components.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_links(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Link"] = said
            await send(message)

        said = self.links.get(scope["path"], "") if scope["type"] == "http" else ""
        await self.app(scope, receive, send_with_links if said else send)


def links(components: Iterable[str], base: str = "", later: Iterable[str] = ()) -> str:
    """The header for a page with these components, and with these of Streamlit's elements later on."""
    modules = reached(STATIC, [f"{name}.js" for name in components])
    elements = ELEMENTS if modules else ELEMENTS[1:]
    # another version of Streamlit may name its scripts otherwise: what is not there is not asked for
    chunks = _scripts(elements) - at_start()
    addresses = [modules_path(base) + name for name in sorted(modules)]
    addresses += [f"{base}/static/js/{name}" for name in sorted(chunks)]
    low = [f"{base}/static/js/{name}" for name in sorted(_scripts(later) - chunks - at_start())]
    return ", ".join(
        [f"<{address}>; rel=modulepreload" for address in addresses]
        + [f"<{address}>; rel=modulepreload; fetchpriority=low" for address in low]
    )


def _scripts(elements: Iterable[str]) -> set[str]:
    """Streamlit's scripts for these elements, and all that they import."""
    return reached(CHUNKS, [path.name for name in elements for path in CHUNKS.glob(f"{name}.*.js")])


@cache
def at_start() -> set[str]:
    """Streamlit's scripts that every page loads at once."""
    page = CHUNKS.parents[1] / "index.html"
    if not page.is_file():
        return set()
    return reached(CHUNKS, re.findall(r"static/js/([\w.-]+\.js)", page.read_text("utf-8")))


def reached(folder: Path, names: Iterable[str]) -> set[str]:
    """These modules, by their paths below a folder, and all that they import from it."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and (folder / name).is_file():
            found.add(name)
            here = posixpath.dirname(name)
            imported = IMPORTED.findall((folder / name).read_text("utf-8"))
            waiting += [posixpath.normpath(posixpath.join(here, target)) for target in imported]
    return found
