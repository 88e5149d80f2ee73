"""Everything the pages keep between reruns. Keys are ids and paths, never arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.codes import MapCodes, SplitName, codes_for_map
from aeexplorer.live.open_runs import explorer as shelved
from aeexplorer.plots import DARK, LIGHT, Theme
from aeexplorer.projection import SMALLEST_MAP, Projection, project
from aeexplorer.projection.judging import judge
from aeexplorer.runs.listing import DamagedRun, list_runs, pretrained
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.class_picker import scene_name


def explorer(run: Run) -> Explorer:
    """The run's explorer, the one that the live channel holds open; made again when its weights change.

    Raises:
        Damaged: when it cannot be opened.
    """
    return shelved(scene_name(run))


def opens(run: Run) -> bool:
    """Whether the run can be opened."""
    try:
        explorer(run)
    except (Damaged, OSError):
        return False
    return True


def all_runs() -> list[Run | DamagedRun]:
    """Runs of the home, newest first, then the pretrained ones."""
    return [*list_runs(), *pretrained()]


def openable_runs() -> list[Run]:
    """Runs that have something to explore: trained here first, then pretrained."""
    return [*(run for run in list_runs() if isinstance(run, Run) and run.has_weights), *pretrained()]


def theme() -> Theme:
    """Colours of figures that fit the page as it is shown."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def written(run: Run, file: str) -> int:
    """When a file of a run was written, to tell what was computed from it before; 0 for one that is not there."""
    path = run.path / file
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_data(max_entries=16, show_spinner=False)
def _stored_errors(name: str, written: int) -> np.ndarray:
    model = shelved(name)
    return model.errors(model.dataset.test.x[model.codes.index])


def stored_errors(run: Run) -> np.ndarray:
    """Squared error per feature of each test sample whose code is stored; needs the dataset."""
    return _stored_errors(scene_name(run), written(run, "weights.safetensors"))


class CodeSet(NamedTuple):
    """The codes on a map: of how many samples, of which split ("all" is the three together), and of which level, 0 for
    the whole codes."""

    n: int
    split: SplitName = "test"
    level: int = 0

    @property
    def whole(self) -> CodeSet:
        """The whole codes of the same samples."""
        return self._replace(level=0)


@st.cache_resource(max_entries=8, show_spinner="Encoding the samples")
def _map_codes(path: str, changed: int, code_set: CodeSet) -> MapCodes:
    return codes_for_map(explorer(Run(path)), *code_set)


def map_codes(run: Run, code_set: CodeSet) -> MapCodes:
    """The codes that a map is drawn from; where the stored ones are not enough the samples are encoded.

    Raises:
        ConfigError: where that needs data that are not here.
    """
    return _map_codes(str(run.path), written(run, "codes.safetensors"), code_set)


@st.cache_resource(max_entries=3, show_spinner=False)
def _map_samples(path: str, changed: int, code_set: CodeSet) -> Split:
    return explorer(Run(path)).dataset.take(_map_codes(path, changed, code_set).index)


def map_samples(run: Run, code_set: CodeSet) -> Split:
    """The samples behind the points of a map; needs the dataset."""
    return _map_samples(str(run.path), written(run, "codes.safetensors"), code_set)


@st.cache_resource(max_entries=24, show_spinner=False)
def _direct_map(
    path: str, changed: int, method: str, code_set: CodeSet, more: tuple[tuple[str, Any], ...]
) -> Projection:
    return project(_map_codes(path, changed, code_set).z, method, **dict(more))


def direct_map(run: Run, method: str, code_set: CodeSet, **more: Any) -> Projection:
    """A map that is cheap enough to draw in the page: by PCA, of raw codes, or along an axis.

    Args:
        more: hashable parameters of `project`.
    """
    return _direct_map(str(run.path), written(run, "codes.safetensors"), method, code_set, tuple(sorted(more.items())))


@st.cache_resource(max_entries=48, show_spinner=False)
def _judged(
    path: str, changed: int, method: str, code_set: CodeSet, more: tuple[tuple[str, Any], ...]
) -> tuple[dict[str, float], np.ndarray]:
    codes = _map_codes(path, changed, code_set)
    known = codes.labels if (codes.labels >= 0).any() else None
    return judge(codes.z, _direct_map(path, changed, method, code_set, more).points, known)


def direct_quality(run: Run, method: str, code_set: CodeSet, **more: Any) -> tuple[dict[str, float], np.ndarray]:
    """The share of neighbours that the map of `direct_map` kept, see `projection.quality`, and of each point; nothing
    where there are fewer codes than that means anything of."""
    changed = written(run, "codes.safetensors")
    n = len(map_codes(run, code_set).z)
    if n < SMALLEST_MAP:
        return {}, np.ones(n, np.float32)
    return _judged(str(run.path), changed, method, code_set, tuple(sorted(more.items())))


@st.cache_data(max_entries=16, show_spinner="Reconstructing the samples")
def _map_errors(name: str, changed: int, code_set: CodeSet) -> np.ndarray:
    model = shelved(name)
    return model.errors(map_samples(model.run, code_set).x)


def map_errors(run: Run, code_set: CodeSet) -> np.ndarray:
    """Squared error per feature of the sample behind each point of a map; needs the dataset."""
    return _map_errors(scene_name(run), written(run, "weights.safetensors"), code_set)
