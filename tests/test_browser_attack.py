"""What a page of a foreign name can reach on this computer, in a real browser."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import ARGUMENTS, CHROMIUM, served
from live_runs import PLANE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

KNOCK = """async (port) => {
    const tried = {};
    for (const host of ["evil.example", "127.0.0.1"]) for (const path of ["live", "_stcore/stream"])
        tried[host + "/" + path] = await new Promise(done => {
            const socket = new WebSocket(`ws://${host}:${port}/${path}`);
            socket.onopen = () => done("open");
            socket.onerror = () => done("refused");
        });
    return tried;
}"""


@contextlib.contextmanager
def leading_here(name: str, browser: Browser) -> Iterator[Page]:
    """A page of a browser for which a name leads to this computer."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    arguments = [*ARGUMENTS, f"--host-resolver-rules=MAP {name} 127.0.0.1"]
    rebound = browser.browser_type.launch(executable_path=found, args=arguments)
    try:
        page = rebound.new_page()
        page.set_default_timeout(60_000)
        yield page
    finally:
        rebound.close()


def test_a_foreign_name_for_this_computer_shows_a_sentence_and_reaches_nothing(
    app_address: str, trained_home: Path, browser: Browser
) -> None:
    port = app_address.rpartition(":")[2]
    before = sorted((trained_home / "runs").iterdir())
    with leading_here("evil.example", browser) as page:
        page.goto(f"http://evil.example:{port}/train")
        assert "does not answer to evil.example" in page.inner_text("body")
        assert set(page.evaluate(KNOCK, port).values()) == {"refused"}
    assert sorted((trained_home / "runs").iterdir()) == before


def test_a_name_that_the_operator_configured_works(trained_home: Path, browser: Browser) -> None:
    with (
        served(trained_home, STREAMLIT_BROWSER_SERVER_ADDRESS="lab.example") as address,
        leading_here("lab.example", browser) as page,
    ):
        page.goto(f"http://lab.example:{address.rpartition(':')[2]}/?run={PLANE}")
        page.wait_for_function("Number(document.querySelector('.live-pad')?.dataset.frames) > 0")  # over both sockets
