"""The points of each map: at once by PCA, of raw codes and along an axis; by a job for t-SNE and UMAP, whose layout is
shown while it moves, and before that the PCA that it begins from."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.jobs import MapJob, cancel, find_map, request_map, under_way
from aeexplorer.jobs.maps import estimated_seconds
from aeexplorer.jobs.queue import pace
from aeexplorer.projection import SMALLEST_MAP, Projection, align
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.latent_map.controls import TITLES, Panel
from aeexplorer.ui.shared.groups import Group, group_options
from aeexplorer.ui.shared.jobs_panel import waiting_sentence
from aeexplorer.ui.shared.resources import direct_map, direct_quality, explorer, map_codes
from aeexplorer.ui.shared.text import duration

UNASKED = 5_000  # points up to which a map is drawn without a click
JUDGED_HERE = 2_000  # points up to which the figures of a direct map are taken in the page
ASKED = "map-asked"


@dataclass(frozen=True, eq=False)
class Layout:
    """A map as it stands.

    Attributes:
        points: (n, 2|3) float32; of a map that is not there yet those by PCA or of the moving layout.
        index, labels: (n,) places in the test split and classes.
        state: "done", "moving" (a job is under way), "offered" (nobody asked for it yet), "stopped" or "refused" (there
            is no such map of these codes).
        said: what there is to say of a state other than done.
        fraction: of a moving one how far it is.
        ghost: (n, 2|3) turned onto the points, or None.
        job: the folder of a map drawn by a job.
        projection: of a map drawn in the page.
        figures, kept: of a map by a job, see `judged`.
        waits: whether something of it is still being computed, so that it must be looked at again.
    """

    panel: Panel
    points: np.ndarray
    index: np.ndarray
    labels: np.ndarray
    state: str = "done"
    said: str = ""
    fraction: float = 0.0
    notices: tuple[str, ...] = ()
    ghost: np.ndarray | None = None
    explained_variance: tuple[float, ...] = ()
    seconds: float = 0.0
    job: MapJob | None = None
    projection: Projection | None = None
    figures: dict[str, float] = field(default_factory=dict)
    kept: np.ndarray | None = None
    waits: bool = False

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def checksum(self) -> int:
        """Of the points."""
        return zlib.crc32(np.ascontiguousarray(self.points).data)

    def judged(self) -> tuple[dict[str, float], np.ndarray | None]:
        """How much of the neighbourhood it kept, see `projection.quality`, and of each point; nothing while it moves."""
        panel = self.panel
        if self.done and not panel.by_job and panel.size.n <= JUDGED_HERE:
            return direct_quality(panel.run, panel.method, panel.size, **_asked(panel))
        return self.figures, self.kept


def layout_of(panel: Panel) -> Layout:
    """The map of a panel as it stands; a job for it begins where it is small."""
    codes = map_codes(panel.run, panel.size)
    refused = Layout(panel, np.empty((0, 2), np.float32), codes.index[:0], codes.labels[:0], "refused")
    if panel.by_job and len(codes.z) < SMALLEST_MAP:
        return replace(refused, said=f"{TITLES[panel.method]} needs at least {SMALLEST_MAP} codes, got {len(codes.z)}.")
    try:
        return _standing(panel)
    except ConfigError as error:
        return replace(refused, said=str(error))


def _standing(panel: Panel) -> Layout:
    if not panel.by_job:
        return _direct(panel)
    ghost = _drawn(panel, dict(panel.ghost)) if panel.ghost is not None else None
    found = _drawn(panel, dict(panel.parameters))
    if ghost is None or not found.done:
        return found
    if not ghost.done:
        return replace(found, notices=(*found.notices, f"the ghost behind it: {ghost.said}"), waits=ghost.waits)
    return replace(found, ghost=align(ghost.points, found.points))


def forget_unwatched(panels: tuple[Panel, ...]) -> None:
    """Cancel what this session asked for and no longer shows; what others wait for too goes on for them."""
    watched = set()
    for panel in panels:
        for parameters in _wanted(panel):
            with contextlib.suppress(ConfigError):
                watched.add(find_map(panel.run, panel.method, *panel.size, **parameters)[0])
    asked: dict[str, MapJob] = st.session_state.setdefault(ASKED, {})
    for key in [key for key in asked if key not in watched]:
        job = asked.pop(key)
        with contextlib.suppress(ConfigError, Damaged, OSError):
            if under_way(job):
                cancel(job, current_owner())


def begin(panel: Panel) -> None:
    """Ask for the map of a panel, and for its ghost."""
    for parameters in _wanted(panel):
        try:
            _request(panel, parameters)
        except (ValueError, OSError) as error:
            st.session_state["map-refused"] = str(error)


def stop(job: MapJob) -> None:
    """Cancel a job."""
    try:
        cancel(job, current_owner())
    except (ConfigError, Damaged) as error:
        st.session_state["map-refused"] = str(error)


def _wanted(panel: Panel) -> list[dict[str, Any]]:
    """The parameters of every job that a panel needs: of the map, of its ghost, or of a large direct map's figures."""
    if panel.by_job:
        return [dict(parameters) for parameters in (panel.parameters, panel.ghost) if parameters is not None]
    return [_asked(panel)] if panel.size.n > JUDGED_HERE else []


def _request(panel: Panel, parameters: dict[str, Any]) -> MapJob:
    n, split = panel.size
    job = request_map(panel.run, panel.method, n, current_owner(), split=split, **parameters)
    st.session_state.setdefault(ASKED, {})[job.path.name] = job
    return job


