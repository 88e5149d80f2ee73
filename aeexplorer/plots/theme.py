"""The colours of a page, and how every figure is dressed in them."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Okabe & Ito, "Color universal design", 2008; its black is the ink of the theme.
_OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#e69f00", "#cc79a7", "#56b4e9", "#f0e442")
# Petroff, "Accessible color sequences for data visualization", arXiv:2107.02270, ten colours.
_PETROFF = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

NAME_LIMIT = 60  # characters of a name or a hover text that are shown
FONT_SIZE = 13


@dataclass(frozen=True)
class Theme:
    """Colours of the page a figure sits on; ink is legible on the panel and the ground."""

    name: str
    ground: str
    panel: str
    hairline: str
    ink: str
    secondary: str
    accent: str
    mark: str
    muted: str

    def colour(self, index: int, classes: int) -> str:
        """The colour of a class: Okabe-Ito for up to 8 of them, Petroff's ten beyond, then again from the first."""
        colours = (*_OKABE_ITO, self.ink) if classes <= 8 else _PETROFF
        return colours[index % len(colours)]


LIGHT = Theme(
    name="light",
    ground="#fcfbf8",
    panel="#ffffff",
    hairline="#e6e2d9",
    ink="#1c2430",
    secondary="#626b78",
    accent="#1c5d99",
    mark="#ff5e02",
    muted="#c9c5bb",
)
DARK = Theme(
    name="dark",
    ground="#14181f",
    panel="#1c222b",
    hairline="#323a46",
    ink="#eceae4",
    secondary="#a2abb8",
    accent="#6fb1ea",
    mark="#ff8742",
    muted="#4a5361",
)


def dress(figure: Figure, theme: Theme, alt: str) -> None:
    """Transparent ground, small margins, type of at least 12 points, quiet axes, the alternative text."""
    font = {"size": FONT_SIZE, "color": theme.ink, "family": "system-ui, sans-serif"}
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font=font,
        margin={"l": 8, "r": 8, "t": 36 if figure.layout.annotations else 8, "b": 8},
        hoverlabel={"bgcolor": theme.panel, "bordercolor": theme.hairline, "font": font},
        legend={"bgcolor": "rgba(0,0,0,0)", "font": {"size": FONT_SIZE}, "title": ""},
        meta={"alt": alt},
    )
    axis = {"gridcolor": theme.hairline, "linecolor": theme.hairline, "zeroline": False, "automargin": True}
    axis |= {"tickfont": {"size": 12, "color": theme.secondary}, "title_font": {"size": 12, "color": theme.secondary}}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    figure.update_annotations(font={"size": FONT_SIZE, "color": theme.secondary})


def cut(text: str) -> str:
    """A text of at most 60 characters."""
    return text if len(text) <= NAME_LIMIT else text[: NAME_LIMIT - 1] + "…"


def escaped(text: str) -> str:
    """A text as plotly may show it: cut to 60 characters, then escaped."""
    return html.escape(cut(text))


def shaped(name: str, values: ArrayLike, widths: tuple[int, ...]) -> np.ndarray:
    """Values as floats (n, c) with c one of `widths`, or a sentence."""
    array = np.asarray(values)
    if array.ndim != 2 or array.shape[1] not in widths:
        raise ConfigError(f"{name} must be (n, {' or '.join(map(str, widths))}), got shape {array.shape}")
    return array.astype(np.result_type(array, np.float32), copy=False)
