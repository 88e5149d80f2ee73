"""Lossy compression of pictures: codes quantised to a few bits and entropy-coded, beside JPEG and WebP."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.data import as_uint8
from aeexplorer.data.spec import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import psnr

MOST_BITS = 8
QUALITIES = (1, 3, 6, 10, 16, 25, 40, 60)
JUDGED = 100
"""Test pictures over which JPEG and WebP are averaged."""
TAIL = 0.001
"""Share of the codes beyond each end of the quantised range, to which they are moved."""

Format = Literal["jpeg", "webp"]
FORMATS: tuple[Format, ...] = ("jpeg", "webp")


def refusal(spec: DataSpec) -> str:
    """The reason why data cannot be compressed here, as a sentence; "" for pictures."""
    return "" if spec.kind == "image" else f"compression beside JPEG needs pictures, got {spec.kind} data"


class Quantiser:
    """Codes (n, K) as whole numbers of a few bits each, with the frequencies by which they are entropy-coded.

    Args:
        codes: (n, K), to which ranges and frequencies are fitted.
        bits: of each number, 1 to 8.
    """

    def __init__(self, codes: np.ndarray, bits: int) -> None:
        if not 1 <= bits <= MOST_BITS:
            raise ConfigError(f"bits must be between 1 and {MOST_BITS}, got {bits}")
        self.levels = 2**bits
        self.low, high = np.quantile(codes, (TAIL, 1 - TAIL), axis=0)
        self.width = np.maximum(high - self.low, 1e-9) / self.levels
        self.frequencies = frequencies(self.numbers(codes), self.levels)

    def numbers(self, z: np.ndarray) -> np.ndarray:
        """Whole numbers (n, K) int32, 0 to 2**bits - 1."""
        return np.clip(np.floor((z - self.low) / self.width), 0, self.levels - 1).astype(np.int32)

    def codes(self, numbers: np.ndarray) -> np.ndarray:
        """The middles of the intervals, (n, K) float32."""
        return np.asarray(self.low + (numbers + 0.5) * self.width, np.float32)


def frequencies(numbers: np.ndarray, levels: int) -> np.ndarray:
    """Frequencies (K, levels) of each number in each column, none of them 0."""
    counts = np.stack([np.bincount(column, minlength=levels) for column in numbers.T]) + 0.5
    return np.asarray(counts / counts.sum(1, keepdims=True))


def coded_bytes(numbers: np.ndarray, shares: np.ndarray) -> int:
    """Bytes of whole numbers (n, K) in one entropy-coded file; `shares` (K, levels) are their expected frequencies."""
    from constriction import stream

    coder = stream.stack.AnsCoder()
    for column, share in zip(numbers.T, shares, strict=True):
        law = stream.model.Categorical(share, perfect=False)
        coder.encode_reverse(np.ascontiguousarray(column, np.int32), law)
    return 4 * len(coder.get_compressed())


class Coded(NamedTuple):
    """Test pictures in one entropy-coded file.

    Attributes:
        bytes: of the file per picture. z: (n, latent_dim) the codes that are read from it.
    """

    bytes: float
    z: np.ndarray


@lru_cache(maxsize=64)
def quantiser(model: Explorer, bits: int) -> Quantiser:
    """Fitted to the first half of the stored codes."""
    z = model.codes.z
    return Quantiser(z[: len(z) // 2], bits)


def coded(model: Explorer, bits: int) -> Coded:
    """The second half of the stored codes, quantised and coded; of a codebook its entries, whatever the bits."""
    codes = model.codes
    half = len(codes.z) // 2
    if codes.indices is not None:
        numbers = codes.indices.astype(np.int32)
        shares = frequencies(numbers[:half], int(numbers.max()) + 1)
        return Coded(coded_bytes(numbers[half:], shares) / (len(numbers) - half), codes.z[half:])
    rule = quantiser(model, bits)
    numbers = rule.numbers(codes.z[half:])
    return Coded(coded_bytes(numbers, rule.frequencies) / len(numbers), rule.codes(numbers))


class Picture(NamedTuple):
    """A picture after JPEG or WebP: its bytes, those of them that only head the file, and what is decoded."""

    bytes: int
    header: int
    pixels: np.ndarray


def packed(picture: np.ndarray, kind: Format, quality: int) -> Picture:
    """Write a picture (h, w) or (h, w, 3) uint8 as JPEG or WebP and read it back."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, quality=quality, **({"optimize": True} if kind == "jpeg" else {}))
    content = file.getvalue()
    mode = "L" if picture.ndim == 2 else "RGB"
    restored = np.asarray(Image.open(io.BytesIO(content)).convert(mode), np.uint8)
    return Picture(len(content), header_bytes(content, kind), restored)


