"""The table of maps: how each method lays out codes, from one exact graph of neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from aeexplorer.config import Config, ConfigError
from aeexplorer.metrics.neighbourhood import LARGEST, KNNGraph, neighbours

if TYPE_CHECKING:
    from scipy.sparse import coo_array

Progress = Callable[[float, np.ndarray | None], bool | None]
"""Called with the fraction done and, while a layout moves, a copy of its points; returning False cancels."""

SMALLEST_MAP = 4  # codes below which a neighbourhood means nothing

IDENTICAL = "all codes are identical: every point lies at the origin"

_GRAPH_SHARE = 0.1  # of the progress, spent on the graph
_BARNES_HUT_BELOW = 2000  # codes; above, interpolation by FFT is the faster gradient in two dimensions


class Cancelled(Exception):
    """The progress callback asked to stop."""


class _MapConfig(Config):
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of everything random in the layout.")
    components: Literal[2, 3] = Field(2, description="Dimensions of the map.")


class PCAConfig(_MapConfig):
    """Principal components; nothing in it is random."""


class TSNEConfig(_MapConfig):
    """t-SNE, van der Maaten & Hinton, "Visualizing data using t-SNE", JMLR 2008.

    With the default iterations maps of 10,000 MNIST and Fashion-MNIST codes kept 0.99 and 1.00 times the neighbours
    that 250 + 500 iterations kept, in half of the time.
    """

    perplexity: float = Field(30, ge=2, le=200, description="Effective number of neighbours of each code.")
    early_iterations: int = Field(150, ge=0, le=2000, description="Iterations with attraction exaggerated 12 times.")
    iterations: int = Field(250, ge=10, le=5000, description="Iterations after the exaggeration.")
    learning_rate: float = Field(
        0, ge=0, le=1e6, description="Step size; 0 chooses codes / exaggeration (Belkina et al. 2019)."
    )


class UMAPConfig(_MapConfig):
    """UMAP, McInnes, Healy & Melville, arXiv:1802.03426."""

    n_neighbors: int = Field(15, ge=2, le=200, description="Size of a neighbourhood, the code itself included.")
    min_dist: float = Field(0.1, ge=0, le=0.99, description="How close points of one neighbourhood may lie.")
    n_epochs: int = Field(
        0, ge=0, le=5000, description="Passes over the graph; 0 chooses 500 up to 10,000 codes, then 200."
    )


class RawConfig(Config):
    """Codes of one to three dimensions as they are."""

    seed: int = Field(0, ge=0, le=2**32 - 1, description="Seed of the jitter across a strip of 1-d codes.")


@dataclass(frozen=True)
class Layout:
    """What a method hands back: the points, the parameters it changed, and what there is to say."""

    points: np.ndarray
    used: dict[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    explained_variance: tuple[float, ...] | None = None
    axes: np.ndarray | None = None
    graph: KNNGraph | None = None


class Watch:
    """Tell the progress, and turn a False into `Cancelled`."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress

    def __call__(self, fraction: float, points: np.ndarray | None = None) -> None:
        if self.progress is None:
            return
        shown = None if points is None else np.array(points, dtype=np.float32)
        if self.progress(float(fraction), shown) is False:
            raise Cancelled(f"cancelled at {fraction:.0%}")


@dataclass(frozen=True)
class Method:
    """One row of the table of maps.

    `approximate` is true where a new code is placed between its neighbours rather than by the map itself.
    """

    name: str
    title: str
    summary: str
    config: type[Config]
    approximate: bool
    layout: Callable[[np.ndarray, Any, Watch, KNNGraph | None], Layout]


def checked(codes: ArrayLike) -> np.ndarray:
    x = np.asarray(codes, dtype=np.float64)
    if x.ndim != 2 or x.size == 0:
        raise ConfigError(f"codes must be (n, K) with at least 1 code and 1 dimension, got shape {x.shape}")
    broken = ~np.isfinite(x).all(axis=1)
    if broken.any():
        raise ConfigError(f"codes must be finite, got NaN or infinity in {int(broken.sum())} of {len(x)} rows")
    if (largest := np.abs(x).max()) > LARGEST:
        raise ConfigError(f"codes must lie between -{LARGEST:g} and {LARGEST:g}, got an absolute value of {largest:g}")
    return x


