"""Readings as jobs: what people bring is read by a worker, so that no page waits and nothing it holds can hurt one.

<home>/readings/<id>/upload/            the files as they came
<home>/readings/<id>/proposal.json      what was found
<home>/readings/<id>/samples.safetensors  the arrays, until the data are kept or the reading is forgotten
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.data.bringing import keep
from aeexplorer.data.own import check_name, limits
from aeexplorer.data.reading import Cancelled, Choices, Proposal, Samples, read
from aeexplorer.data.sharing import import_own, is_export
from aeexplorer.data.spec import DataSpec, Factor
from aeexplorer.jobs.cache import remove_old_readings
from aeexplorer.jobs.queue import cancel, start, under_way
from aeexplorer.owners import require_owner
from aeexplorer.runs.folders import RequestFolder
from aeexplorer.store import Damaged, folders_in, home, load_arrays, new_directory, read_json, save_arrays, write_json

PROGRESS_SECONDS = 0.2
PREVIEW = 24
MOST_FILES = 5_000
"""Files of one upload; more belong into a zip archive."""
MOST_READINGS = 3
"""Readings of one person at once; the oldest is forgotten."""
BYTES_PER_SECOND = 4e6
"""Speed of reading files on one core of a small server."""
_ODD = re.compile(r"[^\w .()+,=@\[\]-]")


class ReadingSpec(Config):
    """A request to read files.

    Attributes:
        file: what is read, within upload/.
        name: under which the data are kept afterwards; empty for a look at them.
    """

    format: int = 1
    kind: Literal["read"] = "read"
    id: str
    owner: str
    file: str
    size: int = 0
    choices: Choices = Choices()
    name: str = ""
    created: str = ""


class _Found(Config):
    """Content of proposal.json: the request that it answers, and the arrays' descriptions."""

    asked: Choices
    proposal: Proposal
    features: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    labels: tuple[str, ...] = ()
    kept: str = Field("", description="The name of the data when they are kept")


class ReadingJob(RequestFolder[ReadingSpec]):
    """The folder of one reading."""

    request = ReadingSpec

    def _found(self) -> _Found | None:
        try:
            return _Found(**read_json(self.path / "proposal.json"))
        except (Damaged, ConfigError, TypeError):
            return None

    @property
    def proposal(self) -> Proposal | None:
        """The findings for the choices that were asked for last; None before there are any."""
        found = self._found()
        return found.proposal if found is not None and found.asked == self.spec.choices else None

    @property
    def kept(self) -> str:
        """The name under which the data were kept, "own/iris"; empty before."""
        found = self._found()
        return found.kept if found is not None and self.spec.name else ""

    def preview(self) -> tuple[DataSpec, np.ndarray] | None:
        """A description of the samples, and a few of them as they will be trained on; None where there are none."""
        found = self._found()
        if found is None or found.proposal.refusal:
            return None
        try:
            x = load_arrays(self.path / "preview.safetensors")["x"]
        except (Damaged, KeyError):
            return None
        return described(found.proposal, found.features), x

    def samples(self) -> Samples | None:
        """The arrays that were read for the same choices."""
        found = self._found()
        if found is None or found.asked != self.spec.choices:
            return None
        try:
            arrays = load_arrays(self.path / "samples.safetensors")
        except Damaged:
            return None
        names = found.labels
        labels = (
            [names[code] if code >= 0 else None for code in arrays["labels"].tolist()] if "labels" in arrays else None
        )
        split = arrays["split"].tobytes().decode().split("\n") if "split" in arrays else None
        return Samples(
            arrays["x"], labels, found.features, found.factors, arrays.get("columns"), arrays.get("groups"), split
        )

    def save(self, asked: Choices, proposal: Proposal, samples: Samples | None) -> None:
        """Write what was found; proposal.json comes last, because it says that the arrays are whole."""
        found = _Found(asked=asked, proposal=proposal)
        if samples is not None:
            names = tuple(sorted({label for label in samples.labels or () if label is not None}))
            places = {name: place for place, name in enumerate(names)}
            more = {"columns": samples.columns, "groups": samples.groups}
            arrays = {"x": samples.x, **{key: array for key, array in more.items() if array is not None}}
            if samples.labels is not None:
                codes = [places[label] if label is not None else -1 for label in samples.labels]
                arrays["labels"] = np.array(codes, np.int64)
            if samples.split is not None:
                arrays["split"] = np.frombuffer("\n".join(samples.split).encode(), np.uint8)
            save_arrays(self.path / "samples.safetensors", arrays)
            save_arrays(self.path / "preview.safetensors", {"x": _preview(samples)})
            found = found.replace(features=samples.features, factors=samples.factors, labels=names)
        write_json(self.path / "proposal.json", found.model_dump(mode="json"))

    def save_kept(self, name: str) -> None:
        """Write the name under which the data are kept, and delete the arrays and the files."""
        found = self._found() or _Found(asked=self.spec.choices, proposal=Proposal())
        write_json(self.path / "proposal.json", found.replace(kept=name).model_dump(mode="json"))
        for part in ("samples.safetensors", "upload"):
            path = self.path / part
            with contextlib.suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _preview(samples: Samples) -> np.ndarray:
    """A few samples at equal distances, standardised as all of them will be."""
    x = samples.x
    few = x[np.linspace(0, len(x) - 1, min(PREVIEW, len(x))).astype(int)]
    if x.dtype == np.uint8:
        return few
    axes = (0,) if x.ndim == 2 else (0, 1)
    mean, spread = np.nan_to_num(np.nanmean(x, axis=axes)), np.nan_to_num(np.nanstd(x, axis=axes))
    scaled: np.ndarray = np.nan_to_num((few - mean) / np.where(spread > 0, spread, 1.0))
    return scaled.astype(np.float32)


