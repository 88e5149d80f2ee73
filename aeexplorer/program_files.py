"""Where the files lie that belong to the program but are no modules of the package.

A source tree has them beside the package. A wheel carries them inside it, in `aeexplorer/program`, so that nobody's
environment gets a package of the name `pages`.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CARRIED = _PACKAGE / "program"
_ROOT = _CARRIED if _CARRIED.is_dir() else _PACKAGE.parent

APP = _ROOT / "app.py"
PAGES = _ROOT / "pages"
PRETRAINED = _ROOT / "pretrained"
FAILING = PRETRAINED / "failing"
SHELL = _PACKAGE / "ui" / "shell.py"
