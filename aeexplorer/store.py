"""Files that are always whole, the old or the new version: atomic writes, JSON, an event log, safetensors."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import platformdirs

from aeexplorer.config import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

JSON_BYTES = 64_000_000
"""Size up to which a JSON file is read."""
EVENT_BYTES = 8_000_000
"""Bytes of an event log that are read at once."""
SAMPLES = 64
"""Places of a longer event log at which a part of them is read."""
TEMPORARY_SUFFIX = ".tmp"
_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")


class Damaged(ValueError):
    """A file that cannot be used. The message is one sentence naming the file and what is wrong with it."""


def home() -> Path:
    """The directory of runs and maps: `AEEXPLORER_HOME`, else the platform's data directory for the user."""
    return Path(
        os.environ.get("AEEXPLORER_HOME") or platformdirs.user_data_dir("aeexplorer", appauthor=False)
    ).expanduser()


def _sync_directory(path: Path) -> None:
    if os.name == "nt":  # directories cannot be opened there, and a rename is durable without
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def temporary_prefix(name: str) -> str:
    """The beginning of a temporary name beside `name`; `TEMPORARY_SUFFIX` ends it."""
    return f".{name}."


def is_temporary(name: str) -> bool:
    """Whether a file or folder has a name that only this program gives, to what is not whole yet or being deleted."""
    return _TEMPORARY.fullmatch(name) is not None


class DiskFull(OSError):
    """The disk is full. The message is one sentence naming the file and the space that it needs."""


@contextlib.contextmanager
def writing(path: Path, size: int = 0) -> Iterator[None]:
    """Raise the error of a full disk, a read-only or a missing folder as one sentence that names it.

    Args:
        size: bytes that are written to `path`.
    """
    try:
        yield
    except DiskFull:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needed = f"needs {max(size / 1e6, 0.1):.1f} MB"
            raise DiskFull(error.errno, f"the disk is full, {path.name} could not be saved: {needed}") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise OSError(error.errno, f"{path.parent} cannot be written to") from error
        if error.errno in (errno.ENOENT, errno.ENOTDIR) and not path.parent.is_dir():
            raise FileNotFoundError(error.errno, f"{path.name} cannot be saved: {path.parent} is no folder") from error
        raise


