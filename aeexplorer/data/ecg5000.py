"""ECG5000: heartbeats of one patient, read from the data directory; they are not downloaded automatically."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from aeexplorer.data.downloads import DataUnavailable, data_dir
from aeexplorer.data.spec import Dataset, DataSpec, Split
from aeexplorer.data.splits import stratified

SPEC = DataSpec(
    name="ecg5000",
    title="ECG5000",
    kind="sequence",
    shape=(140,),
    classes=(
        "Normal",
        "R-on-T premature ventricular contraction",
        "Premature ventricular contraction",
        "Supraventricular premature or ectopic beat",
        "Unclassified beat",
    ),
    scale="standardised: mean 0, standard deviation 1 of each beat",
    variance=0.47,
    summary="5,000 heartbeats of one patient with severe heart failure, 140 time steps each.",
    licence="ODC-BY (the record, PhysioNet); the UCR archive is free to use with citation",
    source="Dau et al. (2019). The UCR time series archive, arXiv:1810.07758; beats of record chf07 of the BIDMC "
    "Congestive Heart Failure Database, PhysioNet (Goldberger et al. 2000), doi:10.13026/C29G60; Baim et al. (1986)",
)

COUNTS = (400, 100, 4_500)
_ENDINGS = (".tsv.gz", ".tsv", ".txt")
_WHERE = "https://www.timeseriesclassification.com/description.php?Dataset=ECG5000"


def present() -> bool:
    """Whether both files are in the data directory; their contents are checked on loading."""
    return all(_find(part) is not None for part in ("TRAIN", "TEST"))


def load() -> Dataset:
    """Beats (n, 140) float32: of the official 500 training beats 400 for training and 100 for validation, and the
    official 4,500 test beats.

    Raises:
        DataUnavailable: when a file is missing or damaged.
    """
    official, test = _read("TRAIN", sum(COUNTS[:2])), _read("TEST", COUNTS[2])
    train, validation = stratified(official.y, *COUNTS[:2])
    return Dataset(SPEC, official.take(train), official.take(validation), test)


def _find(part: str) -> Path | None:
    folder = data_dir() / "ecg5000"
    return next((p for e in _ENDINGS if (p := folder / f"ECG5000_{part}{e}").is_file()), None)


def _read(part: str, rows: int) -> Split:
    """Read a file with one row per beat: a label 1..5, then 140 values, separated by tabs, spaces or commas."""
    path = _find(part)
    if path is None:
        raise DataUnavailable(
            f"ecg5000 is not on this computer: put ECG5000_{part}.tsv.gz (or .tsv, .txt) from {_WHERE} into "
            f"{data_dir() / 'ecg5000'}, or choose heartbeats, which needs no download"
        )
    try:
        commas = path.suffix == ".txt" and b"," in path.read_bytes()
        table = np.loadtxt(path, delimiter="," if commas else None, ndmin=2)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise DataUnavailable(f"{path} cannot be read ({error}); replace it by a fresh copy from {_WHERE}") from None
    if table.shape != (rows, 141):
        raise DataUnavailable(f"{path} must hold {rows} rows of a label and 140 values, got an array of {table.shape}")
    if not np.isfinite(table).all() or not np.isin(table[:, 0], range(1, 6)).all():
        raise DataUnavailable(f"{path} must hold labels 1 to 5 and finite values, got something else")
    return Split(table[:, 1:].astype(np.float32), table[:, 0].astype(np.int64) - 1)
