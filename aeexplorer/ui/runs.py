"""The page of runs: their table, and what can be done with the selected ones."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.owners import as_viewer
from aeexplorer.program_files import PAGES
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.folders import Status
from aeexplorer.runs.listing import DamagedRun
from aeexplorer.runs.run import TITLE_LIMIT, Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.runs_table import PRETRAINED, STATES, Row, found_runs, grouped, table, title_of
from aeexplorer.ui.shared.diagnosis import show_findings
from aeexplorer.ui.shared.figures import figures_on_test
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import all_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text, counted, duration, shortened

TICK_SECONDS = 2.0
OUTCOME = "runs.outcome"
SELECTED = "runs.selected"
QUESTION = "runs.question"
MOST_NAMED = 5  # runs that started from the one to delete, or are deleted together
MOST_COMPARED = 6


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
    found = found_runs(runs)
    if not found:
        if runs:
            st.info("No run fits these filters.", icon=":material/filter_alt:")
    else:
        moving = any(isinstance(run, Run) and jobs.under_way(run) for run in found)
        st.fragment(_tables, run_every=TICK_SECONDS if moving else None, key="runs.view")(found)
    if QUESTION in st.session_state:
        _open_dialog(runs)


def _tables(runs: Sequence[Row]) -> None:
    """A table for each group, and below them the selected runs."""
    if linked := st.query_params.pop("run", ""):
        st.session_state[SELECTED] = linked
    wanted = st.session_state.get(SELECTED, "")
    groups = grouped(runs)
    selected: list[Row] = []
    for name, group in groups.items():
        if name:
            shut = name == PRETRAINED and all(run.path.name != wanted for run in group)
            with st.expander(f"{as_text(name)} ({len(group)})", expanded=not shut):
                selected += table(group, name, wanted)
        else:
            selected += table(group, name, wanted)
    if len(selected) == 1:
        st.session_state[SELECTED] = selected[0].path.name
    elif not selected:
        first = next(iter(groups.values()))[0]
        selected = [next((run for run in runs if run.path.name == wanted), first)]
    with st.container(border=True, key="run-selected"):
        if len(selected) == 1:
            _details(selected[0])
        else:
            _several(selected)


# several selected runs


def _several(runs: Sequence[Row]) -> None:
    """Compare them, or delete those that are one's own."""
    _words(counted(len(runs), "selected run"), " · ".join(shortened(title_of(run), 40) for run in runs))
    comparable = [run for run in runs if isinstance(run, Run) and run.has_weights]
    alike = len({(run.spec.dataset, run.spec.data.shape) for run in comparable}) == 1 and len(comparable) == len(runs)
    about = f"Up to {MOST_COMPARED} trained models of the same data can be compared."
    with st.container(horizontal=True, gap="small"):
        fits = alike and len(runs) <= MOST_COMPARED
        if st.button("Compare", key="runs.compare", icon=":material/compare:", disabled=not fits, help=about):
            st.switch_page(PAGES / "compare.py", query_params={"runs": ",".join(run.path.name for run in runs)})
        mine = [run for run in runs if _deletable(run)]
        if mine and st.button(f"Delete {len(mine)}", key="runs.delete", icon=":material/delete:"):
            _ask("Delete", *mine)


def _deletable(run: Row) -> bool:
    if run.owner != current_owner():
        return False
    return isinstance(run, DamagedRun) or (run.removable and not run.pinned and not jobs.under_way(run))


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
            as_viewer(partial(bundle, run)),
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
    about = "A pinned run cannot be deleted, and results computed from it are kept."
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


def _ask(question: str, *runs: Row) -> None:
    """Ask before runs are renamed or deleted; the whole page opens the dialog, because a fragment would forget it."""
    st.session_state[QUESTION] = (question, [str(run.path) for run in runs])
    st.rerun()


def _forget_question() -> None:
    st.session_state.pop(QUESTION, None)


def _open_dialog(runs: Sequence[Row]) -> None:
    """The question that was asked of runs, until it is answered; they may be gone by now."""
    question, paths = st.session_state[QUESTION]
    there = [run for run in runs if str(run.path) in paths]
    if not there:
        _forget_question()
        st.session_state[OUTCOME] = ("refused", f"{Path(paths[0]).name} is already gone")
        st.rerun()
    elif len(there) > 1:
        st.dialog(f"Delete these {len(there)} runs?", on_dismiss=_forget_question)(_delete_several)(there)
    elif question == "Delete":
        st.dialog("Delete this run?", on_dismiss=_forget_question)(_delete)(there[0])
    elif isinstance(there[0], Run):
        st.dialog("Rename this run", on_dismiss=_forget_question)(_rename)(there[0])


def _rename(run: Run) -> None:
    title = st.text_input("Name", run.title[:TITLE_LIMIT], max_chars=TITLE_LIMIT, key="runs.title")
    if st.button("Rename", type="primary", key="runs.rename.confirm"):
        _forget_question()
        _attempt(lambda: run.rename(title, current_owner()))
        st.rerun()


def _delete(run: Row) -> None:
    _words(title_of(run), "Its weights, its training replay and its log will be gone. This cannot be undone.")
    children = run.children() if isinstance(run, Run) else []
    if children:
        named = ", ".join(as_text(child.title) for child in children[:MOST_NAMED])
        more = f" and {len(children) - MOST_NAMED:,} more" if len(children) > MOST_NAMED else ""
        sentence = f"Runs that started from its weights, and keep a copy of them: {named}{more}."
        st.warning(sentence, icon=":material/warning:")
    yes, no = st.columns(2)
    label = "Delete anyway" if children else "Delete"
    if yes.button(label, type="primary", key="runs.delete.confirm", width="stretch"):
        _forget_question()
        delete = partial(run.delete, although_parent=bool(children)) if isinstance(run, Run) else run.delete
        _attempt(lambda: delete(current_owner()), "The run is deleted.")
        st.rerun()
    if no.button("Keep", key="runs.delete.keep", width="stretch"):
        _forget_question()
        st.rerun()


def _delete_several(runs: Sequence[Row]) -> None:
    named = ", ".join(as_text(shortened(title_of(run), 60)) for run in runs[:MOST_NAMED])
    more = f" and {len(runs) - MOST_NAMED:,} more" if len(runs) > MOST_NAMED else ""
    st.markdown(f"{named}{more}")
    st.caption("Their weights, training replays and logs will be gone. This cannot be undone.")
    gone = {run.path for run in runs}
    children = [child for run in runs if isinstance(run, Run) for child in run.children() if child.path not in gone]
    if children:
        st.warning(
            f"{counted(len(children), 'other run')} started from their weights and keep a copy of them.",
            icon=":material/warning:",
        )
    yes, no = st.columns(2)
    if yes.button(f"Delete {len(runs)}", type="primary", key="runs.delete.confirm", width="stretch"):
        _forget_question()
        deleted = sum(_attempt(partial(_remove, run)) for run in runs)
        if deleted == len(runs):
            st.session_state[OUTCOME] = ("done", f"{counted(deleted, 'run')} deleted.")
        st.rerun()
    if no.button("Keep", key="runs.delete.keep", width="stretch"):
        _forget_question()
        st.rerun()


def _remove(run: Row) -> None:
    if isinstance(run, Run):
        run.delete(current_owner(), although_parent=True)
    else:
        run.delete(current_owner())
