"""MNIST, Fashion-MNIST and the files of the chorales: read from the data directory, or downloaded once and checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aeexplorer.config import ConfigError, unknown
from aeexplorer.data.spec import Dataset, DataSpec, Split
from aeexplorer.data.splits import stratified

Progress = Callable[[int, int], None]
"""A callback (bytes received, bytes in all), counted over all missing files."""


class DataUnavailable(ConfigError):
    """Raised when files of a dataset are missing or damaged. The message names them, their folder and their source."""


@dataclass(frozen=True)
class RemoteFile:
    """One published file: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Remote:
    """The published address of a dataset and its files; of pictures training images and labels, test images and labels.

    Attributes:
        packed: whether a file may lie in the data directory packed by gzip, under its name and ".gz".
    """

    url: str
    files: tuple[RemoteFile, ...]
    packed: bool = False


REMOTES = {
    "mnist": Remote(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        ),
    ),
    "fashion-mnist": Remote(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        ),
    ),
    "chorales": Remote(
        "https://raw.githubusercontent.com/czhuang/JSB-Chorales-dataset/9a7f733ddb4ed91f48da64ac7f0f621c34aadd4d/",
        (
            RemoteFile(
                "Jsb16thSeparated.json", 1666444, "79294cc374f9252e95ef4b703161524c1c53dc1f712c236f00f1c1f5d54af5a7"
            ),
        ),
        packed=True,
    ),
}

SAME_FILES = {"mnist-binary": "mnist", "fashion-mnist-binary": "fashion-mnist"}
"""Datasets that are made from the files of another one."""

MNIST = DataSpec(
    name="mnist",
    title="MNIST",
    kind="image",
    shape=(28, 28),
    value_range=(0.0, 1.0),
    classes=tuple("0123456789"),
    scale="intensity, 0 is paper and 1 is ink",
    summary="70,000 handwritten digits at 28 × 28 pixels.",
    licence="CC BY-SA 3.0",
    source="LeCun, Cortes, Burges. The MNIST database of handwritten digits, http://yann.lecun.com/exdb/mnist/",
)

