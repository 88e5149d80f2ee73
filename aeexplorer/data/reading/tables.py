"""Tables as arrays: a row is a sample, or a step of a series."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aeexplorer.data.reading.columns import ReadColumn, as_column, is_identifier, read_columns, roles_of
from aeexplorer.data.reading.proposal import (
    MOST_BYTES,
    Choices,
    Notes,
    Proposal,
    Role,
    Samples,
    class_counts,
    counted,
    listed,
    too_few,
)
from aeexplorer.data.reading.series import cut, is_wide, suggested_time, windows
from aeexplorer.data.reading.text import Grid
from aeexplorer.data.spec import Factor

MOST_VALUES = 20_000
"""Values of one sample."""
DAY = 86_400.0


def read_table(grid: Grid, choices: Choices, notes: Notes) -> tuple[Proposal, Samples | None]:
    """The samples of a table: rows of numbers, rows that are series, or windows of a long series."""
    n = len(grid)
    columns = read_columns(grid, choices, notes)
    time = suggested_time(columns, choices)
    roles = roles_of(columns, n, choices, notes)
    if time and time not in choices.columns:
        roles[time] = "time"
        notes.found = [f for f in notes.found if f.what != time or not f.left_out]
    if "time" in roles.values() and choices.kind in ("", "sequence"):
        return _windows(columns, roles, choices, notes)
    used = [column for column in columns if roles[column.name] in ("number", "one-hot")]
    refusal = _refusal(columns, used, n)
    wide = choices.kind == "sequence" or (not choices.kind and is_wide(used))
    if wide and choices.kind != "sequence":
        notes.add("", f"the {len(used):,} columns are taken as the steps of a series", choice="kind")
    x, features = _values(used, n)
    rows = np.arange(n)
    if choices.fill == "leave out":
        rows = np.flatnonzero(~np.isnan(x).any(axis=1))
        if len(rows) < n:
            notes.add("rows", "with missing values", n - len(rows), left_out=True, choice="fill")
        refusal = refusal or too_few(len(rows))
    labels = _labels(columns, roles)
    labels = None if labels is None else [labels[row] for row in rows.tolist()]
    factors, kept = _kept(columns, roles, rows)
    kind = "sequence" if wide else "vector"
    proposal = Proposal(
        kind=kind,
        samples=len(rows),
        shape=x.shape[1:],
        classes=class_counts(labels),
        findings=tuple(notes.found),
        refusal=refusal,
        columns=tuple(as_column(column, roles[column.name]) for column in columns),
        chosen=choices,
    )
    samples = Samples(x[rows], labels, () if wide else features, factors, kept)
    return proposal, None if refusal else samples


def _refusal(columns: Sequence[ReadColumn], used: Sequence[ReadColumn], n: int) -> str:
    """Why there is nothing to train on; "" where there is something."""
    size = f"of {counted(n, 'row')} and {counted(len(columns), 'column')}"
    if few := too_few(n):
        turn = f"; the table {size} may have to be transposed" if len(columns) > 5 * n > 0 else ""
        return few + turn
    numeric = [column for column in columns if column.numeric and not is_identifier(column, n)]
    if not used and numeric and all(column.distinct == 1 for column in numeric):
        names = listed([column.name for column in numeric])
        one = "the only column of numbers, {}, is" if len(numeric) == 1 else "all columns of numbers, {}, are"
        return f"{one.format(names)} constant, so there is nothing to learn"
    if not used:
        return f"no numeric column is left to train on in a table {size}"
    values = sum(1 if column.type != "text" else column.distinct for column in used)
    if values > MOST_VALUES:
        return f"a sample must have at most {MOST_VALUES:,} values, got {values:,}"
    if values * n * 8 > MOST_BYTES:
        return f"a table must take at most {MOST_BYTES:,} bytes, got {values * n * 8:,}"
    return ""


def _values(used: Sequence[ReadColumn], n: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values (n, features) float64, and the names of the features; a column of texts becomes one for each text."""
    parts, names = [], []
    for column in used:
        if column.type == "text":
            parts += [(column.values == place).astype(np.float64) for place in range(len(column.texts))]
            names += [f"{column.name} = {text}" for text in column.texts]
        else:
            parts.append(column.values)
            names.append(column.name)
    return np.stack(parts, axis=1) if parts else np.empty((n, 0)), tuple(names)


