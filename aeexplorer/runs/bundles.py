"""Bundles: a run as one zip archive, with the data that people brought, and back again.

<id>/...                    the run folder, without checkpoints and controls
own-data/<digest>/...       the data it was trained on, where they are somebody's own

An archive is not trusted: names, sizes and kinds of files are checked before anything is read, JSON and safetensors are
all that there may be, and nothing is in the home before all of it has been understood.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import stat
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from aeexplorer.config import ConfigError
from aeexplorer.data.own import OWN, folder_of, keep_folder, own_data
from aeexplorer.owners import acting_as, local_owner
from aeexplorer.program_files import PRETRAINED
from aeexplorer.runs.run import Run
from aeexplorer.store import TEMPORARY_SUFFIX, Damaged, home, read_json, remove_folder, temporary_prefix, write_json

LEFT_OUT = ("checkpoint", "control")
MOST_FILES = 2_000
MOST_BYTES = 1_000_000_000
_RUN_FILE = re.compile(
    r"(spec|status|label|marks|draws|teacher)\.json|README\.md|events\.jsonl|(weights|codes|start|teacher)\.safetensors|log\.txt"
    r"|dial/\d{2}\.safetensors|snapshots/(samples|\d{5})\.safetensors"
)
_DATA_FILE = re.compile(r"own-data/[0-9a-f]{32}/(spec\.json|data\.safetensors)")
_FOLDER = re.compile(r"[A-Za-z0-9_][\w.-]{0,199}")


def bundle(run: Run) -> bytes:
    """A run as one zip archive, with its data where they are somebody's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in run.path.rglob("*") if path.is_file() and not path.is_symlink()):
            inside = file.relative_to(run.path)
            if inside.parts[0] not in LEFT_OUT and not file.name.startswith("."):
                archive.write(file, Path(run.path.name) / inside)
        if run.spec.dataset.startswith(OWN):
            folder = folder_of(run.spec.dataset)
            for name in ("spec.json", "data.safetensors"):
                archive.write(folder / name, Path("own-data") / folder.name / name)
    return buffer.getvalue()


def import_bundle(source: str | Path | bytes | IO[bytes], owner: str | None = None) -> Run:
    """Unpack a bundle into the home as a run of its own, under a new id; its data come along.

    Args:
        source: a file, its content, or an open file.
        owner: whose it becomes; the local user's if None.

    Raises:
        ConfigError: for what is no bundle, for a file that has no place in one, for more than 2,000 files or 1 GB, and
            for a run that has not ended.
        Damaged: for files that do not fit each other.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        raise ConfigError(f"a bundle must be a zip archive: {error}") from None
    with (
        archive,
        tempfile.TemporaryDirectory(TEMPORARY_SUFFIX, temporary_prefix("import"), _ready(home() / "runs")) as temporary,
    ):
        name = _checked(archive)
        _unpack(archive, Path(temporary))
        owner = local_owner() if owner is None else owner
        with acting_as(owner):
            return _adopted(Path(temporary), name, owner)


def _ready(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _checked(archive: zipfile.ZipFile) -> str:
    """The name of the run's folder in an archive whose list of files is that of a bundle."""
    items = [item for item in archive.infolist() if not item.is_dir()]
    if len(items) > MOST_FILES:
        raise ConfigError(f"a bundle must have at most {MOST_FILES:,} files, got {len(items):,}")
    if (total := sum(item.file_size for item in items)) > MOST_BYTES:
        raise ConfigError(f"a bundle must unpack to at most {MOST_BYTES:,} bytes, got {total:,}")
    names = {item.filename.split("/", 1)[0] for item in items if not item.filename.startswith("own-data/")}
    if len(names) != 1 or not _FOLDER.fullmatch(folder := next(iter(names))):
        raise ConfigError(f"a bundle must hold one run folder, got {', '.join(sorted(names))[:80] or 'none'}")
    for item in items:
        inside = item.filename.removeprefix(f"{folder}/")
        known = _DATA_FILE.fullmatch(item.filename) or (inside != item.filename and _RUN_FILE.fullmatch(inside))
        if not known or stat.S_ISLNK(item.external_attr >> 16):
            raise ConfigError(
                f"a bundle must hold nothing but a run's JSON and safetensors, got {item.filename[:80]!r}"
            )
    if len({item.filename.split("/")[1] for item in items if item.filename.startswith("own-data/")}) > 1:
        raise ConfigError("a bundle must hold the data of one run, got more")
    if f"{folder}/spec.json" not in archive.namelist():
        raise ConfigError("a bundle must hold the spec.json of its run, got none")
    return folder


def _unpack(archive: zipfile.ZipFile, target: Path) -> None:
    """Write the files; no more bytes than the list declares, whatever the archive gives."""
    for item in archive.infolist():
        if item.is_dir():
            continue
        path = target / item.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with archive.open(item) as packed, open(path, "wb") as file:
                left = item.file_size
                while chunk := packed.read(min(1 << 20, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        raise ConfigError(f"{item.filename} in the bundle is larger than it says")
                    file.write(chunk)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise ConfigError(f"{item.filename} in the bundle cannot be unpacked: {error}") from None


def _adopted(temporary: Path, name: str, owner: str) -> Run:
    """Check what was unpacked and move it into the home."""
    folder = temporary / name
    spec = read_json(folder / "spec.json")
    found = Run(folder)
    if found.status.state not in ("done", "cancelled"):
        raise ConfigError(f"the run of a bundle must have ended, got one that is {found.status.state}")
    found.load_model()
    _ = found.codes
    for part in ("snapshots", "control"):
        (folder / part).mkdir(exist_ok=True)
    taken = (home() / "runs" / name).exists() or (PRETRAINED / name).exists()
    new = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}" if taken else name
    changes: dict[str, object] = {"owner": owner, "id": new}
    target, before, added = _ready(home() / "runs") / new, own_data(), ""
    try:
        for data in (temporary / "own-data").glob("*"):
            kept = keep_folder(data, owner, found.spec.source).spec
            added = kept.name if kept.name not in before else ""
            if kept != found.spec.data.replace(name=kept.name):
                raise Damaged(f"the data in the bundle are not described as {name} describes them")
            changes |= {"dataset": kept.name, "data": {**spec["data"], "name": kept.name}}
        write_json(folder / "spec.json", {**spec, **changes})
        os.replace(folder, target)
    except BaseException:
        if added:
            remove_folder(folder_of(added))
        raise
    return Run(target)