FASHION_MNIST = DataSpec(
    name="fashion-mnist",
    title="Fashion-MNIST",
    kind="image",
    shape=(28, 28),
    value_range=(0.0, 1.0),
    classes=("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    scale="intensity, 0 is background and 1 is bright cloth",
    summary="70,000 pictures of clothes at 28 × 28 pixels, a harder stand-in for MNIST.",
    licence="MIT",
    source="Xiao, Rasul, Vollgraf (2017). Fashion-MNIST: a novel image dataset for benchmarking machine learning "
    "algorithms, arXiv:1708.07747",
)

COUNTS = (55_000, 5_000, 10_000)


def data_dir() -> Path:
    """The folder of downloaded data: AEEXPLORER_DATA_DIR, else the user's cache folder. It may be read-only."""
    import platformdirs

    return Path(os.environ.get("AEEXPLORER_DATA_DIR") or Path(platformdirs.user_cache_dir("aeexplorer")) / "data")


def files_of(name: str) -> str:
    """The name in `REMOTES` of the files of a dataset."""
    return SAME_FILES.get(name, name)


def present(name: str) -> bool:
    """Whether all files of a dataset are in the data directory; loading checks their contents."""
    name = files_of(name)
    return all(_found(name, file) is not None for file in REMOTES[name].files)


def _found(name: str, file: RemoteFile) -> Path | None:
    """Where a file of a dataset lies in the data directory, as it was published or packed; None where it is not."""
    folder = data_dir() / name
    endings = ("", ".gz") if REMOTES[name].packed else ("",)
    return next((path for e in endings if (path := folder / f"{file.name}{e}").is_file()), None)


def download_size(name: str) -> int:
    """The number of bytes that `download` would fetch now."""
    name = files_of(name)
    return sum(file.size for file in REMOTES[name].files if _found(name, file) is None)


def download(name: str, progress: Progress | None = None) -> Path:
    """Fetch the missing files of a dataset and check all of its files.

    A file gets its name only when it is complete and its SHA-256 is right. Where all files exist nothing is written, so
    the folder may be read-only.

    Returns:
        The folder with the files.

    Raises:
        ConfigError: when `name` is not in `REMOTES`.
        DataUnavailable: when a file cannot be fetched or is not the published one.
    """
    name = files_of(name)
    if name not in REMOTES:
        raise ConfigError(unknown("download", name, REMOTES))
    folder = data_dir() / name
    total, earlier = download_size(name), 0

    def advance(received: int) -> None:
        if progress:
            progress(earlier + received, total)

    for file in REMOTES[name].files:
        if path := _found(name, file):
            _check(path, file)
        else:
            _fetch(name, file, folder, advance)
            earlier += file.size
    return folder


def load(name: str) -> Dataset:
    """Images (n, 28, 28) uint8: of the official training images 55,000 for training and 5,000 for validation, and the
    official 10,000 test images.

    Raises:
        DataUnavailable: as `download`.
    """
    spec = {"mnist": MNIST, "fashion-mnist": FASHION_MNIST}[name]
    folder = download(name)
    arrays = [read_idx(folder / file.name) for file in REMOTES[name].files]
    official, test = (Split(x, y.astype(np.int64)) for x, y in (arrays[:2], arrays[2:]))
    train, validation = stratified(official.y, *COUNTS[:2])
    return Dataset(spec, official.take(train), official.take(validation), test)


def read_idx(path: Path) -> np.ndarray:
    """Read a gzip'ed idx file of unsigned bytes (format: the end of http://yann.lecun.com/exdb/mnist/).

    Raises:
        DataUnavailable: when the file is not gzip, ends early, or its header and its length disagree.
    """
    try:
        data = gzip.decompress(path.read_bytes())
    except (EOFError, OSError, zlib.error) as error:
        raise DataUnavailable(f"{path} cannot be unpacked ({error}); delete it and load the dataset again") from None
    axes = data[3] if len(data) >= 4 else 0
    if len(data) < 4 + 4 * axes or data[:3] != b"\0\0\x08" or axes not in (1, 3):
        raise DataUnavailable(
            f"{path} must start with the idx magic number 0x00000801 (labels) or 0x00000803 (images), "
            f"got 0x{data[:4].hex()}"
        )
    shape = tuple(int(side) for side in np.frombuffer(data, ">u4", axes, 4))
    found = len(data) - 4 - 4 * axes
    if found != np.prod(shape):
        raise DataUnavailable(f"{path} must hold {'x'.join(map(str, shape))} bytes after its header, got {found}")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _check(path: Path, file: RemoteFile) -> None:
    packed = path.name != file.name
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            found = hashlib.sha256(stream.read()).hexdigest()
    except (EOFError, OSError, zlib.error) as error:
        raise DataUnavailable(f"{path} cannot be unpacked ({error}); delete it and load the dataset again") from None
    if found != file.sha256:
        raise DataUnavailable(
            f"{path} is not the published file: expected SHA-256 {file.sha256}, found {found}; "
            "delete it and load the dataset again"
        )


def _fetch(name: str, file: RemoteFile, folder: Path, advance: Callable[[int], None]) -> None:
    """Fetch one file, calling `advance` with the bytes received so far."""
    import pooch
    import requests
    import urllib3

    def stream(url: str, target: str, _: object) -> None:
        with requests.get(url, stream=True, timeout=(10, 30)) as response, open(target, "wb") as out:
            response.raise_for_status()
            # Undecoded: the published file is the gzip file itself, even if a server declares gzip as the encoding.
            for chunk in response.raw.stream(1 << 16, decode_content=False):
                advance(out.tell() + len(chunk))
                out.write(chunk)

    url = REMOTES[name].url + file.name
    try:
        pooch.retrieve(url, f"sha256:{file.sha256}", file.name, folder, downloader=stream)
    except ValueError as error:
        reason = str(error).split(". ")[0]
        raise DataUnavailable(f"the download of {url} was damaged and is not kept: {reason}") from None
    except (OSError, urllib3.exceptions.HTTPError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise DataUnavailable(
            f"{name} is not on this computer: {file.name} is not in {folder} and could not be fetched from {url} "
            f"({reason}); put it there by hand, or choose digits, shapes or another built-in dataset, which need no "
            "network"
        ) from None
