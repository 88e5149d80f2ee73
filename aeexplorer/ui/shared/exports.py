"""Content of a page as a file: rows of pictures as PNG, an interpolation as GIF, other samples as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from aeexplorer.data import DataSpec, as_uint8
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.scenes import render
from aeexplorer.plots import diverging, tile, to_gif, to_png
from aeexplorer.spreadsheets import plain_cell
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import theme

SHORTEST = 96  # pixels of a picture's longer side in a file


def sheet(name: str, rows: Mapping[str, np.ndarray], spec: DataSpec, residual: np.ndarray | None = None) -> Download:
    """Rows of samples as one file, made when it is asked for.

    Args:
        name: of the file, without an ending.
        rows: samples (n, *spec.shape) by name, n the same in each.
        residual: (n, *spec.shape) in [-1, 1], under the rows of pictures.
    """
    if not spec.row.pixels:
        return Download("CSV", f"{name}.csv", partial(_table, rows, spec))
    light = theme().name == "light"
    pictures = [x if x.dtype == np.uint8 else as_uint8(x) for x in rows.values()]
    if residual is not None:
        pictures = [*(_coloured(x, light) for x in pictures), diverging(residual, theme())]
    return Download("PNG", f"{name}.png", partial(mosaic, pictures, light))


def picture(
    opened: OpenRun,
    name: str,
    scene: str,
    params: dict[str, Any],
    rows: Callable[[dict[str, np.ndarray]], list[np.ndarray]],
) -> tuple[Download, ...]:
    """The rows of a scene as a PNG, made when asked for; nothing of samples that are no pictures."""
    if not opened.spec.row.pixels:
        return ()
    light = theme().name == "light"
    return (Download("PNG", name, lambda: mosaic(rows(render(scene, params).arrays), light)),)


def _table(rows: Mapping[str, np.ndarray], spec: DataSpec) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["row", "sample", *(f"value_{i}" for i in range(spec.size))])
    for name, x in rows.items():
        for i, sample in enumerate(x.reshape(len(x), -1)):
            table.writerow([plain_cell(name), i, *(f"{value:.6g}" for value in sample)])
    return text.getvalue().encode()


def _coloured(x: np.ndarray, light: bool) -> np.ndarray:
    """Grey pictures as colours: ink on paper on a light page."""
    return x if x.ndim == 4 else np.repeat((255 - x if light else x)[..., None], 3, axis=3)


def mosaic(rows: Sequence[np.ndarray], light: bool) -> bytes:
    """Rows of pictures, each (n, h, w) or (n, h, w, 3) uint8, as the bytes of a PNG; grey ones as ink on paper if
    light."""
    pictures = _shown(np.concatenate(rows), light)
    return to_png(tile(pictures, max(map(len, rows)), pad=6, scale=_scale(pictures), ground=_ground(pictures, light)))


def gif(rows: Sequence[np.ndarray], light: bool) -> bytes:
    """Rows of as many pictures side by side, one column after the other there and back, as the bytes of a GIF."""
    columns = _shown(np.stack(rows, axis=1).reshape(-1, *rows[0].shape[1:]), light)
    frames = columns.reshape(len(rows[0]), len(rows), *columns.shape[1:])
    made = [tile(frame, pad=6, scale=_scale(columns), ground=_ground(columns, light)) for frame in frames]
    return to_gif(np.stack([*made, *made[-2:0:-1]]))


def _shown(pictures: np.ndarray, light: bool) -> np.ndarray:
    return 255 - pictures if light and pictures.ndim == 3 else pictures


def _scale(pictures: np.ndarray) -> int:
    return max(1, -(-SHORTEST // max(pictures.shape[1:3])))


def _ground(pictures: np.ndarray, light: bool) -> int | tuple[int, ...]:
    grey = 255 if light else 24
    return grey if pictures.ndim == 3 else (grey,) * 3
