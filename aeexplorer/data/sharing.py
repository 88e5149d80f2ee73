"""Kept data as a zip archive, with their samples as files that other programs open, and back into another home.

own-data/<digest>/spec.json, data.safetensors    what is kept; all that is read again
samples/...                                      pictures as PNG, tables as CSV in the units that they came in
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data.own import FILES, folder_of, keep_folder, load_own
from aeexplorer.data.reading.archives import bounded, is_zip
from aeexplorer.data.spec import Dataset, Split
from aeexplorer.spreadsheets import plain_cell
from aeexplorer.store import TEMPORARY_SUFFIX, Damaged, home, read_json, temporary_prefix

MOST_BYTES = 1_100_000_000
_FILE = re.compile(rf"own-data/([0-9a-f]{{32}})/({'|'.join(map(re.escape, FILES))})")


def export_own(name: str) -> bytes:
    """Kept data as a zip archive.

    Raises:
        ConfigError: when there are none of this name that whoever looks may see.
    """
    folder, data = folder_of(name), load_own(name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in FILES:
            content = (folder / file).read_bytes()
            if file == "spec.json":
                content = re.sub(rb'"link": "[^"]*"', b'"link": ""', content)
                content = re.sub(rb'"guests": \[[^\]]*\]', b'"guests": []', content)
            archive.writestr(f"own-data/{folder.name}/{file}", content)
        for part, split in data.splits.items():
            _write_samples(archive, part, split, data)
    return buffer.getvalue()


def _write_samples(archive: zipfile.ZipFile, part: str, split: Split, data: Dataset) -> None:
    from PIL import Image

    spec = data.spec
    classes = [spec.classes[y] if 0 <= y < len(spec.classes) else "" for y in split.y.tolist()]
    if spec.row.pixels:
        for i, (picture, name) in enumerate(zip(split.x, classes, strict=True)):
            content = io.BytesIO()
            Image.fromarray(picture).save(content, "PNG")
            where = "".join(c if c.isalnum() or c in " -_." else "_" for c in name).strip(" .")[:80]
            archive.writestr(f"samples/{part}/{where + '/' if where else ''}{i:05d}.png", content.getvalue())
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = spec.features or tuple("step " + " ".join(map(str, at)) for at in np.ndindex(spec.shape))
    extra = [factor.name for factor in spec.factors]
    writer.writerow(map(plain_cell, [*columns, "class", *extra]))
    values = spec.restore(split.x.astype(np.float64)).reshape(len(split), -1)
    others = split.factors if split.factors is not None else np.empty((len(split), 0))
    for row, name, more in zip(values, classes, others, strict=True):
        named = [
            factor.names[int(value)] if factor.names and value == value else f"{value:.7g}"
            for factor, value in zip(spec.factors, more.tolist(), strict=True)
        ]
        writer.writerow([*(f"{value:.7g}" for value in row), plain_cell(name), *map(plain_cell, named)])
    archive.writestr(f"samples/{part}.csv", text.getvalue())


def is_export(path: Path) -> bool:
    """Whether a file is an archive that `export_own` made."""
    if not path.is_file() or not is_zip(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(_FILE.fullmatch(name) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def import_own(path: Path, owner: str) -> Dataset:
    """Keep the data of an archive that `export_own` made, under their name or the next free one.

    Raises:
        ConfigError, Damaged: when it is none, or its content is not what its name says; nothing is kept then.
    """
    root = home() / "data"
    root.mkdir(parents=True, exist_ok=True)
    with (
        zipfile.ZipFile(path) as archive,
        tempfile.TemporaryDirectory(TEMPORARY_SUFFIX, temporary_prefix("import"), root) as temporary,
    ):
        found = {match[0]: match for name in archive.namelist() if (match := _FILE.fullmatch(name))}
        folders = {match[1] for match in found.values()}
        if len(folders) != 1 or len(found) != len(FILES):
            raise ConfigError(f"{path.name} must hold the data of one folder, got {len(folders)}")
        folder = Path(temporary) / folders.pop()
        folder.mkdir()
        for name, match in found.items():
            try:
                with archive.open(name) as file:
                    (folder / match[2]).write_bytes(bounded(file, name, MOST_BYTES))
            except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
                raise Damaged(f"{name} in {path.name} cannot be unpacked: {error}") from None
        return keep_folder(folder, owner, str(read_json(folder / "spec.json").get("digest", "")))
