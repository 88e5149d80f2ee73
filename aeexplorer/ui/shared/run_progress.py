"""What grows while a page is looked at: the snapshots of a dial that is being trained, and models trained beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from aeexplorer import jobs
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.resources import all_runs
from aeexplorer.ui.shared.run_picker import asked_run
from aeexplorer.ui.shared.text import as_text

TICK_SECONDS = 1.0


class Growth(NamedTuple):
    """How far it has come: snapshots that the dial has, models beside it that are done, and what is still under way."""

    stops: int
    done: int
    active: tuple[str, ...]


def growth(dial: Run, beside: Sequence[Run] = ()) -> Growth:
    """How far a dial and the models trained beside it have come."""
    active = [run.id for run in (dial, *beside) if jobs.under_way(run)]
    done = sum(run.status.state == "done" for run in beside)
    return Growth(len(list((dial.path / "dial").glob("*.safetensors"))), done, tuple(active))


def awaited(fits: Callable[[Run], bool]) -> Run | None:
    """The dial that the link asks for while its first snapshot is still being trained."""
    asked = asked_run()
    for run in all_runs():
        if isinstance(run, Run) and run.id == asked and fits(run) and not run.has_weights and jobs.under_way(run):
            return run
    return None


def wait(run: Run) -> None:
    """Say that the first snapshot is still to come, and show the page when it is here."""
    st.info(as_text(f"The first snapshot of {run.title} is still to come."), icon=":material/info:")
    follow(run)


def follow(dial: Run, beside: Callable[[], Sequence[Run]] = tuple) -> None:
    """Tell every second what is under way; the page is drawn again when something has arrived."""
    before = growth(dial, beside())
    if before.active:
        jobs.supervise()
    st.fragment(_tell, run_every=TICK_SECONDS if before.active else None)(dial, beside, before)


def _tell(dial: Run, beside: Callable[[], Sequence[Run]], before: Growth) -> None:
    others = beside()
    now = growth(dial, others)
    if now != before:
        st.rerun()
    for run in (dial, *others):
        if run.id in now.active:
            done = max((event["epoch"] for event in run.epochs()), default=0)
            _progress(run, done, now.stops)


def _progress(run: Run, done: int, stops: int) -> None:
    spec = run.spec
    epochs, what, beside = spec.training.epochs, run.title, ""
    if spec.dial:
        count = len(spec.dial.stops)
        epochs, what, beside = (
            spec.dial.epochs_before(spec.training, count),
            "This dial",
            f", {stops} of {count} snapshots",
        )
    st.progress(min(done / epochs, 1.0), f"{what}: epoch {done} of {epochs}{beside}")
