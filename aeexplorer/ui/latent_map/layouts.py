"""The points of each map: computed in the page for raw codes, PCA and an axis, by a job for t-SNE and UMAP.

While a job runs its moving layout is shown, and before that the PCA that it starts from.
"""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.jobs import MapJob, cancel, find_map, request_map, under_way
from aeexplorer.jobs.maps import estimated_seconds
from aeexplorer.jobs.queue import pace
from aeexplorer.projection import SMALLEST_MAP, Projection, align
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.latent_map.request import TITLES, MapPanel
from aeexplorer.ui.shared.groups import Group, group_options
from aeexplorer.ui.shared.jobs_panel import waiting_sentence
from aeexplorer.ui.shared.resources import direct_map, direct_quality, explorer, map_codes
from aeexplorer.ui.shared.text import duration

UNASKED = 5_000  # points up to which a job starts without a click
QUALITY_IN_PAGE = 2_000  # points up to which the page itself computes the quality of a direct map
REQUESTED = "map-asked"
REFUSAL = "map-refused"


@dataclass(frozen=True, eq=False)
class Layout:
    """The current state of one map.

    Attributes:
        points: (n, 2 or 3) float32; until the map is done those of the moving layout, or of PCA.
        index, labels: (n,) samples and classes.
        state: "done", "moving" (a job waits or runs), "offered" (large, starts at a click), "stopped" (failed or
            cancelled) or "refused" (these codes have no such map).
        message: a sentence about any state but "done".
        fraction: of a moving map, the fraction done.
        ghost: (n, 2 or 3), the second layout aligned with the points, or None.
        job: of a map computed by a job.
        projection: of a map computed in the page.
        figures, kept: of a map computed by a job, see `quality`.
        unfinished: whether a job of this panel still runs, so that the page has to look again.
    """

    panel: MapPanel
    points: np.ndarray
    index: np.ndarray
    labels: np.ndarray
    state: str = "done"
    message: str = ""
    fraction: float = 0.0
    notices: tuple[str, ...] = ()
    ghost: np.ndarray | None = None
    explained_variance: tuple[float, ...] = ()
    seconds: float = 0.0
    job: MapJob | None = None
    projection: Projection | None = None
    figures: dict[str, float] = field(default_factory=dict)
    kept: np.ndarray | None = None
    unfinished: bool = False

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def just_computed(self) -> bool:
        """Whether a job computed it while this session waited for it."""
        return self.done and self.job is not None and self.job.path.name in st.session_state.get(REQUESTED, {})

    @property
    def checksum(self) -> int:
        """CRC-32 of the points."""
        return zlib.crc32(np.ascontiguousarray(self.points).data)

    def quality(self) -> tuple[dict[str, float], np.ndarray | None]:
        """The figures of `projection.quality` and the share (n,) of neighbours kept; nothing before the map is done."""
        panel = self.panel
        if self.done and not panel.by_job and panel.code_set.n <= QUALITY_IN_PAGE:
            return direct_quality(panel.run, panel.method, panel.code_set, **_project_parameters(panel))
        return self.figures, self.kept


def layout_of(panel: MapPanel) -> Layout:
    """The current layout of a panel; the job of a small map starts here."""
    codes = map_codes(panel.run, panel.code_set)
    refused = Layout(panel, np.empty((0, 2), np.float32), codes.index[:0], codes.labels[:0], "refused")
    if panel.by_job and len(codes.z) < SMALLEST_MAP:
        title = TITLES[panel.method]
        return replace(refused, message=f"{title} needs at least {SMALLEST_MAP} codes, got {len(codes.z)}.")
    try:
        return _job_layout_with_ghost(panel) if panel.by_job else _direct_layout(panel)
    except ConfigError as error:
        return replace(refused, message=str(error))


def release_unshown(panels: tuple[MapPanel, ...]) -> None:
    """Cancel the jobs that this session requested and no longer shows; jobs that others wait for go on."""
    shown = set()
    for panel in panels:
        for parameters in _job_parameters(panel):
            with contextlib.suppress(ConfigError):
                shown.add(find_map(panel.run, panel.method, *panel.code_set, **parameters)[0])
    requested: dict[str, MapJob] = st.session_state.setdefault(REQUESTED, {})
    for key in [key for key in requested if key not in shown]:
        job = requested.pop(key)
        with contextlib.suppress(ConfigError, Damaged, OSError):
            if under_way(job):
                cancel(job, current_owner())


def request_panel(panel: MapPanel) -> None:
    """Request every job of a panel."""
    for parameters in _job_parameters(panel):
        try:
            _request(panel, parameters)
        except (ValueError, OSError) as error:
            st.session_state[REFUSAL] = str(error)


def stop_job(job: MapJob) -> None:
    """Cancel a job."""
    try:
        cancel(job, current_owner())
    except (ConfigError, Damaged) as error:
        st.session_state[REFUSAL] = str(error)


def _job_parameters(panel: MapPanel) -> list[dict[str, Any]]:
    """The parameters of every job of a panel: of the map, its ghost, or the quality of a large direct map."""
    if panel.by_job:
        return [dict(parameters) for parameters in (panel.parameters, panel.ghost) if parameters is not None]
    return [_project_parameters(panel)] if panel.code_set.n > QUALITY_IN_PAGE else []


def _request(panel: MapPanel, parameters: dict[str, Any]) -> MapJob:
    n, split, level = panel.code_set
    owner, address = current_owner(), current_address()
    job = request_map(panel.run, panel.method, n, owner, address=address, split=split, level=level, **parameters)
    st.session_state.setdefault(REQUESTED, {})[job.path.name] = job
    return job


