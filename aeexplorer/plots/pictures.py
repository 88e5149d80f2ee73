"""Mosaics of pictures: pixels stay square and sharp."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.plots.theme import LIGHT, Theme

MOSAIC_LIMIT = 64_000_000  # bytes of one mosaic


def tile(
    images: ArrayLike, columns: int | None = None, pad: int = 2, scale: int = 1, ground: int | tuple[int, ...] = 255
) -> np.ndarray:
    """Lay pictures out in reading order, each pixel enlarged to a square.

    Args:
        images: (n, h, w) or (n, h, w, 3) uint8.
        columns: pictures in a row; None puts all of them in one: a strip.
        pad: pixels between pictures, after the enlargement; there is no outer border.
        scale: side of the square that a pixel becomes.
        ground: grey value or colour of the gaps and of empty places.

    Returns:
        (H, W) or (H, W, 3) uint8.

    Raises:
        ConfigError: for anything but uint8 pictures, columns or scale below 1, a negative pad, or a mosaic of more
            than 64 MB.
    """
    pictures = np.asarray(images)
    coloured = pictures.ndim == 4 and pictures.shape[-1] == 3
    if pictures.dtype != np.uint8 or not (pictures.ndim == 3 or coloured) or pictures.size == 0:
        raise ConfigError(
            f"images must be uint8 of shape (n, h, w) or (n, h, w, 3), got {pictures.dtype} of shape {pictures.shape}"
        )
    n = len(pictures)
    columns = n if columns is None else columns
    for name, value, least in (("columns", columns, 1), ("scale", scale, 1), ("pad", pad, 0)):
        if value < least:
            raise ConfigError(f"{name} must be at least {least}, got {value}")
    columns = min(columns, n)
    rows = -(-n // columns)
    height, width = pictures.shape[1] * scale, pictures.shape[2] * scale
    shape = (rows * (height + pad) - pad, columns * (width + pad) - pad, *pictures.shape[3:])
    if np.prod(shape, dtype=np.float64) > MOSAIC_LIMIT:
        raise ConfigError(f"a mosaic must be at most {MOSAIC_LIMIT} bytes, {shape} would be {np.prod(shape)}")
    mosaic = np.empty(shape, dtype=np.uint8)
    mosaic[...] = ground
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + pad), (i % columns) * (width + pad)
        mosaic[top : top + height, left : left + width] = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    return mosaic


def diverging(residual: ArrayLike, theme: Theme = LIGHT) -> np.ndarray:
    """Signed pictures as colours: nothing is the ground, too little ink one colour, too much the other.

    Args:
        residual: (n, h, w) or (n, h, w, 3) in [-1, 1]; of three channels the mean.
        theme: its mark stands for 1, its accent for -1, its panel for 0.

    Returns:
        (n, h, w, 3) uint8.
    """
    signed = np.clip(np.asarray(residual, dtype=np.float64), -1, 1)
    if signed.ndim == 4:
        signed = signed.mean(axis=3)
    ground, more, less = (
        np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (theme.panel, theme.mark, theme.accent)
    )
    share = np.abs(signed)[..., None]
    coloured: np.ndarray = np.rint(ground * (1 - share) + np.where(signed[..., None] > 0, more, less) * share)
    return coloured.astype(np.uint8)


def to_png(image: np.ndarray) -> bytes:
    """One picture, (h, w) or (h, w, 3) uint8, as the bytes of a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return file.getvalue()


def to_gif(images: np.ndarray, seconds: float = 4.0) -> bytes:
    """Pictures (n, h, w) or (n, h, w, 3) uint8 as the bytes of a GIF that repeats; one round takes `seconds`."""
    from PIL import Image

    frames = [Image.fromarray(image) for image in images]
    file = io.BytesIO()
    frames[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 * seconds / len(frames)),
        loop=0,
    )
    return file.getvalue()