def write_atomic(path: Path, *content: bytes | memoryview, durable: bool = True) -> None:
    """Write a whole file, given in pieces: to a temporary beside it, synced, then renamed over the old one.

    Without `durable` it is not synced: the file survives the end of this process, but perhaps not a power cut.
    """
    with writing(path, sum(map(len, content))):
        handle, name = tempfile.mkstemp(TEMPORARY_SUFFIX, temporary_prefix(path.name), path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content:
                    file.write(piece)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
        if durable:
            _sync_directory(path.parent)


@contextlib.contextmanager
def new_directory(path: Path, durable: bool = True) -> Iterator[Path]:
    """Fill a directory under a temporary name and rename it at the end; after an error it is removed.

    For `durable` see `write_atomic`.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(TEMPORARY_SUFFIX, temporary_prefix(path.name), path.parent))
        try:
            yield temporary
            if durable:
                _sync_directory(temporary)
            os.replace(temporary, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        if durable:
            _sync_directory(path.parent)


def remove_folder(path: Path) -> None:
    """Rename a folder to a hidden name, then delete it: it is gone for everyone at once; a second caller is refused.

    Of a link to a folder, the link is removed and the folder stays.

    Raises:
        ConfigError: when it is already gone.
    """
    hidden = path.with_name(f"{temporary_prefix(path.name)}{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        os.replace(path, hidden)
    except FileNotFoundError:
        raise ConfigError(f"{path.name} is already gone") from None
    if hidden.is_symlink():
        hidden.unlink()
    else:
        shutil.rmtree(hidden, ignore_errors=True)


def folders_in(root: Path) -> list[Path]:
    """The visible folders in a folder, by name. Links are not followed: neither `root` nor a folder may be one."""
    if root.is_symlink():
        return []
    try:
        with os.scandir(root) as entries:
            names = sorted(e.name for e in entries if e.is_dir(follow_symlinks=False) and not e.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [root / name for name in names]


def write_json(path: Path, value: Mapping[str, Any], durable: bool = True) -> None:
    """Write one JSON object atomically; for `durable` see `write_atomic`."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(path, text.encode(), durable=durable)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises:
        Damaged: when it is missing, not UTF-8 or not an object.
    """
    return json_object(read_bytes(path), f"{path.name} in {path.parent.name}")


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most `JSON_BYTES`.

    Raises:
        Damaged: when it is missing, no regular file or too large.
    """
    with _open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > JSON_BYTES:
            raise Damaged(f"{path.name} in {path.parent.name} must have at most {JSON_BYTES:,} bytes, got {size:,}")
        return file.read()


def _open_regular(path: Path) -> IO[bytes]:
    """Open a regular file to read it; opening a named pipe would wait for a writer that never comes.

    Raises:
        Damaged: when it is missing, or something else than a file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, NotADirectoryError):
        raise Damaged(f"{path.name} is missing in {path.parent.name}") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Damaged(f"{path.name} in {path.parent.name} must be a regular file")
    return open(handle, "rb")


def signature(path: str) -> tuple[int, ...]:
    """Numbers that change with a file; () where there is none. The path is a string: pages ask this of every run at
    each rerun, and `Path` takes longer than the question."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def json_object(content: bytes, named: str) -> dict[str, Any]:
    """Parse the content of a JSON file.

    Args:
        named: the file, as the error names it.

    Raises:
        Damaged: when it is not UTF-8 or not an object.
    """
    try:
        value = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{named} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise Damaged(f"{named} must hold an object, found a {type(value).__name__}")
    return value


def append_event(path: Path, event: Mapping[str, Any], durable: bool = False) -> None:
    """Append one line to an event log; `durable` waits for the disk."""
    line = (json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n").encode()
    with writing(path, len(line)), open(path, "ab", opener=_open_to_append) as file:
        file.write(line)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def _open_to_append(name: str, flags: int) -> int:
    """Open a file, neither through a link nor as a named pipe, which would wait for a reader that never comes."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0), 0o666)


def read_events(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read events from a byte offset on; returns them and the next offset.

    An unterminated last line is left for the next call. A line that is not an object is skipped, because a crash may
    have cut it and the lines around it are still good. Of more than `EVENT_BYTES` the last half is read, and of what
    comes before as much again, in `SAMPLES` parts at equal distances.
    """
    try:
        with _open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            tail = max(offset, size - EVENT_BYTES // 2) if size - offset > EVENT_BYTES else offset
            parts = _samples(file, offset, tail)
            file.seek(tail)
            content = file.read(size - tail) if size > tail else b""
    except Damaged:
        return [], offset
    if tail > offset:  # it begins within a line
        first = content.find(b"\n") + 1
        content, tail = content[first:], tail + first
    end = content.rfind(b"\n") + 1
    lines = [*(line for part in parts for line in part), *content[:end].splitlines()]
    events = []
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line.decode())
            if isinstance(event, dict):
                events.append(event)
    return events, tail + end


def _samples(file: IO[bytes], start: int, end: int) -> list[list[bytes]]:
    """Whole lines from `SAMPLES` places between two offsets of a log, half of `EVENT_BYTES` in all."""
    found = []
    for at in np.linspace(start, end, SAMPLES, endpoint=False).astype(np.int64).tolist() if end > start else []:
        file.seek(at)
        lines = file.read(min(EVENT_BYTES // 2 // SAMPLES, end - at)).split(b"\n")
        found.append(lines[at > start : -1])
    return found


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None, durable: bool = True
) -> None:
    """Write tensors as safetensors, atomically; for `durable` see `write_atomic`."""
    from safetensors.torch import save

    named = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    write_atomic(path, *_sealed(save(named, {**(metadata or {}), **_UNSEALED})), durable=durable)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read safetensors.

    Raises:
        Damaged: when the file is missing, truncated or something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    return _load(path, load, SafetensorError)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as safetensors, atomically."""
    from safetensors.numpy import save

    write_atomic(path, *_sealed(save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, dict(_UNSEALED))))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read arrays written by `save_arrays`.

    Raises:
        Damaged: when the file is missing, truncated or something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    return _load(path, load, SafetensorError)


_UNSEALED = {"crc32": "00000000"}
_SEAL = re.compile(rb'"crc32":"([0-9a-f]{8})"')
_REMNANT = re.compile(rb'crc32|":"[0-9a-f]{8}"')
"""What is left of a seal when its name or its digits are damaged."""


def _sealed(content: bytes) -> tuple[bytes, memoryview]:
    """A safetensors file in two pieces, with its check sum in the header, because the format has none."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = _SEAL.sub(b'"crc32":"%08x"' % zlib.crc32(content), content[:start], count=1)
    return header, memoryview(content)[start:]


def _intact(content: bytes) -> bool:
    """Whether the check sum is right; files of other programs have none and pass."""
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    seal = _SEAL.search(header)
    if seal is None:
        return _REMNANT.search(header) is None
    start = 8 + seal.start(1)
    return zlib.crc32(content[start + 8 :], zlib.crc32(b"00000000", zlib.crc32(content[:start]))) == int(seal[1], 16)


def _load(path: Path, load: Any, error_type: type[Exception]) -> dict[str, Any]:
    with _open_regular(path) as file:
        content = file.read()
    try:
        loaded = load(content)
    except (error_type, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path.name} in {path.parent.name} is not a readable safetensors file: {error}") from None
    if not _intact(content):
        raise Damaged(f"{path.name} in {path.parent.name} has changed since it was written: its check sum is wrong")
    return loaded
