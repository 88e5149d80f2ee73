"""The table of maps: how each method lays out codes, from one exact graph of neighbours."""

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

    `approximate` is true where there is no function between codes and points: new ones are fitted in.
    """

    name: str
    title: str
    summary: str
    config: type[Config]
    approximate: bool
    layout: Callable[[np.ndarray, Any, Watch, KNNGraph | None], Layout]


METHODS = {
    method.name: method
    for method in (
        Method(
            name="pca",
            title="PCA",
            summary="The directions of largest variance: linear, exact, nothing random.",
            config=PCAConfig,
            approximate=False,
            layout=pca,
        ),
        Method(
            name="tsne",
            title="t-SNE",
            summary="Keeps near neighbours near; the size of a cluster and the gap to the next mean little.",
            config=TSNEConfig,
            approximate=True,
            layout=tsne,
        ),
        Method(
            name="umap",
            title="UMAP",
            summary="Keeps near neighbours near, through a fuzzy graph; distances between clusters mean little.",
            config=UMAPConfig,
            approximate=True,
            layout=umap,
        ),
        Method(
            name="raw",
            title="Codes as they are",
            summary="Codes of one to three dimensions need no map.",
            config=RawConfig,
            approximate=False,
            layout=raw,
        ),
        Method(
            name="axis",
            title="Axis through two groups",
            summary="The line through the means of two groups, and what varies most beside it: linear, exact.",
            config=AxisConfig,
            approximate=False,
            layout=axis,
        ),
    )
}


def warm_up() -> None:
    """Import and compile, or read from disk, what t-SNE and UMAP need, by drawing a tiny map with each.

    About a second where this computer has drawn a UMAP map before, up to a minute where it has not.
    """
    x = np.random.default_rng(0).standard_normal((12, 3))
    for name in ("tsne", "umap"):
        config = METHODS[name].config
        knobs = {"perplexity": 2, "early_iterations": 2, "iterations": 10} if name == "tsne" else {"n_neighbors": 3}
        METHODS[name].layout(x, config(**knobs), Watch(None), None)
