"""Maps of codes as jobs: t-SNE and UMAP never run in the process that serves pages.

A map is named by what it is computed from, so the same request by two people is one job, and its result is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError, unknown
from aeexplorer.data import DATASETS
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.jobs.codes import (
    GRAPH_NEIGHBOURS,
    KEPT_NEIGHBOURS,
    MOST_CODES,
    MapCodes,
    SplitName,
    codes_for_map,
    codes_key,
    graph_of,
    samples_of,
)
from aeexplorer.metrics import KNNGraph
from aeexplorer.projection import METHODS, SMALLEST_MAP, Cancelled, Projection, project
from aeexplorer.projection.judging import judge
from aeexplorer.projection.layouts import GRAPH_SHARE, checked
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.run import STORED_CODES, Run
from aeexplorer.store import Damaged, home, load_arrays, new_directory, read_json, save_arrays, write_json

__all__ = [
    "FinishedMap", "MapCodes", "MapJob", "MapSpec", "SplitName",
    "codes_for_map", "compute_map", "estimated_seconds", "find_map", "graph_of", "samples_of", "submit_map",
]  # fmt: skip

INTERMEDIATE_SECONDS = 0.3
LAYOUT_SHARE = 0.95  # of the progress; the rest is for the figures


class MapSpec(Config):
    """What was asked for.

    Attributes:
        key: hash of the stored codes and of everything else here; the name of the folder.
        n: samples on the map; where the stored codes are not enough the worker encodes them from the data.
        split: which samples, see `codes_for_map`.
    """

    format: int = 1
    kind: Literal["map"] = "map"
    key: str
    run: str
    method: str
    n: int = Field(ge=1, le=MOST_CODES)
    split: SplitName = "test"
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class FinishedMap:
    """A map as it is shown: points (n, 2|3), labels (n,), index (n,), see `samples_of`, and what it says of itself.

    Attributes:
        kept: (n,) share of each code's nearest codes that are among its nearest points; None of an older map.
        quality: see `projection.quality`.
        explained_variance: of PCA the share of the variance on each axis, else empty.
    """

    points: np.ndarray
    labels: np.ndarray
    index: np.ndarray
    quality: dict[str, float]
    notices: tuple[str, ...] = ()
    explained_variance: tuple[float, ...] = ()
    seconds: float = 0.0
    kept: np.ndarray | None = None


class MapJob(WorkFolder):
    """The folder of one map.

    Raises:
        Damaged: when its spec cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        try:
            self.spec = MapSpec(**read_json(self.path / "spec.json"))
        except (ConfigError, TypeError) as error:
            raise Damaged(f"spec.json in {self.path.name} does not fit: {error}") from None

    def arrays(self) -> dict[str, np.ndarray]:
        """The finished map: points (n, 2|3), labels (n,), index (n,) and kept (n,), see `FinishedMap`."""
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
        if points.ndim != 2 or not len(points) == len(labels) == len(index):
            raise Damaged(
                f"map.safetensors in {self.path.name} has points of shape {points.shape} for {len(index)} codes"
            )
        end = self.last_event("end") or {}
        return FinishedMap(
            points, labels, index, status.result, tuple(end.get("notices", ())), (), status.seconds, arrays.get("kept")
        )

    def projection(self, explorer: Explorer | None = None) -> Projection:
        """The finished map with its codes, to place new codes on it and to lift points from it.

        Args:
            explorer: of the run, where it is open already.

        Raises:
            Damaged: when its files are missing or do not fit, or when the run has changed.
        """
        found, spec = self.finished(), self.spec
        codes = codes_for_map(explorer or open_run(spec.run), spec.n, spec.split)
        if not np.array_equal(codes.index, found.index):
            raise Damaged(f"the map in {self.path.name} is of other samples than its run has codes of")
        parameters = {**spec.parameters, **(self.last_event("end") or {}).get("parameters", {})}
        return Projection(found.points, codes.z, spec.method, parameters, found.notices, None, found.seconds)

    def intermediate(self) -> np.ndarray | None:
        """Points (n, 2|3) of the layout as it is now, or None before the first."""
        try:
            return load_arrays(self.path / "intermediate.safetensors")["points"]
        except (Damaged, KeyError):
            return None


def find_map(
    run: Run, method: str, n: int = STORED_CODES, split: SplitName = "test", **parameters: Any
) -> tuple[str, MapJob | None]:
    """The key of a request, and its folder when somebody asked for it before.

    Raises:
        ConfigError: for an unknown method or parameter, or one out of bounds.
    """
    if method not in METHODS:
        raise ConfigError(unknown("method", method, METHODS))
    config = METHODS[method].config(**parameters)
    digest = hashlib.sha256(f"{codes_key(run, n, split)} {method} {config.model_dump_json()}".encode())
    key = digest.hexdigest()[:32]
    try:
        return key, MapJob(home() / "maps" / key)
    except Damaged:
        return key, None


def submit_map(run: Run, method: str, n: int = STORED_CODES, split: SplitName = "test", **parameters: Any) -> MapJob:
    """The job for this map: the one there is, or a new one, queued. Start it when its state is "queued".

    A job that failed, was cancelled or interrupted is made anew, and so is one whose files are damaged.

    Raises:
        ConfigError: for an unknown method or parameter, one out of bounds, or a map of fewer codes than it needs.
    """
    if METHODS.get(method) and METHODS[method].approximate and n < SMALLEST_MAP:
        raise ConfigError(f"{METHODS[method].title} needs at least {SMALLEST_MAP} codes, got {n}")
    key, job = find_map(run, method, n, split, **parameters)
    if job is not None:
        with contextlib.suppress(Damaged):
            state = job.status.state
            if state == "done":
                job.finished()
            if state in ("queued", "running", "done"):
                return job
        shutil.rmtree(job.path, ignore_errors=True)
    spec = MapSpec(key=key, run=str(run.path), method=method, n=n, split=split, parameters=parameters)
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
    """What a map of n codes takes, about, in a worker that is warm; measured on one core of a small server."""
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


