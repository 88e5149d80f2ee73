"""The table of runs: found, filtered, sorted; and what can be done with the selected one."""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.program_files import PAGES
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.folders import Status
from aeexplorer.runs.listing import DamagedRun
from aeexplorer.runs.run import TITLE_LIMIT, Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.diagnosis import show_findings
from aeexplorer.ui.shared.figures import figures_on_test
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import all_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text, counted, duration, shortened

if TYPE_CHECKING:
    from streamlit.elements.arrow import DataframeState

TICK_SECONDS = 2.0
ROWS, ROW_HEIGHT = 12, 35
OUTCOME = "runs.outcome"
SELECTED = "runs.selected"
QUESTION = "runs.question"
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
MOST_NAMED = 5  # runs that started from the one to delete
Row = Run | DamagedRun


def run_table() -> None:
    """Show all runs, those of the home first; the table follows the ones that train."""
    if outcome := st.session_state.pop(OUTCOME, None):
        kind, text = outcome
        icon, seconds = (":material/check:", 4) if kind == "done" else (":material/error:", 10)
        st.toast(as_text(text), icon=icon, duration=seconds)
    runs = all_runs()
    if not any(isinstance(run, DamagedRun) or run.removable for run in runs):
        with st.container(border=True, key="runs-none"):
            st.markdown("**Nothing was trained here yet.** Training on digits takes seconds.")
            page_link("train", "Train a model", "model_training")
    found = _found(runs)
    if not found:
        if runs:
            st.info("No run fits these filters.", icon=":material/filter_alt:")
    else:
        moving = any(isinstance(run, Run) and jobs.under_way(run) for run in found)
        st.fragment(_table, run_every=TICK_SECONDS if moving else None, key="runs.view")(found)
    if QUESTION in st.session_state:
        _open_dialog(runs)


# which


def _found(runs: Sequence[Row]) -> list[Row]:
    """The runs that fit the filters, whose widgets are drawn here."""
    boxes = st.columns([2, 1, 1, 1])
    text = boxes[0].text_input("Find", key="find", bind="query-params", placeholder="part of a name", max_chars=100)
    chosen = []
    for box, (label, key, value_of) in zip(boxes[1:], FILTERS, strict=True):
        values = [EVERYTHING, *sorted({value_of(run) for run in runs})]
        if st.session_state.get(key, EVERYTHING) not in values:
            st.session_state[key] = EVERYTHING
        chosen.append((value_of, box.selectbox(label, values, key=key, bind="query-params")))
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
    return f"{_title(run)} {_data(run)} {more}".casefold()


def _title(run: Row) -> str:
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


# the table


def _table(runs: Sequence[Row]) -> None:
    """The table, and below it the selected run."""
    rows = [_cells(run) for run in runs]
    if any(row is None for row in rows):  # deleted meanwhile
        st.rerun()
    if linked := st.query_params.pop("run", ""):
        st.session_state[SELECTED] = linked
    wanted = st.session_state.get(SELECTED)
    place = next((i for i, run in enumerate(runs) if run.path.name == wanted), 0)
    names = "/".join(str(run.path) for run in runs)
    event: DataframeState = st.dataframe(
        rows,
        key=f"runs.table.{zlib.crc32(names.encode())}",  # other rows: another table, with the same run selected
        height=ROW_HEIGHT * min(len(rows), ROWS) + ROW_HEIGHT + 3,
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [place]}},
        alt=f"Table of {counted(len(rows), 'run')}",
        column_config=_columns(),
    )
    selected = event.selection.rows
    run = runs[selected[0] if selected else place]
    if selected:
        st.session_state[SELECTED] = run.path.name
    with st.container(border=True, key="run-selected"):
        _details(run)


def _columns() -> dict[str, Any]:
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    return {
        "Name": text(width=310),
        "State": text(width=90),
        "Data": text(width=115),
        "Family": text(width=105),
        "Code": number(help="Latent dimension: the size of the code z", width=50),
        "Epochs": number(width=65),
        "Test MSE": number(format="%.3g", help="Squared error per value, of reconstructing the test split", width=80),
        "KL (nats)": number(format="%.3g", help="KL divergence to the prior, over the test split", width=75),
        "Active": number(help="Active units: those whose variance over the test split exceeds 0.01", width=60),
        "Time": number(format="%.0f s", help="Training time in seconds", width=65),
        "Made": st.column_config.DateColumn(width=90),
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
    }


# the selected run


def _details(run: Row) -> None:
    mine = run.owner == current_owner()
    if isinstance(run, DamagedRun):
        _words(run.path.name, run.reason)
        if mine and st.button("Delete", key="runs.delete", icon=":material/delete:"):
            _ask("Delete", run)
        return
    try:
        status = run.status
    except (Damaged, OSError) as error:
        _words(run_name(run), reason(error))
        status = Status(state="failed")
    else:
        _words(run_name(run), _about(run, status))
        show_findings(run, "runs")
    with st.container(horizontal=True, gap="small"):
        _ways_to_open(run)
        st.download_button(
            "Download",
            partial(bundle, run),
            file_name=f"{run.id}.zip",
            mime="application/zip",
            key=f"runs.download.{_key(run)}",
            on_click="ignore",
            icon=":material/download:",
            help="The whole run as one zip archive",
        )
        if run.removable and mine:
            _ways_to_change(run, status)