def described(proposal: Proposal, features: tuple[str, ...] = ()) -> DataSpec:
    """The samples of a proposal as pages show them, and as a training is estimated for them."""
    classes = tuple(name for name, _ in proposal.classes)
    spec = DataSpec(name="reading", title="Your data", kind=proposal.kind, shape=proposal.shape, classes=classes)
    if proposal.kind == "image":
        return spec.replace(value_range=(0.0, 1.0))
    return spec.replace(features=features) if proposal.kind == "vector" and features else spec


def request_reading(
    files: Sequence[tuple[str, bytes | memoryview]], owner: str, choices: Choices | None = None, address: str = ""
) -> ReadingJob:
    """Put files into a folder of the home and a job that reads them into the queue.

    Args:
        files: their names, which may have folders, and their contents.

    Raises:
        ConfigError: for no file, too many of them or too many bytes, or too many jobs that wait.
        OSError: when they cannot be written; nothing is left then.
    """
    size, most = sum(len(content) for _, content in files), limits()["upload"]
    if not files:
        raise ConfigError("an upload must have at least one file, got none")
    if len(files) > MOST_FILES:
        raise ConfigError(
            f"an upload must have at most {MOST_FILES:,} files, got {len(files):,}: put them into a zip archive"
        )
    if size > most:
        raise ConfigError(f"an upload must have at most {most / 1e6:,.0f} MB, got {size / 1e6:,.1f} MB")
    remove_old_readings()
    for job in sorted(readings(owner), key=lambda job: job.spec.created)[: -MOST_READINGS + 1]:
        forget(job, owner)
    ident = secrets.token_hex(16)
    path = home() / "readings" / ident
    file = _plain(files[0][0]) if len(files) == 1 and "/" not in files[0][0] else "files"
    with new_directory(path) as folder:
        for place, (name, content) in enumerate(files):
            _write(folder / "upload", file if len(files) == 1 and file != "files" else f"files/{name}", place, content)
        spec = ReadingSpec(
            id=ident,
            owner=owner,
            file=file,
            size=size,
            choices=choices or Choices(),
            created=datetime.now(UTC).isoformat(),
        )
        write_json(folder / "spec.json", spec.model_dump(mode="json"))
        ReadingJob.prepare(folder)
    job = ReadingJob(path)
    start(job, owner, 0.5 + size / BYTES_PER_SECOND, address, new=True)
    return job


