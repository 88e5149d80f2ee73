"""The dimensions of a code, those that say most about a sample first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from aeexplorer.live.open_run import OpenRun
from aeexplorer.metrics import active_units

SILENT = 1e-3  # share of the largest variance below which a dimension without a posterior counts as inactive
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Dimensions:
    """Dimensions of a code in order.

    Attributes:
        active, inactive: their places in the code, by score, the largest first.
        score: (K,) of each dimension: KL in nats where it is a sum over dimensions and the data are there, else the
            variance of the stored codes.
        measure: what the score is.
        levels: (K,) the level of each dimension, 0 for the coarsest; all 0 where there is one level.
        low, high: (K,) where the stored codes lie, three standard deviations around their mean.
    """

    active: tuple[int, ...]
    inactive: tuple[int, ...]
    score: np.ndarray
    measure: str
    low: np.ndarray
    high: np.ndarray
    levels: np.ndarray

    def name(self, place: int) -> str:
        """A dimension with its score: "z₃, KL 1.82"."""
        return f"{symbol(place)}, {self.measure} {self.score[place]:.2f}"


def symbol(place: int) -> str:
    """z with the place as subscript, counted from 1."""
    return f"z{place + 1}".translate(SUBSCRIPTS)


def dimensions_of(opened: OpenRun) -> Dimensions:
    """The dimensions of a run's code; which of them are active is judged over all stored samples."""
    run = opened.explorer.run
    return _dimensions(run.id, (run.path / "codes.safetensors").stat().st_mtime_ns, opened.test is not None, opened)


@st.cache_resource(max_entries=16, show_spinner=False)
def _dimensions(run: str, written: int, with_data: bool, _opened: OpenRun) -> Dimensions:
    z = _opened.z
    variance = z.var(axis=0)
    samples = _opened.samples_at(np.arange(len(z))) if with_data else None
    posterior = "posterior" in _opened.explorer.traits
    if samples is not None and posterior and "sampled_rate" not in _opened.explorer.traits:
        score, measure = _opened.explorer.rate(samples, _opened.labels).mean(0), "KL"
    else:
        score, measure = variance.astype(np.float64), "variance"
    if samples is not None and posterior:
        alive = active_units(z) if len(z) > 1 else np.ones(z.shape[1], bool)
    else:
        alive = variance > SILENT * variance.max()
    order = np.argsort(-score, kind="stable").tolist()
    spread = 3 * np.maximum(z.std(axis=0), 1e-3)
    return Dimensions(
        tuple(d for d in order if alive[d]),
        tuple(d for d in order if not alive[d]),
        score,
        measure,
        z.mean(axis=0) - spread,
        z.mean(axis=0) + spread,
        np.repeat(np.arange(len(_opened.explorer.levels)), _opened.explorer.levels),
    )