def _labels(columns: Sequence[ReadColumn], roles: dict[str, Role]) -> list[str | None] | None:
    return next((column.named() for column in columns if roles[column.name] == "label"), None)


def _kept(
    columns: Sequence[ReadColumn], roles: dict[str, Role], rows: np.ndarray
) -> tuple[tuple[Factor, ...], np.ndarray | None]:
    """Descriptions and values (n, k) of the columns that are kept for colours."""
    factors, values = [], []
    for column in columns:
        if roles[column.name] != "kept":
            continue
        if column.type == "text":
            factors.append(Factor(name=column.name, names=column.texts))
            values.append(np.where(column.values < 0, np.nan, column.values))
        elif column.type == "date":
            first = np.nanmin(column.values)
            unit = f"days since {np.datetime64(int(first // DAY), 'D')}"
            factors.append(Factor(name=column.name, unit=unit))
            values.append(column.values / DAY - first // DAY)
        else:
            factors.append(Factor(name=column.name))
            values.append(column.values)
    return tuple(factors), np.stack(values, axis=1)[rows] if values else None


def _windows(
    columns: Sequence[ReadColumn], roles: dict[str, Role], choices: Choices, notes: Notes
) -> tuple[Proposal, Samples | None]:
    """Windows (n, steps) or (n, steps, channels) of the columns of numbers, in the order of the time column."""
    time = next(column for column in columns if roles[column.name] == "time")
    name = next((column for column in columns if roles[column.name] == "series"), None)
    used = [column for column in columns if roles[column.name] == "number"]
    one_hot = [column.name for column in columns if roles[column.name] == "one-hot"]
    notes.add_all(one_hot, "a text is no value of a series", left_out=True)
    refusal = _refusal(columns, used, len(time.values))
    found = cut(time.values, None if name is None else name.values, notes)
    plan = windows(found, time, choices, notes)
    chosen = choices.replace(window=plan.steps, stride=plan.stride)
    label = next((column for column in columns if roles[column.name] == "label"), None)
    labels = None if label is None else _rarest(label, plan.rows)
    x = np.stack([column.values[plan.rows] for column in used], axis=-1) if used else np.empty((len(plan.rows), 0, 0))
    there = np.array(~np.isnan(x).all(axis=(1, 2)) if used else np.ones(len(x), bool))
    if used:
        x, labels = x[there], None if labels is None else [labels[i] for i in np.flatnonzero(there).tolist()]
    starts = time.values[plan.rows[:, 0]] if len(plan.rows) else np.zeros(0)
    x = x[..., 0] if len(used) == 1 else x
    refusal = refusal or too_few(len(x))
    factors: tuple[Factor, ...] = ()
    kept = None
    if used and time.type == "date" and len(x):
        first = np.nanmin(starts)
        factors = (Factor(name=time.name, unit=f"days since {np.datetime64(int(first // DAY), 'D')}"),)
        kept = (starts[there] / DAY - first // DAY)[:, None]
    proposal = Proposal(
        kind="sequence",
        samples=len(x),
        shape=x.shape[1:],
        classes=class_counts(labels),
        findings=tuple(notes.found),
        refusal=refusal,
        columns=tuple(as_column(column, roles[column.name]) for column in columns),
        chosen=chosen,
    )
    return proposal, None if refusal else Samples(x, labels, (), factors, kept, groups=plan.groups(there))


def _rarest(label: ReadColumn, rows: np.ndarray) -> list[str | None]:
    """The label of each window: of the labels of its steps the rarest in the whole series."""
    names = label.named()
    counts: dict[str | None, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    order = sorted((name for name in counts if name is not None), key=lambda name: counts[name])
    rank = {name: place for place, name in enumerate([*order, None])}
    ranks = np.array([rank[name] for name in names])
    return [[*order, None][place] for place in ranks[rows].min(axis=1).tolist()] if len(rows) else []
