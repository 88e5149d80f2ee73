"""What a page of a foreign name can reach on this computer, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


def test_a_foreign_name_for_this_computer_shows_a_sentence_and_reaches_nothing(
    app_address: str, trained_home: Path, browser: Browser
) -> None:
    port = app_address.rpartition(":")[2]
    before = sorted((trained_home / "runs").iterdir())
    rebound = browser.browser_type.launch(
        executable_path=next(filter(None, map(shutil.which, CHROMIUM)), None),
        args=["--no-sandbox", "--host-resolver-rules=MAP evil.example 127.0.0.1"],
    )
    try:
        page = rebound.new_page()
        page.goto(f"http://evil.example:{port}/train")
        assert "does not answer to evil.example" in page.inner_text("body")
        reached = page.evaluate(
            """async (port) => {
                const tried = {};
                for (const host of ["evil.example", "127.0.0.1"]) for (const path of ["live", "_stcore/stream"])
                    tried[host + "/" + path] = await new Promise(done => {
                        const socket = new WebSocket(`ws://${host}:${port}/${path}`);
                        socket.onopen = () => done("open");
                        socket.onerror = () => done("refused");
                    });
                return tried;
            }""",
            port,
        )
        assert set(reached.values()) == {"refused"}
    finally:
        rebound.close()
    assert sorted((trained_home / "runs").iterdir()) == before
