"""What a page of a foreign name can reach on this computer, in a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
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
        page = rebound.new_page(ignore_https_errors=True)
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


@pytest.fixture(scope="module")
def named_address(trained_home: Path) -> Iterator[str]:
    """The app under the name lab.example, as its operator configured."""
    with served(trained_home, STREAMLIT_BROWSER_SERVER_ADDRESS="lab.example") as address:
        yield address


@contextlib.contextmanager
def tls_proxy(upstream: str, folder: Path) -> Iterator[int]:
    """The port of a proxy that ends TLS and passes everything on as it came, both ways."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab.example",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    port = int(upstream.rpartition(":")[2])

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
            writer.close()
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, inner[1]), pipe(inner[0], writer))

    begun = Future[tuple[int, Callable[[], object]]]()

    async def serve() -> None:
        over = asyncio.Event()
        server = await asyncio.start_server(connect, "127.0.0.1", 0, ssl=context)
        stop = partial(asyncio.get_running_loop().call_soon_threadsafe, over.set)
        begun.set_result((server.sockets[0].getsockname()[1], stop))
        await over.wait()
        server.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))  # the browser is driven by a loop of this thread
    thread.start()
    own, stop = begun.result(60)
    try:
        yield own
    finally:
        stop()
        thread.join()


def wait_until_alive(page: Page) -> None:
    page.wait_for_function("Number(document.querySelector('.live-pad')?.dataset.frames) > 0")  # over both sockets


def test_a_name_that_the_operator_configured_works(named_address: str, browser: Browser) -> None:
    with leading_here("lab.example", browser) as page:
        page.goto(f"http://lab.example:{named_address.rpartition(':')[2]}/?run={PLANE}")
        wait_until_alive(page)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
def test_the_configured_name_works_behind_a_proxy_that_ends_tls(
    named_address: str, browser: Browser, tmp_path: Path
) -> None:
    with tls_proxy(named_address, tmp_path) as port, leading_here("lab.example", browser) as page:
        page.goto(f"https://lab.example:{port}/?run={PLANE}")
        wait_until_alive(page)
