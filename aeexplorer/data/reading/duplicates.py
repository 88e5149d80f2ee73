"""Near-duplicates: pictures with almost the same perceptual hash and almost the same colours.

Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010, https://phash.org/docs/pubs/thesis_zauner.pdf
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SIDE = 32
LOW = 8
THUMBNAIL = 8
MOST_BITS = 3
"""Bits, of 64, in which the hashes of near-duplicates may differ."""
MOST_DIFFERENCE = 6.0
"""Mean difference, of 255, by which the colours of near-duplicates may differ."""
MOST_COMPARED = 20_000
"""Hashes that are compared with each other; of more, only equal ones are found."""
BLOCK = 1_000


class Fingerprint(NamedTuple):
    """A hash of 64 bits, and a thumbnail (8, 8, 3) uint8."""

    code: int
    thumbnail: np.ndarray


def fingerprint(picture: np.ndarray) -> Fingerprint:
    """The fingerprint of a picture (h, w, 3) uint8: which low frequencies are above their median."""
    from PIL import Image
    from scipy.fft import dctn

    image = Image.fromarray(picture)
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float64)
    low = dctn(grey, norm="ortho")[:LOW, :LOW].ravel()
    bits = low > np.median(low[1:])
    thumbnail = np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
    return Fingerprint(int.from_bytes(np.packbits(bits).tobytes(), "big"), thumbnail)


def near_duplicates(prints: Sequence[Fingerprint]) -> np.ndarray:
    """Numbers (n,) of groups: near-duplicates of near-duplicates are in one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(prints)
    if n == 0:
        return np.zeros(0, np.int64)
    codes = np.array([p.code for p in prints], np.uint64)
    thumbnails = np.stack([p.thumbnail for p in prints]).reshape(n, -1).astype(np.int16)
    rows, columns = _pairs(codes) if n <= MOST_COMPARED else _equal(codes)
    near = (
        np.abs(thumbnails[rows] - thumbnails[columns]).mean(axis=1) <= MOST_DIFFERENCE
        if len(rows)
        else np.zeros(0, bool)
    )
    rows, columns = rows[near], columns[near]
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(n, n))
    groups: np.ndarray = connected_components(graph, directed=False)[1]
    return groups.astype(np.int64)


def _pairs(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places whose hashes differ by few bits, each pair once."""
    first, second = [], []
    for start in range(0, len(codes), BLOCK):
        rest = codes[start:]
        bits = np.bitwise_count(rest[:BLOCK, None] ^ rest[None, :])
        i, j = np.nonzero(bits <= MOST_BITS)
        later = j > i
        first.append(start + i[later])
        second.append(start + j[later])
    return np.concatenate(first), np.concatenate(second)


def _equal(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Neighbouring places in the order of their hashes where the hashes are the same."""
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    return order[:-1][same], order[1:][same]