def header_bytes(content: bytes, kind: Format) -> int:
    """Bytes of a file that are not the coded picture: of JPEG all but the entropy-coded scans, of WebP the container
    and the frame's header."""
    if kind == "webp":
        chunk = content.find(b"VP8 ")
        size = int.from_bytes(content[chunk + 4 : chunk + 8], "little")
        return len(content) - (size - 10)  # the ten bytes begin every lossy frame
    scans, at = 0, 2
    while at + 4 <= len(content):
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        at += 2 + length
        if marker == 0xDA:  # a scan runs to the next marker that is no restart and no stuffed byte
            end = at
            while not (content[end] == 0xFF and content[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
            scans, at = scans + end - at, end
            if content[at + 1] == 0xD9:
                break
    return len(content) - scans


class Curve(NamedTuple):
    """Bytes per picture and PSNR (m,) of a format at growing quality, and the bytes without headers."""

    bytes: np.ndarray
    bare: np.ndarray
    psnr: np.ndarray


@lru_cache(maxsize=32)
def rival(model: Explorer, kind: Format) -> Curve:
    """JPEG or WebP on the same test pictures; kept, because it takes a second."""
    x = judged(model)
    rows = []
    for quality in QUALITIES:
        found = [packed(picture, kind, quality) for picture in x]
        size, head = (np.mean([getattr(one, name) for one in found]) for name in ("bytes", "header"))
        restored = np.stack([one.pixels for one in found])
        rows.append((size, size - head, psnr(x / 255, restored / 255)))
    return Curve(*np.array(rows, np.float64).T)


def judged(model: Explorer) -> np.ndarray:
    """Pictures (n, h, w) or (n, h, w, 3) uint8 behind the second half of the stored codes.

    Raises:
        ConfigError: for data that are no pictures.
    """
    if lack := refusal(model.spec):
        raise ConfigError(lack)
    index = model.codes.index
    x = model.dataset.test.x[index[len(index) // 2 :][:JUDGED]]
    return x if x.dtype == np.uint8 else as_uint8(x)


@lru_cache(maxsize=32)
def own(model: Explorer) -> Curve:
    """The model at 1 to 8 bits for each number of the code; its file has no header."""
    x = judged(model) / 255
    rows = []
    for bits in range(1, MOST_BITS + 1):
        size, z = coded(model, bits)
        rows.append((size, size, psnr(x, model.decode(z[: len(x)]))))
    return Curve(*np.array(rows, np.float64).T)


def quality_at(curve: Curve, size: float, bare: bool) -> int:
    """The best quality that takes at most so many bytes per picture, the least where all take more."""
    sizes = curve.bare if bare else curve.bytes
    return QUALITIES[max(int((sizes <= size).sum()) - 1, 0)]


def break_even(decoder: int, ours: float, theirs: float) -> float:
    """Pictures after which a decoder of so many bytes is paid for by what each picture saves; infinite where nothing is
    saved."""
    return decoder / (theirs - ours) if theirs > ours else float("inf")


def at_quality(curve: Curve, wanted: float, bare: bool) -> float:
    """Bytes per picture at which a format reaches a PSNR; NaN where it does not."""
    if wanted > curve.psnr.max():
        return float("nan")
    return float(np.interp(wanted, np.maximum.accumulate(curve.psnr), curve.bare if bare else curve.bytes))
