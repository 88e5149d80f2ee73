"""Points on a plane: maps of codes, and toy data with its reconstructions.

They are drawn as SVG: WebGL is missing on virtual machines and remote desktops, and these figures have few points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.plots.theme import LIGHT, Theme, cut, dress, escaped, shaped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "triangle-down", "pentagon")

CLASS_LIMIT = 40  # classes with a legend entry of their own; the rest share one, which keeps a browser usable


def scatter_map(
    points: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    theme: Theme = LIGHT,
    alt: str = "",
) -> Figure:
    """Draw a map: one colour and shape per class, class names at the class medians, equal axes without ticks.

    A click on the legend hides a class. The `customdata` of a point is its row in `points`.

    Args:
        points: (n, 2).
        labels: (n,) integers; -1 is unlabelled, drawn in grey. None: one colour.
        class_names: name of label 0, 1, …; a label without a name is shown as a number.
        theme: colours.
        alt: alternative text; made from the numbers of points and classes if empty.

    Raises:
        ConfigError: for points and labels that do not fit together.
    """
    import plotly.graph_objects as go

    where = shaped("points", points, (2,))
    n = len(where)
    label = np.full(n, -1) if labels is None else np.asarray(labels)
    if label.shape != (n,):
        raise ConfigError(f"labels must be one per point: {n}, got shape {label.shape}")
    figure = go.Figure()
    groups = _groups(label, class_names, theme)
    for group in groups:
        symbol = _SYMBOLS[max(group.label, 0) % len(_SYMBOLS)]
        figure.add_trace(
            go.Scatter(
                x=where[group.rows, 0],
                y=where[group.rows, 1],
                mode="markers",
                name=escaped(group.name),
                legendgroup=str(group.label),
                marker={"symbol": symbol, "size": 5 if n > 2000 else 7, "opacity": 0.75, "color": group.colour},
                customdata=group.rows.tolist(),
                text=escaped(group.name),
                hovertemplate="%{text}<extra></extra>",
                showlegend=labels is not None,
            )
        )
    if labels is not None:
        for group in groups:
            if group.label >= 0:
                figure.add_trace(_class_name(group, np.median(where[group.rows], axis=0), theme))
    dress(figure, theme, alt or f"Map of {n} points in {len(groups)} groups")
    figure.update_layout(legend={"itemsizing": "constant"}, uirevision="map", dragmode="pan")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def scatter_toy(
    data: ArrayLike,
    reconstruction: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    theme: Theme = LIGHT,
    corrupted: ArrayLike | None = None,
) -> Figure:
    """Draw points of a plane, their reconstructions, and a line from each point to its reconstruction.

    Args:
        data: (n, 2).
        reconstruction: (n, 2) or None.
        corrupted: (n, 2) points through which the lines go, or None.
        labels: (n,) integers that colour the data; None: one colour.
        theme: colours.

    Raises:
        ConfigError: for arrays that are not (n, 2) of the same points.
    """
    import plotly.graph_objects as go

    where = shaped("data", data, (2,))
    n = len(where)
    colours: str | list[str] = theme.secondary
    if labels is not None:
        label = np.asarray(labels)
        if label.shape != (n,):
            raise ConfigError(f"labels must be one per point: {n}, got shape {label.shape}")
        classes = int(label.max(initial=0)) + 1
        colours = [theme.muted if y < 0 else theme.colour(int(y), classes) for y in label]
    figure = go.Figure()
    copies = {}
    for name, given in (("corrupted", corrupted), ("reconstruction", reconstruction)):
        if given is not None:
            copies[name] = shaped(name, given, (2,))
            if len(copies[name]) != n:
                raise ConfigError(f"{name} must be of the same {n} points, got {len(copies[name])}")
    if copies:
        ends = np.stack([where, *copies.values(), np.full_like(where, np.nan)], axis=1).reshape(-1, 2)
        line = {"color": theme.muted, "width": 1}
        figure.add_trace(
            go.Scatter(x=ends[:, 0], y=ends[:, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
        )
    marker = {"color": colours, "size": 6, "opacity": 0.8}
    figure.add_trace(go.Scatter(x=where[:, 0], y=where[:, 1], mode="markers", name="data", marker=marker))
    # the mark colour is close to a class colour
    looks = {"corrupted": (theme.accent, "x-thin-open"), "reconstruction": (theme.mark, "diamond")}
    for name, points in copies.items():
        colour, symbol = looks[name]
        marker = {"color": colour if labels is None else theme.ink, "size": 5, "symbol": symbol}
        figure.add_trace(go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", name=name, marker=marker))
    names = {"corrupted": "corrupted copies", "reconstruction": "reconstructions"}
    what = " and ".join(names[name] for name in copies)
    dress(figure, theme, f"{n} points of a plane" + (f" and their {what}" if what else ""))
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


class _Group(NamedTuple):
    """The points of one trace; `label` is negative for points without a class of their own."""

    name: str
    colour: str
    label: int
    rows: np.ndarray


def _groups(label: np.ndarray, class_names: Sequence[str] | None, theme: Theme) -> list[_Group]:
    """The classes in order, then the classes beyond the limit and the unlabelled points."""
    names = class_names or ()
    classes = np.unique(label[label >= 0]).tolist()
    count = max(len(names), classes[-1] + 1 if classes else 1)
    groups = [
        _Group(cut(str(names[c] if c < len(names) else c)), theme.colour(c, count), c, np.flatnonzero(label == c))
        for c in classes[:CLASS_LIMIT]
    ]
    if rest := classes[CLASS_LIMIT:]:
        groups.append(_Group(f"{len(rest)} other classes", theme.muted, -2, np.flatnonzero(np.isin(label, rest))))
    if (unlabelled := np.flatnonzero(label < 0)).size:
        groups.append(_Group("unlabelled", theme.muted if classes else theme.accent, -1, unlabelled))
    return groups


def _class_name(group: _Group, at: np.ndarray, theme: Theme) -> Scatter:
    import plotly.graph_objects as go

    # The disc in the colour of the panel separates the name from the points.
    disc = {"size": 24, "color": theme.panel, "opacity": 0.8}
    font = {"size": 17, "color": theme.ink, "weight": "bold"}
    return go.Scatter(
        x=at[:1],
        y=at[1:],
        mode="markers+text",
        marker=disc,
        text=[escaped(group.name)],
        textfont=font,
        legendgroup=str(group.label),
        showlegend=False,
        hoverinfo="skip",
    )
