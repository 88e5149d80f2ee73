"""Columns of a table: their types, and the role that each is suggested to have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.reading.cells import (
    SENTINELS,
    Cells,
    Decimal,
    dates,
    decimal_sign,
    factorized,
    is_missing,
    number,
    numbers,
    truths,
)
from aeexplorer.data.reading.proposal import (
    MOST_CLASSES,
    MOST_ONE_HOT,
    Choices,
    Column,
    Notes,
    Role,
    counted,
    listed,
)
from aeexplorer.data.reading.text import Grid

LARGEST = 1e30
MOSTLY = 0.8
"""Share of numbers from which a column with texts among them is one of numbers."""
MOST_LABELS = 50
"""Values of a column that is suggested as the label."""
MENTIONED = 20
"""Columns whose missing cells are told one by one."""
LABEL_WORDS = frozenset(
    {"label", "labels", "class", "target", "y", "species", "category", "diagnosis", "outcome", "anomaly", "occupancy"}
)
LABEL_WORDS_OF_TEXTS = LABEL_WORDS | {"type", "kind", "group", "variety"}
IDENTIFIER = re.compile(r"(?:^|[\s_.#-])(?:id|ids|no|nr|uuid|guid|index|key|isbn|barcode)\.?$", re.IGNORECASE)
_CAMEL_ID = re.compile(r"[a-z](?:ID|Id|No)$")


@dataclass
class ReadColumn:
    """A column that was read.

    Attributes:
        values: (n,) numbers, 0 and 1, or seconds since 1970, NaN where missing; of texts their places in `texts`, -1
            where missing.
        texts: the different texts, sorted; empty for other types.
    """

    name: str
    type: str
    values: np.ndarray
    texts: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    distinct: int = 0
    missing: int = 0
    roles: tuple[Role, ...] = field(default=("leave out",))

    @property
    def numeric(self) -> bool:
        return self.type in ("number", "yes/no")

    @property
    def whole(self) -> bool:
        """Whether all its numbers are whole."""
        there = self.values[~np.isnan(self.values)] if self.type != "text" else np.zeros(0)
        return self.numeric and bool((there == np.rint(there)).all())

    def named(self) -> list[str | None]:
        """Each row's value as the name of a class."""
        if self.type == "text":
            return [self.texts[place] if place >= 0 else None for place in self.values.tolist()]
        return [None if value != value else f"{value:g}" for value in self.values.tolist()]


