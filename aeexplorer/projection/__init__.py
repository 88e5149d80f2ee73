"""Maps of codes: PCA, t-SNE and UMAP from one exact graph of neighbours, each with what it can say about itself.

A map is reproducible: the same codes, parameters and seed give the same points, bit by bit, in any process.
"""

from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection.export import coordinates_csv
from aeexplorer.projection.maps import Projection, project, quality
from aeexplorer.projection.methods import (
    METHODS,
    SMALLEST_MAP,
    Cancelled,
    Method,
    PCAConfig,
    Progress,
    RawConfig,
    TSNEConfig,
    UMAPConfig,
)

__all__ = [
    "METHODS",
    "SMALLEST_MAP",
    "Cancelled",
    "KNNGraph",
    "Method",
    "PCAConfig",
    "Progress",
    "Projection",
    "RawConfig",
    "TSNEConfig",
    "UMAPConfig",
    "coordinates_csv",
    "project",
    "quality",
]
