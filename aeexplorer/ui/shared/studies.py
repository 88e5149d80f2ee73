"""A study on a page: the button that asks for it, its progress, and its result while it grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.applications.few_labels import amount
from aeexplorer.applications.studies import STUDIES
from aeexplorer.jobs.studies import StudyJob, known_study, request_study
from aeexplorer.plots.bands import bands
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.samples import chart
from aeexplorer.ui.shared.text import as_text, duration

TICK_SECONDS = 1.0


def accuracy_curves(found: dict[str, Any], ways: Mapping[str, str], per_class: str, height: int) -> bool:
    """Draw the test accuracy of each way by the samples per class that it was given; whether there is any yet.

    Args:
        found: `budgets`, and `accuracy` of each way by budget, one figure for each draw.
        ways: the titles of the ways.
        per_class: the title of the axis.
    """
    budgets = [str(budget) for budget in found["budgets"]]
    curves = {ways[way]: [of.get(budget, []) for budget in budgets] for way, of in found["accuracy"].items() if of}
    if curves:
        with st.container(border=True):
            chart(bands([*map(amount, budgets)], curves, theme(), per_class, "test accuracy"), height=height)
    return bool(curves)


def study(run: Run, name: str, label: str, show: Callable[[dict[str, Any]], None], **knobs: Any) -> None:
    """A button that requests a study that nobody has requested, and its result so far, drawn by `show`."""
    with refusals():
        job = known_study(run, name, **knobs)
        asked = job is not None and (jobs.under_way(job) or job.recorded_state == "done")
        row = STUDIES[name]
        if not asked:
            seconds = row.seconds(row.knobs(**knobs)) * jobs.pace("study")
            told = f"About {duration(seconds)} of one core."
            if job is not None and job.status.reason:
                st.error(as_text(f"{row.title}: {job.status.reason}"), icon=":material/error:")
            if not st.button(label, type="primary", help=told, key=f"study.{name}.{run.id}"):
                return
            request_study(run, name, current_owner(), current_address(), **knobs)
            st.rerun()
    assert job is not None
    active = jobs.under_way(job)
    if active:
        jobs.supervise()
    st.fragment(_show, run_every=TICK_SECONDS if active else None)(job, active, show)


def _show(job: StudyJob, was_active: bool, show: Callable[[dict[str, Any]], None]) -> None:
    active = jobs.under_way(job)
    if was_active and not active:
        st.rerun()
    if active:
        done = job.last_progress
        left = done.get("seconds_left")
        text = f"{duration(left)} left" if left is not None else "Starting"
        st.progress(min(max(done.get("fraction", 0.0), 0.0), 1.0), text)
    if found := job.found:
        show(found)
