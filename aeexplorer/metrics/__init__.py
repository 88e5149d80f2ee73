"""What is measured of reconstructions, codes and maps: arrays in, numbers out."""

from aeexplorer.metrics.clusters import Clusters, Kin, class_purity, clusters, kin, neighbour_overlap
from aeexplorer.metrics.linear import PCALine, pca_line
from aeexplorer.metrics.maps import Shepard, displacement, per_point_recall, shepard
from aeexplorer.metrics.neighbourhood import (
    KNNGraph,
    continuity,
    knn_recall,
    label_accuracy,
    neighbours,
    purity,
    trustworthiness,
)
from aeexplorer.metrics.probes import anomaly_auroc, linear_probe
from aeexplorer.metrics.rate_distortion import active_units, kl_per_dimension
from aeexplorer.metrics.reconstruction import mse, psnr, squared_error, ssim
from aeexplorer.metrics.score import Agreement, SmoothedData, score_agreement, walk

__all__ = [
    "Agreement",
    "Clusters",
    "KNNGraph",
    "Kin",
    "PCALine",
    "Shepard",
    "SmoothedData",
    "active_units",
    "anomaly_auroc",
    "class_purity",
    "clusters",
    "continuity",
    "displacement",
    "kin",
    "kl_per_dimension",
    "knn_recall",
    "label_accuracy",
    "linear_probe",
    "mse",
    "neighbour_overlap",
    "neighbours",
    "pca_line",
    "per_point_recall",
    "psnr",
    "purity",
    "score_agreement",
    "shepard",
    "squared_error",
    "ssim",
    "trustworthiness",
    "walk",
]
