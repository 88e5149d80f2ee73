"""Everything the pages keep between reruns. Keys are ids and paths, never arrays."""

from __future__ import annotations

import streamlit as st

from aeexplorer.data import Dataset, load_dataset
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.plots import DARK, LIGHT, Theme
from aeexplorer.runs import DamagedRun, Run, list_runs, pretrained


@st.cache_resource(max_entries=16, show_spinner=False)
def _explorer(path: str, written: int) -> Explorer:
    return open_run(path)


def explorer(run: Run) -> Explorer:
    """The run's explorer, made once and again when its weights change.

    Raises:
        Damaged: when it cannot be opened.
    """
    weights = run.path / "weights.safetensors"
    return _explorer(str(run.path), weights.stat().st_mtime_ns if weights.exists() else 0)


def dataset(name: str) -> Dataset:
    """A dataset; the data room keeps the last few.

    Raises:
        ConfigError: when it is not here and cannot be fetched.
    """
    return load_dataset(name)


def all_runs() -> list[Run | DamagedRun]:
    """Runs of the home, newest first, then the pretrained ones."""
    return [*list_runs(), *pretrained()]


def openable_runs() -> list[Run]:
    """Runs that have something to explore: trained here first, then pretrained."""
    return [run for run in all_runs() if isinstance(run, Run) and run.has_weights]


def theme() -> Theme:
    """Colours of figures that fit the page as it is shown."""
    return DARK if st.context.theme.type == "dark" else LIGHT
