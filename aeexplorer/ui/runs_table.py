"""The rows of the table of runs: found, filtered, sorted and grouped."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.runs.folders import Status
from aeexplorer.runs.listing import DamagedRun, find_run
from aeexplorer.runs.run import TITLE_LIMIT, Run
from aeexplorer.store import Damaged
from aeexplorer.training.config import TrainingConfig
from aeexplorer.ui.shared.knob_form import label_of
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.setting_widgets import buttons
from aeexplorer.ui.shared.text import counted, shortened
from aeexplorer.ui.shared.view_state import Setting

if TYPE_CHECKING:
    from streamlit.elements.arrow import DataframeState

ROWS, ROW_HEIGHT = 12, 35
STATES = {
    "queued": "Waiting",
    "running": "Training",
    "done": "Finished",
    "failed": "Failed",
    "cancelled": "Stopped",
    "interrupted": "Interrupted",
}
DAMAGED, PRETRAINED = "Damaged", "Pretrained"
EVERYTHING = "All"
GROUPS = {"none": "None", "data": "Data", "family": "Family"}
TOLD = {"latent_dim", "seed", "threads", "device", "epochs"}  # knobs with a column of their own, or that change nothing
Row = Run | DamagedRun


GROUP = Setting("runs", "group")


def found_runs(runs: Sequence[Row]) -> list[Row]:
    """The runs that fit the filters, whose widgets are drawn here."""
    boxes = st.columns([1.7, 1, 1, 1, 1.5])
    text = boxes[0].text_input("Find", key="find", bind="query-params", placeholder="part of a name", max_chars=100)
    chosen = []
    for box, (label, key, value_of) in zip(boxes[1:4], FILTERS, strict=True):
        values = [EVERYTHING, *sorted({value_of(run) for run in runs})]
        if st.session_state.get(key, EVERYTHING) not in values:
            st.session_state[key] = EVERYTHING
        chosen.append((value_of, box.selectbox(label, values, key=key, bind="query-params")))
    with boxes[4]:
        buttons(GROUP, "Group by", GROUPS, "none")
    words = text.casefold().split()
    return [
        run
        for run in runs
        if all(value in (EVERYTHING, value_of(run)) for value_of, value in chosen)
        and all(word in _searched(run) for word in words)
    ]


def _searched(run: Row) -> str:
    """The text in which words are found: name, title, data and family, in both its names."""
    more = "" if isinstance(run, DamagedRun) else f"{run.title} {run.family.title} {run.family.short}"
    return f"{title_of(run)} {_data(run)} {more}".casefold()


def title_of(run: Row) -> str:
    return run.path.name if isinstance(run, DamagedRun) else run_name(run)


def _data(run: Row) -> str:
    return "–" if isinstance(run, DamagedRun) else run.spec.data.title


def _family(run: Row) -> str:
    return "–" if isinstance(run, DamagedRun) else run.family.short


def _state(run: Row) -> str:
    if isinstance(run, DamagedRun):
        return DAMAGED
    if not run.removable:
        return PRETRAINED
    try:
        return "Training" if run.status.active and jobs.under_way(run) else STATES[run.status.state]
    except (Damaged, OSError):
        return DAMAGED


FILTERS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("Data", "data", _data),
    ("Family", "family", _family),
    ("State", "state", _state),
)


def grouped(runs: Sequence[Row]) -> Mapping[str, list[Row]]:
    """The runs under a title for each group; the pretrained ones are folded into a group of their own where others are
    listed."""
    own = [run for run in runs if _state(run) != PRETRAINED]
    by = st.session_state.get(GROUP.key, "none")
    named = {"data": _data, "family": _family}.get(by)
    groups: dict[str, list[Row]] = {}
    for run in sorted(own or runs, key=named) if named else own or runs:
        groups.setdefault(named(run) if named else "", []).append(run)
    if own and len(own) < len(runs):
        groups[PRETRAINED] = [run for run in runs if _state(run) == PRETRAINED]
    return groups


def table(runs: Sequence[Row], name: str, wanted: str) -> list[Row]:
    """One table of runs.

    Args:
        name: tells its widget from those of other groups.
        wanted: the folder of the run that is selected at first.

    Returns:
        the selected runs.
    """
    rows = [_cells(run) for run in runs]
    if any(row is None for row in rows):  # deleted meanwhile
        st.rerun()
    place = next((i for i, run in enumerate(runs) if run.path.name == wanted), None)
    names = "/".join(str(run.path) for run in runs)
    event: DataframeState = st.dataframe(
        rows,
        key=f"runs.table.{name}.{zlib.crc32(names.encode())}",  # other rows: another table, with the same run selected
        height=ROW_HEIGHT * min(len(rows), ROWS) + ROW_HEIGHT + 3,
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [] if place is None else [place]}},
        alt=f"Table of {counted(len(rows), 'run')}",
        column_config=_columns(),
    )
    return [runs[i] for i in event.selection.rows]


def _columns() -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "Name": text(width=290),
        "State": text(width=90),
        "Data": text(width=115),
        "Family": text(width=130),
        "Code": number(help="Latent dimension: the size of the code z", width=50),
        "Epochs": number(width=65),
        "Test MSE": number(format="%.3g", help="Squared error per value, of reconstructing the test split", width=80),
        "KL (nats)": number(format="%.3g", help="KL divergence to the prior, over the test split", width=75),
        "Active": number(help="Active units: those whose variance over the test split exceeds 0.01", width=60),
        "Time": number(format="%.0f s", help="Training time in seconds", width=65),
        "Made": st.column_config.DateColumn(width=90),
        "Knobs": text(width=220, help="Settings that differ from the defaults of the family"),
        "Parent": text(width=150, help="The run whose weights it started from"),
    }


def _cells(run: Row) -> dict[str, Any] | None:
    """One row of the table; None where the run is gone."""
    if isinstance(run, DamagedRun):
        return {"Name": shortened(run.path.name, TITLE_LIMIT), "State": DAMAGED}
    if not run.path.exists():
        return None
    try:
        status, state = run.status, _state(run)
        if state == "Training":
            event = run.last_progress
            share = event.get("step", 0) / max(event.get("steps", 1), 1)
            state = f"Training, {share:.0%}" if event else STATES[status.state]
    except (Damaged, OSError):
        status, state = Status(state="failed"), DAMAGED
    result = status.result
    return {
        "Name": shortened(run_name(run), TITLE_LIMIT),
        "State": state,
        "Data": run.spec.data.title,
        "Family": run.family.short,
        "Code": run.config.latent_dim,
        "Epochs": status.epochs or None,
        "Test MSE": result.get("mse"),
        "KL (nats)": result.get("kl"),
        "Active": result.get("active_units"),
        "Time": status.seconds or None,
        "Made": run.spec.created[:10],
        "Knobs": knobs_of(run),
        "Parent": _parent(run),
    }


def knobs_of(run: Run) -> str:
    """The knobs of a run that are not as usual for its family, in a line."""
    usual = {**dict(run.family.config), **dict(TrainingConfig())}
    values = {**dict(run.config), **dict(run.spec.training)}
    told = {name: value for name, value in values.items() if name not in TOLD and value != usual[name]}
    return ", ".join(f"{label_of(name)} {_short(value)}" for name, value in told.items())


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return "·".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _parent(run: Run) -> str | None:
    if not run.spec.parent:
        return None
    try:
        return run_name(find_run(run.spec.parent))
    except (ConfigError, Damaged):
        return run.spec.parent
