"""Chorales of J. S. Bach as symbols, four voices interleaved; fetched once."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from aeexplorer.data.downloads import DataUnavailable, download
from aeexplorer.data.spec import Dataset, DataSpec, Split

LOWEST, HIGHEST = 36, 81
"""MIDI numbers of the lowest and the highest note."""

VOICES = 4
TIMES = 16
"""Eighths in a sample: two bars of 4/4."""

TRANSPOSED = (0, -3, -2, -1, 1, 2, 3)
"""Semitones by which training samples are shifted; 0 first."""

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

SPEC = DataSpec(
    name="chorales",
    title="Bach chorales",
    kind="tokens",
    shape=(TIMES * VOICES,),
    vocabulary=("rest", *(f"{_NAMES[note % 12]}{note // 12 - 1}" for note in range(LOWEST, HIGHEST + 1))),
    voices=VOICES,
    value_range=(0.0, 1.0),
    scale="notes of soprano, alto, tenor and bass at each eighth; held and repeated notes look alike",
    summary="Two bars at a time of 382 chorales in four voices; training samples also in neighbouring keys.",
    licence="music in the public domain; the collection states no licence",
    source="Boulanger-Lewandowski, Bengio, Vincent (2012), arXiv:1206.6392, voices apart: "
    "https://github.com/czhuang/JSB-Chorales-dataset (Huang et al. 2017)",
)

COUNTS = (10_404, 515, 517)


def load() -> Dataset:
    """Samples (n, 64) uint8: of the official pieces for training, validation and test, windows that do not overlap.

    A piece is in one split with all of its windows, and no window is there twice: what also occurs in a test or
    validation piece is left out of training. Training windows are there in up to seven keys.

    Raises:
        DataUnavailable: when the file is missing and cannot be fetched, or is not the published one.
    """
    pieces = _read(download("chorales"))
    splits, seen = {}, set[bytes]()
    for part, shifts in (("test", TRANSPOSED[:1]), ("valid", TRANSPOSED[:1]), ("train", TRANSPOSED)):
        windows = np.concatenate([_windows(np.array(piece, np.int64)) for piece in pieces[part]])
        moved = np.concatenate([shifted(windows, shift) for shift in shifts])
        new = {window.tobytes(): window.ravel() for window in moved if window.tobytes() not in seen}
        seen |= new.keys()
        splits[part] = Split(np.stack(list(new.values())), np.full(len(new), -1, np.int64))
    return Dataset(SPEC, splits["train"], splits["valid"], splits["test"])


def shifted(x: np.ndarray, semitones: int) -> np.ndarray:
    """Samples (n, ...) of indices in another key, uint8; those that leave the range of notes are left out."""
    moved = np.where(x > 0, x.astype(np.int64) + semitones, 0)
    inside = ((moved >= 1) & (moved < len(SPEC.vocabulary)) | (x == 0)).reshape(len(x), -1).all(1)
    return moved[inside].astype(np.uint8)


def _windows(piece: np.ndarray) -> np.ndarray:
    """Indices (n, 16, 4) of the windows of a piece (steps of a 16th, 4) of MIDI numbers, -1 for a rest."""
    eighths = piece[::2]
    n = len(eighths) // TIMES
    notes = eighths[: n * TIMES].reshape(n, TIMES, VOICES)
    return np.where(notes < 0, 0, notes - LOWEST + 1)


def _read(folder: Path) -> dict[str, list[list[list[int]]]]:
    """The pieces by split, of the published file or of one that was packed by gzip."""
    plain = folder / "Jsb16thSeparated.json"
    try:
        content = plain.read_bytes() if plain.exists() else gzip.decompress(Path(f"{plain}.gz").read_bytes())
        pieces: dict[str, list[list[list[int]]]] = json.loads(content)
    except (OSError, EOFError, ValueError) as error:
        raise DataUnavailable(f"{plain} cannot be read ({error}); delete it and load the dataset again") from None
    return pieces
