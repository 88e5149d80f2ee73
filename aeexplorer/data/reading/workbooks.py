"""Workbooks and Parquet files as tables."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.reading.proposal import FEWEST, Notes
from aeexplorer.data.reading.text import MOST_CELLS, MOST_COLUMNS, Grid, Row, table

MOST_UNPACKED_BYTES = 300_000_000
ENDINGS = (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods")


def read_workbook(content: bytes, name: str, sheet: str, turn: bool, notes: Notes) -> tuple[Grid, tuple[str, ...]]:
    """The table in a sheet of a workbook, and the names of all sheets; where none is chosen the first with enough rows.

    Raises:
        ConfigError: for a damaged workbook, an unknown sheet, or too much in it.
    """
    from python_calamine import CalamineError, load_workbook

    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            declared = sum(item.file_size for item in archive.infolist())
        if declared > MOST_UNPACKED_BYTES:
            raise ConfigError(f"{name} must unpack to at most {MOST_UNPACKED_BYTES:,} bytes, got {declared:,}")
    try:
        book = load_workbook(io.BytesIO(content))
        sheets = tuple(book.sheet_names)
        if sheet and sheet not in sheets:
            raise ConfigError(unknown("sheet", sheet, sheets))
        found = {title: book.get_sheet_by_name(title) for title in ([sheet] if sheet else sheets)}
        chosen = sheet or _first_with_rows({title: found[title].total_height for title in sheets})
        if found[chosen].total_height * found[chosen].total_width > MOST_CELLS:
            raise ConfigError(f"sheet {chosen} must have at most {MOST_CELLS:,} cells")
        rows = found[chosen].to_python()
    except (CalamineError, OSError, ValueError, IndexError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{name} cannot be read as a workbook: {str(error).splitlines()[0]}") from None
    if len(sheets) > 1:
        sizes = ", ".join(
            f"{title} ({found[title].total_height} rows)" if title in found else title for title in sheets
        )
        notes.add(chosen, f"of the sheets {sizes} this one is read", choice="part")
    numbered: Iterator[tuple[int, Row]] = ((i, [_cell(value) for value in row]) for i, row in enumerate(rows, 1))
    return table(numbered, turn, notes), sheets


def _first_with_rows(heights: dict[str, int]) -> str:
    """The first sheet with enough rows to train on, else the first with any."""
    enough = [title for title, height in heights.items() if height > FEWEST]
    return next(iter([*enough, *(title for title, height in heights.items() if height > 1), *heights]))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value).strip()


def read_parquet(content: bytes, name: str) -> Grid:
    """The table in a Parquet file.

    Raises:
        ConfigError: for a damaged file, or one that holds too much.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if rows * columns > MOST_CELLS or columns > MOST_COLUMNS:
            raise ConfigError(f"{name} must have at most {MOST_CELLS:,} cells, got {rows:,} rows of {columns:,}")
        found = file.read()
        texts = [[_cell(value) for value in column.to_pylist()] for column in found.columns]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{name} cannot be read as a Parquet file: {str(error).splitlines()[0]}") from None
    return Grid(list(found.column_names), [np.array(cells, dtype=np.dtypes.StringDType()) for cells in texts])
