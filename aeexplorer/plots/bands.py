"""Curves with bands, groups of dots, and tables as colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.plots.theme import LIGHT, Theme, dress, escaped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def bands(
    places: Sequence[str],
    curves: Mapping[str, Sequence[Sequence[float]]],
    theme: Theme = LIGHT,
    x: str = "",
    y: str = "",
) -> Figure:
    """The mean of repeated values at each place, with a bar of one standard deviation.

    Args:
        places: names along the horizontal axis.
        curves: of each curve the values at each place; a place without values has no dot.
        x, y: titles of the axes.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for rank, (name, values) in enumerate(curves.items()):
        at = [i for i, some in enumerate(values) if len(some)]
        figure.add_trace(
            go.Scatter(
                x=[places[i] for i in at],
                y=[float(np.mean(values[i])) for i in at],
                error_y={"array": [float(np.std(values[i])) for i in at], "thickness": 1, "width": 3},
                name=escaped(name),
                mode="lines+markers",
                line={"color": theme.colour(rank, len(curves)), "width": 2},
            )
        )
    dress(figure, theme, f"{y} of {len(curves)} curves at {len(places)} places")
    figure.update_xaxes(title_text=x, type="category", categoryorder="array", categoryarray=list(places))
    figure.update_yaxes(title_text=y)
    return figure


def dots(groups: Mapping[str, Mapping[str, Sequence[float]]], theme: Theme = LIGHT, y: str = "") -> Figure:
    """Single values as dots, never a mean: of each series, under the name of each group.

    Args:
        groups: series -> group -> values.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for rank, (name, of) in enumerate(groups.items()):
        places = [escaped(group) for group, values in of.items() for _ in values]
        values = [value for some in of.values() for value in some]
        marker = {"color": theme.colour(rank, len(groups)), "size": 9, "opacity": 0.85}
        offset = str(rank)
        figure.add_trace(
            go.Box(
                x=places, y=values, name=escaped(name), boxpoints="all", pointpos=0, jitter=0, marker=marker,
                fillcolor="rgba(0,0,0,0)", line={"width": 0}, offsetgroup=offset,
            )
        )  # fmt: skip
    dress(figure, theme, f"{y} of {len(groups)} series")
    figure.update_layout(boxmode="group")
    figure.update_yaxes(title_text=y, rangemode="tozero")
    return figure


def matrix(
    values: ArrayLike, rows: Sequence[str], columns: Sequence[str], theme: Theme = LIGHT, unit: str = ""
) -> Figure:
    """A table (rows, columns) of values from 0 to 1 as colours with the numbers in them."""
    import plotly.graph_objects as go

    table = np.asarray(values, dtype=np.float64)
    figure = go.Figure(
        go.Heatmap(
            z=table,
            x=[escaped(name) for name in columns],
            y=[escaped(name) for name in rows],
            zmin=0,
            zmax=1,
            colorscale=[[0, theme.panel], [1, theme.accent]],
            text=[[f"{value:.2f}" for value in row] for row in table],
            texttemplate="%{text}",
            showscale=False,
        )
    )
    dress(figure, theme, f"{unit}: {len(rows)} rows and {len(columns)} columns")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(showgrid=False)
    return figure
