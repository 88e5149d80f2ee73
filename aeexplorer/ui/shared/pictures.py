"""Samples as pictures, whatever they are: images as pixels, sequences as lines, tables as bars, points as dots, text as
its symbols, music as a piano roll."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec, as_uint8
from aeexplorer.plots import to_png
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.symbols import drawing_size, symbol_drawing

READABLE = 0.9
"""Pixels for each unit of a drawing of text, whose symbols are 14 units high, at least."""
Rows = Sequence[tuple[str, Sequence[np.ndarray] | np.ndarray]]


def picture_rows(
    rows: Rows,
    spec: DataSpec,
    captions: Sequence[Sequence[str]] | None = None,
    columns: int | None = None,
    tile_width: int = 88,
) -> None:
    """Rows of samples, aligned in columns, with the name of each row at its left.

    Args:
        rows: (name, samples (n, *spec.shape)), pictures also as colours (h, w, 3); an empty name leaves no place for
            names.
        captions: a text under each sample of each row.
        columns: samples in a line; all of the longest row if None.
        tile_width: widest a sample is drawn, in pixels.
    """
    width = columns or max((len(x) for _, x in rows), default=1)
    named = any(name for name, _ in rows)
    cells = []
    scale = common_scale(rows, spec)
    for r, (name, x) in enumerate(rows):
        if named:
            cells.append(f'<div class="ae-label">{html.escape(name)}</div>')
        tiles = []
        for i, sample in enumerate(x):
            caption = captions[r][i] if captions and r < len(captions) and i < len(captions[r]) else ""
            described = spec.text(sample[None])[0] if spec.row.symbols else ""
            description = ", ".join(t for t in (name, caption or f"sample {i + 1}", described) if t)
            below = f"<span>{html.escape(caption)}</span>" if caption else ""
            tiles.append(
                f'<div class="ae-tile">{_tile(sample, spec, html.escape(description, quote=True), scale)}{below}</div>'
            )
        columns_style = f"grid-template-columns: {_columns(spec, columns, width, tile_width)}"
        cells.append(f'<div class="ae-tiles" style="{columns_style}">{"".join(tiles)}</div>')
    template = "minmax(4.5rem, max-content) 1fr" if named else "1fr"
    st.html(f'<div class="ae-rows" style="grid-template-columns: {template}">{"".join(cells)}</div>')


def _columns(spec: DataSpec, columns: int | None, width: int, tile_width: int) -> str:
    """The columns of a row of tiles; text that must not shrink goes on in another line."""
    if columns is None and spec.row.symbols and not spec.voices:
        least = round(READABLE * drawing_size(spec)[0])
        return f"repeat(auto-fill, minmax({least}px, {max(least, tile_width)}px))"
    return f"repeat({width}, minmax(0, {tile_width}px))"


def picture_address(sample: np.ndarray, spec: DataSpec, scale: tuple[float, float]) -> str:
    """One sample as the address of an image that holds the image itself ("data:image/…").

    Args:
        scale: values at the lower and the upper edge, of anything but images.
    """
    if spec.row.pixels:
        pixels = sample if sample.dtype == np.uint8 else as_uint8(sample)
        if pixels.ndim == 2 and theme().name == "light":
            pixels = 255 - pixels  # ink on paper
        return f"data:image/png;base64,{base64.b64encode(to_png(pixels)).decode()}"
    if spec.row.symbols:
        return _as_address(symbol_drawing(sample, spec, theme()))
    colour = theme().accent
    look = (
        f"polyline{{fill:none;stroke:{colour};stroke-width:1.6;vector-effect:non-scaling-stroke}}"
        f"rect,circle{{fill:{colour}}}"
    )
    return _as_address(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 60" preserveAspectRatio="none">'
        f"<style>{look}</style>{_marks(_heights(sample, scale), spec, *scale)}</svg>"
    )


def _as_address(drawing: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"


def _heights(sample: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """The first channel in 0..1 of the scale."""
    return (np.asarray(sample, dtype=np.float64).reshape(len(sample), -1)[:, 0] - scale[0]) / (scale[1] - scale[0])


def common_scale(rows: Rows, spec: DataSpec) -> tuple[float, float]:
    """One vertical scale for all samples, so that they can be compared."""
    if spec.row.pixels or not rows:
        return 0.0, 1.0
    if spec.row.symbols:
        return 0.0, 1.0
    values = np.concatenate([np.asarray(x, dtype=np.float64).ravel() for _, x in rows])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    return (low, high) if high > low else (low - 1, high + 1)


def _tile(sample: np.ndarray, spec: DataSpec, description: str, scale: tuple[float, float]) -> str:
    ratio = f"{spec.shape[1]}/{spec.shape[0]}" if spec.row.pixels else "5/3"
    if spec.row.symbols:
        ratio = "{}/{}".format(*drawing_size(spec))
    return f'<img alt="{description}" src="{picture_address(sample, spec, scale)}" style="--ratio: {ratio}">'


def _marks(values: np.ndarray, spec: DataSpec, low: float, high: float) -> str:
    """values in 0..1 of the common scale, drawn into 100 x 60."""
    if spec.row.sides:
        points = " ".join(f"{100 * i / (len(values) - 1):.1f},{56 - 52 * v:.1f}" for i, v in enumerate(values))
        return f'<polyline points="{points}"/>'
    if len(values) == 2:
        return f'<circle cx="{4 + 92 * values[0]:.1f}" cy="{56 - 52 * values[1]:.1f}" r="4"/>'
    zero = float(np.clip((0 - low) / (high - low), 0, 1))
    step = 96 / len(values)
    return "".join(
        f'<rect x="{2 + i * step:.2f}" y="{56 - 52 * max(v, zero):.2f}" '
        f'width="{step * 0.8:.2f}" height="{max(52 * abs(v - zero), 0.5):.2f}"/>'
        for i, v in enumerate(values)
    )
