"""The list of runs: what they are, how they stand, and what can be done with each."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.program_files import PAGES
from aeexplorer.runs.folders import Status
from aeexplorer.runs.listing import DamagedRun
from aeexplorer.runs.log import Follower
from aeexplorer.runs.run import TITLE_LIMIT, Run
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.figures import figures_on_test
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import all_runs
from aeexplorer.ui.shared.text import as_text

TICK_SECONDS = 2.0
PAGE = 20
SAID = "runs.said"
SHOWN = "runs.shown"
ASKED = "runs.asked"
STATES = {
    "queued": "waiting", "running": "training", "done": "done", "failed": "failed", "cancelled": "stopped",
    "interrupted": "interrupted",
}  # fmt: skip
Row = Run | DamagedRun


def run_list() -> None:
    """All runs, those of the home first; it follows the ones that train."""
    if said := st.session_state.pop(SAID, None):
        kind, text = said
        icon, seconds = (":material/check:", 4) if kind == "done" else (":material/error:", 10)
        st.toast(as_text(text), icon=icon, duration=seconds)
    runs = all_runs()
    if not any(isinstance(run, DamagedRun) or run.removable for run in runs):
        with st.container(border=True, key="runs-none"):
            st.markdown("**Nothing was trained here yet.** Digits take seconds.")
            page_link("train", "Train a model", "model_training")
    limit = st.session_state.get(SHOWN, PAGE)
    for run in runs[:limit]:
        with st.container(border=True, key=f"run-row-{run.path.parent.name}-{run.path.name}"):
            _row(run)
    if len(runs) > limit and st.button(f"Show {min(PAGE, len(runs) - limit)} more of {len(runs)}", key="runs.more"):
        st.session_state[SHOWN] = limit + PAGE
        st.rerun()
    if ASKED in st.session_state:
        _open_dialog(runs)


def _row(run: Row) -> None:
    words, state, actions = st.columns([4.4, 2.6, 3], vertical_alignment="center")
    if isinstance(run, DamagedRun):
        _words(words, run.path.name, "Damaged")
        state.caption(as_text(run.reason))
        mine = run.owner == current_owner()
        if mine and actions.button(
            "Delete", key=f"runs.delete.{run.path.name}", icon=":material/delete:", width="stretch"
        ):
            _ask("Delete", run)
        return
    spec = run.spec
    what = f"{spec.data.title} · {run.family.title} · {run.config.latent_dim}-d"
    when = spec.created[:10] if run.removable else f"{spec.created[:10]} · pretrained"
    _words(words, run.title, when if run.title == what else f"{what} · {when}")
    with state:
        try:
            status = run.status
        except (Damaged, OSError) as error:
            st.caption(as_text(reason(error)))
            status = Status(state="failed")
        else:
            active = jobs.under_way(run)
            st.fragment(_state, run_every=TICK_SECONDS if active else None, key=f"runs.state.{_key(run)}")(run, active)
    with actions, st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        _open(run, status)
        _more(run, status)


def _words(place: st.delta_generator.DeltaGenerator, title: str, about: str) -> None:
    shown = title if len(title) <= TITLE_LIMIT else title[: TITLE_LIMIT - 1] + "…"
    place.html(
        f'<div class="ae-run"><b><bdi>{html.escape(shown)}</bdi></b><span><bdi>{html.escape(about)}</bdi></span></div>'
    )


def _state(run: Run, was_active: bool) -> None:
    """How a run stands; while it trains, how far it is."""
    try:
        status = run.status
    except (Damaged, OSError):
        st.rerun()
    if was_active != (jobs.under_way(run)):
        st.rerun()
    if was_active:
        key = f"runs.follower.{run.path}"
        latest = st.session_state.setdefault(key, Follower(run)).read().latest
        done = latest["step"] / latest["steps"] if latest else 0.0
        st.progress(min(done, 1.0), text=f"Epoch {latest['epoch']} of {latest['epochs']}" if latest else "Starting")
        return
    epochs = f", {status.epochs} epoch{'s' if status.epochs != 1 else ''}" if status.epochs else ""
    figures = " · ".join(f"{name} {value}" for name, value in figures_on_test(status).items())
    reason = status.reason if status.state in ("failed", "interrupted") else figures
    st.html(
        f'<div class="ae-run"><span>{STATES[status.state]}{epochs}</span><span>{html.escape(reason[:300])}</span></div>'
    )


def _open(run: Run, status: Status) -> None:
    if jobs.under_way(run):
        if st.button("Watch", key=f"runs.watch.{_key(run)}"):
            _show_training(run)
    elif run.has_weights and st.button("Explore", key=f"runs.open.{_key(run)}"):
        st.switch_page(PAGES / "reconstruct.py", query_params={"run": run.id})
    elif (
        run.removable
        and run.owner == current_owner()
        and not run.has_weights
        and st.button("Continue", key=f"runs.go.{_key(run)}", icon=":material/play_arrow:")
    ):
        _continue(run)


def _more(run: Run, status: Status) -> None:
    """The whole run as one file, and behind a menu what else can be done with it."""
    key, active = _key(run), jobs.under_way(run)
    st.download_button(
        "Download", run.bundle, file_name=f"{run.id}.zip", mime="application/zip", key=f"runs.download.{key}",
        on_click="ignore", help="The whole run as one zip archive",
    )  # fmt: skip
    offered = {"Latent map": run.has_weights, "Film of the training": True}
    if run.removable and run.owner == current_owner():
        offered |= {"Continue": status.state != "done" and not active, "Rename": True, "Delete": not active,
                    "Pin": not run.pinned, "Unpin": run.pinned}  # fmt: skip
    chosen = st.menu_button("More", [name for name, there in offered.items() if there], key=f"runs.more.{key}")
    match chosen:
        case "Latent map":
            st.switch_page(PAGES / "latent_map.py", query_params={"run": run.id})
        case "Film of the training":
            _show_training(run)
        case "Continue":
            _continue(run)
        case "Pin" | "Unpin":
            _told(lambda: run.pin(chosen == "Pin", current_owner()))
            st.rerun()
        case "Rename" | "Delete":
            _ask(chosen, run)


def _key(run: Run) -> str:
    return f"{'here' if run.removable else 'pretrained'}.{run.path.name}"


def _show_training(run: Run) -> None:
    st.switch_page(PAGES / "train.py", query_params={"job": run.path.name})


def _continue(run: Run) -> None:
    if _told(lambda: jobs.start(run, current_owner())):
        _show_training(run)
    st.rerun()


def _told(action: Callable[[], None], success: str = "") -> bool:
    """Do it, and remember what to say of it on the next run of the page."""
    try:
        action()
    except (ConfigError, Damaged, OSError) as error:
        st.session_state[SAID] = ("refused", reason(error))
        return False
    if success:
        st.session_state[SAID] = ("done", success)
    return True


def _ask(question: str, run: Row) -> None:
    st.session_state[ASKED] = (question, str(run.path))


def _forget_question() -> None:
    st.session_state.pop(ASKED, None)


def _open_dialog(runs: Sequence[Row]) -> None:
    """The question that was asked of a run, until it is answered; its run may be gone by now."""
    question, path = st.session_state[ASKED]
    run = next((run for run in runs if str(run.path) == path), None)
    if run is None:
        _forget_question()
        st.session_state[SAID] = ("refused", f"{Path(path).name} is already gone")
        st.rerun()
    elif question == "Delete":
        st.dialog("Delete this run?", on_dismiss=_forget_question)(_delete)(run)
    elif isinstance(run, Run):
        st.dialog("Rename this run", on_dismiss=_forget_question)(_rename)(run)


def _rename(run: Run) -> None:
    title = st.text_input("Name", run.title[:TITLE_LIMIT], max_chars=TITLE_LIMIT, key="runs.title")
    if st.button("Rename", type="primary", key="runs.rename.confirm"):
        _forget_question()
        _told(lambda: run.rename(title, current_owner()))
        st.rerun()


def _delete(run: Row) -> None:
    title = run.path.name if isinstance(run, DamagedRun) else run.title
    _words(st.container(), title, "Its weights, its film and its log will be gone. This cannot be undone.")
    yes, no = st.columns(2)
    if yes.button("Delete", type="primary", key="runs.delete.confirm", width="stretch"):
        _forget_question()
        _told(lambda: run.delete(current_owner()), "The run is deleted.")
        st.rerun()
    if no.button("Keep", key="runs.delete.keep", width="stretch"):
        _forget_question()
        st.rerun()
