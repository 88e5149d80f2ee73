"""Units of a code: when each is active, and with what it goes along."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aeexplorer.explorer import Explorer


class Units(NamedTuple):
    """Activations of all units for the samples behind the stored codes.

    Attributes:
        activations: (n, units): values of the code, or of a codebook how often each entry occurs in a code.
        entries: whether units are entries of a codebook.
    """

    activations: np.ndarray
    entries: bool


def units_of(model: Explorer) -> Units:
    """The units of a model: dimensions of the code, or entries of a codebook."""
    codes = model.codes
    if codes.indices is None:
        return Units(codes.z, False)
    counts = [np.bincount(row, minlength=int(codes.indices.max()) + 1) for row in codes.indices]
    return Units(np.stack(counts).astype(np.float32), True)


def by_variance(units: Units) -> np.ndarray:
    """Places of the units, the most variable first."""
    return np.argsort(-units.activations.var(0), kind="stable")


def extremes(units: Units, unit: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the stored codes of the n highest and the n lowest activations of a unit."""
    order = np.argsort(units.activations[:, unit], kind="stable")
    return order[::-1][:n], order[:n]


def correlates(model: Explorer, units: Units, unit: int) -> dict[str, float]:
    """Correlations of a unit over the stored samples: with each class (in it or not), each exact factor, and the mean
    value of a sample; the strongest first."""
    index = model.codes.index
    test = model.dataset.test.take(index)
    traits = {"mean value": test.x.reshape(len(test), -1).mean(1)}
    names = model.spec.classes
    traits |= {
        f"class {names[y] if y < len(names) else y}": (test.y == y).astype(float)
        for y in np.unique(test.y[test.y >= 0])
    }
    if test.factors is not None:
        traits |= {factor.name: test.factors[:, i] for i, factor in enumerate(model.spec.factors)}
    activation = units.activations[:, unit]
    found = {name: _correlation(activation, values) for name, values in traits.items()}
    return dict(sorted(found.items(), key=lambda pair: -abs(pair[1])))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    return float((a * b).sum() / scale) if scale else 0.0
