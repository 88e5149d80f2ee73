"""A proposal: what was found in somebody's files, what is left out and why, and what there is to choose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config
from aeexplorer.data.spec import MAX_SIDE, Factor, Kind

FEWEST = 14
"""Samples, so that each split has two of them."""
MOST_BYTES = 1_000_000_000
"""Bytes of the samples in memory."""
MOST_ONE_HOT = 20
"""Values of a column that becomes one column for each value."""
MOST_CLASSES = 1_000
NAMED = 5
"""Things that a sentence names before it counts the rest."""

Role = Literal["number", "one-hot", "label", "kept", "time", "series", "leave out"]
"""Role of a column: a value of a sample, one value for each of its texts, the label, kept for colours, the time
or the name of a series, or nothing."""

Progress = Callable[[float], None]
"""A callback with the share that is done; raises `Cancelled` when nobody waits any more."""


class Cancelled(Exception):
    """Nobody waits for the data any more."""


def unheard(fraction: float) -> None:
    """Take a report of progress that nobody waits for."""


class Choices(Config):
    """The choices of a person; None and "" leave the choice to the reader.

    Attributes:
        part: which sheet, array or file is read, where there are several.
        label: the column that holds the labels; "none" for no labels.
        columns: roles by column.
        missing: further marks of missing values, such as "-999".
    """

    kind: Literal["", "image", "vector", "sequence"] = ""
    part: Annotated[str, Field(max_length=500)] = ""
    size: int | None = Field(None, ge=8, le=MAX_SIDE, description="Side of a picture in pixels")
    fit: Literal["fit", "fill", "stretch"] = "fit"
    ground: Literal["white", "black", "grey"] = "white"
    grey: bool | None = None
    label: Annotated[str, Field(max_length=500)] = ""
    columns: dict[str, Role] = Field(default_factory=dict, max_length=20_000)
    missing: tuple[Annotated[str, Field(max_length=40)], ...] = Field((), max_length=20)
    fill: Literal["mean", "leave out"] = "mean"
    decimal: Literal["", ".", ","] = ""
    turn: bool = False
    window: int | None = Field(None, ge=2, le=10_000, description="Steps of a window")
    stride: int | None = Field(None, ge=1, le=10_000, description="Steps from one window to the next")


class Finding(Config):
    """One thing that was noticed.

    Attributes:
        what: the file, column, line or value.
        why: what is the matter with it, and what becomes of it; a clause that follows "what: ".
        count: how often.
        choice: the field of `Choices` that decides about it, "" where there is nothing to choose.
    """

    what: str
    why: str
    count: int = 1
    left_out: bool = False
    choice: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.what}: {self.why}." if self.what else f"{self.why[:1].upper()}{self.why[1:]}."


class Column(Config):
    """A column of a table, its role, and the roles that it may have."""

    name: str
    type: Literal["number", "yes/no", "date", "text", "empty"]
    role: Role
    roles: tuple[Role, ...]
    distinct: int
    missing: int
    examples: tuple[str, ...] = ()


class Proposal(Config):
    """The data as they would be kept.

    Attributes:
        classes: names and numbers of samples.
        refusal: why nothing can be kept; empty where something can.
        parts: the sheets, arrays or files of which one is read.
        chosen: the choices with the reader's own in place of those left open.
    """

    kind: Kind = "vector"
    samples: int = 0
    shape: tuple[int, ...] = ()
    classes: tuple[tuple[str, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    refusal: str = ""
    parts: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    chosen: Choices = Choices()

    @property
    def left_out(self) -> list[dict[str, Any]]:
        """The left-out items, with reasons and counts."""
        return [{"what": f.what, "why": f.why, "count": f.count} for f in self.findings if f.left_out]

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about everything that was noticed."""
        return tuple(f.sentence for f in self.findings)


@dataclass
class Samples:
    """The arrays of a proposal.

    Attributes:
        x: (n, ...) uint8 of pictures, float64 elsewhere, NaN where a value is missing.
        labels: (n,) names, None where a sample has none; or None.
        features: names of the columns of a table.
        factors, columns: descriptions and values (n, k) of further columns that are kept for colours.
        groups: (n,) numbers of the groups of samples that belong into one split; or None.
        split: (n,) names of given splits; or None.
    """

    x: np.ndarray
    labels: list[str | None] | None = None
    features: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    columns: np.ndarray | None = None
    groups: np.ndarray | None = None
    split: list[str] | None = None


@dataclass
class Notes:
    """Findings while they are collected."""

    found: list[Finding] = field(default_factory=list)

    def add(self, what: str, why: str, count: int = 1, *, left_out: bool = False, choice: str = "") -> None:
        self.found.append(Finding(what=what[:500], why=why, count=count, left_out=left_out, choice=choice))

    def add_all(self, names: Sequence[str], why: str, *, left_out: bool = False, choice: str = "") -> None:
        """One finding for each of a few names, one for all of many."""
        if len(names) <= NAMED:
            for name in names:
                self.add(name, why, left_out=left_out, choice=choice)
        else:
            self.add(listed(names), why, len(names), left_out=left_out, choice=choice)


def listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:NAMED]]
    more = len(names) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else ", ".join(shown)


def counted(n: int, noun: str) -> str:
    """A number and its noun: "1 cell", "2 cells"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def class_counts(labels: Sequence[str | None] | None) -> tuple[tuple[str, int], ...]:
    """Names of classes in their order, with their numbers of samples."""
    counts = Counter(label for label in labels or () if label is not None)
    return tuple((name, counts[name]) for name in sorted(counts, key=class_order))


def class_order(name: str) -> tuple[int, float, str]:
    """Sorting key of classes: numbers by their values, before texts."""
    number = name.isdecimal() and len(name) < 16
    return (0, float(name), "") if number else (1, 0.0, name)


def too_few(n: int) -> str:
    """The refusal of too few samples; "" for enough."""
    if n >= FEWEST:
        return ""
    return f"{counted(n, 'sample')} {'is' if n == 1 else 'are'} too few to train: at least {FEWEST} are needed"
