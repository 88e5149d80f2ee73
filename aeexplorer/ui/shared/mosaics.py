"""What is shown, as files: rows of pictures as PNG, a walk as GIF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aeexplorer.plots import tile, to_gif, to_png

SHORTEST = 96  # pixels of a picture's longer side in a file


def mosaic(rows: Sequence[np.ndarray], light: bool) -> bytes:
    """Rows of pictures, each (n, h, w) or (n, h, w, 3) uint8, as the bytes of a PNG; grey ones as ink on paper if light."""
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
