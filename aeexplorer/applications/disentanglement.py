"""Disentanglement of a model: its codes beside the exact factors of variation of generated data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.explorer import Explorer, open_run
from aeexplorer.metrics import beta_vae_score, dci, factor_vae_score, mig, sap
from aeexplorer.runs.run import Run

TITLES = {"mig": "MIG", "dci": "DCI", "sap": "SAP", "factor_vae": "FactorVAE", "beta_vae": "β-VAE"}
"""Names of the scores, as papers name them."""


class Knobs(Config):
    """The runs that are scored, by id or as pretrained/NAME, of the same data."""

    runs: tuple[str, ...] = Field(min_length=1, max_length=60)


def study(model: Explorer, knobs: Knobs) -> Iterator[tuple[float, dict[str, Any]]]:
    """The scores of one run after the other: `runs` is a list of their names, groups, seeds and scores."""
    found: dict[str, Any] = {"runs": []}
    for i, name in enumerate(knobs.runs):
        one = open_run(name)
        said = {"run": name, "group": group_of(one.run), "seed": one.run.spec.training.seed}
        found["runs"].append(said | figures(one))
        yield (i + 1) / len(knobs.runs), found


def group_of(run: Run) -> str:
    """The common name of runs that differ only in their seed: "β-VAE, β = 4"."""
    config = run.config.model_dump()
    weight = f", β = {config['beta']:g}" if config.get("beta", 1.0) != 1 else ""
    return f"{run.family.short}{weight}"


def disagreement(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where the scores name different groups as the best, and how far seeds lie apart, in sentences."""
    groups = list(dict.fromkeys(str(row["group"]) for row in rows))
    if len(groups) < 2:
        return "One group of runs: nothing to compare it with."
    best, spread = {}, {}
    for score in TITLES:
        of = {group: [float(row[score]) for row in rows if row["group"] == group] for group in groups}
        best[score] = max(groups, key=lambda group: float(np.mean(of[group])))
        within = max(float(np.ptp(values)) for values in of.values())
        between = float(np.ptp([np.mean(values) for values in of.values()]))
        spread[score] = within > between
    told = "; ".join(f"{TITLES[score]} prefers {group}" for score, group in best.items())
    same = len(set(best.values())) == 1
    text = f"All scores prefer {best['mig']}." if same else f"The scores disagree: {told}."
    wide = [TITLES[score] for score, is_wide in spread.items() if is_wide]
    return f"{text} By {', '.join(wide)}, seeds of one group differ more than the groups." if wide else text


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
    if (
        test.factors is None or not model.spec.factors or model.run.spec.source
    ):  # columns of own data are no exact factors
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
