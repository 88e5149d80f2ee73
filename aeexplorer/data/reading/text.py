"""Text tables: encoding, separator, header and footer lines; cells as text, column by column."""

from __future__ import annotations

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data.reading.cells import TEXT, Cells, is_missing, kind_of
from aeexplorer.data.reading.proposal import Notes, counted, listed

MOST_CELLS = 10_000_000
MOST_COLUMNS = 100_000
LOOKED_AT = 200
"""Rows that tell the width, the header and the decimal sign."""
SAMPLE_CHARACTERS = 20_000
CHUNK = 10_000
DELIMITERS = [",", ";", "\t", "|", " "]
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
Row = list[str]


@dataclass
class Grid:
    """A table of text.

    Attributes:
        columns: (n,) cells of each column, stripped.
        decimals: whether a comma may be the decimal sign where nothing else decides.
    """

    names: list[str]
    columns: list[Cells]
    comma_likely: bool = False

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def decoded(content: bytes, name: str, notes: Notes) -> str:
    """The name of the encoding of a text.

    Raises:
        ConfigError: for what is no text.
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            if not encoding.startswith("utf-8"):
                notes.add(name, f"read as {encoding.upper()}, as the mark at its beginning says")
            return _checked(content, encoding, name)
    zeros = content[:4_000].count(0)
    if zeros > len(content[:4_000]) / 4:
        encoding = "utf-16-le" if content[1:4_000:2].count(0) > zeros / 2 else "utf-16-be"
        notes.add(name, f"read as {encoding.upper()}")
        return _checked(content, encoding, name)
    if zeros or b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise ConfigError(f"{name} must be text, got a NUL byte in line {line}")
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
    for encoding, title in (("cp1252", "Windows-1252"), ("latin-1", "ISO-8859-1")):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        notes.add(name, f"read as {title}, because line {line} is not UTF-8")
        return encoding
    raise ConfigError(f"{name} must be text")


def _checked(content: bytes, encoding: str, name: str) -> str:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        raise ConfigError(f"{name} must be text in {encoding.upper()}, as it begins, got other bytes") from None
    return encoding


def read_text(content: bytes, name: str, turn: bool, notes: Notes) -> Grid:
    """The table in a text file.

    Raises:
        ConfigError: for an empty file, what is no text, or more cells than are read.
    """
    if not content.strip():
        raise ConfigError(f"{name} is empty")
    encoding = decoded(content, name, notes)

    def lines() -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(content), encoding, newline="")

    with lines() as text:
        sample = "".join(itertools.islice(iter(lambda: text.readline(SAMPLE_CHARACTERS), ""), 100))[:SAMPLE_CHARACTERS]
    delimiter, quote = _dialect(sample)
    if delimiter not in ("", ","):
        notes.add(name, f"cells are separated by {NAMES.get(delimiter, delimiter)}")
    with lines() as text:
        rows = csv.reader(
            text, delimiter=delimiter or "\x1f", quotechar=quote or '"', skipinitialspace=delimiter == " "
        )
        return table(_counted_rows(rows, name), turn, notes, comma_likely=delimiter in (";", "\t"))


def _dialect(sample: str) -> tuple[str, str]:
    """Separator and quotation mark; "" for a separator of a table with one column."""
    import clevercsv

    whole = sample[: sample.rfind("\n") + 1] or sample
    found = clevercsv.Sniffer().detect(whole, delimiters=DELIMITERS)
    if found is None:
        return "", '"'
    quote = found.quotechar if '"' not in whole else '"'
    return found.delimiter or "", quote or '"'


def _counted_rows(rows: Iterator[Row], name: str) -> Iterator[tuple[int, Row]]:
    """Rows with the number of the line that they end in; refuses what the reader cannot split."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise ConfigError(f"{name} cannot be read after line {rows.line_num}: {error}") from None  # type: ignore[attr-defined]
        yield rows.line_num, [cell.strip() for cell in row]  # type: ignore[attr-defined]


def table(rows: Iterable[tuple[int, Row]], turn: bool, notes: Notes, comma_likely: bool = False) -> Grid:
    """A table from its rows: without empty lines, titles above, units below the header, and footers."""
    empty: list[int] = []
    whole = _filled(rows, empty)
    first = list(itertools.islice(whole, LOOKED_AT))
    if not first:
        raise ConfigError("the table is empty")
    width = _width(first)
    if width > MOST_COLUMNS:
        raise ConfigError(f"a table must have at most {MOST_COLUMNS:,} columns, got {width:,}")
    first = _without_titles(first, width, notes)
    if turn:
        turned = list(itertools.zip_longest(*_padded(itertools.chain(first, whole), width, notes), fillvalue=""))
        return table(enumerate(map(list, turned), 1), False, notes, comma_likely)
    names: Row | None = None
    if has_header([row for _, row in first]):
        names = [*first.pop(0)[1], *[""] * width][:width]
        if first and _is_units([row for _, row in first]):
            units = [*first.pop(0)[1], *[""] * width][:width]
            names = [f"{name} [{unit}]" if unit else name for name, unit in zip(names, units, strict=True)]
            notes.add("", "the line below the header is taken as the units")
    elif width > 1 or len(first) > 1:
        notes.add("", "there is no header line, so the columns are numbered")
    columns = _columns(_padded(itertools.chain(first, whole), width, notes), width)
    columns = _without_footers(columns, notes)
    if empty:
        notes.add("rows", "they are empty", len(empty), left_out=True)
    return Grid(_named(names, width, notes), columns, comma_likely)


