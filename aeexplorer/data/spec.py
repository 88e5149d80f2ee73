"""The parts of a dataset: arrays in three splits, and a spec that describes them. NumPy only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import model_validator

from aeexplorer.config import Choice, Config, ConfigError
from aeexplorer.data.kinds import KINDS, KindRow

Kind = Annotated[str, Choice(tuple(KINDS))]
"""The name of a kind of samples."""

MAX_SIDE = 128
"""Largest height and width of an image in pixels: what one CPU core trains on in minutes."""

MOST_SYMBOLS = 256
"""Largest vocabulary: symbols are stored in 8 bits."""

MOST_LABELS = 32_767
"""Largest label of data without names of classes: labels are stored in 16 bits."""


class Factor(Config):
    """One exact factor of variation of a generated dataset, or a column of own data that is kept beside the samples;
    `Split.factors[:, i]` holds the values of factor i, NaN where one is missing."""

    name: str
    values: int | None = None
    """Number of distinct values; None where the factor is continuous."""
    unit: str = ""
    names: tuple[str, ...] = ()
    """Names of the values 0, 1, ...; empty where they are numbers."""


class DataSpec(Config):
    """A description of the arrays of a dataset.

    Attributes:
        shape: of one sample as it is stored: image (h, w) or (h, w, 3), sequence (steps,) or (steps, channels), vector
            (features,), tokens (steps,).
        vocabulary: the symbols of tokens, which are stored as indices into it. An empty one ends a text.
        grammar: "smiles" of molecules, whose texts can be checked; "" elsewhere.
        voices: of music, the symbols of one time step that follow each other, from the highest voice to the lowest; 0
            for text.
        value_range: (low, high) of the values as a model sees them. Images are stored as uint8 0..255 and seen as 0..1,
            symbols as one probability each.
            None where values are unbounded (standardised tables, sequences); cross-entropy needs (0, 1).
        features: names of the columns of a table, empty elsewhere.
        scale: what one unit of a value means, in words ("standard deviations of the training split").
        variance: mean variance of a value over the training split; 1 where values are standardised, unused for
            pictures.
        centre, spread: of each column of a table, or each channel of a sequence, what was subtracted and what was
            divided by when the values were standardised; empty where they were not.

    Raises:
        ConfigError: when the shape does not suit the kind, an image is larger than 128 x 128 pixels or has neither one
            nor three channels, the names of the features do not cover the columns, or a vocabulary is missing, has
            more than 256 symbols or holds one twice.
    """

    name: str
    title: str
    kind: Kind
    shape: tuple[int, ...]
    vocabulary: tuple[str, ...] = ()
    voices: int = 0
    grammar: Literal["", "smiles"] = ""
    value_range: tuple[float, float] | None = None
    classes: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    features: tuple[str, ...] = ()
    scale: str = ""
    variance: float = 1.0
    centre: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    summary: str = ""
    licence: str = ""
    source: str = ""

    @model_validator(mode="after")
    def _usable_shape(self) -> Self:
        shape = self.shape
        if len(shape) not in self.row.axes or min(shape) < 1:
            raise ValueError(f"shape of {self.kind} data must be {self.row.layout}, all at least 1, got {shape}")
        if self.row.pixels and max(shape[:2]) > MAX_SIDE:
            raise ValueError(f"shape of image data must be at most {MAX_SIDE} x {MAX_SIDE} pixels, got {shape}")
        if self.row.pixels and shape[2:] not in ((), (3,)):
            raise ValueError(f"shape of image data must be (h, w) for one channel or (h, w, 3) for three, got {shape}")
        if self.features and len(self.features) != self.size:
            raise ValueError(f"features must name all {self.size} columns, got {len(self.features)} names")
        symbols = self.vocabulary
        if self.row.symbols and not (2 <= len(symbols) == len(set(symbols)) <= MOST_SYMBOLS):
            raise ValueError(f"vocabulary must have 2 to {MOST_SYMBOLS} different symbols, got {len(symbols)}")
        if self.voices and shape[0] % self.voices:
            raise ValueError(f"shape must hold whole time steps of {self.voices} voices, got {shape}")
        return self

    def restore(self, x: np.ndarray) -> np.ndarray:
        """Values (n, *shape) in the units that they came in, float64."""
        return x * np.array(self.spread or (1.0,)) + np.array(self.centre or (0.0,))

    @property
    def row(self) -> KindRow:
        """The properties of all samples of this kind."""
        return KINDS[self.kind]

    @property
    def value_shape(self) -> tuple[int, ...]:
        """Shape of one sample as values: the shape, of symbols (steps, vocabulary)."""
        return (*self.shape, len(self.vocabulary)) if self.row.symbols else self.shape

    @property
    def size(self) -> int:
        """Number of values in one sample, as a model sees it."""
        return int(np.prod(self.value_shape))

    @property
    def measured(self) -> int:
        """Number of terms of a sample over which `errors` is a mean: its values, of tokens its symbols."""
        return self.shape[0] if self.row.symbols else self.size

    def values(self, x: np.ndarray) -> np.ndarray:
        """Samples (..., *shape) as values (..., *value_shape) float32: uint8 pictures as 0..1, indices of symbols as
        probabilities 0 and 1, floats as they are."""
        if self.row.symbols and x.dtype.kind in "iu":
            return np.eye(len(self.vocabulary), dtype=np.float32)[x]
        return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x.astype(np.float32, copy=False)

    def errors(self, found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """The error of each sample, (n,): mean squared difference of values, of symbols -log p per symbol in nats.

        Args:
            found: values (n, *value_shape). wanted: values that they are compared with, or samples (n, *shape).
        """
        wanted = self.values(wanted)
        if self.row.symbols:
            probability = np.clip((found * wanted).sum(-1), 1e-7, 1)  # (n, steps)
            return -np.log(probability).mean(1)
        return np.square(found - wanted).reshape(len(found), -1).mean(1)

    def symbols(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The most probable symbol of each position and its probability, (..., steps) each, of samples or values of
        tokens. Of a masked position the probability is 0."""
        x = np.asarray(x)
        if x.dtype.kind in "iu":
            return x.astype(np.int64), np.ones(x.shape, np.float32)
        return x.argmax(-1), x.max(-1).astype(np.float32)

    def text(self, x: np.ndarray) -> list[str]:
        """Tokens, (n, *shape) indices or (n, *value_shape) probabilities, as text: the most probable symbols up to the
        first that is empty; of music the notes of each time step, divided by bars.

        Raises:
            ConfigError: for another kind of data.
        """
        if not self.row.symbols:
            raise ConfigError(f"text must be of tokens, got {self.kind} data")
        rows = [[self.vocabulary[i] for i in row] for row in self.symbols(x)[0].tolist()]
        if self.voices:
            return [
                " | ".join(" ".join(row[i : i + self.voices]) for i in range(0, len(row), self.voices)) for row in rows
            ]
        return ["".join(row[: row.index("")] if "" in row else row) for row in rows]

    def indices(self, texts: Iterable[str]) -> np.ndarray:
        """Texts as indices (n, steps) uint8, the inverse of `text`; at each place the longest symbol that fits.

        Raises:
            ConfigError: for a text that is too long, or a symbol that the vocabulary does not have.
        """
        longest = sorted((s for s in self.vocabulary if s), key=len, reverse=True)
        pattern = re.compile("|".join(map(re.escape, longest)) + "|(.)", re.DOTALL)
        place = {symbol: i for i, symbol in enumerate(self.vocabulary)}
        rows = []
        for text in texts:
            found = list(pattern.finditer(text))
            if unknown := next((match[1] for match in found if match[1]), None):
                raise ConfigError(f"text must be made of the {len(longest)} symbols of {self.title}, got {unknown!r}")
            if len(found) > self.shape[0] or (len(found) < self.shape[0] and "" not in place):
                raise ConfigError(f"text must have at most {self.shape[0]} symbols, got {len(found)}")
            rows.append([place[match[0]] for match in found] + [place.get("", 0)] * (self.shape[0] - len(found)))
        return np.array(rows, np.uint8).reshape(-1, *self.shape)

    @property
    def unit_interval(self) -> bool:
        """Whether values lie in [0, 1], so that binary cross-entropy and pictures make sense."""
        return self.value_range == (0.0, 1.0)


