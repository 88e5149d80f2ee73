"""Data that people brought, as they are kept in the home under a name.

<home>/data/<digest>/spec.json          what the arrays mean, the name, who may see them, and what was noticed
<home>/data/<digest>/data.safetensors   x, y and further columns of the three splits

The digest is that of the content, so the same data are kept once and a run knows that they are still the same. Nothing
is ever unpickled. Private data are seen by their owner and by whoever opened the link that shares them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from aeexplorer import store
from aeexplorer.config import Config, ConfigError, setting, unknown
from aeexplorer.data.checks import check_dataset
from aeexplorer.data.spec import Dataset, DataSpec, Split
from aeexplorer.owners import require_owner, viewer
from aeexplorer.store import Damaged, home

OWN = "own/"
SPLITS = ("train", "validation", "test")
FILES = ("spec.json", "data.safetensors")
MOST_GUESTS = 500
_NAME = re.compile(r"[\w][\w .-]{0,59}")


class Kept(Config):
    """Content of spec.json of kept data.

    Attributes:
        digest: of the content; the name of the folder.
        counts: samples for training, validation and test.
        notices: sentences about what was noticed and done when the data came in.
        owner: whose they are.
        private: whether only the owner and guests see them.
        link: the secret of the link that shares them; empty while there is none.
        guests: owners who opened that link.
    """

    format: int = 1
    digest: str = Field(pattern="[0-9a-f]{32}")
    spec: DataSpec
    counts: tuple[int, int, int]
    notices: tuple[str, ...] = ()
    owner: str = "local"
    created: str = ""
    private: bool = False
    link: str = ""
    guests: tuple[str, ...] = ()

    def seen_by(self, owner: str) -> bool:
        """Whether an owner may look at the data, train on them and download them."""
        return not self.private or owner == self.owner or owner in self.guests


def check_name(name: str) -> None:
    """Refuse what is no name of kept data.

    Raises:
        ConfigError: with the limits.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name must be 1 to 60 letters, digits, spaces or . _ -, got {name[:80]!r}")


def limits() -> dict[str, int]:
    """Bytes of own data: of one upload, kept of one person, and kept in all. AEEXPLORER_UPLOAD_MB, AEEXPLORER_OWN_MB
    and AEEXPLORER_OWN_MB_IN_ALL set them."""
    return {
        "upload": setting("AEEXPLORER_UPLOAD_MB", 100, 1, 10_000) * 1_000_000,
        "person": setting("AEEXPLORER_OWN_MB", 2_000, 1, 10**7) * 1_000_000,
        "all": setting("AEEXPLORER_OWN_MB_IN_ALL", 20_000, 1, 10**8) * 1_000_000,
    }


def kept_bytes(owner: str | None = None) -> int:
    """Bytes of the data that are kept, of one owner or of all."""
    folders = [folder for folder, kept in _kept_folders() if owner in (None, kept.owner)]
    return sum(file.stat().st_size for folder in folders for file in folder.iterdir() if file.is_file())


def _check_room(owner: str, size: int) -> None:
    for name, whose, held in (("person", "of one person", kept_bytes(owner)), ("all", "in all", kept_bytes())):
        limit = limits()[name]
        if held + size > limit:
            raise ConfigError(
                f"own data {whose} must take at most {limit / 1e6:,.0f} MB, got {size / 1e6:,.1f} MB on top of "
                f"{held / 1e6:,.1f} MB: remove some first"
            )


def keep_arrays(
    name: str, fields: Mapping[str, Any], parts: Sequence[Split], notices: tuple[str, ...], owner: str, private: bool
) -> Dataset:
    """Write data into the home, once for the same content, name and owner.

    Raises:
        ConfigError: when there is no room for them.
        OSError: when they cannot be written; nothing is kept then.
    """
    arrays = _arrays(parts)
    digest = _digest(DataSpec(name="", **fields), arrays)
    taken = {kept.spec.name: kept for _, kept in _kept_folders()}
    for other in taken.values():
        same_name = re.fullmatch(rf"{re.escape(OWN + name)}(-\d+)?", other.spec.name)
        if other.digest == digest and same_name and other.owner == owner:
            return _load(other.spec.name)
    _check_room(owner, sum(array.nbytes for array in arrays.values()))
    chosen, number = OWN + name, 2
    while chosen in taken:
        chosen, number = f"{OWN}{name}-{number}", number + 1
    spec = DataSpec(name=chosen, **fields)
    folder = home() / "data" / _digest(spec, arrays)
    kept = Kept(
        digest=digest,
        spec=spec,
        counts=tuple(len(part) for part in parts),
        notices=notices,
        owner=owner,
        created=datetime.now(UTC).isoformat(),
        private=private,
    )
    with store.new_directory(folder) as temporary:
        store.save_arrays(temporary / "data.safetensors", arrays)
        store.write_json(temporary / "spec.json", kept.model_dump(mode="json"))
    return _load(chosen)


def _arrays(parts: Sequence[Split]) -> dict[str, np.ndarray]:
    return {
        f"{part}.{key}": array
        for part, split in zip(SPLITS, parts, strict=True)
        for key in ("x", "y", "factors")
        if (array := getattr(split, key)) is not None
    }