def _filled(rows: Iterable[tuple[int, Row]], empty: list[int]) -> Iterator[tuple[int, Row]]:
    """Rows with anything in them; of the others, those with separators are noted."""
    for number, row in rows:
        if any(row):
            yield number, row
        elif len(row) > 1:
            empty.append(number)


def _width(rows: Sequence[tuple[int, Row]]) -> int:
    """The number of cells that most rows have; a row that ends in empty cells is shorter only then."""
    widths = Counter(len(row) for _, row in rows)
    best = max(widths.values())
    return max(width for width, count in widths.items() if count == best)


def _without_titles(rows: list[tuple[int, Row]], width: int, notes: Notes) -> list[tuple[int, Row]]:
    start = 0
    while width > 1 and start < min(20, len(rows) - 1) and sum(map(bool, rows[start][1])) <= max(1, width // 8):
        number, row = rows[start]
        notes.add(f"line {number}", f'a title, "{listed([cell for cell in row if cell])}"', left_out=True)
        start += 1
    return rows[start:]


def has_header(rows: Sequence[Row]) -> bool:
    """Whether the first row names the columns: its cells are of another kind than those below, or all are texts that do
    not come again."""
    head, body = rows[0], rows[1:]
    if not body:
        return True
    texts = 0
    for place, cell in enumerate(head):
        below = [row[place] for row in body if place < len(row)]
        kinds = Counter(kind_of(value) for value in below if not is_missing(value))
        if not kinds:
            continue
        common = kinds.most_common(1)[0][0]
        if cell and not is_missing(cell) and common != TEXT and kind_of(cell) != common:
            return True
        if common == TEXT and (kind_of(cell or "?") != TEXT or (not cell and place) or cell in below):
            continue
        texts += common == TEXT
    named = [cell for cell in head if cell]
    return texts == len(head) and len(set(named)) == len(named)


def _is_units(rows: Sequence[Row]) -> bool:
    """Whether the first row holds texts, or nothing, where all others hold numbers."""
    if len(rows) < 3:
        return False
    cells = list(zip(*rows[:20], strict=False))
    numeric = [
        column
        for column in cells
        if all(kind_of(cell) == "number" or is_missing(cell) for cell in column[1:]) and any(map(str.strip, column[1:]))
    ]
    heads = [column[0] for column in numeric if not is_missing(column[0])]
    return len(heads) >= max(1, len(numeric) / 2) and all(kind_of(head) == TEXT and len(head) <= 20 for head in heads)


def _padded(rows: Iterable[tuple[int, Row]], width: int, notes: Notes) -> Iterator[Row]:
    """Rows of one width: shorter ones are filled up, longer ones left out."""
    longer, shorter, cells = [], [], 0
    for number, row in rows:
        cells += width
        if cells > MOST_CELLS:
            raise ConfigError(f"a table must have at most {MOST_CELLS:,} cells, got more")
        if len(row) > width and any(row[width:]):
            longer.append(f"line {number}")
            continue
        if len(row) < width - 1 and sum(map(bool, row)) > 1:
            shorter.append(f"line {number}")
        yield [*row[:width], *[""] * (width - len(row))]
    notes.add_all(longer, f"more than {counted(width, 'cell')}", left_out=True)
    notes.add_all(shorter, f"fewer than {counted(width, 'cell')}, so the last ones are missing")


def _columns(rows: Iterator[Row], width: int) -> list[Cells]:
    parts: list[list[Cells]] = [[] for _ in range(width)]
    while chunk := list(itertools.islice(rows, CHUNK)):
        for part, cells in zip(parts, zip(*chunk, strict=True), strict=True):
            part.append(np.array(cells, dtype=np.dtypes.StringDType()))
    empty = np.array([], dtype=np.dtypes.StringDType())
    return [part[0] if len(part) == 1 else np.concatenate(part) if part else empty for part in parts]


def _without_footers(columns: list[Cells], notes: Notes) -> list[Cells]:
    """Columns without the last rows that hold a text in the first cell and nothing else."""
    n = end = len(columns[0])
    while len(columns) > 2 and end > 1 and n - end < 20:
        row = [str(column[end - 1]) for column in columns]
        if not row[0] or any(row[1:]) or kind_of(row[0]) != TEXT:
            break
        notes.add("last line", f'a footer, "{row[0][:80]}"', left_out=True)
        end -= 1
    return columns if end == n else [column[:end] for column in columns]


def _named(names: Row | None, width: int, notes: Notes) -> list[str]:
    """Distinct names of columns."""
    if names is None:
        return [f"column {i + 1}" for i in range(width)]
    given = [name[:200] or f"column {i + 1}" for i, name in enumerate(names)]
    taken: set[str] = set()
    again = []
    for place, name in enumerate(given):
        new, number = name, 2
        while new in taken or (new != name and new in given):
            new, number = f"{name}.{number}", number + 1
        if new != name:
            again.append(f"{name} as {new}")
        taken.add(new)
        given[place] = new
    if again:
        notes.add(listed(again), "columns of the same name are told apart by numbers", len(again))
    return given