def _direct_layout(panel: MapPanel) -> Layout:
    """A map computed in the page; of a large one a job computes the quality."""
    projection = direct_map(panel.run, panel.method, panel.code_set, **_project_parameters(panel))
    codes = map_codes(panel.run, panel.code_set)
    layout = Layout(
        panel,
        projection.points,
        codes.index,
        codes.labels,
        notices=projection.notices,
        explained_variance=projection.explained_variance or (),
        projection=projection,
    )
    if panel.code_set.n <= QUALITY_IN_PAGE:
        return layout
    quality = _job_layout(panel, _project_parameters(panel), unasked=True)
    notices = layout.notices
    if not quality.done:
        unfinished = "its quality figures are being computed"
        notices += (unfinished if quality.unfinished else f"it has no quality figures: {quality.message}",)
    return replace(layout, figures=quality.figures, kept=quality.kept, notices=notices, unfinished=quality.unfinished)


def _project_parameters(panel: MapPanel) -> dict[str, Any]:
    """Arguments of `project` for a map computed in the page."""
    parameters = {name: value for name, value in panel.parameters.items() if name != "ends"}
    if panel.method == "axis":
        parameters["a"], parameters["b"] = (tuple(group.rows.tolist()) for group in axis_groups(panel))
    return parameters


def axis_groups(panel: MapPanel) -> list[Group]:
    """The two groups that the axis of a panel goes through.

    Raises:
        ConfigError: for a group that is not among the samples, or the same group twice.
    """
    codes = map_codes(panel.run, panel.code_set)
    options = group_options(explorer(panel.run), codes.index, codes.labels)
    for name in panel.parameters["ends"]:
        if name not in options:
            raise ConfigError(f"an end of the axis must be a class or a named group of these samples, got {name!r}")
    ends = [options[name] for name in panel.parameters["ends"]]
    if ends[0].rows.tolist() == ends[1].rows.tolist():
        raise ConfigError(f"the axis must go through two different groups, got {ends[0].title!r} twice")
    return ends


def _job_layout_with_ghost(panel: MapPanel) -> Layout:
    ghost = _job_layout(panel, dict(panel.ghost)) if panel.ghost is not None else None
    layout = _job_layout(panel, dict(panel.parameters))
    if ghost is None or not layout.done:
        return layout
    if not ghost.done:
        return replace(
            layout, notices=(*layout.notices, f"second layout: {ghost.message}"), unfinished=ghost.unfinished
        )
    return replace(layout, ghost=align(ghost.points, layout.points))


def _job_layout(panel: MapPanel, parameters: dict[str, Any], unasked: bool = False) -> Layout:
    """The layout of a job; a job that does not exist starts if its map is small, or if `unasked`.

    A map that was cancelled is shown as such only where this session still waits for it: one that another session
    stopped, or that was let go with the settings it belonged to, begins anew.
    """
    key, job = find_map(panel.run, panel.method, *panel.code_set, **parameters)
    waited_for = key in st.session_state.get(REQUESTED, {})
    state, reason = "none", ""
    if job is not None:
        try:
            status = job.status
            state, reason = status.state, status.reason
            if state == "done":
                return _finished_layout(panel, job)
        except Damaged as error:
            state, reason = "failed", str(error)
    title = TITLES[panel.method]
    if state == "cancelled" and not waited_for:
        job = None
    joins = job is not None and under_way(job) and not waited_for and not job.cancel_requested
    if joins or (job is None and (unasked or panel.code_set.n <= UNASKED)):
        try:
            job = _request(panel, parameters)
        except (ValueError, OSError) as error:
            return _starting_layout(panel, "stopped", str(error))
    if job is not None and under_way(job):
        return _moving_layout(panel, job)
    if state == "failed" or state == "interrupted":
        return _starting_layout(panel, "stopped", f"{title} stopped: {reason}")
    if state == "cancelled" and waited_for:
        return _starting_layout(panel, "stopped", f"This {title} map was stopped.")
    expected = estimated_seconds(panel.code_set.n, panel.method, parameters)
    # short jobs take their time for other things than the map: only comparable ones tell the pace of this machine
    n, time = panel.code_set.n, duration(expected * pace("map", at_least=expected / 4))
    return _starting_layout(panel, "offered", f"{title} of {n:,} points takes about {time}; the map is then kept.")


def _finished_layout(panel: MapPanel, job: MapJob) -> Layout:
    result = job.finished()
    return Layout(
        panel,
        result.points,
        result.index,
        result.labels,
        notices=result.notices,
        seconds=result.seconds,
        job=job,
        figures=result.quality,
        kept=result.kept,
    )


def _moving_layout(panel: MapPanel, job: MapJob) -> Layout:
    event = job.last_progress
    fraction = min(max(float(event.get("fraction", 0.0)), 0.0), 1.0)
    if job.cancel_requested:
        message = "Stopping"
    elif fraction > 0:
        message = f"{fraction:.0%}, about {duration(float(event['seconds_left']))} left"
    else:
        message = waiting_sentence(job)
    start = _starting_layout(panel, "moving", message)
    points = job.intermediate()
    if points is None or len(points) != len(start.points):
        points = start.points
    return replace(start, points=points, fraction=fraction, job=job, unfinished=True)


def _starting_layout(panel: MapPanel, state: str, message: str) -> Layout:
    """The PCA that t-SNE and UMAP start from, in place of a map that is not done."""
    projection = direct_map(panel.run, "pca", panel.code_set, components=int(panel.parameters.get("components", 2)))
    codes = map_codes(panel.run, panel.code_set)
    return Layout(panel, projection.points, codes.index, codes.labels, state, message)