def _digest(spec: DataSpec, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(spec.model_dump_json().encode())
    for key in sorted(arrays):
        digest.update(f"{key} {arrays[key].dtype} {arrays[key].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[key]).data)
    return digest.hexdigest()[:32]


@functools.lru_cache(maxsize=512)
def _parsed(content: bytes, folder: str) -> Kept:
    return Kept(**store.json_object(content, f"spec.json in {folder}"))


def own_data() -> dict[str, Kept]:
    """The own data in the home that the current owner may see, by name, the oldest first; damaged folders are left
    out."""
    me = viewer()
    found = {kept.spec.name: kept for _, kept in _kept_folders() if kept.seen_by(me)}
    return dict(sorted(found.items(), key=lambda item: item[1].created))


def _kept_folders() -> Iterator[tuple[Path, Kept]]:
    """The folders of kept data that are not damaged."""
    root = home() / "data"
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        with contextlib.suppress(Damaged, ConfigError, TypeError, OSError):
            yield folder, _parsed(store.read_bytes(folder / "spec.json"), folder.name)


def folder_of(name: str) -> Path:
    """The folder of kept data by its name, "own/iris".

    Raises:
        ConfigError: when the home has none of this name, or whoever looks may not see them.
    """
    me = viewer()
    for folder, kept in _kept_folders():
        if kept.spec.name == name and kept.seen_by(me):
            return folder
    raise ConfigError(unknown("dataset", name, own_data()))


def load_own(name: str) -> Dataset:
    """Kept data by name, "own/iris".

    Raises:
        ConfigError: when the home has none of this name.
        Damaged: when its files cannot be used.
    """
    folder = folder_of(name)
    return _loaded(str(folder), _parsed(store.read_bytes(folder / "spec.json"), folder.name))


def _load(name: str) -> Dataset:
    """Kept data whoever looks: for whoever brings them."""
    return next(_loaded(str(folder), kept) for folder, kept in _kept_folders() if kept.spec.name == name)


@functools.lru_cache(maxsize=4)
def _loaded(folder: str, kept: Kept) -> Dataset:
    arrays = store.load_arrays(Path(folder) / "data.safetensors")
    try:
        parts = [
            Split(arrays[f"{part}.x"], arrays[f"{part}.y"].astype(np.int64), arrays.get(f"{part}.factors"))
            for part in SPLITS
        ]
    except KeyError as error:
        raise Damaged(f"data.safetensors in {Path(folder).name} has no array {error}") from None
    for part in parts:
        if part.x.shape[1:] != kept.spec.shape or len(part.x) != len(part.y):
            raise Damaged(f"data.safetensors in {Path(folder).name} does not fit its spec: got {part.x.shape}")
        for array in (part.x, part.y, part.factors):
            if array is not None:
                array.setflags(write=False)
    train, validation, test = parts
    return Dataset(kept.spec, train, validation, test, source=kept.digest)


def keep_folder(folder: Path, owner: str, source: str) -> Dataset:
    """Take a folder of kept data, as it lies in another home, into this one; a name that other data have gets a number.

    Args:
        source: the digest that its content must have.

    Raises:
        ConfigError, Damaged: when its files cannot be used, or are of other content; nothing is kept then.
    """
    kept = _parsed(store.read_bytes(folder / "spec.json"), folder.name)
    if not kept.spec.name.startswith(OWN) or not _NAME.fullmatch(kept.spec.name.removeprefix(OWN)):
        raise Damaged(f"spec.json in {folder.name} has a name that is none of kept data: {kept.spec.name[:60]!r}")
    found = _loaded(str(folder), kept)
    check_dataset(found)
    fields = {field: getattr(kept.spec, field) for field in DataSpec.model_fields if field != "name"}
    parts = list(found.splits.values())
    if (digest := _digest(DataSpec(name="", **fields), _arrays(parts))) != source:
        raise Damaged(f"the data in {folder.name} must have the digest {source or 'of none'}, got {digest}")
    return keep_arrays(kept.spec.name.removeprefix(OWN), fields, parts, kept.notices, owner, kept.private)


def _changed(name: str, by: str | None, verb: str, **fields: Any) -> Kept:
    """Replace fields of what spec.json says of data, as their owner."""
    folder = folder_of(name)
    kept = _parsed(store.read_bytes(folder / "spec.json"), folder.name)
    require_owner(kept.owner, by, f"data {name}", verb)
    new = kept.replace(**fields)
    store.write_json(folder / "spec.json", new.model_dump(mode="json"))
    return new


def share(name: str, by: str | None = None) -> str:
    """Make a link that shares private data; returns its secret, the same while they are shared.

    Raises:
        ConfigError: when they are somebody else's.
    """
    link = own_data()[name].link if name in own_data() else ""
    return _changed(name, by, "shared", link=link or secrets.token_urlsafe(16)).link


def unshare(name: str, by: str | None = None) -> None:
    """Make data private again: the link leads nowhere, and whoever opened it sees them no more.

    Raises:
        ConfigError: when they are somebody else's.
    """
    _changed(name, by, "made private", private=True, link="", guests=())


def open_link(secret: str) -> str:
    """Let whoever looks see the data that a link shares, from now on; returns their name, "" where it leads nowhere."""
    me = viewer()
    for folder, kept in _kept_folders():
        if kept.link and secrets.compare_digest(kept.link.encode(), secret.encode()):
            if not kept.seen_by(me) and len(kept.guests) < MOST_GUESTS:
                new = kept.replace(guests=(*kept.guests, me))
                store.write_json(folder / "spec.json", new.model_dump(mode="json"))
            return kept.spec.name
    return ""


def remove_own(name: str, by: str | None = None) -> None:
    """Remove kept data. Runs of them stay, and can no longer show samples; see `runs.listing.runs_of`.

    Raises:
        ConfigError: when there are none of this name, or they are somebody else's.
    """
    folder = folder_of(name)
    kept = _parsed(store.read_bytes(folder / "spec.json"), folder.name)
    require_owner(kept.owner, by, f"data {name}", "removed")
    store.remove_folder(folder)
