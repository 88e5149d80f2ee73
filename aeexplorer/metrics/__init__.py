"""What is measured of reconstructions, codes and maps: arrays in, numbers out."""

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

__all__ = [
    "KNNGraph",
    "active_units",
    "anomaly_auroc",
    "continuity",
    "kl_per_dimension",
    "knn_recall",
    "label_accuracy",
    "linear_probe",
    "mse",
    "neighbours",
    "psnr",
    "purity",
    "squared_error",
    "ssim",
    "trustworthiness",
]
