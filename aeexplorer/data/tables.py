"""Tables that come with scikit-learn or with this package: no download needed."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aeexplorer.data.spec import Dataset, DataSpec, Split, as_uint8
from aeexplorer.data.splits import split_counts, split_dataset, stratified

DIGITS = DataSpec(
    name="digits",
    title="Digits",
    kind="image",
    shape=(8, 8),
    value_range=(0.0, 1.0),
    classes=tuple("0123456789"),
    scale="intensity, 0 is paper and 1 is ink",
    summary="1,797 handwritten digits at 8 × 8 pixels: trains in seconds.",
    licence="CC BY 4.0",
    source="Alpaydin, Kaynak (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository, "
    "doi:10.24432/C50P49; its test part, as shipped with scikit-learn",
)

_NUCLEUS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)

BREAST_CANCER = DataSpec(
    name="breast-cancer",
    title="Breast cancer (Wisconsin)",
    kind="vector",
    shape=(30,),
    classes=("malignant", "benign"),
    features=(
        *(f"mean {name}" for name in _NUCLEUS),
        *(f"{name} error" for name in _NUCLEUS),
        *(f"worst {name}" for name in _NUCLEUS),
    ),
    scale="standardised: mean 0, standard deviation 1 on the training split",
    summary="569 tumours, each described by 30 measurements of cell nuclei in an image of a fine needle aspirate.",
    licence="CC BY 4.0",
    source="Wolberg, Mangasarian, Street, Street (1993). Breast Cancer Wisconsin (Diagnostic). UCI Machine Learning "
    "Repository, doi:10.24432/C5DW2B; as shipped with scikit-learn",
)

WINE = DataSpec(
    name="wine",
    title="Wine",
    kind="vector",
    shape=(13,),
    classes=("cultivar 1", "cultivar 2", "cultivar 3"),
    features=(
        "alcohol",
        "malic acid",
        "ash",
        "alcalinity of ash",
        "magnesium",
        "total phenols",
        "flavanoids",
        "nonflavanoid phenols",
        "proanthocyanins",
        "color intensity",
        "hue",
        "od280/od315 of diluted wines",
        "proline",
    ),
    scale="standardised: mean 0, standard deviation 1 on the training split",
    summary="178 Italian wines of three cultivars, 13 chemical measurements each.",
    licence="CC BY 4.0",
    source="Aeberhard, Forina (1992). Wine. UCI Machine Learning Repository, doi:10.24432/C5PC7J; as shipped with "
    "scikit-learn",
)


PACKED_GENES = Path(__file__).parent / "packed" / "genes.csv.gz"


def _gene_rows() -> Iterator[list[str]]:
    """The rows of the table of genes: the names of the columns, then bar code, kind of cell and values."""
    with gzip.open(PACKED_GENES, "rt", encoding="utf-8", newline="") as file:
        yield from csv.reader(file)


GENES = DataSpec(
    name="genes",
    title="Genes of blood cells",
    kind="vector",
    shape=(765,),
    classes=(
        "CD14+ Monocyte",
        "CD19+ B",
        "CD34+",
        "CD4+/CD25 T Reg",
        "CD4+/CD45RA+/CD25- Naive T",
        "CD4+/CD45RO+ Memory",
        "CD56+ NK",
        "CD8+ Cytotoxic T",
        "CD8+/CD45RA+ Naive Cytotoxic",
        "Dendritic",
    ),
    features=tuple(next(_gene_rows())[2:]),
    scale="log(1 + counts per 10,000), standardised: mean 0, standard deviation 1 on the training split",
    summary="700 single blood cells, each with the counts of 765 genes: many columns, few samples.",
    licence="CC BY 4.0",
    source="10x Genomics, 68k peripheral blood mononuclear cells (Zheng et al. 2017, Nature Communications 8, 14049), "
    "the small set that comes with scanpy",
)


def load_genes() -> Dataset:
    """Rows (n, 765) float32, standardised."""
    _, *rows = _gene_rows()
    y = np.array([GENES.classes.index(row[1]) for row in rows], np.int64)
    return _standardised(GENES, np.array([row[2:] for row in rows], np.float64), y)


def load_digits() -> Dataset:
    """Images (n, 8, 8) uint8; the 17 levels 0..16 of the source are scaled to 0..255."""
    rows, labels = _of_scikit_learn("digits.csv.gz")
    return split_dataset(DIGITS, Split(as_uint8(rows.reshape(-1, 8, 8) / 16), labels))


def load_breast_cancer() -> Dataset:
    """Rows (n, 30) float32, standardised."""
    return _standardised(BREAST_CANCER, *_of_scikit_learn("breast_cancer.csv", header=1))


def load_wine() -> Dataset:
    """Rows (n, 13) float32, standardised."""
    return _standardised(WINE, *_of_scikit_learn("wine_data.csv", header=1))


def _of_scikit_learn(name: str, header: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A table that lies in scikit-learn's folder: rows (n, columns) float64 and labels (n,) int64.

    scikit-learn is not imported for it, which would take each new process longer than a short training.
    """
    spec = importlib.util.find_spec("sklearn")
    assert spec and spec.origin
    rows = np.loadtxt(Path(spec.origin).parent / "datasets" / "data" / name, delimiter=",", skiprows=header)
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def _standardised(spec: DataSpec, x: np.ndarray, y: np.ndarray) -> Dataset:
    """Split a table and standardise it by mean and standard deviation of the training rows alone, so that nothing of
    the other splits enters the training."""
    train = stratified(y, *split_counts(len(y)))[0]
    spread = x[train].std(axis=0)
    x = (x - x[train].mean(axis=0)) / np.where(spread > 0, spread, 1)
    return split_dataset(spec, Split(x.astype(np.float32), y.astype(np.int64)))