@dataclass(frozen=True)
class Split:
    """Samples of one split.

    Attributes:
        x: (n, *spec.shape), uint8 for images and tokens, float32 elsewhere.
        y: (n,) int64 class indices into `spec.classes`, -1 where there is no label.
        factors: (n, len(spec.factors)) float32 exact factor values, or None.
        grey: (n, *spec.shape) uint8, of pictures of which training draws another black and white version each time: the
            probability of white in 255ths; x is one such draw. None where x is what training sees.
    """

    x: np.ndarray
    y: np.ndarray
    factors: np.ndarray | None = None
    grey: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: np.ndarray) -> Split:
        """The samples at `index` (m,), in that order."""
        factors, grey = (None if a is None else a[index] for a in (self.factors, self.grey))
        return Split(self.x[index], self.y[index], factors, grey)


@dataclass(frozen=True)
class Dataset:
    """A spec and three disjoint splits.

    Attributes:
        source: the content's digest of data that people brought; empty elsewhere.

    Raises:
        ConfigError: for labels that are not integers, one for each sample, or not classes of the spec.
    """

    spec: DataSpec
    train: Split
    validation: Split
    test: Split
    source: str = ""

    def __post_init__(self) -> None:
        last = len(self.spec.classes) - 1 if self.spec.classes else MOST_LABELS
        for name, split in self.splits.items():
            which, y = f"labels of the {name} split of {self.spec.name}", np.asarray(split.y)
            if y.shape != (len(split),):
                raise ConfigError(f"{which} must have shape ({len(split)},), one for each sample, got {y.shape}")
            if y.dtype.kind not in "iu":
                raise ConfigError(f"{which} must be integers, -1 for none, got {y.dtype}")
            if y.size and not -1 <= y.min() <= y.max() <= last:
                raise ConfigError(
                    f"{which} must be between -1 (none) and {last}, got {y.min() if y.min() < -1 else y.max()}"
                )

    @property
    def splits(self) -> dict[str, Split]:
        """The three splits by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def take(self, index: np.ndarray) -> Split:
        """Samples by their index in the whole dataset: the test split first, then training, then validation.

        An index below `len(self.test)` is therefore one in the test split.

        Args:
            index: (n,) integers.

        Raises:
            ConfigError: for an index out of bounds.
        """
        parts = (self.test, self.train, self.validation)
        ends = np.cumsum([len(part) for part in parts])
        wanted = np.asarray(index, dtype=np.int64)
        if wanted.size and (wanted.min() < 0 or wanted.max() >= ends[-1]):
            outside = wanted.min() if wanted.min() < 0 else wanted.max()
            raise ConfigError(f"index must be between 0 and {ends[-1] - 1}, got {outside}")
        part_of = np.searchsorted(ends, wanted, side="right")
        x = np.empty((len(wanted), *self.spec.shape), parts[0].x.dtype)
        y = np.empty(len(wanted), np.int64)
        factors = None
        if all(part.factors is not None for part in parts):
            factors = np.empty((len(wanted), len(self.spec.factors)), np.float32)
        for number, part in enumerate(parts):
            rows = part_of == number
            within = wanted[rows] - (ends[number] - len(part))
            x[rows], y[rows] = part.x[within], part.y[within]
            if factors is not None and part.factors is not None:
                factors[rows] = part.factors[within]
        return Split(x, y, factors)


def as_uint8(x: np.ndarray) -> np.ndarray:
    """Convert intensities 0..1 to uint8 0..255, rounded and clipped: the way images are stored."""
    intensity: np.ndarray = np.rint(np.clip(x, 0, 1) * 255)
    return intensity.astype(np.uint8)
