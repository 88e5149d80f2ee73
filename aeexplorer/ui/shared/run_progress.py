"""Progress of a dial that is being trained while its page is shown, and of models trained separately to check it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from aeexplorer import jobs
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.resources import all_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.run_picker import asked_run
from aeexplorer.ui.shared.text import as_text

TICK_SECONDS = 1.0


class Growth(NamedTuple):
    """Snapshots that the dial has, separately trained models that are done, and ids of the runs under way."""

    stops: int
    done: int
    active: tuple[str, ...]


def growth(dial: Run, separate: Sequence[Run] = ()) -> Growth:
    """The progress of a dial and of the models trained separately."""
    active = [run.id for run in (dial, *separate) if jobs.under_way(run)]
    done = sum(run.status.state == "done" for run in separate)
    return Growth(len(list((dial.path / "dial").glob("*.safetensors"))), done, tuple(active))


def awaited(fits: Callable[[Run], bool]) -> Run | None:
    """The dial that the link asks for while its first snapshot is being trained."""
    asked = asked_run()
    for run in all_runs():
        if isinstance(run, Run) and run.id == asked and fits(run) and not run.has_weights and jobs.under_way(run):
            return run
    return None


def wait(run: Run) -> None:
    """Say that the first snapshot is being trained, and show the page when it is there."""
    st.info(as_text(f"The first snapshot of {run_name(run)} is being trained."), icon=":material/info:")
    follow(run)


def follow(dial: Run, separate: Callable[[], Sequence[Run]] = tuple) -> None:
    """Show every second what is under way; the page is drawn again when a snapshot or a model is done."""
    before = growth(dial, separate())
    if before.active:
        jobs.supervise()
    st.fragment(_show, run_every=TICK_SECONDS if before.active else None)(dial, separate, before)


def _show(dial: Run, separate: Callable[[], Sequence[Run]], before: Growth) -> None:
    others = separate()
    now = growth(dial, others)
    if now != before:
        st.rerun()
    for run in (dial, *others):
        if run.id in now.active:
            _progress_bar(run, max((event["epoch"] for event in run.epochs()), default=0), now.stops)


def _progress_bar(run: Run, epoch: int, stops: int) -> None:
    epochs, name, more = run.spec.training.epochs, as_text(run_name(run)), ""
    if dial := run.spec.dial:
        epochs = dial.epochs_before(run.spec.training, len(dial.stops))
        name, more = "This dial", f", {stops} of {len(dial.stops)} snapshots"
    st.progress(min(epoch / epochs, 1.0), f"{name}: epoch {epoch:,} of {epochs:,}{more}")
