"""Jobs that run and wait, in the side bar of every page, and for a while those that have ended.

Nothing is shown or polled while there are none.
"""

from __future__ import annotations

import contextlib
import time

import streamlit as st

from aeexplorer import jobs
from aeexplorer.applications.studies import STUDIES
from aeexplorer.config import ConfigError
from aeexplorer.jobs.maps import MapJob
from aeexplorer.jobs.studies import StudyJob
from aeexplorer.projection import METHODS
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.page_links import watch_button
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text, counted, duration

TICK_SECONDS = 1.0
SHOWN = 4
ENDED_SECONDS = 60.0  # for which a training that has ended is shown
WATCHED = "jobs.watched"
ENDED = "jobs.ended"
OUTCOMES = {"done": "finished", "failed": "failed", "cancelled": "stopped", "interrupted": "interrupted"}


def jobs_panel() -> None:
    """Show the panel; a page without jobs has none and does not poll."""
    if jobs.active_jobs() or st.session_state.get(WATCHED) or _ended():
        with st.sidebar:
            st.fragment(_panel, run_every=TICK_SECONDS)()


def _panel() -> None:
    found = jobs.active_jobs()
    me = current_owner()
    mine = [job for job in found if job.owner == me]
    _note_ends(mine)
    if not found and not _ended():
        st.rerun()
    with st.container(border=True, key="jobs-panel"):
        for job in mine[:SHOWN]:
            _row(job, me)
        for run in _ended():
            outcome = OUTCOMES.get(run.status.state, "ended")
            watch_button(run.path.name, f"{as_text(run_name(run))}: {outcome}", "jobs.ended")
        others, more = len(found) - len(mine), len(mine) - SHOWN
        if more > 0:
            st.caption(f"Yours: {more} more waiting")
        if others:
            running = sum(job.state != "queued" for job in found if job.owner != me)
            st.caption(f"Others: {running} running, {others - running} waiting")


def _note_ends(mine: list[jobs.Job]) -> None:
    """Remember when a training of this session's person was last under way."""
    now = {job.path.name for job in mine if job.kind == "train"}
    gone = set(st.session_state.get(WATCHED, ())) - now
    st.session_state[WATCHED] = now
    kept = {name: end for name, end in st.session_state.get(ENDED, {}).items() if name not in now}
    st.session_state[ENDED] = kept | {name: time.monotonic() for name in gone}


def _ended() -> list[Run]:
    """Trainings that ended within the last minute."""
    runs = []
    for name, end in st.session_state.get(ENDED, {}).items():
        if time.monotonic() - end < ENDED_SECONDS:
            with contextlib.suppress(ConfigError, Damaged, OSError):  # deleted meanwhile
                run = find_run(name)
                _ = run.status
                runs.append(run)
    return runs


def _row(job: jobs.Job, me: str) -> None:
    folder = WorkFolder(job.path)
    fraction, text = _how_far(job, folder)
    if job.kind == "train":
        watch_button(job.path.name, f"**{as_text(_title(job))}**", "jobs.watch")
    else:
        st.caption(f"**{as_text(_title(job))}**")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(fraction, text=text)
        stopped = st.button(
            "",
            icon=":material/stop:",
            key=f"jobs.stop.{job.folder}",
            help="Stop",
            disabled=folder.cancel_requested,
            type="tertiary",
            width="content",
        )
    if stopped:
        with contextlib.suppress(ConfigError, Damaged):  # it ended meanwhile
            jobs.cancel(folder, me)
        st.rerun(scope="fragment")


def _title(job: jobs.Job) -> str:
    with contextlib.suppress(Damaged, KeyError):
        if job.kind == "train":
            return run_name(Run(job.path))
        if job.kind == "study":
            return STUDIES[StudyJob(job.path).spec.study].title
        if job.kind == "read":
            return "Reading your files"
        return f"{METHODS[MapJob(job.path).spec.method].title} map"
    return job.path.name


def _how_far(job: jobs.Job, folder: WorkFolder) -> tuple[float, str]:
    """Fraction done, and a line: place in the queue, or progress and time left."""
    if folder.cancel_requested:
        return 0.0, "Stopping"
    if job.state == "queued":
        return 0.0, waiting_sentence(folder)
    event = folder.last_progress
    fraction = event.get("fraction", event.get("step", 0) / max(event.get("steps", 1), 1))
    left = event.get("seconds_left")
    return min(max(float(fraction), 0.0), 1.0), "Starting" if left is None else f"{duration(left)} left"


def waiting_sentence(folder: WorkFolder) -> str:
    """Say whose turn it is, and when a waiting job starts."""
    position, me = jobs.queue_position(folder), current_owner()
    if position.before is None:
        return "Starting"
    when = f"starts in about {duration(position.starts_in)}"
    if position.before:
        mine = sum(job.owner == me for job in position.before)
        whose = "all yours" if mine == len(position.before) else f"{mine} yours" if mine else "none yours"
        return f"{counted(len(position.before), 'job')} ahead ({whose}), {when}"
    if not position.running:
        return f"Next in the queue, {when}"
    whose = "your" if any(job.owner == me for job in position.running) else "another person's"
    what = "training" if any(job.kind == "train" for job in position.running) else "map, study or reading"
    return f"Next, after {whose} {what}; {when}"
