"""Maps of codes as jobs: t-SNE and UMAP never run in the process that serves pages.

A map is named by what it is computed from, so the same request by two people is one job, and its result is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from aeexplorer.config import Config, ConfigError
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.folders import WorkFolder
from aeexplorer.projection import METHODS, Cancelled, Projection, project, quality
from aeexplorer.runs import STORED_CODES, Run
from aeexplorer.store import Damaged, home, load_arrays, new_directory, read_json, save_arrays, write_json

INTERMEDIATE_SECONDS = 0.4


class MapSpec(Config):
    """What was asked for.

    Attributes:
        key: hash of the stored codes and of everything else here; the name of the folder.
        n: test samples on the map; above the stored 2,000 the worker encodes them from the data.
    """

    format: int = 1
    kind: Literal["map"] = "map"
    key: str
    run: str
    method: str
    n: int
    parameters: dict[str, Any]


@dataclass(frozen=True, eq=False)
class FinishedMap:
    """A map as it is shown: points (n, 2|3), labels (n,), index (n,) into the test split, and what it says of itself.

    Attributes:
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
        """The finished map: points (n, 2|3), labels (n,), index (n,) into the test split."""
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
        return FinishedMap(points, labels, index, status.result, tuple(end.get("notices", ())), (), status.seconds)

    def intermediate(self) -> np.ndarray | None:
        """Points (n, 2|3) of the layout as it is now, or None before the first."""
        try:
            return load_arrays(self.path / "intermediate.safetensors")["points"]
        except (Damaged, KeyError):
            return None


def find_map(run: Run, method: str, n: int = STORED_CODES, **parameters: Any) -> tuple[str, MapJob | None]:
    """The key of a request, and its folder when somebody asked for it before.

    Raises:
        ConfigError: for an unknown method or parameter, or one out of bounds.
    """
    if method not in METHODS:
        raise ConfigError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    config = METHODS[method].config(**parameters)
    digest = hashlib.sha256((run.path / "codes.safetensors").read_bytes())
    digest.update(f"{n} {method} {config.model_dump_json()} {run.spec.id if n > STORED_CODES else ''}".encode())
    key = digest.hexdigest()[:32]
    try:
        return key, MapJob(home() / "maps" / key)
    except Damaged:
        return key, None


def submit_map(run: Run, method: str, n: int = STORED_CODES, **parameters: Any) -> MapJob:
    """The job for this map: the one there is, or a new one, queued. Start it when its state is "queued".

    A job that failed, was cancelled or interrupted is made anew, and so is one whose files are damaged.
    """
    key, job = find_map(run, method, n, **parameters)
    if job is not None:
        with contextlib.suppress(Damaged):
            state = job.status.state
            if state == "done":
                job.finished()
            if state in ("queued", "running", "done"):
                return job
        shutil.rmtree(job.path, ignore_errors=True)
    spec = MapSpec(key=key, run=str(run.path), method=method, n=n, parameters=parameters)
    path = home() / "maps" / key
    try:
        with new_directory(path) as folder:
            write_json(folder / "spec.json", spec.model_dump(mode="json"))
            MapJob.prepare(folder)
    except OSError:
        if not (path / "spec.json").exists():
            raise
    return MapJob(path)


def codes_for_map(explorer: Explorer, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes (n, latent_dim), labels and places of the first n test samples; stored ones where they are enough."""
    stored = explorer.codes
    if n <= len(stored.z):
        return stored.z[:n], stored.labels[:n], stored.index[:n]
    if n <= STORED_CODES:
        return stored.z, stored.labels, stored.index
    index = np.arange(min(n, len(explorer.dataset.test)))
    return explorer.encode(explorer.dataset.test.x[index]), explorer.dataset.test.y[index], index


def compute_map(job: MapJob, wanted: Any) -> Projection:
    """Compute a map into its folder. `wanted()` says whether anyone still wants it.

    Raises:
        Cancelled: when nobody does.
    """
    z, labels, index = codes_for_map(open_run(job.spec.run), job.spec.n)
    begun = time.monotonic()
    saved = begun

    def progress(fraction: float, points: np.ndarray | None) -> bool:
        nonlocal saved
        now = time.monotonic()
        if now - saved > INTERMEDIATE_SECONDS:
            saved, seconds = now, now - begun
            if points is not None:
                save_arrays(job.path / "intermediate.safetensors", {"points": points.astype(np.float32)})
            left = seconds * (1 - fraction) / max(fraction, 0.01)
            job.append({"type": "progress", "fraction": fraction, "seconds": seconds, "seconds_left": left})
        return bool(wanted())

    projection = project(z, job.spec.method, progress=progress, **job.spec.parameters)
    if not wanted():
        raise Cancelled
    figures = quality(z, projection.points, labels if (labels >= 0).any() else None)
    save_arrays(job.path / "map.safetensors", {"points": projection.points, "labels": labels, "index": index})
    seconds = time.monotonic() - begun
    job.append({"type": "end", "notices": list(projection.notices), "seconds": seconds}, durable=True)
    job.set_status(
        state="done", seconds=round(seconds, 3), result={k: float(v) for k, v in figures.items() if v is not None}
    )
    return projection
