"""What is put on a map that is already drawn: the point in hand, a path, and a ground that can be clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.plots.theme import LIGHT, Theme, shaped, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def add_point(figure: Figure, point: ArrayLike, theme: Theme = LIGHT, name: str = "") -> None:
    """Mark one point, (2,) or (3,), with a ring.

    Raises:
        ConfigError: for a point of another dimension.
    """
    import plotly.graph_objects as go

    where = shaped("point", np.atleast_2d(np.asarray(point)), (2, 3))
    common = {"mode": "markers", "name": shown(name), "showlegend": False, "hoverinfo": "skip"}
    if where.shape[1] == 3:
        marker = {"symbol": "circle-open", "size": 14, "color": theme.mark, "line": {"width": 4}}
        x, y, z = where.T
        figure.add_trace(go.Scatter3d(x=x, y=y, z=z, marker=marker, **common))
        return
    # The wider ring in the colour of the panel keeps the mark apart from the points below it.
    for width, colour in ((7, theme.panel), (3.5, theme.mark)):
        marker = {"symbol": "circle-open", "size": 18, "color": colour, "line": {"width": width}}
        figure.add_trace(go.Scatter(x=where[:, 0], y=where[:, 1], marker=marker, **common))


def names_below(figure: Figure) -> None:
    """Name the classes in a legend below a map instead of on it: for names too long to lie among the points."""
    figure.data = [trace for trace in figure.data if "text" not in (trace.mode or "")]
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 0, "yanchor": "top", "x": 0})


def add_path(figure: Figure, points: ArrayLike, colour: str, name: str) -> None:
    """Draw a path, (steps, 2), as a line with a dot at each step.

    Raises:
        ConfigError: for points of another dimension.
    """
    import plotly.graph_objects as go

    where = shaped("points", points, (2,))
    line, marker = {"color": colour, "width": 2}, {"color": colour, "size": 8}
    figure.add_trace(
        go.Scatter(x=where[:, 0], y=where[:, 1], mode="lines+markers", name=shown(name), line=line, marker=marker)
    )
