"""UMAP by the stages of umap-learn, from the exact graph, compiled once for a computer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field
from tqdm import tqdm

from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection import layouts
from aeexplorer.projection.compiled import umap_library
from aeexplorer.projection.layouts import Layout, MapConfig, Watch

if TYPE_CHECKING:
    from scipy.sparse import coo_array


class UMAPConfig(MapConfig):
    """UMAP, McInnes, Healy & Melville, arXiv:1802.03426."""

    n_neighbors: int = Field(15, ge=2, le=200, description="Size of a neighbourhood, the code itself included.")
    min_dist: float = Field(0.1, ge=0, le=0.99, description="How close points of one neighbourhood may lie.")
    n_epochs: int = Field(
        0, ge=0, le=5000, description="Passes over the graph; 0 chooses 600 up to 10,000 codes, then 200."
    )


def umap(x: np.ndarray, config: UMAPConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """UMAP by the stages of umap-learn, from the exact graph; the points can be watched while they move."""
    layouts.enough(x, "UMAP")
    rng = np.random.default_rng(config.seed)
    start = layouts.start_from_pca(x, config.components, rng)
    if start is None:
        return Layout(np.zeros((len(x), config.components)), notices=(layouts.IDENTICAL,))
    n_neighbors, notices = layouts.lowered("n_neighbors", config.n_neighbors, len(x) - 1, len(x))
    graph = layouts.shared_graph(x, int(n_neighbors) - 1, watch, graph)
    epochs = config.n_epochs or (600 if len(x) <= 10_000 else 200)
    points = (10 * (start - start.min(axis=0)) / np.ptp(start, axis=0)).astype(np.float32)

    library = umap_library()
    weights = _fuzzy_edges(x, graph, int(n_neighbors), epochs)
    bar = _EpochBar(lambda epoch: watch(layouts.GRAPH_SHARE + (1 - layouts.GRAPH_SHARE) * epoch / epochs, points))
    library.optimise(
        points,
        points,
        weights.row,
        weights.col,
        epochs,
        len(x),
        weights.data.max() / weights.data.astype(np.float64),  # epochs between two samples of an edge
        *library.curve(1.0, config.min_dist),
        rng.integers(-(2**31) + 1, 2**31 - 1, 3),
        move_other=True,
        tqdm_kwds={
            "file": bar,
            "bar_format": "{n_fmt}",
            "leave": False,
            "disable": False,
            "mininterval": 0,
            "miniters": max(1, min(10, 100_000 // len(x))),  # often enough to cancel within a second
        },
    )
    return Layout(points, {"n_neighbors": int(n_neighbors), "n_epochs": epochs}, notices, graph=graph)


def _fuzzy_edges(x: np.ndarray, graph: KNNGraph, n_neighbors: int, epochs: int) -> coo_array:
    """The weighted edges of the fuzzy graph; edges too weak to be sampled once in all epochs are left out."""
    near = graph.nearest(n_neighbors - 1)
    # umap counts a sample as its own first neighbour, at distance zero.
    indices = np.column_stack([np.arange(len(x), dtype=np.int32), near.indices])
    distances = np.column_stack([np.zeros(len(x), dtype=np.float32), near.distances])
    fuzzy, *_ = umap_library().fuzzy_graph(x, n_neighbors, None, "euclidean", knn_indices=indices, knn_dists=distances)
    weights: coo_array = fuzzy.tocoo()
    weights.sum_duplicates()
    weights.data[weights.data < weights.data.max() / epochs] = 0
    weights.eliminate_zeros()
    return weights


class _EpochBar:
    """A file that receives the epoch from umap's progress bar."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.report = report

    def write(self, text: str) -> None:
        if text.strip().isdigit():
            try:
                self.report(int(text))
            except BaseException:
                # tqdm holds its lock while it refreshes a bar and, if that fails, for good: no other thread could
                # show a bar any more
                tqdm.get_lock().release()
                raise

    def flush(self) -> None:
        """Do nothing: no text is buffered."""
