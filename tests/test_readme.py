"""What README.md says is true: its Python runs, its commands parse, its tree is the tree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


@pytest.mark.long
def test_python_runs(tmp_path: Path) -> None:
    for block in blocks("python"):
        code = block + "\nassert path.shape == (9, 8, 8) and samples.shape == (16, 8, 8) and plane.shape[1] == 2\n"
        environment = {**os.environ, "AEEXPLORER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines() if line.strip()])
def test_commands_are_understood(line: str) -> None:
    from aeexplorer.__main__ import build_parser

    argv = line.removeprefix("python -m aeexplorer ").split()
    assert argv != line.split()
    assert callable(build_parser(argv).parse_args(argv).action)


def test_tree_is_the_tree() -> None:
    listed: set[str] = set()
    inside = ""
    for line in blocks("text")[0].splitlines():
        name = line.split()[0]
        inside = "aeexplorer/" if line.startswith("  ") else ""
        listed.add(inside + name)
        assert (ROOT / inside / name).exists(), name
    package = {
        f"aeexplorer/{p.name}{'/' if p.is_dir() else ''}"
        for p in (ROOT / "aeexplorer").iterdir()
        if p.name[0] not in "._"
    }
    assert package <= listed | {"aeexplorer/"}


def test_links_and_pictures_exist() -> None:
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text("utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_counts_that_are_quoted() -> None:
    from aeexplorer.data import DATASETS
    from aeexplorer.runs.pretraining import RECIPES

    assert "browse eighteen datasets" in README and len(DATASETS) == 18
    assert f"{len(RECIPES)} trained models" in README
