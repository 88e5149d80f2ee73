"""What Streamlit's theme cannot say: the style sheets of the pages, in the colours of a theme."""

from __future__ import annotations

from pathlib import Path

from aeexplorer.plots import Theme

_UI = Path(__file__).parents[1] / "ui"
_SHEETS = sorted(_UI.rglob("*.css"), key=lambda path: (path.name != "page.css", path))
STYLE = "".join(path.read_text("utf-8") for path in _SHEETS)
"""The rules for every theme. A page has them from the start, so that nothing moves when the first script has run."""

_COLOURS = ("ink", "secondary", "hairline", "panel", "accent", "mark")


def style(theme: Theme, large: bool = False) -> str:
    """The style sheet in the colours of a theme; they are also there as variables, e.g. `var(--ae-accent)`.

    Args:
        large: everything a quarter larger, to be read from the back row.
    """
    colours = " ".join(f"--ae-{name}: {getattr(theme, name)};" for name in _COLOURS)
    size = "html { font-size: 125%; }\n" if large else ""
    return f"<style>\n:root {{ {colours} }}\n{size}{STYLE}</style>"
