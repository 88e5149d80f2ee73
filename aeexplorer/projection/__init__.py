"""Maps of codes: PCA, t-SNE and UMAP from one exact graph of neighbours, each with what it can say about itself.

A map is reproducible: the same codes, parameters and seed give the same points, bit by bit, in any process.
"""

from aeexplorer.metrics.neighbourhood import KNNGraph
from aeexplorer.projection.alignment import align
from aeexplorer.projection.export import coordinates_csv, projector_zip
from aeexplorer.projection.judging import quality
from aeexplorer.projection.layouts import SMALLEST_MAP, Cancelled, Progress
from aeexplorer.projection.linear import AxisConfig, PCAConfig, RawConfig
from aeexplorer.projection.maps import Projection, project
from aeexplorer.projection.methods import METHODS, Method
from aeexplorer.projection.tsne import TSNEConfig
from aeexplorer.projection.umap import UMAPConfig
