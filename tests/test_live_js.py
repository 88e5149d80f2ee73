"""The pure modules of live views, tested by node's own runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from waiting import PATIENCE

STATIC = Path(__file__).parents[1] / "aeexplorer" / "live" / "static"
TESTS = Path(__file__).parent / "js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.test.js")), ids=lambda path: path.name)
@pytest.mark.long
def test_module(path: Path) -> None:
    done = subprocess.run([str(NODE), "--test", str(path)], capture_output=True, text=True, cwd=TESTS, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.js")), ids=lambda path: path.stem)
@pytest.mark.long
def test_module_is_well_formed_and_never_writes_markup(path: Path) -> None:
    done = subprocess.run([str(NODE), "--check", str(path)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"):
        assert forbidden not in path.read_text("utf-8")
