"""Style sheets of the pages in the colours of both themes, for rules beyond Streamlit's theme."""

from __future__ import annotations

from pathlib import Path

from aeexplorer.plots import DARK, LIGHT

_UI = Path(__file__).parents[1] / "ui"
_PROJECTOR = _UI / "shared" / "projector.css"
_SHEETS = sorted(set(_UI.rglob("*.css")) - {_PROJECTOR}, key=lambda path: (path.name != "page.css", path))
STYLE = "".join(path.read_text("utf-8") for path in _SHEETS)
"""The rules for every theme. A page has them from the start, so that nothing moves when the first script has run."""

_COLOURS = ("ink", "secondary", "hairline", "panel", "accent", "mark")


def style(large: bool = False) -> str:
    """The style sheet; colours are also there as variables, e.g. `var(--ae-accent)`, which follow the browser from
    light to dark without a run of the script.

    Args:
        large: text, pictures and charts larger, to be read from the back row.
    """
    colours = " ".join(f"--ae-{name}: light-dark({getattr(LIGHT, name)}, {getattr(DARK, name)});" for name in _COLOURS)
    projector = _PROJECTOR.read_text("utf-8") if large else ""
    return f"<style>\n:root {{ {colours} }}\n{STYLE}{projector}</style>"
