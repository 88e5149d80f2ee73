"""Export maps and codes: a table for spreadsheets, and files for the Embedding Projector."""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError
from aeexplorer.spreadsheets import plain_cell

SPRITE_SIDE = 8192  # pixels: larger sprites do not fit on a graphics card


def coordinates_csv(
    points: ArrayLike,
    index: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str] = (),
    columns: Mapping[str, Sequence[object]] | None = None,
) -> str:
    """A table with one row per point: the index of its sample, its class, its coordinates, and other columns.

    Args:
        points: (n, c).
        index: (n,) samples, see `Dataset.take`.
        labels: (n,) integers, -1 where unknown.
        class_names: name of label 0, 1, …; where there is none the number stands.
        columns: by title, n texts or numbers each.

    Raises:
        ConfigError: for arrays that are not of the same n points.
    """
    where, place, label, more = np.asarray(points), np.asarray(index), np.asarray(labels), columns or {}
    if where.ndim != 2 or place.shape != (len(where),) or label.shape != (len(where),):
        raise ConfigError(
            f"points, index and labels must be of the same samples, got shapes {where.shape}, {place.shape}, "
            f"{label.shape}"
        )
    for title, values in more.items():
        if len(values) != len(where):
            raise ConfigError(f"column {title!r} must hold {len(where)} values, got {len(values)}")
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["sample", "class", *"xyz"[: where.shape[1]], *map(plain_cell, more)])
    for row, (i, y, point) in enumerate(zip(place.tolist(), label.tolist(), where, strict=True)):
        others = (_cell(values[row]) for values in more.values())
        table.writerow([i, plain_cell(_name(y, class_names)), *(f"{value:.7g}" for value in point), *others])
    return text.getvalue()


def _cell(value: object) -> str:
    return f"{value:.7g}" if isinstance(value, float | np.floating) else plain_cell(str(value))


def _name(label: int, class_names: Sequence[str]) -> str:
    return "" if label < 0 else class_names[label] if label < len(class_names) else str(label)


def projector_zip(
    codes: ArrayLike,
    index: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str] = (),
    pictures: ArrayLike | None = None,
) -> bytes:
    """Codes as the Embedding Projector reads them (https://projector.tensorflow.org, "Load").

    Holds vectors.tsv and metadata.tsv, with pictures also sprite.png, and projector_config.json and .pbtxt, which name
    them for the web page and for TensorBoard.

    Args:
        codes: (n, K).
        index: (n,) samples, see `Dataset.take`.
        labels: (n,) integers, -1 where unknown.
        class_names: name of label 0, 1, …; where there is none the number stands.
        pictures: (n, h, w) or (n, h, w, 3) uint8; reduced where the sprite of all would be too large.

    Returns:
        A zip archive.

    Raises:
        ConfigError: for arrays that are not of the same n samples, or pictures of another shape or type.
    """
    z, place, label = np.asarray(codes), np.asarray(index), np.asarray(labels)
    if z.ndim != 2 or place.shape != (len(z),) or label.shape != (len(z),):
        raise ConfigError(
            f"codes, index and labels must be of the same samples, got shapes {z.shape}, {place.shape}, {label.shape}"
        )
    vectors = io.StringIO()
    np.savetxt(vectors, z, fmt="%.7g", delimiter="\t")
    rows = ["sample\tclass"]
    for i, y in zip(place.tolist(), label.tolist(), strict=True):
        rows.append(f"{i}\t{plain_cell(' '.join(_name(y, class_names).split()))}")
    files = {"vectors.tsv": vectors.getvalue().encode(), "metadata.tsv": ("\n".join(rows) + "\n").encode()}
    tensor: dict[str, object] = {
        "tensorName": "codes",
        "tensorShape": list(z.shape),
        "tensorPath": "vectors.tsv",
        "metadataPath": "metadata.tsv",
    }
    lines = ['  tensor_name: "codes"', '  tensor_path: "vectors.tsv"', '  metadata_path: "metadata.tsv"']
    if pictures is not None:
        files["sprite.png"], (height, width) = _sprite(np.asarray(pictures), len(z))
        tensor["sprite"] = {"imagePath": "sprite.png", "singleImageDim": [width, height]}
        lines.append(f'  sprite {{ image_path: "sprite.png" single_image_dim: {width} single_image_dim: {height} }}')
    files["projector_config.json"] = json.dumps({"embeddings": [tensor]}, indent=2).encode()
    files["projector_config.pbtxt"] = ("embeddings {\n" + "\n".join(lines) + "\n}\n").encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return archive.getvalue()


def _sprite(pictures: np.ndarray, n: int) -> tuple[bytes, tuple[int, int]]:
    """A square PNG of all pictures in reading order, and the height and width of one picture."""
    from PIL import Image

    coloured = pictures.ndim == 4 and pictures.shape[-1] == 3
    if pictures.dtype != np.uint8 or not (pictures.ndim == 3 or coloured) or len(pictures) != n:
        raise ConfigError(
            f"pictures must be uint8 of shape ({n}, h, w) or ({n}, h, w, 3), got {pictures.dtype} of shape "
            f"{pictures.shape}"
        )
    across = math.ceil(math.sqrt(n))
    step = math.ceil(across * max(pictures.shape[1:3]) / SPRITE_SIDE)
    small = pictures[:, ::step, ::step]
    height, width = small.shape[1:3]
    sprite = np.full((across, height, across, width, *small.shape[3:]), 255, np.uint8)
    for row in range(math.ceil(n / across)):
        strip = small[row * across : (row + 1) * across]
        sprite[row, :, : len(strip)] = strip.swapaxes(0, 1)
    content = io.BytesIO()
    Image.fromarray(sprite.reshape(across * height, across * width, *small.shape[3:])).save(content, "PNG")
    return content.getvalue(), (height, width)
