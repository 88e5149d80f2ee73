"""The running app and a real browser, for tests that need both."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from waiting import PATIENCE, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]
CHROMIUM = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
ARGUMENTS = ["--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium of this machine, or the one that Playwright brought; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    playwright.expect.set_options(timeout=1000 * PATIENCE)
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    with playwright.sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        except playwright.Error as error:
            pytest.skip(f"there is no Chromium on this machine: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@contextmanager
def served(home: Path, script: str = "app.py", **environment: str) -> Iterator[str]:
    """The address of the app, running as people run it, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    home.mkdir(parents=True, exist_ok=True)
    # one worker: each imports and compiles for seconds as soon as the app runs
    environment = {
        "AEEXPLORER_HOME": str(home),
        "AEEXPLORER_WORKERS": "1",
        "AEEXPLORER_SHORT_WORKERS": "0",
    } | environment
    with open(home / "server.txt", "wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", script, "--server.headless", "true", "--server.port", str(port)],
            cwd=ROOT, stdout=log, stderr=log, env={**os.environ, **environment},
        )  # fmt: skip
    try:
        wait_until(lambda: server.poll() is not None or _answers(address))
        assert server.poll() is None, (home / "server.txt").read_text("utf-8")
        yield address
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
