"""Coordinates of a map as a table that spreadsheets open without running anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def plain_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before one that begins as such.

    OWASP, "CSV injection", https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def coordinates_csv(
    points: ArrayLike, index: ArrayLike, labels: ArrayLike, class_names: Sequence[str] = ()
) -> str:  # fmt: skip
    """One row per point: its place in the test split, its class, and where it lies.

    Args:
        points: (n, c).
        index: (n,).
        labels: (n,) integers, -1 where unknown.
        class_names: name of label 0, 1, …; where there is none the number stands.

    Raises:
        ConfigError: for arrays that are not of the same n points.
    """
    where, place, label = np.asarray(points), np.asarray(index), np.asarray(labels)
    if where.ndim != 2 or place.shape != (len(where),) or label.shape != (len(where),):
        raise ConfigError(
            f"points, index and labels must be of the same samples, got shapes {where.shape}, {place.shape}, {label.shape}"
        )
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["test_sample", "class", *"xyz"[: where.shape[1]]])
    for i, y, point in zip(place.tolist(), label.tolist(), where, strict=True):
        name = "" if y < 0 else class_names[y] if y < len(class_names) else str(y)
        table.writerow([i, plain_cell(name), *(f"{value:.7g}" for value in point)])
    return text.getvalue()
