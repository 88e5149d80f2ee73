"""Scores of disentanglement: how far each exact factor of variation has a code dimension of its own.

Every score is that of its paper on a finite table of codes and factors; all but β-VAE's and FactorVAE's need nothing
drawn at random. Scores differ in what they ask, and one run with one seed says little (Locatello et al. 2019,
https://arxiv.org/abs/1811.12359).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.config import ConfigError

BINS = 20
"""Intervals of equal width into which a code dimension of more distinct values is cut (Locatello et al. 2019)."""
TREES = 20
GROUP = 64
"""Samples of one vote."""
VOTES = 800
UNUSED = 0.05
"""Share of the largest variance of a dimension below which a dimension takes no part in the FactorVAE score."""


def information(codes: ArrayLike, factors: ArrayLike) -> np.ndarray:
    """Mutual information of each code dimension and each factor as a share of the factor's entropy.

    Args:
        codes: (n, K). factors: (n, F), of few distinct values each.

    Returns:
        (F, K) float64, 0 where they are independent and 1 where the dimension determines the factor.

    Raises:
        ConfigError: for mismatched shapes, values that are not finite, or a factor of one value.
    """
    z, v = _pair(codes, factors)
    return np.array([[_mutual(_binned(dim), factor) / _entropy(factor) for dim in z.T] for factor in _levels(v)])


def mig(codes: ArrayLike, factors: ArrayLike) -> float:
    """Mutual information gap: of each factor, the information of the best dimension less that of the second best, as a
    share of its entropy; averaged over factors (Chen et al. 2018, https://arxiv.org/abs/1802.04942, equation 6)."""
    return _gap(information(codes, factors))


def sap(codes: ArrayLike, factors: ArrayLike, categorical: Sequence[int] = ()) -> float:
    """Separated attribute predictability: of each factor, how well the best single dimension predicts it linearly less
    the second best (R²); averaged over factors (Kumar et al. 2018, https://arxiv.org/abs/1711.00848, section 3).

    Args:
        categorical: columns of factors whose values have no order; R² is that of one column for each value.
    """
    z, v = _pair(codes, factors)
    table = []
    for column in range(v.shape[1]):
        target = v[:, [column]]
        if column in categorical:
            target = np.asarray(v[:, [column]] == np.unique(v[:, column]), np.float64)
        table.append(_linear(z, target))
    return _gap(np.array(table))


def dci(codes: ArrayLike, factors: ArrayLike, seed: int = 0) -> dict[str, float]:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018,
    https://openreview.net/forum?id=By-7dz-AZ, section 2), by the importances of a random forest for each factor.

    Returns:
        disentanglement: whether a dimension is important for one factor only. completeness: whether a factor needs one
        dimension only. informativeness: accuracy of the forests on samples that they have not seen.
    """
    from sklearn.ensemble import RandomForestClassifier

    z, v = _pair(codes, factors)
    order = np.random.default_rng(seed).permutation(len(z))
    train, test = order[: 2 * len(z) // 3], order[2 * len(z) // 3 :]
    importance, accuracy = [], []
    for factor in _levels(v):
        forest = RandomForestClassifier(TREES, max_features=None, max_depth=12, min_samples_leaf=3, random_state=seed)
        forest.fit(z[train], factor[train])
        importance.append(forest.feature_importances_)
        accuracy.append(forest.score(z[test], factor[test]))
    table = np.array(importance).T  # (K, F)
    return {
        "disentanglement": _one_sidedness(table),
        "completeness": _one_sidedness(table.T),
        "informativeness": float(np.mean(accuracy)),
    }


def factor_vae_score(codes: ArrayLike, factors: ArrayLike, seed: int = 0, votes: int = VOTES) -> float:
    """Accuracy of telling the fixed factor by the dimension that varies least (Kim & Mnih 2018,
    https://arxiv.org/abs/1802.05983, section 4): half of the votes decide which factor a dimension stands for, the
    other half is judged."""
    z, v = _pair(codes, factors)
    z = z[:, z.var(0) >= UNUSED * z.var(0).max()]
    scale = np.maximum(z.var(0), 1e-12)

    def steadiest(rows: np.ndarray, random: np.random.Generator) -> int:
        return int((z[random.choice(rows, GROUP)].var(0) / scale).argmin())

    dims, fixed = _drawn(v, steadiest, votes, seed)
    table = np.zeros((z.shape[1], v.shape[1]))
    half = votes // 2
    np.add.at(table, (dims[:half].astype(int), fixed[:half]), 1)
    return float((table.argmax(1)[dims[half:].astype(int)] == fixed[half:]).mean())


def beta_vae_score(codes: ArrayLike, factors: ArrayLike, seed: int = 0, votes: int = VOTES) -> float:
    """Accuracy of a linear classifier that tells the factor two groups of samples share from the mean distance of their
    codes in each dimension (Higgins et al. 2017, https://openreview.net/forum?id=Sy2fzU9gl, section 3)."""
    from sklearn.linear_model import LogisticRegression

    z, v = _pair(codes, factors)
    z = (z - z.mean(0)) / np.maximum(z.std(0), 1e-12)

    def difference(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
        pairs = z[random.choice(rows, (2, GROUP))]
        return np.asarray(np.abs(pairs[0] - pairs[1]).mean(0))

    x, fixed = _drawn(v, difference, votes, seed)
    half = votes // 2
    probe = LogisticRegression(C=100, max_iter=500).fit(x[:half], fixed[:half])
    return float(probe.score(x[half:], fixed[half:]))


def _drawn(
    v: np.ndarray, look: Callable[[np.ndarray, np.random.Generator], np.ndarray | int], votes: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Results of `look` for samples that share the value of a factor, and the factor, (votes, …)."""
    random = np.random.default_rng(seed)
    fixed = random.integers(v.shape[1], size=votes)
    found = []
    for factor in fixed:
        column = v[:, factor]
        found.append(look(np.flatnonzero(column == random.choice(column)), random))
    return np.array(found), fixed


def _pair(codes: ArrayLike, factors: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    z, v = np.asarray(codes, np.float64), np.asarray(factors, np.float64)
    if z.ndim != 2 or v.ndim != 2 or len(z) != len(v) or len(z) < 4:
        raise ConfigError(f"codes and factors must be (n, K) and (n, F) of 4 samples or more, got {z.shape}, {v.shape}")
    if not (np.isfinite(z).all() and np.isfinite(v).all()):
        raise ConfigError("codes and factors must be finite, got NaN or infinity")
    constant = [i for i in range(v.shape[1]) if (v[:, i] == v[0, i]).all()]
    if constant:
        raise ConfigError(f"every factor must have at least 2 values, got 1 in column {constant[0]}")
    return z, v


def _levels(v: np.ndarray) -> list[np.ndarray]:
    """Each factor as whole numbers from 0."""
    return [np.unique(column, return_inverse=True)[1] for column in v.T]


def _binned(dimension: np.ndarray) -> np.ndarray:
    distinct, place = np.unique(dimension, return_inverse=True)
    if len(distinct) <= 2 * BINS:
        return place
    edges = np.linspace(dimension.min(), dimension.max(), BINS + 1)[1:-1]
    return np.digitize(dimension, edges)


def _entropy(places: np.ndarray) -> float:
    share = np.bincount(places) / len(places)
    used = share[share > 0]
    return float(-(used * np.log(used)).sum())


def _mutual(a: np.ndarray, b: np.ndarray) -> float:
    joint = a * (int(b.max()) + 1) + b
    return max(_entropy(a) + _entropy(b) - _entropy(joint), 0.0)


def _linear(z: np.ndarray, target: np.ndarray) -> np.ndarray:
    """R² of each column of z alone for the columns of a target, averaged over those, (K,)."""
    a, b = z - z.mean(0), target - target.mean(0)
    covered = np.square(a.T @ b) / np.maximum(np.outer(np.square(a).sum(0), np.square(b).sum(0)), 1e-300)
    return np.asarray(covered.mean(1))


def _gap(table: np.ndarray) -> float:
    """Largest less second largest value of each row, averaged over rows."""
    ranked = np.sort(np.column_stack([table, np.zeros(len(table))]), axis=1)
    return float((ranked[:, -1] - ranked[:, -2]).mean())


def _one_sidedness(table: np.ndarray) -> float:
    """1 less the entropy of each row as a share of the largest possible, weighted by the sums of the rows."""
    if table.shape[1] < 2:
        return 1.0
    total = table.sum(1, keepdims=True)
    share = table / np.maximum(total, 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-300))).sum(1) / np.log(table.shape[1])
    return float(((1 - entropy) * total[:, 0]).sum() / max(total.sum(), 1e-12))
