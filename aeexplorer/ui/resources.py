"""Everything the pages keep between reruns. Keys are ids and paths, never arrays."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.data import Dataset, load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.maps import FinishedMap, codes_for_map
from aeexplorer.live.resources import explorer as shelved
from aeexplorer.plots import DARK, LIGHT, Theme
from aeexplorer.projection import SMALLEST_MAP, project, quality
from aeexplorer.runs import DamagedRun, Run, list_runs, pretrained


def explorer(run: Run) -> Explorer:
    """The run's explorer, the one that the live channel holds open; made again when its weights change.

    Raises:
        Damaged: when it cannot be opened.
    """
    return shelved(run.path.name)


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


def _written(run: Run, file: str) -> int:
    path = run.path / file
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data(max_entries=16, show_spinner=False)
def _stored_errors(path: str, written: int) -> np.ndarray:
    model = explorer(Run(path))
    return model.errors(model.dataset.test.x[model.codes.index])


def stored_errors(run: Run) -> np.ndarray:
    """Squared error per feature of each test sample whose code is stored; needs the dataset."""
    return _stored_errors(str(run.path), _written(run, "weights.safetensors"))


@st.cache_resource(max_entries=16, show_spinner=False)
def _direct_map(path: str, written: int, method: str, n: int, components: int) -> FinishedMap:
    model = explorer(Run(path))
    z, labels, index = codes_for_map(model, n)
    drawn = project(z, method, components=components)
    figures = quality(z, drawn.points, labels) if len(z) >= SMALLEST_MAP else {}
    variance = drawn.explained_variance or ()
    return FinishedMap(drawn.points, labels, index, figures, drawn.notices, variance)


def direct_map(run: Run, method: str, n: int, components: int) -> FinishedMap:
    """A map that is cheap enough to draw in the page: by PCA, or of raw codes."""
    return _direct_map(str(run.path), _written(run, "codes.safetensors"), method, n, components)
