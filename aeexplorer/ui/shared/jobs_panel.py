"""What runs and what waits, in the side bar of every page; nothing is shown or asked while nothing does."""

from __future__ import annotations

import contextlib

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.jobs.maps import MapJob
from aeexplorer.projection import METHODS
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.text import as_text, duration

TICK_SECONDS = 1.0
SHOWN = 4


def jobs_panel() -> None:
    """The panel; a page without jobs has none and does not poll."""
    if jobs.active_jobs():
        with st.sidebar:
            st.fragment(_panel, run_every=TICK_SECONDS)()


def _panel() -> None:
    found = jobs.active_jobs()
    if not found:
        st.rerun()
    me = current_owner()
    mine = [job for job in found if job.owner == me]
    with st.container(border=True, key="jobs-panel"):
        for job in mine[:SHOWN]:
            _row(job, me)
        others, more = len(found) - len(mine), len(mine) - SHOWN
        if more > 0:
            st.caption(f"Yours: {more} more waiting")
        if others:
            running = sum(job.state != "queued" for job in found if job.owner != me)
            st.caption(f"Others: {running} running, {others - running} waiting")


def _row(job: jobs.Job, me: str) -> None:
    folder = WorkFolder(job.path)
    fraction, said = _how_far(job, folder)
    st.caption(f"**{as_text(_title(job))}**")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.progress(fraction, text=said)
        stopped = st.button(
            "", icon=":material/stop:", key=f"jobs.stop.{job.folder}", help="Stop", disabled=folder.cancel_requested,
            type="tertiary", width="content",
        )  # fmt: skip
    if stopped:
        with contextlib.suppress(ConfigError, Damaged):  # it ended meanwhile
            jobs.cancel(folder, me)
        st.rerun(scope="fragment")


def _title(job: jobs.Job) -> str:
    with contextlib.suppress(Damaged, KeyError):
        if job.kind == "train":
            return Run(job.path).title
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
    """Where a waiting job stands."""
    said = jobs.outlook(folder)
    if said.before is None:
        return "Starting"
    place = "Next in the queue" if said.before == 0 else f"{said.before} before it"
    return f"{place}, starts in about {duration(said.starts_in)}"