def read_columns(grid: Grid, choices: Choices, notes: Notes) -> list[ReadColumn]:
    """The columns of a table with their types."""
    samples = (str(cell) for column in grid.columns[:300] for cell in column[: 20_000 // max(len(grid.columns), 20)])
    decimal, guessed = decimal_sign(samples, grid.comma_likely)
    if choices.decimal:
        decimal, guessed = choices.decimal, False
    if decimal == ",":
        notes.add("", "numbers have a decimal comma" + (", which is a guess" if guessed else ""), choice="decimal")
    elif guessed:
        notes.add("", "commas in numbers are taken as separators of thousands, which is a guess", choice="decimal")
    columns = [
        _read(name, cells, decimal, choices, notes) for name, cells in zip(grid.names, grid.columns, strict=True)
    ]
    missing = [column for column in columns if column.missing and column.type != "empty"]
    total = sum(column.missing for column in missing)
    if len(missing) <= MENTIONED:
        for column in missing:
            notes.add(column.name, f"{counted(column.missing, 'cell')} missing", column.missing)
    if total:
        how = {"mean": "filled with the mean of their column", "leave out": "reasons to leave a row out"}[choices.fill]
        notes.add(
            "",
            f"{counted(total, 'cell')} in {counted(len(missing), 'column')} {'is' if total == 1 else 'are'} "
            f"missing; among numbers they are {how}",
            total,
            choice="fill",
        )
    return columns


def _read(name: str, cells: Cells, decimal: Decimal, choices: Choices, notes: Notes) -> ReadColumn:
    codes, texts = factorized(cells)
    counts = np.bincount(codes, minlength=len(texts))
    absent = np.array([is_missing(text) or text in choices.missing for text in texts], dtype=bool)
    present = [text for text, gone in zip(texts, absent, strict=True) if not gone]
    column = _typed(name, codes, texts, counts, absent, decimal, notes)
    column.examples = tuple(text[:40] for text in present[:3])
    column.missing = int((np.isnan(column.values) if column.type != "text" else column.values < 0).sum())
    column.roles = _roles(column)
    if column.type == "number":
        _offer_sentinels(column, choices, notes)
    return column


def _typed(
    name: str,
    codes: np.ndarray,
    texts: list[str],
    counts: np.ndarray,
    absent: np.ndarray,
    decimal: Decimal,
    notes: Notes,
) -> ReadColumn:
    """The column of the first type that fits: empty, yes or no, numbers, dates, mostly numbers, texts."""
    where = np.flatnonzero(~absent)
    present = [texts[i] for i in where]
    table = np.full(len(texts), np.nan)
    if not present:
        return ReadColumn(name, "empty", table[codes])
    yes = truths(present)
    if yes is not None:
        table[where] = yes
        return ReadColumn(name, "yes/no", table[codes], distinct=len(set(yes.tolist())))
    values, share = _as_numbers(present, counts[where], decimal)
    found = dates(present) if share < 1 else None
    if found is not None:
        table[where], note = found
        if note:
            notes.add(name, note)
        return ReadColumn(name, "date", table[codes], distinct=len(present))
    if share >= MOSTLY:
        table[where] = values
        if share < 1:
            among = listed([text for text, value in zip(present, values, strict=True) if np.isnan(value)])
            n = int(counts[where][np.isnan(values)].sum())
            notes.add(name, f"{counted(n, 'text')} among numbers, taken as missing ({among})", n, choice="columns")
        return ReadColumn(name, "number", table[codes], distinct=len(np.unique(values[np.isfinite(values)])))
    ordered = sorted(present)
    places = {text: place for place, text in enumerate(ordered)}
    as_places = np.array([-1 if gone else places[text] for text, gone in zip(texts, absent, strict=True)])
    return ReadColumn(name, "text", as_places[codes], tuple(ordered), distinct=len(ordered))


def _as_numbers(texts: list[str], counts: np.ndarray, decimal: Decimal) -> tuple[np.ndarray, float]:
    """Texts as numbers with the decimal sign of the table, or with the other one where more of them fit; and the share
    of cells that are numbers."""
    best, share = np.full(len(texts), np.nan), -1.0
    if any(number(text, sign) is not None for text in texts[:50] for sign in (".", ",")) or len(texts) > 50:
        for sign in (decimal, "." if decimal == "," else ","):
            values = numbers(texts, "." if sign == "." else ",")
            values[~np.isfinite(values)] = np.nan
            fits = float(counts[~np.isnan(values)].sum() / counts.sum())
            if fits > share:
                best, share = values, fits
            if share == 1:
                break
    return best, max(share, 0.0)


def _roles(column: ReadColumn) -> tuple[Role, ...]:
    if column.type == "empty":
        return ("leave out",)
    few, some = column.distinct <= MOST_ONE_HOT, column.distinct <= MOST_CLASSES
    if column.type == "date":
        return "kept", "time", "leave out"
    if column.type == "text":
        roles: tuple[tuple[Role, bool], ...] = (
            ("label", some),
            ("one-hot", few),
            ("kept", some),
            ("series", some),
            ("leave out", True),
        )
    else:
        whole = column.whole
        roles = (
            ("number", True),
            ("label", some and whole),
            ("one-hot", few and whole),
            ("kept", True),
            ("time", True),
            ("series", some and whole),
            ("leave out", True),
        )
    return tuple(role for role, possible in roles if possible)


def _offer_sentinels(column: ReadColumn, choices: Choices, notes: Notes) -> None:
    """Say which far value may be a mark of missing ones."""
    values = column.values[~np.isnan(column.values)]
    for sentinel in SENTINELS:
        if sentinel not in values or f"{sentinel:g}" in choices.missing:
            continue
        others = values[values != sentinel]
        beyond = len(others) and (sentinel < others.min() or sentinel > others.max())
        if (beyond and abs(sentinel) > 3 * np.abs(others).max()) or (beyond and sentinel < 0 <= others.min()):
            n = int((values == sentinel).sum())
            notes.add(column.name, f"{sentinel:g} may stand for a missing value", n, choice="missing")


def roles_of(columns: Sequence[ReadColumn], n: int, choices: Choices, notes: Notes) -> dict[str, Role]:
    """The role of each column: what was chosen, else what is suggested. What is left out is noted with the reason.

    Raises:
        ConfigError: for a chosen column that is not there, or a role that a column cannot have.
    """
    by_name = {column.name: column for column in columns}
    wanted = dict(choices.columns)
    if choices.label and choices.label != "none":
        wanted[choices.label] = "label"
    for name, role in wanted.items():
        if name not in by_name:
            raise ConfigError(unknown("column", name, list(by_name)[:50]))
        if role not in by_name[name].roles:
            raise ConfigError(f"column {name!r} cannot be {role}: it can be {', '.join(by_name[name].roles)}")
    if sum(role == "label" for role in wanted.values()) > 1:
        raise ConfigError("label must be one column, got more")
    any_number = any(column.numeric and column.distinct > 1 for column in columns)
    why: dict[str, list[str]] = {}
    roles: dict[str, Role] = {}
    for place, column in enumerate(columns):
        if column.name in wanted:
            roles[column.name] = wanted[column.name]
            if wanted[column.name] == "leave out":
                why.setdefault("as chosen", []).append(column.name)
            continue
        role, reason = _suggested(column, n, any_number, first=place == 0)
        roles[column.name] = role
        if reason:
            why.setdefault(reason, []).append(column.name)
    if not choices.label and "label" not in roles.values() and (name := _label(columns, roles, n, choices)):
        roles[name] = "label"
        for names in why.values():
            if name in names:
                names.remove(name)
        notes.add(name, "taken as the label", choice="label")
    for reason, names in why.items():
        if names:
            notes.add_all(names, reason, left_out=True, choice="columns")
    return roles


def _suggested(column: ReadColumn, n: int, any_number: bool, first: bool) -> tuple[Role, str]:
    """A role for a column, and why it is no value of a sample; "" where it is one."""
    if column.type == "empty":
        return "leave out", "it is empty"
    if column.distinct == 1 and not column.missing:
        text = column.examples[0] if column.examples else ""
        return (
            "leave out",
            f"it always holds the same value ({text})" if column.numeric else "it always holds the same value",
        )
    if is_identifier(column, n, first):
        return "leave out", "it is an identifier without information about the sample"
    if column.numeric:
        if np.nanmax(np.abs(column.values)) > LARGEST:
            return "leave out", f"its values must be at most {LARGEST:g}"
        return "number", ""
    if column.type == "date":
        return "kept", "dates are not trained on, but kept for colours"
    if column.distinct <= MOST_ONE_HOT and any_number:
        return "one-hot", ""
    if column.distinct <= MOST_CLASSES:
        return (
            "kept",
            f"a text of more than {MOST_ONE_HOT} values is not trained on, but kept for colours"
            if any_number
            else "a text is not trained on, but kept for colours",
        )
    return "leave out", f"it is a text of more than {MOST_CLASSES:,} values"


def is_identifier(column: ReadColumn, n: int, first: bool = False) -> bool:
    """Whether a column only tells the rows apart: by its name, as texts that are all different, or as a count of the
    rows."""
    unique = column.distinct + column.missing >= n
    if column.type == "text":
        return (unique and n > 2) or (_named_as_identifier(column.name) and column.distinct > MOST_ONE_HOT)
    if column.type != "number" or not column.whole:
        return False
    if _named_as_identifier(column.name) and (unique or column.distinct > MOST_ONE_HOT):
        return True
    steps = np.diff(column.values)
    is_count = unique and n > 2 and bool((steps == 1).all()) and column.values[0] in (0, 1)
    return is_count and (first or column.name.startswith(("column ", "Unnamed")))


def _named_as_identifier(name: str) -> bool:
    return bool(IDENTIFIER.search(name.strip()) or _CAMEL_ID.search(name.strip()))


def _label(columns: Sequence[ReadColumn], roles: dict[str, Role], n: int, choices: Choices) -> str:
    """The column that is most likely the label; "" for none: one named so, else a text at either end."""

    def may_be(column: ReadColumn) -> bool:
        few = 2 <= column.distinct <= min(MOST_LABELS, (n - column.missing) // 3)
        return (
            few and "label" in column.roles and column.name not in choices.columns and roles[column.name] != "leave out"
        )

    for column in reversed(columns):
        words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", column.name).lower()))
        if may_be(column) and words & (LABEL_WORDS_OF_TEXTS if column.type == "text" else LABEL_WORDS):
            return column.name
    for column in (columns[-1], columns[0]) if columns else ():
        if may_be(column) and column.type == "text":
            return column.name
    return ""


def as_column(column: ReadColumn, role: Role) -> Column:
    """A column as a proposal shows it."""
    return Column(
        name=column.name,
        type=column.type,
        role=role,
        roles=column.roles,
        distinct=column.distinct,
        missing=column.missing,
        examples=column.examples,
    )
