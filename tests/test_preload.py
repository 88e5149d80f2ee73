"""What browsers are told to fetch along with a page: all that its live component imports, and nothing that is not
there."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from aeexplorer.live.channel import STATIC, modules_path
from aeexplorer.server import preload


def link(path: str, base: str = "", answer: Response | None = None) -> str:
    """The header with which a page is answered."""
    sent: list[Any] = []

    async def ask() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        app = preload.Preload(answer or HTMLResponse("page"), base)
        await app({"type": "http", "method": "GET", "path": base + path, "headers": []}, receive, send)

    asyncio.run(ask())
    return dict(sent[0]["headers"]).get(b"link", b"").decode()


def asked_for(header: str) -> list[str]:
    return re.findall(r"<([^>]+)>; rel=modulepreload", header)


@pytest.mark.parametrize("base", ["", "/course"])
def test_a_page_names_every_module_of_its_component(base: str) -> None:
    found = asked_for(link("/map", base))
    own = {name.removeprefix(modules_path(base)) for name in found if name.startswith(modules_path(base))}
    assert "map/latent_map.js" in own and "shared/protocol.js" in own  # the second is only found through channel.js
    for name in own:
        text = (STATIC / name).read_text("utf-8")
        imported = [
            STATIC.joinpath(name).parent / target for target in re.findall(r'^import .* from "(.+\.js)"', text, re.M)
        ]
        assert {path.resolve().relative_to(STATIC).as_posix() for path in imported} <= own
    rest = [name for name in found if not name.startswith(modules_path(base))]
    assert any("BidiComponent" in name for name in rest)
    assert all((preload.CHUNKS / name.removeprefix(f"{base}/static/js/")).is_file() for name in rest)


def test_unknown_pages_and_answers_that_are_no_page_are_left_alone() -> None:
    assert not link("/nowhere")
    assert not link("/score", answer=JSONResponse({}))
    assert link("/score")


def test_a_page_without_component_fetches_little_and_train_its_charts_behind_everything_else() -> None:
    assert all("BidiComponent" not in name for name in asked_for(link("/data")))
    assert any("/Html." in name for name in asked_for(link("/data")))
    parts = link("/train").split(", ")
    behind = [part.endswith("; fetchpriority=low") for part in parts]
    assert behind == sorted(behind)
    assert any("/PlotlyChart." in part for part, late in zip(parts, behind, strict=True) if late)
    assert all("/PlotlyChart." not in part for part, late in zip(parts, behind, strict=True) if not late)


def test_every_component_that_is_named_exists() -> None:
    for names in preload.COMPONENTS.values():
        assert all((STATIC / f"{name}.js").is_file() for name in names)


def test_a_script_that_streamlit_no_longer_has_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload, "ELEMENTS", ("Nothing",))
    assert all(name.startswith(modules_path()) for name in asked_for(preload.links(("map/latent_map",))))
