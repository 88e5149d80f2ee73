"""Figures and picture mosaics from arrays, on a transparent ground so that they sit in any panel.

Text that people typed (class names, hover text, titles) is escaped: plotly reads a part of HTML in it. Every figure
carries its alternative text as `figure.layout.meta["alt"]`.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "triangle-down", "pentagon")
_SYMBOLS_3D = ("circle", "square", "diamond", "cross", "x", "circle-open", "square-open", "diamond-open")

CLASS_LIMIT = 40  # classes with a legend entry of their own; the rest share one, and a browser stays usable
NAME_LIMIT = 60  # characters of a name or a hover text that are shown
FONT_SIZE = 13


@dataclass(frozen=True)
class Theme:
    """Colours of the page a figure sits on."""

    name: str
    ground: str
    panel: str
    hairline: str
    ink: str
    secondary: str
    accent: str
    mark: str
    muted: str
    heat: tuple[str, str]

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
    heat=("#e9f0f8", "#1f4f80"),
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
    heat=("#233142", "#8cc4f5"),
)


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

    where = _shaped("points", points, (2, 3))
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
            "text": None if hover is None else [_shown(str(hover[row])) for row in rows],
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
    _dress(figure, theme, title, alt or f"Map of {n} points in {len(groups)} groups")
    figure.update_layout(legend={"itemsizing": "constant"}, uirevision="map", dragmode="orbit" if solid else "pan")
    if solid:
        axis = {"showticklabels": False, "title": "", "showbackground": False, "gridcolor": theme.hairline}
        axis |= {"zerolinecolor": theme.hairline, "showspikes": False}
        figure.update_layout(scene={"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data"})
    else:
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False, scaleanchor="x", scaleratio=1)
    return figure


def loss_curves(epochs: Sequence[Mapping[str, Any]], theme: Theme = LIGHT, title: str = "") -> Figure:
    """Training and validation loss over epochs, and beside it the terms they are made of.

    Args:
        epochs: one mapping per epoch: {"epoch": 1, "train": {term: value}, "validation": {term: value}}, with weights
            already applied; the loss is the sum of its terms. Validation may be missing in some epochs or all.
        theme: colours.
        title: shown above, empty for none.

    Raises:
        ConfigError: for an epoch without its number or its training terms.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    for row, epoch in enumerate(epochs):
        if "epoch" not in epoch or not epoch.get("train"):
            raise ConfigError(f"epochs must hold 'epoch' and 'train' in each row, row {row} holds {sorted(epoch)}")
    terms = list(dict.fromkeys(term for epoch in epochs for term in epoch["train"]))
    split = len(terms) > 1
    headings = ("loss", "terms") if split else None
    figure = make_subplots(rows=1, cols=2 if split else 1, subplot_titles=headings, horizontal_spacing=0.1)
    for part, dash in (("train", "solid"), ("validation", "dot")):
        seen = [epoch for epoch in epochs if epoch.get(part)]
        if not seen:
            continue
        number = [epoch["epoch"] for epoch in seen]
        total = [sum(epoch[part].values()) for epoch in seen]
        line = {"color": theme.accent if part == "train" else theme.mark, "dash": dash, "width": 2}
        mode = "lines" if len(seen) > 1 else "markers"
        figure.add_trace(go.Scatter(x=number, y=total, mode=mode, name=part, line=line), row=1, col=1)
        for rank, term in enumerate(terms if split else ()):
            line = {"color": theme.colour(rank, len(terms)), "dash": dash, "width": 2}
            values = [epoch[part].get(term) for epoch in seen]
            name = _shown(term) if part == "train" else f"{_shown(term)}, validation"
            figure.add_trace(go.Scatter(x=number, y=values, mode=mode, name=name, line=line), row=1, col=2)
    last = f", {sum(epochs[-1]['train'].values()):.4g} in training at the last" if epochs else ""
    _dress(figure, theme, title, f"Loss over {len(epochs)} epochs{last}")
    figure.update_xaxes(title_text="epoch")
    return figure


