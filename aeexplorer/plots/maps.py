"""Points on a plane or in space: maps of codes, and toy data with its reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.plots.theme import LIGHT, Theme, cut, dress, shaped, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scattergl

_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "triangle-down", "pentagon")
_SYMBOLS_3D = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")

CLASS_LIMIT = 40  # classes with a legend entry of their own; the rest share one, and a browser stays usable


def scatter_map(
    points: ArrayLike,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    theme: Theme = LIGHT,
    hover: Sequence[str] | None = None,
    selected: ArrayLike | None = None,
    title: str = "",
    alt: str = "",
) -> Figure:
    """A map: one colour and shape per class, class names at the class medians, axes of equal scale and without ticks.

    A click on the legend hides a class. `customdata` of each point is its row in `points`, whatever trace it is in.

    Args:
        points: (n, 2) or (n, 3).
        labels: (n,) integers; -1 is unlabelled, drawn in grey. None: one colour.
        class_names: name of label 0, 1, …; where there is none the number stands.
        theme: colours.
        hover: (n,) texts; line breaks are kept.
        selected: indices of the selected points: all others turn grey and stay. None: no selection.
        title: shown above, empty for none.
        alt: alternative text; made from the numbers of points and classes if empty.

    Raises:
        ConfigError: for points, labels, hover texts or a selection that do not fit together.
    """
    import plotly.graph_objects as go

    where = shaped("points", points, (2, 3))
    n, solid = len(where), where.shape[1] == 3
    label = np.full(n, -1) if labels is None else np.asarray(labels)
    if label.shape != (n,):
        raise ConfigError(f"labels must be one per point: {n}, got shape {label.shape}")
    if hover is not None and len(hover) != n:
        raise ConfigError(f"hover must hold one text per point: {n}, got {len(hover)}")
    chosen = None if selected is None else np.asarray(selected, dtype=np.int64).ravel()
    if chosen is not None and chosen.size and not (chosen.min() >= 0 and chosen.max() < n):
        raise ConfigError(f"selected must be between 0 and {n - 1}, got {chosen.min()} to {chosen.max()}")
    picked = None if chosen is None else np.isin(np.arange(n), chosen)

    size = (3 if solid else 5) if n > 2000 else (4 if solid else 7)
    figure = go.Figure()
    groups = _groups(label, class_names, theme)
    symbols = _SYMBOLS_3D if solid else _SYMBOLS
    for name, colour, label_of, rows in groups:
        marker: dict[str, Any] = {"symbol": symbols[max(label_of, 0) % len(symbols)], "size": size, "opacity": 0.75}
        marker["color"] = colour if picked is None else np.where(picked[rows], colour, theme.muted).tolist()
        if picked is not None and not solid:  # a 3-d marker takes one opacity for the whole trace
            marker["opacity"] = np.where(picked[rows], 0.95, 0.35).tolist()
        common = {
            "mode": "markers",
            "name": shown(name),
            "legendgroup": str(label_of),
            "marker": marker,
            "customdata": rows.tolist(),
            "text": shown(name)
            if hover is None
            else ["<br>".join(map(shown, str(hover[row]).splitlines())) for row in rows],
            "hovertemplate": "%{text}<extra></extra>",
            "showlegend": labels is not None,
        }
        if solid:
            x, y, z = where[rows].T
            figure.add_trace(go.Scatter3d(x=x, y=y, z=z, **common))
        else:
            figure.add_trace(go.Scattergl(x=where[rows, 0], y=where[rows, 1], **common))
    if not solid and labels is not None:
        for group in groups:
            if group.label >= 0:
                figure.add_trace(_class_name(group, np.median(where[group.rows], axis=0), theme))
    dress(figure, theme, title, alt or f"Map of {n} points in {len(groups)} groups")
    figure.update_layout(legend={"itemsizing": "constant"}, uirevision="map", dragmode="orbit" if solid else "pan")
    if solid:
        axis = {"showticklabels": False, "title": "", "showbackground": False, "gridcolor": theme.hairline}
        axis |= {"zerolinecolor": theme.hairline, "showspikes": False}
        figure.update_layout(scene={"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data"})
    else:
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def scatter_toy(
    data: ArrayLike,
    reconstruction: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    theme: Theme = LIGHT,
    title: str = "",
) -> Figure:
    """Points of a plane, their reconstructions, and a line from each point to its own.

    Args:
        data: (n, 2).
        reconstruction: (n, 2) or None.
        labels: (n,) integers that colour the data; None: one colour.
        theme: colours.
        title: shown above, empty for none.

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
    if reconstruction is not None:
        restored = shaped("reconstruction", reconstruction, (2,))
        if len(restored) != n:
            raise ConfigError(f"reconstruction must be of the same {n} points, got {len(restored)}")
        ends = np.stack([where, restored, np.full_like(where, np.nan)], axis=1).reshape(-1, 2)
        line = {"color": theme.muted, "width": 1}
        figure.add_trace(
            go.Scattergl(x=ends[:, 0], y=ends[:, 1], mode="lines", line=line, hoverinfo="skip", showlegend=False)
        )
    marker = {"color": colours, "size": 6, "opacity": 0.8}
    figure.add_trace(go.Scattergl(x=where[:, 0], y=where[:, 1], mode="markers", name="data", marker=marker))
    if reconstruction is not None:
        # The mark is close to a class colour: beside classes it gives way to ink.
        marker = {"color": theme.mark if labels is None else theme.ink, "size": 5, "symbol": "diamond"}
        figure.add_trace(
            go.Scattergl(x=restored[:, 0], y=restored[:, 1], mode="markers", name="reconstruction", marker=marker)
        )
    dress(
        figure, theme, title, f"{n} points of a plane{'' if reconstruction is None else ' and their reconstructions'}"
    )
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


class _Group(NamedTuple):
    """The points of one trace; `label` is negative for what is no class of its own."""

    name: str
    colour: str
    label: int
    rows: np.ndarray


def _groups(label: np.ndarray, class_names: Sequence[str] | None, theme: Theme) -> list[_Group]:
    """The classes in order, then what is beyond the limit and what has no label."""
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


def _class_name(group: _Group, at: np.ndarray, theme: Theme) -> Scattergl:
    import plotly.graph_objects as go

    # In WebGL as the points are: SVG text would lie under them. Such text is painted as it is, nothing in it is HTML.
    # The disc of panel colour sets the name off.
    disc = {"size": 24, "color": theme.panel, "opacity": 0.8}
    font = {"size": 17, "color": theme.ink, "weight": "bold"}
    return go.Scattergl(
        x=at[:1],
        y=at[1:],
        mode="markers+text",
        marker=disc,
        text=[group.name],
        textfont=font,
        legendgroup=str(group.label),
        showlegend=False,
        hoverinfo="skip",
    )
