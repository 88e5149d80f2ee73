"""Maps of codes as jobs: t-SNE and UMAP never run in the process that serves pages.

The folder of a map is named by a hash of its codes and parameters, so two people who ask for the same map share one job
and its result.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.data import find_source
from aeexplorer.explorer import open_run
from aeexplorer.jobs.codes import MOST_CODES, SplitName, codes_for_map, codes_key
from aeexplorer.jobs.graphs import GRAPH_NEIGHBOURS, STORED_NEIGHBOURS, neighbour_graph
from aeexplorer.metrics import KNNGraph
from aeexplorer.projection import METHODS, SMALLEST_MAP, Cancelled, Projection, project
from aeexplorer.projection.judging import judge
from aeexplorer.projection.layouts import GRAPH_SHARE, checked
from aeexplorer.runs.folders import RequestFolder
from aeexplorer.runs.run import STORED_CODES, Run
from aeexplorer.store import Damaged, home, load_arrays, new_directory, save_arrays, write_json

INTERMEDIATE_SECONDS = 0.3
LAYOUT_SHARE = 0.95  # of the progress; the rest is for the quality figures


class MapSpec(Config):
    """A request for a map.

    Attributes:
        key: hash of the stored codes and of every other field; the name of the folder.
        n, split, level: codes on the map, see `codes_for_map`.
    """

    format: int = 1
    kind: Literal["map"] = "map"
    key: str
    run: str
    method: str
    n: int = Field(ge=1, le=MOST_CODES)
    split: SplitName = "test"
    level: int = Field(0, ge=0)
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class FinishedMap:
    """The result of a map job.

    Attributes:
        points: (n, 2 or 3) float32.
        labels: (n,) classes, -1 where unknown.
        index: (n,) samples, see `Dataset.take`.
        quality: see `projection.quality`.
        kept: (n,) share of each code's nearest codes that are among its nearest points; None of an older map.
    """

    points: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    quality: dict[str, float]
    notices: tuple[str, ...] = ()
    seconds: float = 0.0
    kept: np.ndarray | None = None


class MapJob(RequestFolder[MapSpec]):
    """The folder of one map."""

    request = MapSpec

    def arrays(self) -> dict[str, np.ndarray]:
        """The stored arrays points, labels, index and kept of `FinishedMap`."""
        return load_arrays(self.path / "map.safetensors")

    def finished(self) -> FinishedMap:
        """The finished map with its figures.

        Raises:
            Damaged: when its files are missing or do not fit.
        """
        status, arrays = self.status, self.arrays()
        try:
            points, labels, index = arrays["points"], arrays["labels"], arrays["index"]
        except KeyError as error:
            raise Damaged(f"map.safetensors in {self.path.name} has no array {error}") from None
        kept = arrays.get("kept")
        if not _fit(points, labels, index, kept):
            raise Damaged(f"map.safetensors in {self.path.name} must hold finite points (n, 2 or 3) and n labels and "
                          f"places, got points of shape {points.shape} for {index.shape} places")  # fmt: skip
        notices = (self.last_event("end") or {}).get("notices", [])
        notices = tuple(map(str, notices)) if isinstance(notices, list) else ()
        return FinishedMap(points, labels, index, status.result, notices, status.seconds, kept)

    def intermediate(self) -> np.ndarray | None:
        """Points (n, 2 or 3) of the layout so far, or None before the first."""
        try:
            return load_arrays(self.path / "intermediate.safetensors")["points"]
        except (Damaged, KeyError):
            return None


def _fit(points: np.ndarray, labels: np.ndarray, index: np.ndarray, kept: np.ndarray | None) -> bool:
    """Whether stored arrays are those of one map, because a file may hold anything."""
    n = (len(points),)
    return bool(
        points.ndim == 2
        and 1 <= n[0] <= MOST_CODES
        and points.shape[1] in (2, 3)
        and labels.shape == index.shape == n
        and (kept is None or kept.shape == n)
        and points.dtype.kind == "f"
        and labels.dtype.kind == index.dtype.kind == "i"
        and np.isfinite(points).all()
        and index.min() >= 0
        and (kept is None or np.isfinite(kept).all())
    )


def find_map(
    run: Run, method: str, n: int = STORED_CODES, split: SplitName = "test", level: int = 0, **parameters: Any
) -> tuple[str, MapJob | None]:
    """The key of a request, and its job if there is one.

    Raises:
        ConfigError: for an unknown method or parameter, or one out of bounds.
    """
    if method not in METHODS:
        raise ConfigError(unknown("method", method, METHODS))
    config = METHODS[method].config(**parameters)
    of_level = f" level {level}" if level else ""
    digest = hashlib.sha256(f"{codes_key(run, n, split)} {method} {config.model_dump_json()}{of_level}".encode())
    key = digest.hexdigest()[:32]
    try:
        return key, MapJob(home() / "maps" / key)
    except Damaged:
        return key, None


def submit_map(
    run: Run, method: str, n: int = STORED_CODES, split: SplitName = "test", level: int = 0, **parameters: Any
) -> MapJob:
    """The job of this map: an existing one, or a new one that is queued. Start it when its state is "queued".

    A job that failed, was cancelled or interrupted, or whose files are damaged, is replaced by a new one.

    Raises:
        ConfigError: for an unknown method or parameter, one out of bounds, or a map of fewer codes than it needs.
    """
    if METHODS.get(method) and METHODS[method].approximate and n < SMALLEST_MAP:
        raise ConfigError(f"{METHODS[method].title} needs at least {SMALLEST_MAP} codes, got {n}")
    key, job = find_map(run, method, n, split, level, **parameters)
    if job is not None:
        with contextlib.suppress(Damaged):
            state = job.status.state
            if state == "done":
                job.finished()
            if state in ("queued", "running", "done"):
                return job
        shutil.rmtree(job.path, ignore_errors=True)
    spec = MapSpec(key=key, run=str(run.path), method=method, n=n, split=split, level=level, parameters=parameters)
    path = home() / "maps" / key
    try:
        with new_directory(path) as folder:
            write_json(folder / "spec.json", spec.model_dump(mode="json"))
            MapJob.prepare(folder)
    except OSError:
        if not (path / "spec.json").exists():
            raise
    return MapJob(path)


def estimated_seconds(n: int, method: str, parameters: dict[str, Any]) -> float:
    """Estimate the seconds that a map of n codes takes in a warm worker, measured on one core of a small server."""
    graph = 3e-9 * n * n
    figures = 0.5 + 1e-4 * n
    if method == "tsne":
        config = METHODS[method].config(**parameters).model_dump()
        per_point = 2e-6 if config["components"] == 2 else 1e-5
        return graph + figures + per_point * n * (config["early_iterations"] + config["iterations"])
    if method == "umap":
        config = METHODS[method].config(**parameters).model_dump()
        epochs = config["n_epochs"] or (600 if n <= 10_000 else 200)
        return graph + figures + 1e-6 * n * epochs * config["n_neighbors"] / 10
    return figures


class _ProgressLog:
    """Writes the progress of a job and its intermediate layout, at most once in `INTERMEDIATE_SECONDS`.

    Args:
        wanted: whether anyone still waits for the map.
        expected: seconds, by which the time left is told until the layout moves.
    """

    def __init__(self, job: MapJob, wanted: Callable[[], object], expected: float) -> None:
        self.job = job
        self.wanted = wanted
        self.expected = expected
        self.start = self.written = time.monotonic()
        self.furthest = 0.0
        self.layout_start: tuple[float, float] | None = None  # time and fraction when the layout began to move

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def __call__(self, fraction: float, points: np.ndarray | None) -> bool:
        now = time.monotonic()
        fraction = self.furthest = max(fraction, self.furthest)
        if points is not None and self.layout_start is None:
            self.layout_start = now, fraction
        if now - self.written > INTERMEDIATE_SECONDS:
            self.written = now
            if points is not None:
                save_arrays(self.job.path / "intermediate.safetensors", {"points": points.astype(np.float32)})
            self.write(fraction)
        return bool(self.wanted())

    def write(self, fraction: float) -> None:
        """Append the fraction done of the layout and the seconds left."""
        left = max(self.expected - self.seconds, 1.0)
        if self.layout_start is not None and fraction > self.layout_start[1]:
            since, first = self.layout_start
            left = (time.monotonic() - since) * (1 - fraction) / (fraction - first)
        self._append(LAYOUT_SHARE * fraction, left)

    def quality(self, fraction: float) -> None:
        """Append the fraction done of the quality figures.

        Raises:
            Cancelled: when nobody waits for the map any more.
        """
        if not self.wanted():
            raise Cancelled
        if time.monotonic() - self.written > INTERMEDIATE_SECONDS:
            self.written = time.monotonic()
            self._append(LAYOUT_SHARE + (1 - LAYOUT_SHARE) * fraction, 1.0)

    def _append(self, fraction: float, left: float) -> None:
        numbers = {"fraction": round(fraction, 4), "seconds": round(self.seconds, 3), "seconds_left": round(left, 2)}
        self.job.append({"type": "progress", **numbers})


def compute_map(job: MapJob, wanted: Callable[[], object]) -> Projection:
    """Compute a map into its folder.

    Args:
        wanted: whether anyone still waits for the map; asked all the time.

    Raises:
        Cancelled: when nobody waits for the map any more.
        ConfigError: for codes that have no such map.
    """
    spec = job.spec
    log = _ProgressLog(job, wanted, estimated_seconds(spec.n, spec.method, spec.parameters))
    log.write(0.0)
    explorer = open_run(spec.run)
    z, labels, index = codes_for_map(explorer, spec.n, spec.split, spec.level)
    if not wanted():
        raise Cancelled
    graph = _graph_for(spec, z, log)
    projection = project(z, spec.method, progress=log, graph=graph, **spec.parameters)
    figures: dict[str, float] = {}
    kept = np.ones(len(z), np.float32)
    if len(z) >= SMALLEST_MAP:
        known = labels if (labels >= 0).any() else None
        figures, kept = judge(z, projection.points, known, graph=graph or projection.graph, progress=log.quality)
    notices = [*_samples_notice(spec, explorer.run, len(z)), *projection.notices]
    arrays = {"points": projection.points, "labels": labels, "index": index, "kept": kept}
    save_arrays(job.path / "map.safetensors", arrays)
    end = {"notices": notices, "seconds": log.seconds, "parameters": projection.parameters}
    job.append({"type": "end", **end}, durable=True)
    job.set_status(state="done", seconds=round(log.seconds, 3), result={k: float(v) for k, v in figures.items()})
    (job.path / "intermediate.safetensors").unlink(missing_ok=True)
    return projection


def _graph_for(spec: MapSpec, z: np.ndarray, log: _ProgressLog) -> KNNGraph | None:
    """The graph that all maps of these codes share; None for methods without a graph, and for one too wide to store."""
    k = int(max(3 * spec.parameters.get("perplexity", 0), spec.parameters.get("n_neighbors", 0), GRAPH_NEIGHBOURS))
    if not METHODS[spec.method].approximate or min(k, len(z)) > STORED_NEIGHBOURS or len(z) < SMALLEST_MAP:
        return None
    checked(z)

    def report(done: float) -> None:
        if not log(GRAPH_SHARE * done, None):
            raise Cancelled

    return neighbour_graph(z, k, report)


def _samples_notice(spec: MapSpec, run: Run, n: int) -> list[str]:
    """Notices about the choice of samples: fewer than asked for, or a subset of the split."""
    if n < spec.n and spec.n != STORED_CODES:
        return [f"samples lowered from {spec.n:,} to {n:,}: there are no more"]
    if spec.split == "test" and n <= STORED_CODES:
        return []
    try:
        source = find_source(run.spec.dataset)
    except ConfigError:
        return []
    total, name = {
        "test": (source.n_test, " test"),
        "train": (source.n_train, " training"),
        "all": (sum(source.counts), ""),
    }[spec.split]
    return [f"{n:,} of {total:,}{name} samples, each class with its share"] if n < total else []
