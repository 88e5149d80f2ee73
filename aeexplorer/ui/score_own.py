"""A drawn distribution on Score of a DAE: kept as own data, and its score learned in seconds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data.bringing import dataset
from aeexplorer.live.components import point_pad
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.training.plan import DialSpec
from aeexplorer.ui.shared.page_links import watch_button
from aeexplorer.ui.shared.run_picker import remember_run
from aeexplorer.ui.shared.text import as_text

LEAST = 200
TICK_SECONDS = 0.5
STARTED = "score.own"
NAME = "drawing"
KNOBS: dict[str, Any] = {"latent_dim": 32, "hidden": (96,), "epochs": 250}
BATCH = 256
DIAL = DialSpec(knob="level", stops=(0.1, 0.2, 0.4, 0.8), epochs_per_stop=80)


def draw_own() -> None:
    """The sheet, and the button that learns the score of what was drawn; while it trains, its progress."""
    with st.expander("Draw a distribution of your own", icon=":material/draw:", key="score-own"):
        left, right = st.columns([1, 1.2], vertical_alignment="center")
        with left:
            points = point_pad(key="score.sheet", label="Sheet for a distribution of your own")
        with right:
            st.markdown(
                "Scatter points with finger, mouse or arrow keys: a ring, a letter, two clouds. A denoising "
                "autoencoder then learns their score at four σ from 0.1 to 0.8, in seconds."
            )
            few = points is None or len(points) < LEAST
            if st.button(
                "Learn its score", type="primary", icon=":material/play_arrow:", key="score.learn", disabled=few
            ):
                _start(points)
            if few:
                st.caption(f"At least {LEAST} points are needed.")
            _progress()


def _start(points: np.ndarray | None) -> None:
    """Keep the points as own data and start the training."""
    assert points is not None
    owner = current_owner()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # duplicates of a hand's points
            data = dataset(points, name=NAME, title="Drawing", features=("x", "y"), owner=owner)
        knobs = {**KNOBS, "batch_size": min(BATCH, len(data.train))}
        run = new_run("score_dae", data, "Drawing · Score AE", owner=owner, dial=DIAL, pace=jobs.pace(), **knobs)
        jobs.start(run, owner, 0.0, current_address(), new=True)
    except (ConfigError, OSError) as error:
        st.error(as_text(reason(error)), icon=":material/error:")
        return
    st.session_state[STARTED] = run.id


def _progress() -> None:
    """Follow the training that was started here; when it is done, its score is shown."""
    run = _started()
    if run is None:
        return
    if jobs.under_way(run):
        jobs.supervise()
        st.fragment(_tick, run_every=TICK_SECONDS)(run)
    elif run.status.state == "done":
        del st.session_state[STARTED]
        remember_run(run.id)
        st.rerun()
    elif run.status.state != "queued":
        st.error(as_text(run.status.reason or "The training was stopped."), icon=":material/error:")
        watch_button(run.id, "Open its training", "score.watch")


def _started() -> Run | None:
    name = st.session_state.get(STARTED)
    try:
        return find_run(name) if name else None
    except (ConfigError, Damaged):  # deleted meanwhile
        del st.session_state[STARTED]
        return None


def _tick(run: Run) -> None:
    if not jobs.under_way(run):
        st.rerun()
    event = run.last_progress
    share = min(event.get("step", 0) / max(event.get("steps", 1), 1), 1.0)
    st.progress(share, text="Learning the score" if event else "Starting")
