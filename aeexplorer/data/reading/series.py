"""Series: which column is the time, where a series has gaps, and the windows that are cut from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aeexplorer.data.reading.columns import ReadColumn, is_identifier
from aeexplorer.data.reading.proposal import Choices, Notes, counted

LONG = 64
"""Rows from which a table with evenly spaced times is taken as a series."""
EVEN = 0.8
"""Share of the steps of a series that are about as long as the usual one."""
MOST_CHANNELS = 32
MOST_WINDOWS = 20_000
SUGGESTED_STEPS = 64
WIDE_STEPS = 24
GAP = 1.5
"""Usual steps from which a gap ends a window."""


@dataclass
class Plan:
    """Windows of a series.

    Attributes:
        rows: (n, steps) rows of the table.
        steps, stride: of a window, and between the beginnings of two.
    """

    rows: np.ndarray
    steps: int
    stride: int

    def groups(self, kept: np.ndarray) -> np.ndarray | None:
        """Groups (n,) of windows that share steps: blocks of neighbours, so that the splits share few."""
        if self.stride >= self.steps or not kept.any():
            return None
        block = max(4, -(-self.steps // self.stride))
        starts: np.ndarray = (self.rows[:, 0] // (self.stride * block))[kept]
        return starts.astype(np.int64)


def suggested_time(columns: Sequence[ReadColumn], choices: Choices) -> str:
    """The column that orders the rows of a series: the chosen one, or dates at even steps; "" for none."""
    if chosen := next((name for name, role in choices.columns.items() if role == "time"), ""):
        return chosen
    numeric = [column for column in columns if column.numeric and not is_identifier(column, len(column.values))]
    if choices.kind not in ("", "sequence") or not 1 <= len(numeric) <= MOST_CHANNELS:
        return ""
    for column in columns:
        if column.type == "date" and column.name not in choices.columns and len(column.values) >= LONG:
            steps = np.diff(column.values)
            usual = float(np.nanmedian(steps))
            if usual > 0 and (np.abs(steps - usual) <= 0.1 * usual).mean() >= EVEN:
                return column.name
    return ""


def is_wide(used: Sequence[ReadColumn]) -> bool:
    """Whether columns are the steps of a series: many, of numbers, and named by whole numbers that rise evenly."""
    if len(used) < WIDE_STEPS or not all(column.type == "number" for column in used):
        return False
    digits = ["".join(c for c in column.name if c.isdecimal()) for column in used]
    stems = {"".join(c for c in column.name if not c.isdecimal()).strip(" _.-") for column in used}
    if not all(digits) or len(stems) > 1 or stems == {"column"}:
        return False
    steps = np.diff([int(text[:12]) for text in digits])
    return bool((steps == steps[0]).all() and steps[0] > 0)


def cut(time: np.ndarray, names: np.ndarray | None, notes: Notes) -> list[np.ndarray]:
    """Rows of each unbroken stretch of each series, in the order of time."""
    stretches, gaps, again = [], 0, 0
    steps = np.diff(time)
    usual = float(np.nanmedian(steps[steps > 0])) if (steps > 0).any() else 1.0
    for series in [None] if names is None else np.unique(names[~_absent(names)]).tolist():
        rows = np.arange(len(time)) if series is None else np.flatnonzero(names == series)
        rows = rows[~np.isnan(time[rows])]
        rows = rows[np.argsort(time[rows], kind="stable")]
        distinct = np.concatenate([[True], np.diff(time[rows]) > 0]) if len(rows) else np.zeros(0, bool)
        again += int((~distinct).sum())
        rows = rows[distinct]
        breaks = np.flatnonzero(np.diff(time[rows]) > GAP * usual) + 1
        gaps += len(breaks)
        stretches += [stretch for stretch in np.split(rows, breaks) if len(stretch)]
    if again:
        notes.add("rows", "their time comes twice", again, left_out=True)
    if gaps:
        notes.add("", f"{counted(gaps, 'gap')} in the time; no window reaches across one", gaps)
    return stretches


def _absent(names: np.ndarray) -> np.ndarray:
    absent: np.ndarray = np.isnan(names) if names.dtype.kind == "f" else names < 0
    return absent


def windows(stretches: Sequence[np.ndarray], time: ReadColumn, choices: Choices, notes: Notes) -> Plan:
    """The windows of all stretches, of the chosen length and stride."""
    longest = max((len(stretch) for stretch in stretches), default=0)
    total = sum(len(stretch) for stretch in stretches)
    steps = choices.window or max(2, min(SUGGESTED_STEPS, longest, max(total // 40, 8)))
    stride = choices.stride or max(1, steps // 2, -(-total // MOST_WINDOWS))
    found = [
        stretch[np.arange(0, len(stretch) - steps + 1, stride)[:, None] + np.arange(steps)]
        for stretch in stretches
        if len(stretch) >= steps
    ]
    rows = np.concatenate(found)[:MOST_WINDOWS] if found else np.empty((0, steps), np.int64)
    notes.add(
        time.name,
        f"the time of a series, cut into {counted(len(rows), 'window')} of {steps} steps, one every "
        f"{counted(stride, 'step')}",
        len(rows),
        choice="window",
    )
    return Plan(rows, steps, stride)
