"""A path, put on a map that is already drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from aeexplorer.plots.theme import escaped, shaped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def add_path(figure: Figure, points: ArrayLike, colour: str, name: str) -> None:
    """Draw a path, (steps, 2), as a line with a dot at each step.

    Raises:
        ConfigError: for points of another dimension.
    """
    import plotly.graph_objects as go

    where = shaped("points", points, (2,))
    line, marker = {"color": colour, "width": 2}, {"color": colour, "size": 8}
    figure.add_trace(
        go.Scatter(x=where[:, 0], y=where[:, 1], mode="lines+markers", name=escaped(name), line=line, marker=marker)
    )