def _direct(panel: Panel) -> Layout:
    drawn = direct_map(panel.run, panel.method, panel.size, **_asked(panel))
    codes = map_codes(panel.run, panel.size)
    layout = Layout(
        panel, drawn.points, codes.index, codes.labels, notices=drawn.notices,
        explained_variance=drawn.explained_variance or (), projection=drawn,
    )  # fmt: skip
    if panel.size.n <= JUDGED_HERE:
        return layout
    judged = _drawn(panel, _asked(panel), unasked=True)
    notices = layout.notices
    if not judged.done:
        notices += ("its figures are still being taken" if judged.waits else f"it has no figures: {judged.said}",)
    return replace(layout, figures=judged.figures, kept=judged.kept, notices=notices, waits=judged.waits)


def _asked(panel: Panel) -> dict[str, Any]:
    """What `project` is asked for a map that is drawn in the page."""
    asked = {name: value for name, value in panel.parameters.items() if name != "ends"}
    if panel.method == "axis":
        asked["a"], asked["b"] = (tuple(end.rows.tolist()) for end in _ends(panel))
    return asked


def _ends(panel: Panel) -> list[Group]:
    """The two groups that the axis of a panel goes through."""
    codes = map_codes(panel.run, panel.size)
    options = group_options(explorer(panel.run), codes.index, codes.labels)
    for name in panel.parameters["ends"]:
        if name not in options:
            raise ConfigError(f"an end of the axis must be a class or a named group of these samples, got {name!r}")
    ends = [options[name] for name in panel.parameters["ends"]]
    if ends[0].rows.tolist() == ends[1].rows.tolist():
        raise ConfigError(f"the axis must go through two different groups, got {ends[0].title!r} twice")
    return ends


def _drawn(panel: Panel, parameters: dict[str, Any], unasked: bool = False) -> Layout:
    """A map by a job as it stands; without a job one begins where it takes seconds, or in any case."""
    _, job = find_map(panel.run, panel.method, *panel.size, **parameters)
    state, reason = "none", ""
    if job is not None:
        try:
            status = job.status
            state, reason = status.state, status.reason
            if state == "done":
                found = job.finished()
                return Layout(
                    panel, found.points, found.index, found.labels, notices=found.notices, seconds=found.seconds,
                    job=job, figures=found.quality, kept=found.kept,
                )  # fmt: skip
        except Damaged as error:
            state, reason = "failed", str(error)
    title = TITLES[panel.method]
    if job is None and (unasked or panel.size.n <= UNASKED):
        try:
            job = _request(panel, parameters)
        except (ValueError, OSError) as error:
            return _beginning(panel, "stopped", str(error))
    if job is not None and under_way(job):
        return _moving(panel, job)
    if state == "failed" or state == "interrupted":
        return _beginning(panel, "stopped", f"{title} stopped: {reason}")
    if state == "cancelled":
        return _beginning(panel, "stopped", f"This {title} map was cancelled.")
    return _beginning(
        panel, "offered", f"{title} of {panel.size.n:,} points takes {_seconds(panel, parameters)}, and is kept."
    )


def _seconds(panel: Panel, parameters: dict[str, Any]) -> str:
    """How long a map will take, about."""
    found = estimated_seconds(panel.size.n, panel.method, parameters) * pace("map")
    return f"about {duration(found)}"


def _moving(panel: Panel, job: MapJob) -> Layout:
    event = job.last_progress
    fraction = min(max(float(event.get("fraction", 0.0)), 0.0), 1.0)
    if job.cancel_requested:
        said = "Stopping"
    elif fraction > 0:
        said = f"{fraction:.0%}, about {duration(float(event['seconds_left']))} left"
    else:
        said = waiting_sentence(job)
    before = _beginning(panel, "moving", said)
    points = job.intermediate()
    if points is None or len(points) != len(before.points):
        points = before.points
    return replace(before, points=points, fraction=fraction, job=job, waits=True)


def _beginning(panel: Panel, state: str, said: str) -> Layout:
    """The PCA that t-SNE and UMAP begin from, in the place of a map that is not there yet."""
    drawn = direct_map(panel.run, "pca", panel.size, components=int(panel.parameters.get("components", 2)))
    codes = map_codes(panel.run, panel.size)
    return Layout(panel, drawn.points, codes.index, codes.labels, state, said)


def python_of(layouts: list[Layout], model: Explorer) -> str:
    """The lines of Python that draw the same maps, for an open run `model`."""
    size = layouts[0].panel.size
    stored = len(model.codes.z)
    if size.split == "test" and size.n <= stored:
        some = f"[:{size.n}]" if size.n < stored else ""
        lines = [f"z, labels = model.codes.z{some}, model.codes.labels{some}"]
    else:
        lines = [
            "from aeexplorer.jobs.codes import codes_for_map",
            "",
            f'z, labels, _ = codes_for_map(model, {size.n}, "{size.split}")',
        ]
    for layout in layouts:
        panel = layout.panel
        asked = dict(panel.parameters)
        if panel.method == "axis":
            for name, end in zip("ab", _ends(panel), strict=True):
                lines.append(f"{name} = tuple(np.arange(len(z))[{end.python}].tolist())")
            asked = {"components": asked["components"], "a": "a", "b": "b"}
        said = "".join(f", {name}={value}" for name, value in asked.items())
        lines.append(f'{panel.method} = ae.project(z, "{panel.method}"{said}).points')
    needed = "import numpy as np\n\n" if any(layout.panel.method == "axis" for layout in layouts) else ""
    return needed + "\n".join(lines) + "\n"
