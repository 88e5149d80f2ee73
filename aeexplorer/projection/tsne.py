"""t-SNE by openTSNE from the exact graph, and the placement of new codes on a finished map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection import layouts
from aeexplorer.projection.layouts import KnownRows, Layout, MapConfig, Watch

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BARNES_HUT_BELOW = 1000  # codes; above, interpolation by FFT is the faster gradient in two dimensions
LARGEST_SOLID = 5_000  # codes of a three-dimensional map on which new codes descend: the tree is slow
PLACEMENT_PERPLEXITY = 5.0
PLACEMENT_ITERATIONS = 50

_BLOCK = 10_000  # codes whose affinities are computed at once


class TSNEConfig(MapConfig):
    """t-SNE, van der Maaten & Hinton, "Visualizing data using t-SNE", JMLR 2008.

    With the default iterations maps of 10,000 MNIST and Fashion-MNIST codes kept 0.99 times the neighbours that the
    usual 250 + 500 iterations kept, in half of the time.
    """

    perplexity: float = Field(30, ge=2, le=200, description="Effective number of neighbours of each code.")
    early_iterations: int = Field(150, ge=0, le=2000, description="Iterations with attraction exaggerated 12 times.")
    iterations: int = Field(250, ge=10, le=5000, description="Iterations after the exaggeration.")
    learning_rate: float = Field(
        0, ge=0, le=1e6, description="Step size; 0 chooses codes / exaggeration (Belkina et al. 2019)."
    )


def _gradient(barnes_hut: bool) -> dict[str, Any]:
    """openTSNE settings that approximate the repulsion by a tree, or on a grid.

    The grid is coarser than openTSNE's, of cells of 1 and at least 50 in a row: half of the time, and maps of 10,000
    MNIST and Fashion-MNIST codes kept as many neighbours.
    """
    return {
        "negative_gradient_method": "bh" if barnes_hut else "fft",
        "ints_in_interval": 1.5,
        "min_num_intervals": 30,
        "n_jobs": 1,
    }


def tsne(x: np.ndarray, config: TSNEConfig, watch: Watch, graph: KNNGraph | None) -> Layout:
    """t-SNE by openTSNE (Policar, Strazar & Zupan, Journal of Statistical Software 2024) from the exact graph."""
    layouts.enough(x, "t-SNE")
    start = layouts.start_from_pca(x, config.components, np.random.default_rng(config.seed))
    if start is None:
        return Layout(np.zeros((len(x), config.components)), notices=(layouts.IDENTICAL,))
    # Three neighbours per unit of perplexity is what the affinities are cut off at.
    perplexity, notices = layouts.lowered("perplexity", config.perplexity, max(2, (len(x) - 1) // 3), len(x))
    k = min(len(x) - 1, int(3 * perplexity))
    graph = layouts.shared_graph(x, k, watch, graph)

    from openTSNE import TSNE
    from openTSNE.affinity import PrecomputedAffinities

    total = config.early_iterations + config.iterations
    done = 0

    def watched(iteration: int, error: float, points: np.ndarray) -> None:
        # Each phase counts from one: a smaller number than before belongs to the second phase.
        nonlocal done
        done = iteration if iteration > done else config.early_iterations + iteration
        watch(layouts.GRAPH_SHARE + (1 - layouts.GRAPH_SHARE) * done / total, points)

    embedding = TSNE(
        n_components=config.components,
        early_exaggeration_iter=config.early_iterations,
        n_iter=config.iterations,
        learning_rate=config.learning_rate or "auto",
        callbacks=watched,
        callbacks_every_iters=10 if len(x) <= 20_000 else 2,  # often enough to cancel within a second
        random_state=config.seed,
        **_gradient(config.components == 3 or len(x) < BARNES_HUT_BELOW),
    ).fit(
        affinities=PrecomputedAffinities(_joint_probabilities(graph.nearest(k), perplexity, watch)),
        initialization=start * 1e-4,
    )
    return Layout(np.asarray(embedding), {"perplexity": perplexity}, notices, graph=graph)


def _joint_probabilities(near: KNNGraph, perplexity: float, watch: Watch) -> csr_array:
    """The symmetric affinities (n, n) of the codes; the job can be cancelled between blocks of rows."""
    from openTSNE.affinity import joint_probabilities_nn
    from scipy.sparse import vstack

    blocks = []
    for start in range(0, len(near.indices), _BLOCK):
        rows = slice(start, start + _BLOCK)
        blocks.append(
            joint_probabilities_nn(
                near.indices[rows].astype(np.int64),
                near.distances[rows].astype(np.float64),
                [perplexity],
                symmetrize=False,
                normalization="point-wise",
                n_reference_samples=len(near.indices),
                n_jobs=1,
            )
        )
        watch(layouts.GRAPH_SHARE)
    conditional = vstack(blocks, format="csr")
    joint: csr_array = conditional + conditional.T
    return joint / joint.sum()


class Placement:
    """Places new codes on a finished t-SNE map, each by itself.

    openTSNE's transform: the affinities of a new code to its nearest codes (perplexity 5), and gradient descent of its
    point alone, while the map stays. The descent starts at a given point rather than at the median of the neighbours,
    so that fewer steps are enough.

    Args:
        codes: of the map.
        points: (n, c) of the map.
    """

    def __init__(self, codes: KnownRows, points: np.ndarray) -> None:
        from openTSNE import TSNEEmbedding

        self.codes = codes
        solid = points.shape[1] == 3
        # The grid is laid around the middle of the map.
        self.middle = (points.max(axis=0) + points.min(axis=0)).astype(np.float64) / 2
        self.map = TSNEEmbedding(points - self.middle, _FixedAffinities(points), **_gradient(barnes_hut=solid))
        if not solid:
            self.map.prepare_interpolation_grid()

    def place(self, codes: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Points (m, c) float32 of new codes (m, K) that start at `start` (m, c)."""
        from openTSNE import PartialTSNEEmbedding
        from openTSNE.affinity import joint_probabilities_nn

        near, distance = self.codes.nearest(codes, int(3 * PLACEMENT_PERPLEXITY))
        affinities = joint_probabilities_nn(
            near,
            distance,
            [min(PLACEMENT_PERPLEXITY, near.shape[1] / 3)],
            symmetrize=False,
            normalization="point-wise",
            n_reference_samples=self.map.shape[0],
            n_jobs=1,
        )
        moving = PartialTSNEEmbedding(start - self.middle, self.map, affinities, **self.map.gradient_descent_params)
        moving.optimize(
            PLACEMENT_ITERATIONS, inplace=True, learning_rate=0.1, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25
        )
        return (np.asarray(moving) + self.middle).astype(np.float32)


class _FixedAffinities:
    """The affinities of a map whose points stay: openTSNE reads only their number."""

    def __init__(self, points: np.ndarray) -> None:
        self.P = points
