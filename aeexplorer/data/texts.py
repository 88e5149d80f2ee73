"""Names and molecules: texts that come with the package, as symbols."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

from aeexplorer.data.spec import Dataset, DataSpec, Factor, Split
from aeexplorer.data.splits import split_dataset

PACKED = Path(__file__).parent / "packed"
UNIT = (0.0, 1.0)
BOYS = 18_029
"""Line of the file of names with which the boys' begin."""

NAMES = DataSpec(
    name="names",
    title="Names",
    kind="tokens",
    shape=(16,),
    vocabulary=("", *"abcdefghijklmnopqrstuvwxyz"),
    value_range=UNIT,
    classes=("girls", "boys", "both"),
    scale="letters; a text ends at the first empty one",
    summary="29,494 given names of the United States in 2018, each once; 87 % of the test names are one letter "
    "away from a training name.",
    licence="public domain (US government work), collection MIT",
    source="Social Security Administration, baby names of 2018, as collected in makemore (Karpathy 2022)",
)

MOLECULES = DataSpec(
    name="molecules",
    title="Molecules (QM9)",
    kind="tokens",
    shape=(24,),
    grammar="smiles",
    vocabulary=("", *"#()+-./123456=CFHNO[\\]cno"),
    value_range=UNIT,
    factors=(Factor(name="logP"), Factor(name="heavy atoms", values=9)),
    scale="symbols of SMILES; a text ends at the first empty one",
    summary="26,236 small organic molecules as SMILES of at most 24 symbols, with their logP; 41 % of "
    "the test molecules are one symbol away from a training molecule.",
    licence="CC0",
    source="Ramakrishnan, Dral, Rupp, von Lilienfeld (2014). Quantum chemistry structures and properties of 134 kilo "
    "molecules, Scientific Data 1, 140022; every fifth molecule, logP by RDKit",
)


def load_names() -> Dataset:
    """Names (n, 16) uint8. A name that girls and boys share stands there once, in a class of its own, so that none is
    in two splits."""
    with gzip.open(PACKED / "names.txt.gz", "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")
    girls, boys = lines[:BOYS], lines[BOYS:]
    both = set(girls) & set(boys)
    names = [*girls, *(name for name in boys if name not in both)]
    y = np.array([2 if name in both else int(i >= BOYS) for i, name in enumerate(names)], np.int64)
    return split_dataset(NAMES, Split(NAMES.indices(names), y))


def load_molecules() -> Dataset:
    """SMILES (n, 24) uint8, without classes; factors (n, 2) are logP and the number of heavy atoms."""
    with gzip.open(PACKED / "molecules.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if len(row["smiles"]) <= MOLECULES.shape[0]]
    x = MOLECULES.indices(row["smiles"] for row in rows)
    factors = np.array([(row["logP"], row["heavy_atoms"]) for row in rows], np.float32)
    return split_dataset(MOLECULES, Split(x, np.full(len(x), -1, np.int64), factors))
