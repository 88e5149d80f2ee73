"""Cells of a table: what is missing, what is a number with which decimal sign, what is a date."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.str_]
"""(n,) StringDType."""
Decimal = Literal[".", ","]
NUMBER, DATE, TRUTH, TEXT = "number", "date", "yes/no", "text"
MISSING = frozenset(
    {
        "",
        "?",
        "na",
        "n/a",
        "n.a.",
        "nan",
        "null",
        "nil",
        "none",
        "missing",
        "unknown",
        "-",
        "--",
        "---",
        "–",
        "—",
        "*",
        "**",
        "***",
        ".",
        "..",
        "...",
        "#n/a",
        "#na",
        "#value!",
        "#div/0!",
        "#null!",
        "\\n",
        "<na>",
        "nat",
    }
)
TRUTHS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0)
_GROUPS = "\u00a0\u202f '’"
_EXPONENT = r"(?:[eE][+-]?\d{1,3})?"
_SHAPES = {
    ".": re.compile(rf"[+-]?(?:[1-9]\d{{0,2}}(?:[,{_GROUPS}]\d{{3}})+|\d+)?(?:\.\d*)?{_EXPONENT}"),
    ",": re.compile(rf"[+-]?(?:[1-9]\d{{0,2}}(?:[.{_GROUPS}]\d{{3}})+|\d+)?(?:,\d*)?{_EXPONENT}"),
}
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d*)?")
_CURRENCY = "€$£¥%"
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_DATE_PARTS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(.*)", re.DOTALL)
_CODE = re.compile(r"0\d{2,}")


def is_missing(cell: str) -> bool:
    """Whether a cell is one of the usual marks of a missing value."""
    return cell.casefold() in MISSING


def kind_of(cell: str) -> str:
    """The likely type of one cell."""
    if _CODE.fullmatch(cell):
        return TEXT
    if number(cell, ".") is not None or number(cell, ",") is not None:
        return NUMBER
    if _DATE.fullmatch(cell):
        return DATE
    return TRUTH if any(cell.casefold() in pair for pair in TRUTHS[:2]) else TEXT


def number(cell: str, decimal: Decimal) -> float | None:
    """The number in a cell with this decimal sign; None where there is none. Separators of thousands, signs of
    currencies, % and brackets for negative numbers are understood."""
    text = cell.strip(_CURRENCY + " ")
    if decimal == "." and _PLAIN.fullmatch(text):
        return float(text)
    negative = text.startswith("(") and text.endswith(")")
    text = (text[1:-1] if negative else text).replace("−", "-")
    if _SHAPES[decimal].fullmatch(text) is None or not any(c.isdecimal() for c in text):
        return None
    for sign in _GROUPS + ("," if decimal == "." else "."):
        text = text.replace(sign, "")
    try:
        value = float(text.replace(",", "."))
    except ValueError:  # an exponent without digits before it
        return None
    return -value if negative else value


def decimal_sign(samples: Iterable[str], comma_likely: bool) -> tuple[Decimal, bool]:
    """The decimal sign of a table, and whether it was a guess because every number fits both signs.

    Args:
        samples: cells of all columns.
        comma_likely: whether cells are separated by something else than commas.
    """
    dots = commas = 0
    doubtful: set[str] = set()
    for cell in samples:
        with_dot, with_comma = number(cell, "."), number(cell, ",")
        if (with_dot is None and with_comma is None) or _CODE.fullmatch(cell):
            continue
        dots += with_comma is None
        commas += with_dot is None
        if with_dot is not None and with_comma is not None and with_dot != with_comma:
            doubtful.add("," if "," in cell else ".")
    if dots or commas:
        return ("," if commas > dots else "."), False
    if not doubtful:
        return ".", False
    return ("," if comma_likely and "," in doubtful else "."), True


def numbers(texts: list[str], decimal: Decimal) -> np.ndarray:
    """Numbers (n,) float64 of different texts, NaN for those that are none."""
    found = [None if _CODE.fullmatch(text) else number(text, decimal) for text in texts]
    return np.array([np.nan if value is None else value for value in found], dtype=np.float64)


def truths(texts: list[str]) -> np.ndarray | None:
    """0 and 1 (n,) where all texts are of one pair such as no and yes; else None."""
    lowered = [text.casefold() for text in texts]
    for pair in TRUTHS:
        if set(lowered) <= set(pair):
            return np.array([float(pair.index(text)) for text in lowered])
    return None


def dates(texts: list[str]) -> tuple[np.ndarray, str] | None:
    """Seconds (n,) since 1970, NaN for texts that are no dates, and a note on how they were read; None for no dates."""
    tried = texts[:: max(1, len(texts) // 200)]
    if not tried or sum(_DATE.fullmatch(text) is not None for text in tried) < 0.9 * len(tried):
        return None
    parts = [found.groups() for text in texts if (found := _DATE_PARTS.fullmatch(text))]
    if not parts:
        return None
    order, note = _order(parts)
    seconds = np.array([_seconds(text, order) for text in texts])
    return (seconds, note) if np.isfinite(seconds).mean() >= 0.9 else None


def _order(parts: list[tuple[str, ...]]) -> tuple[str, str]:
    """Whether year, day or month comes first, and the note where it was a guess."""
    if len(parts[0][0]) == 4:
        return "ymd", ""
    first, second = max(int(p[0]) for p in parts), max(int(p[2]) for p in parts)
    if second > 12:
        return "mdy", "dates are read as month, day, year"
    if first > 12:
        return "dmy", "dates are read as day, month, year"
    slashes = parts[0][1] == "/"
    return (
        "mdy" if slashes else "dmy"
    ), f"dates are taken as {'month, day' if slashes else 'day, month'}, year: no day is above 12"


def _seconds(text: str, order: str) -> float:
    found = _DATE_PARTS.fullmatch(text)
    if found is None:
        return np.nan
    a, _, b, c, time = found.groups()
    year, month, day = {"ymd": (a, b, c), "dmy": (c, b, a), "mdy": (c, a, b)}[order]
    if len(year) == 2:  # as POSIX reads two digits
        year = f"{19 if int(year) >= 69 else 20}{year}"
    try:
        clock = time.strip().lstrip("T").removesuffix("Z").split("+")[0]
        moment = np.datetime64(
            f"{int(year):04d}-{int(month):02d}-{int(day):02d}{f'T{clock.zfill(5)}' if clock else ''}", "ms"
        )
    except ValueError:
        return np.nan
    return float(moment.astype(np.int64)) / 1e3


def factorized(cells: Cells) -> tuple[np.ndarray, list[str]]:
    """Places (n,) of cells in the list of different ones, and that list in the order in which they first come."""
    places: dict[str, int] = {}
    codes = np.fromiter((places.setdefault(str(cell), len(places)) for cell in cells), np.int64, len(cells))
    return codes, list(places)
