"""What a page shows, as a file: pictures as PNG, other samples as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from aeexplorer.data import DataSpec, as_uint8
from aeexplorer.plots import diverging
from aeexplorer.ui.shared.mosaics import mosaic
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import theme


def sheet(name: str, rows: Mapping[str, np.ndarray], spec: DataSpec, residual: np.ndarray | None = None) -> Download:
    """Rows of samples as one file, made when it is asked for.

    Args:
        name: of the file, without an ending.
        rows: samples (n, *spec.shape) by name, n the same in each.
        residual: (n, *spec.shape) in [-1, 1], under the rows of pictures.
    """
    if spec.kind != "image":
        return Download("CSV", f"{name}.csv", partial(_table, rows, spec))
    light = theme().name == "light"
    pictures = [x if x.dtype == np.uint8 else as_uint8(x) for x in rows.values()]
    if residual is not None:
        pictures = [*(_coloured(x, light) for x in pictures), diverging(residual, theme())]
    return Download("PNG", f"{name}.png", partial(mosaic, pictures, light))


def _table(rows: Mapping[str, np.ndarray], spec: DataSpec) -> bytes:
    lines = ["row,sample," + ",".join(f"value_{i}" for i in range(spec.size))]
    for name, x in rows.items():
        for i, sample in enumerate(x.reshape(len(x), -1)):
            lines.append(f"{name},{i}," + ",".join(f"{value:.6g}" for value in sample))
    return "\n".join(lines).encode()


def _coloured(x: np.ndarray, light: bool) -> np.ndarray:
    """Grey pictures as colours: ink on paper on a light page."""
    return x if x.ndim == 4 else np.repeat((255 - x if light else x)[..., None], 3, axis=3)
