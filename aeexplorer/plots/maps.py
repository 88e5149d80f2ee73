"""Points on a plane or in space: maps of codes, and toy data with its reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.plots.theme import LIGHT, Theme, dress, shaped, shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure, Scatter

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
        hover: (n,) texts.
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
    for rank, (name, colour, rows) in enumerate(groups):
        symbols = _SYMBOLS_3D if solid else _SYMBOLS
        marker: dict[str, Any] = {"symbol": symbols[rank % len(symbols)], "size": size, "opacity": 0.75}
        marker["color"] = colour if picked is None else np.where(picked[rows], colour, theme.muted).tolist()
        if picked is not None and not solid:  # a 3-d marker takes one opacity for the whole trace
            marker["opacity"] = np.where(picked[rows], 0.95, 0.35).tolist()
        common = {
            "mode": "markers",
            "name": name,
            "legendgroup": name,
            "marker": marker,
            "customdata": rows.tolist(),
            "text": None if hover is None else [shown(str(hover[row])) for row in rows],
            "hovertemplate": (name if hover is None else "%{text}") + "<extra></extra>",
            "showlegend": labels is not None,
        }
        if solid:
            x, y, z = where[rows].T
            figure.add_trace(go.Scatter3d(x=x, y=y, z=z, **common))
        else:
            figure.add_trace(go.Scattergl(x=where[rows, 0], y=where[rows, 1], **common))
    if not solid and labels is not None:
        for name, colour, rows in groups:
            if colour != theme.muted:
                figure.add_trace(_class_name(name, np.median(where[rows], axis=0), theme))
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
        marker = {"color": theme.mark, "size": 5, "symbol": "diamond"}
        figure.add_trace(
            go.Scattergl(x=restored[:, 0], y=restored[:, 1], mode="markers", name="reconstruction", marker=marker)
        )
    dress(
        figure, theme, title, f"{n} points of a plane{'' if reconstruction is None else ' and their reconstructions'}"
    )
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


def _groups(label: np.ndarray, class_names: Sequence[str] | None, theme: Theme) -> list[tuple[str, str, np.ndarray]]:
    """Name, colour and rows of each trace: the classes in order, then what is left over and what has no label."""
    names = class_names or ()
    classes = np.unique(label[label >= 0]).tolist()
    count = max(len(names), *(c + 1 for c in classes), 1)
    groups = [
        (shown(str(names[c]) if c < len(names) else str(c)), theme.colour(c, count), np.flatnonzero(label == c))
        for c in classes[:CLASS_LIMIT]
    ]
    if rest := classes[CLASS_LIMIT:]:
        groups.append((f"{len(rest)} other classes", theme.muted, np.flatnonzero(np.isin(label, rest))))
    if (unlabelled := np.flatnonzero(label < 0)).size:
        groups.append(("unlabelled", theme.muted if classes else theme.accent, unlabelled))
    return groups


def _class_name(name: str, at: np.ndarray, theme: Theme) -> Scatter:
    import plotly.graph_objects as go

    # The shadow in the colour of the panel keeps a name legible on its own points.
    halo = ", ".join(f"{x}px {y}px 2px {theme.panel}" for x in (-1, 1) for y in (-1, 1))
    font = {"size": 18, "color": theme.ink, "weight": 700, "shadow": halo}
    return go.Scatter(
        x=at[:1],
        y=at[1:],
        mode="text",
        text=[name],
        textfont=font,
        legendgroup=name,
        showlegend=False,
        hoverinfo="skip",
    )