def _plain(name: str) -> str:
    """A file name of letters, digits and a few signs: what people call their files is not trusted."""
    return _ODD.sub("_", name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1])[-100:].lstrip(". ") or "file"


def _write(root: Path, name: str, place: int, content: bytes | memoryview) -> None:
    *folders, last = name.split("/")
    path = root.joinpath(*(_plain(folder) for folder in folders), _plain(last))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():  # two files of one name
        path = path.with_name(f"{place}-{path.name}"[-120:])
    path.write_bytes(content)


def read_again(job: ReadingJob, choices: Choices, owner: str, name: str = "", address: str = "") -> None:
    """Read with other choices, or keep under a name.

    Raises:
        ConfigError: when it is somebody else's, is under way, or the name is none.
    """
    require_owner(job.spec.owner, owner, "these files", "read")
    if name:
        check_name(name)
    spec = job.spec.replace(choices=choices, name=name)
    write_json(job.path / "spec.json", spec.model_dump(mode="json"))
    job.set_status(state="queued", reason="")
    job.spec = spec
    start(job, owner, 0.5 + (0.1 if name else 1.0) * spec.size / BYTES_PER_SECOND, address)


def find_reading(ident: str, owner: str) -> ReadingJob | None:
    """A reading of an owner by its id; None where there is none."""
    if not re.fullmatch("[0-9a-f]{32}", ident):
        return None
    try:
        job = ReadingJob(home() / "readings" / ident)
    except (Damaged, OSError):
        return None
    return job if job.spec.owner == owner else None


def readings(owner: str) -> list[ReadingJob]:
    """The readings of an owner."""
    found = []
    for path in folders_in(home() / "readings"):
        with contextlib.suppress(Damaged, OSError):
            if (job := ReadingJob(path)).spec.owner == owner:
                found.append(job)
    return found


def forget(job: ReadingJob, owner: str) -> None:
    """End a reading and remove its files; a worker that is at it ends when it finds its folder gone."""
    with contextlib.suppress(ConfigError, Damaged, OSError):
        if under_way(job):
            cancel(job, owner)
    shutil.rmtree(job.path, ignore_errors=True)


def compute_reading(job: ReadingJob, wanted: Callable[[], object]) -> None:
    """Read into the folder, and keep the data where the request has a name for them.

    Args:
        wanted: whether anyone still waits; asked for each picture.

    Raises:
        Cancelled: when nobody does.
        OSError: when something cannot be written; nothing is kept then.
    """
    begun = written = time.monotonic()

    def progress(fraction: float) -> None:
        nonlocal written
        if not wanted():
            raise Cancelled
        now = time.monotonic()
        if now - written > PROGRESS_SECONDS:
            written = now
            left = (now - begun) * (1 - fraction) / max(fraction, 1e-3)
            numbers = {"fraction": round(fraction, 4), "seconds": round(now - begun, 3), "seconds_left": round(left, 2)}
            job.append({"type": "progress", **numbers})

    spec, path = job.spec, job.path / "upload" / job.spec.file
    if is_export(path):
        data = import_own(path, spec.owner)
        job.save(spec.choices, Proposal(samples=sum(len(split) for split in data.splits.values())), None)
        job.save_kept(data.spec.name)
        job.set_status(state="done", seconds=round(time.monotonic() - begun, 3))
        return
    samples, proposal = job.samples(), job.proposal
    if samples is None or proposal is None:
        try:
            proposal, samples = read(path, spec.choices, progress)
        except ConfigError as error:
            proposal = Proposal(refusal=str(error), chosen=spec.choices)
        job.save(spec.choices, proposal, samples)
    if spec.name and samples is not None:
        data, _ = keep(proposal, samples, spec.name, spec.owner)
        job.save_kept(data.spec.name)
    job.set_status(state="done", seconds=round(time.monotonic() - begun, 3))
