"""Files that are always whole, the old or the new version: atomic writes, JSON, an event log, safetensors."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import platformdirs

if TYPE_CHECKING:
    from torch import Tensor


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


class DiskFull(OSError):
    """The disk is full. The message is one sentence naming the file and the space that it needs."""


@contextlib.contextmanager
def _named(path: Path, size: int) -> Iterator[None]:
    """Raise the error of a full disk or a read-only folder with the name of the file."""
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
        raise


def write_atomic(path: Path, *content: bytes | memoryview, durable: bool = True) -> None:
    """Write a whole file, given in pieces: to a temporary beside it, synced, then renamed over the old one.

    Without `durable` it is not synced: the file survives the end of this process, but perhaps not a power cut.
    """
    with _named(path, sum(map(len, content))):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
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
    with _named(path, 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
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
    """The content of a file.

    Raises:
        Damaged: when it is missing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing in {path.parent.name}") from None


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
    with _named(path, len(line)), open(path, "ab") as file:
        file.write(line)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def read_events(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Read events from a byte offset on; returns them and the next offset.

    An unterminated last line is left for the next call. A line that is not an object is skipped, because a crash may
    have cut it and the lines around it are still good.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    end = content.rfind(b"\n") + 1
    events = []
    for line in content[:end].splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            event = json.loads(line.decode())
            if isinstance(event, dict):
                events.append(event)
    return events, offset + end


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
        return b"crc32" not in header
    start = 8 + seal.start(1)
    return zlib.crc32(content[start + 8 :], zlib.crc32(b"00000000", zlib.crc32(content[:start]))) == int(seal[1], 16)


def _load(path: Path, load: Any, error_type: type[Exception]) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        loaded = load(content)
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing in {path.parent.name}") from None
    except (error_type, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path.name} in {path.parent.name} is not a readable safetensors file: {error}") from None
    if not _intact(content):
        raise Damaged(f"{path.name} in {path.parent.name} has changed since it was written: its check sum is wrong")
    return loaded
