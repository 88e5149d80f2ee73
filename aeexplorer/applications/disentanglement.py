"""Disentanglement of a model: its codes beside the exact factors of variation of generated data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.metrics import beta_vae_score, dci, factor_vae_score, mig, sap

TITLES = {"mig": "MIG", "dci": "DCI", "sap": "SAP", "factor_vae": "FactorVAE", "beta_vae": "β-VAE"}
"""Names of the scores, as papers name them."""


class FactorCodes(NamedTuple):
    """Codes z (n, K) of test samples, their exact factors (n, F), and the columns of factors whose values have no
    order."""

    z: np.ndarray
    factors: np.ndarray
    categorical: tuple[int, ...]


def factor_codes(model: Explorer) -> FactorCodes:
    """Codes of the test samples beside their factors.

    Raises:
        ConfigError: for data without exact factors.
    """
    test = model.dataset.test
    if test.factors is None or not model.spec.factors:
        raise ConfigError(
            f"disentanglement needs data with exact factors of variation, such as shapes, got {model.spec.title}"
        )
    categorical = tuple(i for i in range(test.factors.shape[1]) if np.array_equal(test.factors[:, i], test.y))
    return FactorCodes(model.encode(test.x, test.y), test.factors, categorical)


def figures(model: Explorer, seed: int = 0) -> dict[str, float]:
    """The five scores of a model, and completeness and informativeness of DCI."""
    z, factors, categorical = factor_codes(model)
    found = dci(z, factors, seed)
    return {
        "mig": mig(z, factors),
        "dci": found["disentanglement"],
        "sap": sap(z, factors, categorical),
        "factor_vae": factor_vae_score(z, factors, seed),
        "beta_vae": beta_vae_score(z, factors, seed),
        "dci_completeness": found["completeness"],
        "dci_informativeness": found["informativeness"],
    }
