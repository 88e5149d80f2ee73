"""The program as a wheel installs it: from any folder, with its pages and its pretrained runs inside the package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tomllib
import urllib.request
from pathlib import Path

import pytest
from waiting import PATIENCE, wait_until

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel would install, laid out as pyproject.toml says; of the pretrained runs only one."""
    site = tmp_path_factory.mktemp("site")
    unneeded = shutil.ignore_patterns("__pycache__")
    for package in WHEEL["packages"]:
        shutil.copytree(ROOT / package, site / package, ignore=unneeded)
    for source, target in WHEEL["force-include"].items():
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        if source == "pretrained":
            shutil.copytree(ROOT / source / "digits-vae", site / target / "digits-vae")
        elif (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, site / target, ignore=unneeded)
        else:
            shutil.copy(ROOT / source, site / target)
    return site


def started(site: Path, home: Path, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """A command in an empty folder, which finds the installed package and nothing else of ours.

    ``-S`` leaves the ``.pth`` files of the environment unread, so that a package installed in place is not found.
    """
    empty = home.parent / "empty"
    empty.mkdir(exist_ok=True)
    paths = os.pathsep.join([str(site), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    environment = {**os.environ, "PYTHONPATH": paths, "AEEXPLORER_HOME": str(home)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
    return subprocess.Popen([sys.executable, "-S", *arguments], cwd=empty, env=environment, text=True, **pipes)


def test_a_pretrained_run_opens_and_digits_train_from_any_folder(site: Path, home: Path) -> None:
    code = """
import importlib.util
import aeexplorer as ae

print(ae.__file__)
model = ae.open_run("pretrained/digits-vae")
run = ae.train("ae", ae.load_dataset("digits"), epochs=1, hidden=(8,), bar=False)
print(model.decode(model.encode(ae.load_dataset("digits").test.x[:1])).shape, run.status.state)
print(importlib.util.find_spec("pages"))
"""
    said, _ = started(site, home, "-c", code).communicate(timeout=PATIENCE)
    where, trained, pages = said.splitlines()
    assert Path(where).is_relative_to(site)
    assert trained == "(1, 8, 8) done"
    assert pages == "None", "the wheel must not put a package `pages` into anybody's environment"


def test_the_command_opens_the_app_from_any_folder(site: Path, home: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(tmp_path / "server.txt", "w+") as log:
        options = ("--port", str(port), "--", "--server.headless=true", "--server.baseUrlPath=lab")
        server = started(site, home, "-m", "aeexplorer", "app", *options, stdout=log)
        try:
            wait_until(lambda: server.poll() is not None or answers(f"http://127.0.0.1:{port}/lab/health"))
            assert server.poll() is None, (tmp_path / "server.txt").read_text()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/lab/", timeout=20) as page:
                assert "Content-Security-Policy" in page.headers
        finally:
            server.terminate()
            server.wait(20)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_the_command_is_declared() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    module, _, function = scripts["aeexplorer"].partition(":")
    assert callable(getattr(__import__(module, fromlist=[function]), function))
