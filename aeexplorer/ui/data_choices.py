"""The choices of Add data: what a person decides about the files that were read."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.data.reading import Choices, Column, Proposal, Role
from aeexplorer.data.reading.pictures import SIDES
from aeexplorer.ui.shared.text import as_text

FITS = {"fit": "Fit with margins", "fill": "Fill and crop", "stretch": "Stretch"}
KINDS = {"": "As suggested", "vector": "Rows are samples", "sequence": "Series"}
ROLE_TITLES: dict[Role, str] = {
    "number": "value",
    "one-hot": "one value per text",
    "label": "label",
    "kept": "kept for colours",
    "time": "time",
    "series": "name of the series",
    "leave out": "left out",
}
MOST_COLUMNS = 200
"""Columns whose roles can be chosen on the page; wider tables need the command line."""


def ask(proposal: Proposal, now: Choices, key: str) -> Choices:
    """The choices as the widgets stand.

    Args:
        now: the choices that the proposal answers.
        key: of the reading, part of the keys of all widgets.
    """
    offered = {finding.choice for finding in proposal.findings}
    changes: dict[str, Any] = {}
    with st.container(border=True, key="add-choices"):
        boxes = itertools.chain.from_iterable(st.columns(4, vertical_alignment="bottom") for _ in itertools.count())
        if proposal.parts:
            shown = now.part or proposal.chosen.part
            place = proposal.parts.index(shown) if shown in proposal.parts else 0
            part = next(boxes).selectbox("Read", proposal.parts, place, key=f"{key}.part")
            if part != shown and (shown or place != proposal.parts.index(part)):
                changes["part"] = part
        if proposal.kind == "image" and not proposal.columns:
            changes |= _ask_pictures(proposal, now, key, boxes, offered)
        elif proposal.columns:
            changes |= _ask_table(proposal, now, key, boxes, offered)
    return now.replace(**changes) if changes else now


def _ask_pictures(proposal: Proposal, now: Choices, key: str, boxes: Any, offered: set[str]) -> dict[str, Any]:
    """Size, fit, ground and colours."""
    changes: dict[str, Any] = {}
    sides = sorted({*SIDES, *([max(proposal.shape[:2])] if proposal.shape else [])} & set(range(8, 129)))
    shown = now.size or (max(proposal.shape[:2]) if proposal.shape else 64)
    size = next(boxes).selectbox(
        "Side in pixels", sides, sides.index(shown) if shown in sides else 0, key=f"{key}.size"
    )
    if size != shown:
        changes["size"] = size
    fit = _pick(next(boxes), "Resizing", FITS, now.fit, f"{key}.fit")
    if fit != now.fit:
        changes["fit"] = fit
        changes.setdefault("size", shown)
    if "ground" in offered or now.ground != "white" or "size" in offered:
        grounds = ["white", "black", "grey"]
        ground = next(boxes).selectbox(
            "Background",
            grounds,
            grounds.index(now.ground),
            key=f"{key}.ground",
            help="Shown behind transparent parts and in margins",
        )
        if ground != now.ground:
            changes["ground"] = ground
    is_grey = len(proposal.shape) == 2
    colours = next(boxes).segmented_control(
        "Colours", ["Colour", "Grey"], default="Grey" if is_grey else "Colour", required=True, key=f"{key}.grey"
    )
    if (colours == "Grey") != is_grey:
        changes["grey"] = colours == "Grey"
    return changes


def _pick(box: DeltaGenerator, label: str, titles: Mapping[str, str], now: str, key: str) -> str:
    """A select box of these choices, which begins with the one in force."""
    names = list(titles)
    at = names.index(now) if now in titles else 0
    return str(box.selectbox(label, names, at, key=key, format_func=titles.__getitem__))


def _ask_table(proposal: Proposal, now: Choices, key: str, boxes: Any, offered: set[str]) -> dict[str, Any]:
    """Label, kind, missing values, decimal sign, window, roles of columns."""
    changes: dict[str, Any] = {}
    labels = ["none", *(column.name for column in proposal.columns[:MOST_COLUMNS] if "label" in column.roles)]
    shown = next((column.name for column in proposal.columns if column.role == "label"), "none")
    label = next(boxes).selectbox(
        "Label", labels, labels.index(shown) if shown in labels else 0, key=f"{key}.label.{shown}", format_func=as_text
    )
    if label != shown and shown in labels:
        changes["label"] = label
        changes["columns"] = {name: role for name, role in now.columns.items() if role != "label"}
    kind = _pick(next(boxes), "Samples", KINDS, now.kind, f"{key}.kind")
    if kind != now.kind:
        changes["kind"] = kind
    if "fill" in offered or now.fill != "mean":
        fills = {"mean": "Fill with the mean", "leave out": "Leave the row out"}
        fill = _pick(next(boxes), "Missing numbers", fills, now.fill, f"{key}.fill")
        if fill != now.fill:
            changes["fill"] = fill
    changes |= _ask_marks(proposal, now, key, boxes)
    if "decimal" in offered or now.decimal:
        signs = {"": "As found", ".": "Point", ",": "Comma"}
        decimal = _pick(next(boxes), "Decimal sign", signs, now.decimal, f"{key}.decimal")
        if decimal != now.decimal:
            changes["decimal"] = decimal
    if proposal.chosen.window is not None:
        changes |= _ask_window(proposal, now, key, boxes)
    turn = next(boxes).toggle("Transpose", now.turn, key=f"{key}.turn", help="Rows become columns")
    if turn != now.turn:
        return {"turn": turn, "columns": {}, "label": ""}
    if len(proposal.columns) <= MOST_COLUMNS and "columns" not in changes:
        changes |= _ask_roles(proposal.columns, now, key)
    return changes


def _ask_marks(proposal: Proposal, now: Choices, key: str, boxes: Any) -> dict[str, Any]:
    """Values that may stand for missing ones."""
    marks = [finding.why.split(" ")[0] for finding in proposal.findings if finding.choice == "missing"]
    offered = list(dict.fromkeys([*now.missing, *marks]))
    if not offered:
        return {}
    found = next(boxes).multiselect("Missing-value markers", offered, list(now.missing), key=f"{key}.missing")
    return {} if tuple(found) == now.missing else {"missing": tuple(found)}


def _ask_window(proposal: Proposal, now: Choices, key: str, boxes: Any) -> dict[str, Any]:
    """Steps of a window, and from one to the next."""
    changes = {}
    for name, title, least in (("window", "Window length (steps)", 2), ("stride", "Stride (steps)", 1)):
        shown = int(getattr(proposal.chosen, name))
        value = int(next(boxes).number_input(title, least, 10_000, shown, key=f"{key}.{name}.{shown}"))
        if value != shown:
            changes[name] = value
    return changes


def _ask_roles(columns: Sequence[Column], now: Choices, key: str) -> dict[str, Any]:
    """The role of each column, in a table that can be edited."""
    with st.expander(f"{len(columns)} columns"):
        rows = [
            {
                "Column": column.name,
                "Role": ROLE_TITLES[column.role],
                "Type": column.type,
                "Values": column.distinct,
                "Missing": column.missing,
                "Examples": ", ".join(column.examples),
            }
            for column in columns
        ]
        edited = st.data_editor(
            rows,
            key=f"{key}.roles.{hash(tuple(column.role for column in columns))}",
            hide_index=True,
            width="stretch",
            disabled=["Column", "Type", "Values", "Missing", "Examples"],
            column_config={"Role": st.column_config.SelectboxColumn(options=list(ROLE_TITLES.values()), required=True)},
        )
    by_title: dict[str, Role] = {title: role for role, title in ROLE_TITLES.items()}
    changed: dict[str, Role] = {}
    for column, row in zip(columns, edited, strict=True):
        role = by_title[str(row["Role"])]
        if role == column.role:
            continue
        if role not in column.roles:
            allowed = ", ".join(ROLE_TITLES[possible] for possible in column.roles)
            st.error(as_text(f"{column.name} can be {allowed}."), icon=":material/error:")
            continue
        changed[column.name] = role
    if not changed:
        return {}
    label = (
        "none"
        if any(c.role == "label" and c.name in changed for c in columns) and "label" not in changed.values()
        else now.label
    )
    if "label" in changed.values():
        label = next(name for name, role in changed.items() if role == "label")
    return {"columns": {**now.columns, **changed}, "label": label}