def _raw(x: np.ndarray, config: RawConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    if x.shape[1] > 3:
        raise ConfigError(f"raw draws codes of 1 to 3 dimensions, got {x.shape[1]}")
    if x.shape[1] > 1:
        return Layout(x)
    height = 0.05 * (np.ptp(x) or 1.0)
    jitter = np.random.default_rng(config.seed).uniform(-height, height, len(x))
    return Layout(on_strip(x, jitter), notices=("the codes have 1 dimension: the height in the strip says nothing",))


def on_strip(x: np.ndarray, height: np.ndarray) -> np.ndarray:
    return (x if x.shape[1] > 1 else np.column_stack([x[:, 0], height])).astype(np.float32)


def _pca(x: np.ndarray, config: PCAConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    axes, variance = _principal_axes(x, config.components)
    rank = int((variance > 0).sum())
    notices: tuple[str, ...] = ()
    if not rank:
        notices = (IDENTICAL if len(x) > 1 else "there is only 1 code: it lies at the origin",)
    elif rank < config.components:
        notices = (f"the codes vary along {rank} of {config.components} axes: the rest of the map is empty",)
    return Layout(
        (x - x.mean(axis=0)) @ axes.T, notices=notices, explained_variance=tuple(variance.tolist()), axes=axes
    )


def _principal_axes(x: np.ndarray, components: int) -> tuple[np.ndarray, np.ndarray]:
    """Axes (components, K) and their share of the variance; axes without variance are zero.

    Pearson 1901, by the eigenvectors of the covariance. The largest entry of an axis is positive.
    """
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values, vectors = values[::-1][:components], vectors.T[::-1][:components]
    total = np.square(centred).sum()
    share = np.zeros(components)
    axes = np.zeros((components, x.shape[1]))
    # What the eigenvalues of a matrix of lower rank leave in its last digits is no variance.
    floor = 1e-12 * max(float(np.square(x).sum()), np.finfo(np.float64).tiny)
    real = values > floor
    signs = np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1))
    axes[: len(values)][real] = (vectors * signs)[real]
    share[: len(values)][real] = np.minimum(values[real] / total, 1)
    return axes, share


def _start(x: np.ndarray, components: int, rng: np.random.Generator) -> np.ndarray | None:
    """PCA scaled to unit deviation on its first axis with a little noise, or None for identical codes.

    Kobak & Linderman, "Initialization is critical for preserving global data structure in both t-SNE and UMAP", Nature
    Biotechnology 2021. The noise separates equal codes, and fills axes along which nothing varies.
    """
    axes, variance = _principal_axes(x, components)
    if not variance[0]:
        return None
    start = (x - x.mean(axis=0)) @ axes.T
    return start / start[:, 0].std() + rng.normal(scale=0.01, size=start.shape)


def _shared_graph(x: np.ndarray, k: int, watch: Watch, graph: KNNGraph | None) -> KNNGraph:
    if graph is not None and graph.k >= k:
        return graph
    return neighbours(x, k, lambda done: watch(_GRAPH_SHARE * done))


def _enough(x: np.ndarray, title: str) -> None:
    if len(x) < SMALLEST_MAP:
        raise ConfigError(f"{title} needs at least {SMALLEST_MAP} codes, got {len(x)}")


def _lowered(name: str, asked: float, most: float, n: int) -> tuple[float, tuple[str, ...]]:
    if asked <= most:
        return asked, ()
    return most, (f"{name} lowered from {asked:g} to {most:g}: there are only {n} codes",)


