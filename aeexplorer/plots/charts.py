"""Losses, bars, distances of pairs, and errors by latent dimension."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.plots.theme import LIGHT, Theme, dress, escaped

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_EPOCHS_WITH_TICKS = 10
_QUANTILES = 201
_SHEPARD_DOTS = 1_500  # pairs that are drawn, which every browser can do; the medians are of all
_SHEPARD_BINS = 20  # of equally many pairs, whose medians are joined


def loss_curves(
    epochs: Sequence[Mapping[str, Any]],
    theme: Theme = LIGHT,
    shown: float | None = None,
    best: float | None = None,
) -> Figure:
    """Training and validation loss over epochs, and beside it the terms they are made of.

    Args:
        epochs: one mapping per epoch: {"epoch": 1, "train": {term: value}, "validation": {term: value}}, with weights
            already applied; the loss is the sum of its terms. Validation may be missing in some epochs or all.
        theme: colours.
        shown: an epoch with a thin line, None for none.
        best: an epoch with a dashed line that is named as the best, None for none.

    Raises:
        ConfigError: for an epoch without its number or its training terms.
    """
    from plotly.subplots import make_subplots

    for row, epoch in enumerate(epochs):
        if "epoch" not in epoch or not epoch.get("train"):
            raise ConfigError(f"epochs must hold 'epoch' and 'train' in each row, row {row} holds {sorted(epoch)}")
    terms = list(dict.fromkeys(term for epoch in epochs for term in epoch["train"]))
    split = len(terms) > 1
    headings = ("loss", "terms") if split else None
    figure = make_subplots(rows=1, cols=2 if split else 1, subplot_titles=headings, horizontal_spacing=0.1)
    for part, dash in (("train", "solid"), ("validation", "dot")):
        _add_curves(figure, part, dash, [epoch for epoch in epochs if epoch.get(part)], terms, theme)
    last = f", {sum(epochs[-1]['train'].values()):.4g} in training at the last" if epochs else ""
    dress(figure, theme, f"Loss over {len(epochs)} epochs{last}")
    figure.update_xaxes(title_text="epoch", tickformat=",d")
    if epochs and epochs[-1]["epoch"] <= _EPOCHS_WITH_TICKS:
        figure.update_xaxes(dtick=1)  # no halves of an epoch
    figure.update_layout(legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom"})
    if shown is not None and len(epochs) > 1:
        figure.add_vline(x=shown, line={"color": theme.secondary, "width": 1})
    if best is not None and len(epochs) > 1:
        figure.add_vline(x=best, line={"color": theme.mark, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=best,
            y=1,
            xref="x",
            yref="paper",
            text=f"best: {best:g}",
            showarrow=False,
            yanchor="top",
            xanchor="right" if best > epochs[-1]["epoch"] / 2 else "left",
            font={"color": theme.mark, "size": 12},
        )
    return figure


def _add_curves(
    figure: Figure, part: str, dash: str, epochs: Sequence[Mapping[str, Any]], terms: Sequence[str], theme: Theme
) -> None:
    """Add the loss of one split, and where it has several terms those in the second column."""
    import plotly.graph_objects as go

    if not epochs:
        return
    common = {"x": [epoch["epoch"] for epoch in epochs], "mode": "lines" if len(epochs) > 1 else "markers"}
    total = [sum(epoch[part].values()) for epoch in epochs]
    figure.add_trace(go.Scatter(y=total, name=part, line=_line(theme.ink, dash), **common), row=1, col=1)
    for rank, term in enumerate(terms if len(terms) > 1 else ()):
        curve = go.Scatter(
            y=[epoch[part].get(term) for epoch in epochs],
            name=escaped(term),
            legendgroup=escaped(term),
            showlegend=part == "train",  # solid and dotted are told apart by the two totals
            line=_line(theme.colour(rank, len(terms)), dash),
            **common,
        )
        figure.add_trace(curve, row=1, col=2)


def _line(colour: str, dash: str) -> dict[str, Any]:
    return {"color": colour, "dash": dash, "width": 2}


def bars(
    values: ArrayLike,
    names: Sequence[str] | None = None,
    theme: Theme = LIGHT,
    unit: str = "",
) -> Figure:
    """One bar per value, e.g. the KL of each latent dimension.

    Args:
        values: (n,).
        names: under the bars; 0, 1, … if None.
        theme: colours.
        unit: title of the vertical axis.

    Raises:
        ConfigError: for names that are not one per value.
    """
    import plotly.graph_objects as go

    heights = np.asarray(values, dtype=np.float64).ravel()
    n = len(heights)
    below = [str(i) for i in range(n)] if names is None else [escaped(str(name)) for name in names]
    if len(below) != n:
        raise ConfigError(f"names must be one per value: {n}, got {len(below)}")
    # Bars stand at their position: two of the same name stay two bars.
    figure = go.Figure(
        go.Bar(
            x=np.arange(n),
            y=heights,
            marker_color=theme.accent,
            text=below,
            hovertemplate="%{text}: %{y:.4g}<extra></extra>",
        )
    )
    figure.update_traces(textposition="none")
    dress(figure, theme, f"{n} bars{f' in {unit}' if unit else ''}")
    figure.update_layout(bargap=0.25, showlegend=False)
    step = max(1, n // 16)
    figure.update_xaxes(tickvals=np.arange(0, n, step), ticktext=below[::step], showgrid=False)
    figure.update_yaxes(title_text=html.escape(unit))
    return figure


def cumulative(values: Mapping[str, ArrayLike], theme: Theme = LIGHT, unit: str = "") -> Figure:
    """For each name the share of its values up to a limit, against the limit: curves further left are smaller values.

    Args:
        values: (n,) each, finite.
        theme: colours.
        unit: title of the horizontal axis.
    """
    import plotly.graph_objects as go

    share = np.linspace(0, 1, _QUANTILES)
    figure = go.Figure()
    for i, (name, given) in enumerate(values.items()):
        dash = "dot" if name.startswith("PCA") else "solid"
        line = {"color": theme.secondary if dash == "dot" else theme.colour(i, len(values)), "width": 2, "dash": dash}
        at = np.quantile(np.asarray(given, np.float64), share)
        hover = "%{y:.0%} up to %{x:.4g}"
        figure.add_trace(go.Scatter(x=at, y=share, mode="lines", line=line, name=escaped(name), hovertemplate=hover))
    dress(figure, theme, f"Cumulative distributions of {', '.join(values)}")
    figure.update_xaxes(title_text=html.escape(unit), rangemode="tozero")
    figure.update_yaxes(title_text="share of the samples", tickformat=".0%", range=[0, 1])
    figure.update_layout(legend={"orientation": "h", "y": -0.25})
    return figure


def shepard_plot(codes: ArrayLike, points: ArrayLike, theme: Theme = LIGHT) -> Figure:
    """Distances of pairs of samples in the latent space against those on a map; a map that keeps all draws a line.

    Shepard, "The analysis of proximities", Psychometrika 1962.

    Args:
        codes, points: (m,) distances of the same pairs, see `metrics.shepard`.
        theme: colours.

    Raises:
        ConfigError: for distances that are not of the same pairs.
    """
    import plotly.graph_objects as go

    before, after = np.asarray(codes, dtype=np.float64), np.asarray(points, dtype=np.float64)
    if before.shape != after.shape or before.ndim != 1:
        raise ConfigError(f"codes and points must be vectors of one length, got {before.shape} and {after.shape}")
    dots = {"size": 4, "opacity": 0.25, "color": theme.accent}
    some = slice(None, None, -(-len(before) // _SHEPARD_DOTS) or 1)
    figure = go.Figure(go.Scatter(x=before[some], y=after[some], mode="markers", marker=dots, hoverinfo="skip"))
    if len(before) >= _SHEPARD_BINS:
        # The cloud hides the distances of far pairs; the line through the medians shows them.
        order = np.array_split(np.argsort(before, kind="stable"), _SHEPARD_BINS)
        x, y = (np.array([np.median(values[part]) for part in order]) for values in (before, after))
        line = {"color": theme.mark, "width": 2.5}
        figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", name="median"))
    dress(figure, theme, f"Distances of {len(before)} pairs, of codes and on the map")
    figure.update_layout(showlegend=False)
    figure.update_xaxes(title_text="distance of codes", rangemode="tozero")
    figure.update_yaxes(title_text="distance on the map", rangemode="tozero")
    return figure


def dimension_curve(
    dimensions: ArrayLike,
    pca_error: ArrayLike,
    latent: Sequence[int],
    error: Sequence[float],
    names: Sequence[str],
    marked: int | None = None,
    theme: Theme = LIGHT,
) -> Figure:
    """Test error by latent dimension: models as points, PCA as the line that they have to beat.

    The line goes to twice the largest dimension of a model, and at least to 4.

    Args:
        dimensions, pca_error: (m,), see `metrics.pca_line`.
        latent, error, names: latent dimension, mean squared error and name of each model.
        marked: which model is filled, the others are open; None for none.
        theme: colours.

    Raises:
        ConfigError: for lengths that do not fit.
    """
    import plotly.graph_objects as go

    at, line = np.asarray(dimensions), np.asarray(pca_error, dtype=np.float64)
    if at.shape != line.shape or at.ndim != 1:
        raise ConfigError(f"dimensions and pca_error must be vectors of one length, got {at.shape} and {line.shape}")
    if not len(latent) == len(error) == len(names):
        raise ConfigError(
            f"models must have a dimension, an error and a name each, got {len(latent)}, {len(error)} and {len(names)}"
        )
    reach = max(4, 2 * max(latent, default=0))
    at, line = at[at <= reach], line[at <= reach]
    figure = go.Figure()
    ink = {"color": theme.secondary, "width": 2}
    figure.add_trace(
        go.Scatter(x=at, y=line, mode="lines", name="PCA", line=ink, hovertemplate="PCA, %{x}: %{y:.4g}<extra></extra>")
    )
    if len(latent):
        filled = ["circle" if i == marked else "circle-open" for i in range(len(latent))]
        texts = [f"{escaped(name)}: {value:.4g}" for name, value in zip(names, error, strict=True)]
        dots = {"size": 10, "color": theme.mark, "symbol": filled, "line": {"width": 2, "color": theme.mark}}
        models = {"x": list(latent), "y": list(error), "mode": "markers", "name": "models", "marker": dots}
        figure.add_trace(go.Scatter(**models, text=texts, hovertemplate="%{text}<extra></extra>"))
    dress(
        figure,
        theme,
        f"Test error of {len(latent)} models and of PCA with 0 to {int(at.max(initial=0))} dimensions",
    )
    figure.update_xaxes(title_text="latent dimension", rangemode="tozero")
    figure.update_yaxes(title_text="mean squared error", rangemode="tozero")
    figure.update_layout(legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1})
    return figure
