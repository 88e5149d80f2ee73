"""Draw successive snapshots of codes as a film: each frame is a plane aligned with the frame before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.projection.alignment import align
from aeexplorer.projection.maps import project

HALF_PRECISION_LIMIT = 65_504.0  # largest finite float16: frames are stored in half precision


def project_frame(codes: ArrayLike, previous: np.ndarray | None = None) -> np.ndarray:
    """Draw one frame on a plane: codes of one or two dimensions as they are, wider ones by PCA.

    The axes of a PCA have no signs and swap when their variances cross, so the plane is rotated, or mirrored, onto the
    previous frame: without that the film jumps.

    Args:
        codes: (n, K); infinities and NaN are replaced by finite values.
        previous: (n, 2), the same samples in the frame before; None for the first frame.

    Returns:
        (n, 2) float32.
    """
    z = np.clip(np.nan_to_num(np.asarray(codes, dtype=np.float32)), -HALF_PRECISION_LIMIT, HALF_PRECISION_LIMIT)
    if z.shape[1] <= 2:
        return project(z, "raw").points
    points = project(z, "pca").points
    return points if previous is None else align(points, previous)