def _tsne(x: np.ndarray, config: TSNEConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """t-SNE by openTSNE (Policar, Strazar & Zupan, Journal of Statistical Software 2024) from the exact graph."""
    _enough(x, "t-SNE")
    start = _start(x, config.components, np.random.default_rng(config.seed))
    if start is None:
        return Layout(np.zeros((len(x), config.components)), notices=(IDENTICAL,))
    # Three neighbours per unit of perplexity is what the affinities are cut off at.
    perplexity, notices = _lowered("perplexity", config.perplexity, max(2, (len(x) - 1) // 3), len(x))
    k = min(len(x) - 1, int(3 * perplexity))
    graph = _shared_graph(x, k, watch, graph)

    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    near = graph.nearest(k)
    index = PrecomputedNeighbors(near.indices.astype(np.int64), near.distances.astype(np.float64))
    total = config.early_iterations + config.iterations
    done = 0

    def watched(iteration: int, error: float, points: np.ndarray) -> None:
        # Each phase counts from one; what is below the iterations seen so far is in the second.
        nonlocal done
        done = iteration if iteration > done else config.early_iterations + iteration
        watch(_GRAPH_SHARE + (1 - _GRAPH_SHARE) * done / total, points)

    barnes_hut = config.components == 3 or len(x) < _BARNES_HUT_BELOW
    embedding = TSNE(
        n_components=config.components,
        early_exaggeration_iter=config.early_iterations,
        n_iter=config.iterations,
        learning_rate=config.learning_rate or "auto",
        negative_gradient_method="bh" if barnes_hut else "fft",
        ints_in_interval=2,  # a coarser grid than the default of 1: less than half of the time, the same neighbours kept
        callbacks=watched,
        callbacks_every_iters=10,
        n_jobs=1,
        random_state=config.seed,
    ).fit(affinities=PerplexityBasedNN(knn_index=index, perplexity=perplexity), initialization=start * 1e-4)
    return Layout(np.asarray(embedding), {"perplexity": perplexity}, notices, graph=graph)


def _umap(x: np.ndarray, config: UMAPConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """UMAP by the stages of umap-learn, from the exact graph; the points can be watched while they move."""
    _enough(x, "UMAP")
    rng = np.random.default_rng(config.seed)
    start = _start(x, config.components, rng)
    if start is None:
        return Layout(np.zeros((len(x), config.components)), notices=(IDENTICAL,))
    n_neighbors, notices = _lowered("n_neighbors", config.n_neighbors, len(x) - 1, len(x))
    graph = _shared_graph(x, int(n_neighbors) - 1, watch, graph)
    epochs = config.n_epochs or (500 if len(x) <= 10_000 else 200)
    points = (10 * (start - start.min(axis=0)) / np.ptp(start, axis=0)).astype(np.float32)

    optimise, weights, curve = _umap_stages(x, graph, int(n_neighbors), config.min_dist, epochs)
    bar = _EpochBar(lambda epoch: watch(_GRAPH_SHARE + (1 - _GRAPH_SHARE) * epoch / epochs, points))
    optimise(
        points,
        points,
        weights.row,
        weights.col,
        epochs,
        len(x),
        weights.data.max() / weights.data.astype(np.float64),  # epochs between two pulls of an edge
        *curve,
        rng.integers(-(2**31) + 1, 2**31 - 1, 3),
        move_other=True,
        tqdm_kwds={
            "file": bar,
            "bar_format": "{n_fmt}",
            "leave": False,
            "disable": False,
            "mininterval": 0,
            "miniters": max(1, epochs // 50),
        },
    )
    return Layout(points, {"n_neighbors": int(n_neighbors), "n_epochs": epochs}, notices, graph=graph)


def _umap_stages(
    x: np.ndarray, graph: KNNGraph, n_neighbors: int, min_dist: float, epochs: int
) -> tuple[Callable[..., np.ndarray], coo_array, tuple[float, float]]:
    """umap-learn's optimiser, the weighted edges of the fuzzy graph, and the a, b of its curve of attraction."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        from umap.layouts import optimize_layout_euclidean
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set

    near = graph.nearest(n_neighbors - 1)
    # umap counts a sample as its own first neighbour, at distance zero.
    indices = np.column_stack([np.arange(len(x), dtype=np.int32), near.indices])
    distances = np.column_stack([np.zeros(len(x), dtype=np.float32), near.distances])
    fuzzy, *_ = fuzzy_simplicial_set(x, n_neighbors, None, "euclidean", knn_indices=indices, knn_dists=distances)
    weights = fuzzy.tocoo()
    weights.sum_duplicates()
    # An edge so weak that it would not be drawn once in all epochs.
    weights.data[weights.data < weights.data.max() / epochs] = 0
    weights.eliminate_zeros()
    return optimize_layout_euclidean, weights, find_ab_params(1.0, min_dist)


class _EpochBar:
    """The file that umap's progress bar writes the number of its epoch to."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self.report = report

    def write(self, text: str) -> None:
        if text.strip().isdigit():
            self.report(int(text))

    def flush(self) -> None:
        """Nothing is kept back."""


METHODS = {
    method.name: method
    for method in (
        Method(
            name="pca",
            title="PCA",
            summary="The directions of largest variance: linear, exact, nothing random.",
            config=PCAConfig,
            approximate=False,
            layout=_pca,
        ),
        Method(
            name="tsne",
            title="t-SNE",
            summary="Keeps near neighbours near; the size of a cluster and the gap to the next mean little.",
            config=TSNEConfig,
            approximate=True,
            layout=_tsne,
        ),
        Method(
            name="umap",
            title="UMAP",
            summary="Keeps near neighbours near, through a fuzzy graph; distances between clusters mean little.",
            config=UMAPConfig,
            approximate=True,
            layout=_umap,
        ),
        Method(
            name="raw",
            title="Codes as they are",
            summary="Codes of one to three dimensions need no map.",
            config=RawConfig,
            approximate=False,
            layout=_raw,
        ),
    )
}
