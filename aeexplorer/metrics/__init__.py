"""Figures of reconstructions, codes and maps: arrays in, numbers out."""

from aeexplorer.metrics.anomalies import (
    BASELINES,
    SCORES,
    Counts,
    Detection,
    NormalCodes,
    NormalReference,
    baseline_scores,
    smoothed_errors,
    standardised,
)
from aeexplorer.metrics.clusters import Clusters, class_purity, clusters
from aeexplorer.metrics.comparison import Paired, PCACode, paired, pca_code
from aeexplorer.metrics.disentanglement import beta_vae_score, dci, factor_vae_score, information, mig, sap
from aeexplorer.metrics.latent_space import (
    STATUSES,
    FlatSamples,
    Neighbourhood,
    PrincipalPlane,
    StoredCodes,
    principal_plane,
)
from aeexplorer.metrics.linear import PCALine, pca_axes, pca_line, principal_angles
from aeexplorer.metrics.maps import Shepard, displacement, shepard
from aeexplorer.metrics.neighbourhood import (
    KNNGraph,
    NearestSamples,
    label_accuracy,
    nearest_samples,
    neighbours,
    rank_agreement,
)
from aeexplorer.metrics.probes import linear_probe
from aeexplorer.metrics.rate_distortion import active_units
from aeexplorer.metrics.reconstruction import cross_entropy_floor, mse, psnr, squared_error, ssim
from aeexplorer.metrics.score import Agreement, SmoothedData, annealed_langevin, score_agreement, walk
