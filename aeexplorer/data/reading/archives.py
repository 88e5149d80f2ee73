"""Files as people bring them: one file, a folder or a zip archive, listed without unpacking anything.

An archive is not trusted. Names that lead outside, links, archives in archives and protected files are left out; sizes
are bounded as they are declared and again as they are read.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aeexplorer.config import ConfigError
from aeexplorer.data.reading.proposal import Notes, counted

MOST_FILES = 200_000
MOST_FILE_BYTES = 250_000_000
"""Size of one file, unpacked."""
MOST_UNPACKED_BYTES = 4_000_000_000
MOST_RATIO = 200
"""Ratio of unpacked to packed bytes, in files of more than `RATIO_FROM` bytes."""
RATIO_FROM = 10_000_000
MOST_DIRECTORY_BYTES = 60_000_000
"""Size of the list of files at the end of an archive."""
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"


@dataclass(frozen=True)
class Member:
    """One file.

    Attributes:
        name: its path within the folder or archive, with slashes.
        content: returns its bytes; ConfigError where there are more than declared.
    """

    name: str
    size: int
    content: Callable[[], bytes]

    @property
    def ending(self) -> str:
        return os.path.splitext(self.name)[1].lower()  # noqa: PTH122

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(self.name.split("/")[:-1])


@contextmanager
def opened(path: Path, notes: Notes) -> Iterator[list[Member]]:
    """The files in a folder, an archive, or the one file, by name; what cannot be used is noted.

    Raises:
        ConfigError: for nothing there, or more files or bytes than are read.
    """
    if path.is_dir():
        yield _in_folder(path, notes)
    elif not path.is_file():
        raise ConfigError(f"{path.name} is neither a file nor a folder")
    elif is_zip(path) and not is_workbook_or_arrays(path):
        with _zip(path) as archive:
            yield _in_zip(archive, notes)
    else:
        yield [_single(path)]


def is_zip(path: Path) -> bool:
    """Whether a file begins as zip archives do."""
    with open(path, "rb") as file:
        return file.read(4) in (b"PK\x03\x04", _END)


def is_workbook_or_arrays(path: Path) -> bool:
    """Whether a zip archive is one file to people: a workbook, or arrays of NumPy."""
    with _zip(path) as archive:
        names = archive.namelist()
    workbook = "[Content_Types].xml" in names or "mimetype" in names[:1]
    return workbook or (bool(names) and all(name.endswith(".npy") for name in names))


def _zip(path: Path) -> zipfile.ZipFile:
    """An archive, after a look at the size of its list of files.

    Raises:
        ConfigError: for one that is damaged, or lists too much.
    """
    with open(path, "rb") as file:
        file.seek(max(path.stat().st_size - 70_000, 0))
        tail = file.read()
    at, at64 = tail.rfind(_END), tail.rfind(_END64)
    if at < 0:
        raise ConfigError(f"{path.name} is not a complete zip archive: its end is missing")
    size = struct.unpack_from("<I", tail, at + 12)[0] if len(tail) >= at + 16 else 0
    if at64 >= 0 and len(tail) >= at64 + 48:
        size = max(size if size != 0xFFFFFFFF else 0, struct.unpack_from("<Q", tail, at64 + 40)[0])
    if size > MOST_DIRECTORY_BYTES:
        raise ConfigError(f"{path.name} must list its files in at most {MOST_DIRECTORY_BYTES:,} bytes, got {size:,}")
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ConfigError(f"{path.name} is not a complete zip archive: {error}") from None


def _in_zip(archive: zipfile.ZipFile, notes: Notes) -> list[Member]:
    named = Path(archive.filename or "archive").name
    files = [item for item in archive.infolist() if not item.is_dir()]
    if len(files) > MOST_FILES:
        raise ConfigError(f"{named} must hold at most {MOST_FILES:,} files, got {len(files):,}")
    total = sum(item.file_size for item in files)
    if total > MOST_UNPACKED_BYTES:
        raise ConfigError(f"{named} must unpack to at most {MOST_UNPACKED_BYTES:,} bytes, got {total:,}")
    refused: dict[str, list[str]] = {}
    members = []
    for item in files:
        why = _refused(item)
        if why:
            refused.setdefault(why, []).append(item.filename)
        elif not _hidden(item.filename):
            members.append(Member(item.filename, item.file_size, _reader(archive, item)))
    for why, names in refused.items():
        notes.add_all(names, why, left_out=True)
    return sorted(members, key=lambda member: member.name)


def _refused(item: zipfile.ZipInfo) -> str:
    """Why a file of an archive is left out; "" for one that is read."""
    parts = item.filename.replace("\\", "/").split("/")
    if ".." in parts or item.filename.startswith(("/", "\\")) or ":" in parts[0]:
        return "its name leads outside of the archive"
    if (item.external_attr >> 16) & 0o170000 == 0o120000:
        return "it is a link"
    if item.flag_bits & 1:
        return "it is protected by a password"
    if item.file_size > MOST_FILE_BYTES:
        return f"it must have at most {MOST_FILE_BYTES:,} bytes"
    if item.file_size > RATIO_FROM and item.file_size > MOST_RATIO * max(item.compress_size, 1):
        return f"it unpacks to more than {MOST_RATIO} times its size"
    if item.filename.lower().endswith(ARCHIVES) and not item.filename.lower().endswith((".csv.gz", ".tsv.gz")):
        return "an archive in an archive is not opened"
    return ""


def _reader(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> Callable[[], bytes]:
    def content() -> bytes:
        try:
            with archive.open(item) as file:
                return bounded(file, item.filename, item.file_size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise ConfigError(f"it cannot be unpacked: {error}") from None

    return content


def bounded(file: IO[bytes] | gzip.GzipFile, name: str, most: int = MOST_FILE_BYTES) -> bytes:
    """The content of an open file of at most so many bytes.

    Raises:
        ConfigError: when there are more.
    """
    content = file.read(most + 1)
    if len(content) > most:
        raise ConfigError(f"{name} must have at most {most:,} bytes, got more")
    return content


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) or part in ("Thumbs.db", "desktop.ini") for part in name.split("/"))


def _in_folder(root: Path, notes: Notes) -> list[Member]:
    members: list[Member] = []
    links: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in sorted(folders) if not _hidden(name)]
        for name in files:
            path = Path(folder) / name
            inside = path.relative_to(root).as_posix()
            if _hidden(inside):
                continue
            if path.is_symlink() or not path.is_file():
                links.append(inside)
                continue
            members.append(_single(path, inside))
            if len(members) > MOST_FILES:
                raise ConfigError(f"{root.name} must hold at most {MOST_FILES:,} files, got more")
    notes.add_all(links, "it is a link", left_out=True)
    return sorted(members, key=lambda member: member.name)


def _single(path: Path, name: str = "") -> Member:
    def content() -> bytes:
        try:
            with open(path, "rb") as file:
                return bounded(file, name or path.name)
        except OSError as error:
            raise ConfigError(f"it cannot be read: {error.strerror}") from None

    return Member(name or path.name, path.stat().st_size, content)


def unpacked(member: Member) -> tuple[str, bytes]:
    """Name and content of a file, without the gzip around it where there is one.

    Raises:
        ConfigError: when it cannot be unpacked, or is too large then.
    """
    content = member.content()
    if content[:2] != b"\x1f\x8b":
        return member.name, content
    try:
        with gzip.open(io.BytesIO(content)) as file:
            inner = bounded(file, member.name)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{member.name} cannot be unpacked: {error}") from None
    if len(inner) > RATIO_FROM and len(inner) > MOST_RATIO * len(content):
        raise ConfigError(
            f"{member.name} unpacks to {counted(len(inner), 'byte')}, more than {MOST_RATIO} times its size"
        )
    return member.name.removesuffix(".gz"), inner