def bars(
    values: ArrayLike,
    names: Sequence[str] | None = None,
    theme: Theme = LIGHT,
    unit: str = "",
    active: ArrayLike | None = None,
    title: str = "",
) -> Figure:
    """One bar per value, e.g. the KL of each latent dimension.

    Args:
        values: (n,).
        names: under the bars; 0, 1, … if None.
        theme: colours.
        unit: title of the vertical axis.
        active: (n,) bool: bars in the accent colour, the others muted; None: all of them.
        title: shown above, empty for none.

    Raises:
        ConfigError: for names or flags that are not one per value.
    """
    import plotly.graph_objects as go

    heights = np.asarray(values, dtype=np.float64).ravel()
    n = len(heights)
    flags = np.ones(n, dtype=bool) if active is None else np.asarray(active, dtype=bool)
    below = [str(i) for i in range(n)] if names is None else [_shown(str(name)) for name in names]
    if len(below) != n or flags.shape != (n,):
        raise ConfigError(f"names and active must be one per value: {n}, got {len(below)} and {flags.size}")
    colours = np.where(flags, theme.accent, theme.muted).tolist()
    # Bars stand at their position: two of the same name stay two bars.
    figure = go.Figure(
        go.Bar(x=np.arange(n), y=heights, marker_color=colours, text=below, hovertemplate="%{text}: %{y:.4g}<extra></extra>")
    )
    figure.update_traces(textposition="none")
    _dress(figure, theme, title, f"{n} bars{f' in {unit}' if unit else ''}, {int(flags.sum())} of them active")
    figure.update_layout(bargap=0.25, showlegend=False)
    step = max(1, n // 16)
    figure.update_xaxes(tickvals=np.arange(0, n, step), ticktext=below[::step], showgrid=False)
    figure.update_yaxes(title_text=html.escape(unit))
    return figure


def sequences(
    x: ArrayLike,
    reconstruction: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    theme: Theme = LIGHT,
    title: str = "",
) -> Figure:
    """Sequences below each other on one time axis, each with its reconstruction over it.

    Args:
        x: (n, T), at most 12 of them.
        reconstruction: (n, T) or None.
        names: (n,) headings.
        theme: colours.
        title: shown above, empty for none.

    Raises:
        ConfigError: for more than 12 sequences or shapes that do not fit.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    series = np.asarray(x, dtype=np.float64)
    if series.ndim != 2 or not 1 <= len(series) <= 12:
        raise ConfigError(f"x must be (n, T) with n between 1 and 12, got shape {series.shape}")
    drawn = [("input", series, theme.ink)]
    if reconstruction is not None:
        restored = np.asarray(reconstruction, dtype=np.float64)
        if restored.shape != series.shape:
            raise ConfigError(f"reconstruction must have the shape of x, {series.shape}, got {restored.shape}")
        drawn.append(("reconstruction", restored, theme.mark))
    headings = None if names is None else [_shown(str(name)) for name in names]
    figure = make_subplots(rows=len(series), cols=1, shared_xaxes=True, vertical_spacing=0.02, row_titles=headings)
    for name, values, colour in drawn:
        for row, value in enumerate(values):
            trace = go.Scatter(y=value, mode="lines", name=name, legendgroup=name, line={"color": colour, "width": 1.8})
            figure.add_trace(trace.update(showlegend=row == 0 and len(drawn) > 1), row=row + 1, col=1)
    _dress(figure, theme, title, f"{len(series)} sequences of {series.shape[1]} steps")
    figure.update_yaxes(showticklabels=False)
    figure.update_xaxes(title_text="time step", row=len(series), col=1)
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

    where = _shaped("data", data, (2,))
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
        restored = _shaped("reconstruction", reconstruction, (2,))
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
    _dress(figure, theme, title, f"{n} points of a plane{'' if reconstruction is None else ' and their reconstructions'}")
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


def heat(
    values: ArrayLike,
    rows: Sequence[str],
    columns: Sequence[str],
    row_title: str = "",
    column_title: str = "",
    theme: Theme = LIGHT,
    marked: tuple[int, int] | None = None,
    title: str = "",
) -> Figure:
    """A table of numbers as coloured cells with the numbers in them; the first row is at the top.

    Args:
        values: (rows, columns).
        rows, columns: names.
        row_title, column_title: what the names are.
        theme: colours.
        marked: (row, column) of a cell with a ring around it.
        title: shown above, empty for none.

    Raises:
        ConfigError: for names that do not fit the table.
    """
    import plotly.graph_objects as go

    table = np.asarray(values, dtype=np.float64)
    if table.shape != (len(rows), len(columns)):
        raise ConfigError(f"values must be ({len(rows)}, {len(columns)}) as the names are, got shape {table.shape}")
    scale = [[0.0, theme.heat[0]], [1.0, theme.heat[1]]]
    cells = go.Heatmap(z=table, colorscale=scale, showscale=False, xgap=3, ygap=3, texttemplate="%{z:.3g}")
    cells.update(hovertemplate="%{y}, %{x}: %{z:.4g}<extra></extra>", textfont={"size": 12})
    figure = go.Figure(cells)
    if marked is not None:
        ring = {"symbol": "circle-open", "size": 34, "color": theme.mark, "line": {"width": 2.5}}
        figure.add_trace(go.Scatter(x=[marked[1]], y=[marked[0]], mode="markers", marker=ring, hoverinfo="skip"))
    _dress(figure, theme, title, f"Table of {table.shape[0]} by {table.shape[1]} numbers")
    figure.update_layout(showlegend=False)
    figure.update_xaxes(
        tickvals=np.arange(len(columns)), ticktext=[_shown(str(c)) for c in columns], title_text=html.escape(column_title)
    )
    figure.update_yaxes(
        tickvals=np.arange(len(rows)), ticktext=[_shown(str(r)) for r in rows], title_text=html.escape(row_title)
    )
    figure.update_xaxes(showgrid=False).update_yaxes(showgrid=False, autorange="reversed")
    return figure
