"""The reader of data that people bring: files become a proposal, and with a person's choices arrays.

One reader for the page, the command line and Python. It is told how to read by `Choices`; whatever is left open it
decides itself and says so in the proposal. Nothing is unpacked to disk, followed outside or unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.reading import pictures, workbooks
from aeexplorer.data.reading.archives import Member, opened, unpacked
from aeexplorer.data.reading.arrays import read_arrays
from aeexplorer.data.reading.pictures import read_pictures
from aeexplorer.data.reading.proposal import (
    FEWEST,
    Cancelled,
    Choices,
    Column,
    Finding,
    Notes,
    Progress,
    Proposal,
    Role,
    Samples,
    listed,
    unheard,
)
from aeexplorer.data.reading.tables import read_table
from aeexplorer.data.reading.text import read_text

TEXTS = (".csv", ".tsv", ".txt", ".data", ".tab", ".dat", ".asc", ".csv.gz", ".gz")
TABLES = (*TEXTS, ".parquet", ".pq", *workbooks.ENDINGS, ".npy", ".npz")
"""Endings of files with tables or arrays; other files are looked into."""
READABLE = "a picture, CSV, Excel, Parquet or NumPy file, or a zip archive of them"


def read(
    path: Path, choices: Choices | None = None, progress: Progress = unheard, most: int | None = None
) -> tuple[Proposal, Samples | None]:
    """Read a file, a folder or a zip archive.

    Args:
        choices: what is decided already.
        progress: told the share that is done; what it raises ends the reading.
        most: of pictures, read no more than so many, for a preview.

    Returns:
        what was found, and the arrays; None where the proposal has a refusal.

    Raises:
        ConfigError: when nothing in it can be read; one sentence.
    """
    choices, notes = choices or Choices(), Notes()
    with opened(path, notes) as members:
        found = [member for member in members if member.ending in pictures.ENDINGS]
        others = [member for member in members if member.ending not in pictures.ENDINGS]
        tables = [member for member in others if member.ending in TABLES or (len(members) == 1 and member.size)]
        if found and not (choices.part and choices.part in {member.name for member in tables}):
            _leave_out(others, notes)
            return read_pictures(found, choices, notes, progress, most)
        if len(members) == 1 and not path.is_dir() and not tables:
            raise ConfigError(f"{path.name} is empty")
        if not tables:
            what = f", got {listed([member.name for member in members])}" if members else ", got none"
            left = f" ({'; '.join(f.sentence.rstrip('.') for f in notes.found)})" if notes.found else ""
            raise ConfigError(f"{path.name} holds no pictures and no tables{what}{left}")
        if len(members) > 1 or path.is_dir() or members[0].name != path.name:
            notes.add("", f"{path.name} holds no pictures")
        return _one_table(tables, others, choices, notes, progress)


def _leave_out(members: Sequence[Member], notes: Notes) -> None:
    notes.add_all([member.name for member in members], "it is not a picture", left_out=True)


def _one_table(
    tables: Sequence[Member], others: Sequence[Member], choices: Choices, notes: Notes, progress: Progress
) -> tuple[Proposal, Samples | None]:
    """The table of the one file that is chosen, or of the largest."""
    names = tuple(member.name for member in tables)
    part = choices.part
    member = next((m for m in tables if m.name == part), None) or max(tables, key=lambda member: member.size)
    inner = choices.replace(part="") if part in names else choices
    if len(tables) > 1:
        notes.add(member.name, f"of the files {listed(names)} this one is read", choice="part")
    notes.add_all([m.name for m in others if m not in tables], "it is not a table", left_out=True)
    name, content = unpacked(member)
    progress(0.2)
    proposal, samples = read_content(content, name.rsplit("/", 1)[-1], inner, notes)
    progress(1.0)
    if len(tables) > 1:
        proposal = proposal.replace(parts=names, chosen=proposal.chosen.replace(part=member.name))
    return proposal, samples


def read_content(content: bytes, name: str, choices: Choices, notes: Notes) -> tuple[Proposal, Samples | None]:
    """The table or arrays in the content of one file, by what it begins with rather than by its name.

    Raises:
        ConfigError: when it is neither.
    """
    head = content[:8]
    ending = Path(name).suffix.lower()
    if head[:6] == b"\x93NUMPY" or ending == ".npz":
        return read_arrays(content, name, choices, notes)
    if head[:2] == b"PK" or head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" or ending in workbooks.ENDINGS:
        grid, sheets = workbooks.read_workbook(content, name, choices.part, choices.turn, notes)
        proposal, samples = read_table(grid, choices, notes)
        return proposal.replace(parts=sheets if len(sheets) > 1 else ()), samples
    if head[:4] == b"PAR1":
        grid = workbooks.read_parquet(content, name)
    elif any(head.startswith(mark) for mark in _OTHER_FILES):
        raise ConfigError(f"{name} must be {READABLE}, got another kind of file")
    else:
        grid = read_text(content, name, choices.turn, notes)
    if choices.part:
        raise ConfigError(unknown("part", choices.part, [name]))
    return read_table(grid, choices, notes)


_OTHER_FILES = (
    b"%PDF",
    b"\x7fELF",
    b"MZ",
    b"Rar!",
    b"7z\xbc\xaf",
    b"BZh",
    b"\xfd7zXZ",
    b"\x80\x04",
    b"\x80\x05",
    b"\x89HDF",
    b"SQLite",
)
"""Beginnings of files that are no tables; \\x80 is that of a pickle, which is never opened."""
