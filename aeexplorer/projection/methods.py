"""The table of map methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from aeexplorer.config import Config
from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection.layouts import Layout, Watch
from aeexplorer.projection.linear import AxisConfig, PCAConfig, RawConfig, axis, pca, raw
from aeexplorer.projection.tsne import TSNEConfig, tsne
from aeexplorer.projection.umap import UMAPConfig, umap


@dataclass(frozen=True)
class Method:
    """One row of the table of maps.

    `approximate` is true where no function maps codes to points: new codes are placed between known ones.
    """

    name: str
    title: str
    config: type[Config]
    approximate: bool
    layout: Callable[[np.ndarray, Any, Watch, KNNGraph | None], Layout]


METHODS = {
    method.name: method
    for method in (
        Method("pca", "PCA", PCAConfig, False, pca),
        Method("tsne", "t-SNE", TSNEConfig, True, tsne),
        Method("umap", "UMAP", UMAPConfig, True, umap),
        Method("raw", "Codes as they are", RawConfig, False, raw),
        Method("axis", "Axis through two groups", AxisConfig, False, axis),
    )
}


def warm_up() -> None:
    """Import and compile the libraries of t-SNE and UMAP by drawing a tiny map with each.

    It takes a second, or up to a minute when numba compiles UMAP for the first time on this computer.
    """
    x = np.random.default_rng(0).standard_normal((12, 3))
    for name in ("tsne", "umap"):
        config = METHODS[name].config
        knobs = {"perplexity": 2, "early_iterations": 2, "iterations": 10} if name == "tsne" else {"n_neighbors": 3}
        METHODS[name].layout(x, config(**knobs), Watch(None), None)