def _words(title: str, about: str) -> None:
    st.html(
        f'<div class="ae-run"><b><bdi>{html.escape(shortened(title, TITLE_LIMIT))}</bdi></b>'
        f"<span><bdi>{html.escape(about[:400])}</bdi></span></div>"
    )


def _about(run: Run, status: Status) -> str:
    """State and figures of the run, or the reason for its end before the last epoch."""
    parts = [STATES[status.state], counted(status.epochs, "epoch") if status.epochs else ""]
    if status.state in ("failed", "interrupted"):
        parts.append(status.reason)
    else:
        parts += [duration(status.seconds) if status.seconds else ""]
        parts += [f"test {name} {value}" for name, value in figures_on_test(run, status).items()]
    return " · ".join(filter(None, [*parts, "pinned" if run.pinned else ""]))


def _ways_to_open(run: Run) -> None:
    if run.has_weights:
        if st.button("Explore", key="runs.open", icon=":material/explore:"):
            st.switch_page(PAGES / "reconstruct.py", query_params={"run": run.id})
        if st.button("Latent map", key="runs.map", icon=":material/scatter_plot:"):
            st.switch_page(PAGES / "latent_map.py", query_params={"run": run.id})
    under_way = jobs.under_way(run)
    if (under_way or run.frames() or not run.has_weights) and st.button(
        "Watch" if under_way else "Training replay", key="runs.watch", icon=":material/movie:"
    ):
        _show_training(run)


def _ways_to_change(run: Run, status: Status) -> None:
    active = jobs.under_way(run)
    if status.state != "done" and not active and st.button("Continue", key="runs.go", icon=":material/play_arrow:"):
        if _attempt(lambda: jobs.start(run, current_owner(), address=current_address())):
            _show_training(run)
        st.rerun()
    if st.button("Rename", key="runs.rename", icon=":material/edit:"):
        _ask("Rename", run)
    pinned = run.pinned
    about = "A pinned run is not deleted, and what was computed from it is kept."
    if st.button("Unpin" if pinned else "Pin", key="runs.pin", icon=":material/keep:", help=about):
        _attempt(lambda: run.pin(not pinned, current_owner()))
        st.rerun()
    if not active and st.button("Delete", key="runs.delete", icon=":material/delete:"):
        _ask("Delete", run)


def _key(run: Run) -> str:
    return f"{'here' if run.removable else 'pretrained'}.{run.path.name}"


def _show_training(run: Run) -> None:
    st.switch_page(PAGES / "train.py", query_params={"job": run.path.name})


def _attempt(action: Callable[[], None], success: str = "") -> bool:
    """Do it, and keep the outcome for the next run of the page."""
    try:
        action()
    except (ConfigError, Damaged, OSError) as error:
        st.session_state[OUTCOME] = ("refused", reason(error))
        return False
    if success:
        st.session_state[OUTCOME] = ("done", success)
    return True


# questions


def _ask(question: str, run: Row) -> None:
    """Ask before a run is renamed or deleted; the whole page opens the dialog, because a fragment would forget it."""
    st.session_state[QUESTION] = (question, str(run.path))
    st.rerun()


def _forget_question() -> None:
    st.session_state.pop(QUESTION, None)


def _open_dialog(runs: Sequence[Row]) -> None:
    """The question that was asked of a run, until it is answered; its run may be gone by now."""
    question, path = st.session_state[QUESTION]
    run = next((run for run in runs if str(run.path) == path), None)
    if run is None:
        _forget_question()
        st.session_state[OUTCOME] = ("refused", f"{Path(path).name} is already gone")
        st.rerun()
    elif question == "Delete":
        st.dialog("Delete this run?", on_dismiss=_forget_question)(_delete)(run)
    elif isinstance(run, Run):
        st.dialog("Rename this run", on_dismiss=_forget_question)(_rename)(run)


def _rename(run: Run) -> None:
    title = st.text_input("Name", run.title[:TITLE_LIMIT], max_chars=TITLE_LIMIT, key="runs.title")
    if st.button("Rename", type="primary", key="runs.rename.confirm"):
        _forget_question()
        _attempt(lambda: run.rename(title, current_owner()))
        st.rerun()


def _delete(run: Row) -> None:
    _words(_title(run), "Its weights, its training replay and its log will be gone. This cannot be undone.")
    children = run.children() if isinstance(run, Run) else []
    if children:
        named = ", ".join(as_text(child.title) for child in children[:MOST_NAMED])
        more = f" and {len(children) - MOST_NAMED:,} more" if len(children) > MOST_NAMED else ""
        sentence = f"Runs that started from its weights, and keep a copy of them: {named}{more}."
        st.warning(sentence, icon=":material/warning:")
    yes, no = st.columns(2)
    label = "Delete all the same" if children else "Delete"
    if yes.button(label, type="primary", key="runs.delete.confirm", width="stretch"):
        _forget_question()
        delete = partial(run.delete, although_parent=bool(children)) if isinstance(run, Run) else run.delete
        _attempt(lambda: delete(current_owner()), "The run is deleted.")
        st.rerun()
    if no.button("Keep", key="runs.delete.keep", width="stretch"):
        _forget_question()
        st.rerun()