class _Reporter:
    """Writes the progress of a job, and its layout as it moves, no more often than somebody looks."""

    def __init__(self, job: MapJob, wanted: Callable[[], object], expected: float) -> None:
        self.job = job
        self.wanted = wanted
        self.expected = expected
        self.begun = self.saved = time.monotonic()
        self.furthest = 0.0
        self.moving: tuple[float, float] | None = None  # when the layout began to move, and at which fraction

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def __call__(self, fraction: float, points: np.ndarray | None) -> bool:
        now = time.monotonic()
        fraction = self.furthest = max(fraction, self.furthest)
        if points is not None and self.moving is None:
            self.moving = now, fraction
        if now - self.saved > INTERMEDIATE_SECONDS:
            self.saved = now
            if points is not None:
                save_arrays(self.job.path / "intermediate.safetensors", {"points": points.astype(np.float32)})
            self.say(fraction)
        return bool(self.wanted())

    def say(self, fraction: float) -> None:
        """Append how far it is, and how long it will take."""
        left = max(self.expected - self.seconds, 1.0)
        if self.moving is not None and fraction > self.moving[1]:
            since, first = self.moving
            left = (time.monotonic() - since) * (1 - fraction) / (fraction - first)
        self.job.append({
            "type": "progress", "fraction": round(LAYOUT_SHARE * fraction, 4), "seconds": round(self.seconds, 3),
            "seconds_left": round(left, 2),
        })  # fmt: skip

    def judging(self, fraction: float) -> None:
        """While the figures are taken.

        Raises:
            Cancelled: when nobody wants them any more.
        """
        if not self.wanted():
            raise Cancelled
        if time.monotonic() - self.saved > INTERMEDIATE_SECONDS:
            self.saved = time.monotonic()
            done = LAYOUT_SHARE + (1 - LAYOUT_SHARE) * fraction
            self.job.append({
                "type": "progress", "fraction": round(done, 4), "seconds": round(self.seconds, 3), "seconds_left": 1.0,
            })  # fmt: skip


def compute_map(job: MapJob, wanted: Callable[[], object]) -> Projection:
    """Compute a map into its folder. `wanted()` says whether anyone still wants it.

    Raises:
        Cancelled: when nobody does.
        ConfigError: for codes that have no such map.
    """
    spec = job.spec
    report = _Reporter(job, wanted, estimated_seconds(spec.n, spec.method, spec.parameters))
    report.say(0.0)
    explorer = open_run(spec.run)
    z, labels, index = codes_for_map(explorer, spec.n, spec.split)
    if not wanted():
        raise Cancelled
    graph = _graph_for(spec, z, report)
    projection = project(z, spec.method, progress=report, graph=graph, **spec.parameters)
    figures: dict[str, float] = {}
    kept = np.ones(len(z), np.float32)
    if len(z) >= SMALLEST_MAP:
        known = labels if (labels >= 0).any() else None
        figures, kept = judge(z, projection.points, known, graph=graph or projection.graph, progress=report.judging)
    notices = [*_samples_notice(spec, explorer.run, len(z)), *projection.notices]
    save_arrays(
        job.path / "map.safetensors", {"points": projection.points, "labels": labels, "index": index, "kept": kept}
    )
    job.append({
        "type": "end", "notices": notices, "seconds": report.seconds, "parameters": projection.parameters,
    }, durable=True)  # fmt: skip
    job.set_status(state="done", seconds=round(report.seconds, 3), result={k: float(v) for k, v in figures.items()})
    (job.path / "intermediate.safetensors").unlink(missing_ok=True)
    return projection


def _graph_for(spec: MapSpec, z: np.ndarray, report: _Reporter) -> KNNGraph | None:
    """The graph that all maps of these codes share; None where the method wants none, or a wider one than is kept."""
    k = int(max(3 * spec.parameters.get("perplexity", 0), spec.parameters.get("n_neighbors", 0), GRAPH_NEIGHBOURS))
    if not METHODS[spec.method].approximate or min(k, len(z)) > KEPT_NEIGHBOURS or len(z) < SMALLEST_MAP:
        return None
    checked(z)

    def watched(done: float) -> None:
        if not report(GRAPH_SHARE * done, None):
            raise Cancelled

    return graph_of(z, k, watched)


def _samples_notice(spec: MapSpec, run: Run, n: int) -> list[str]:
    """What there is to say about which samples are on the map."""
    if n < spec.n and spec.n != STORED_CODES:
        return [f"samples lowered from {spec.n:,} to {n:,}: there are no more"]
    source = DATASETS.get(run.spec.dataset)
    if source is None or (spec.split == "test" and n <= STORED_CODES):
        return []
    of, name = {
        "test": (source.n_test, " test"), "train": (source.n_train, " training"), "all": (sum(source.counts), ""),
    }[spec.split]  # fmt: skip
    return [f"{n:,} of {of:,}{name} samples, each class with its share"] if n < of else []
