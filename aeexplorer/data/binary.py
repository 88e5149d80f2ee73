"""MNIST and Fashion-MNIST in black and white: each pixel drawn with its grey level as the probability of white.

Of such pictures cross-entropy is a likelihood, which figures of the literature are in. Training draws them anew each
time (dynamic binarisation; Salakhutdinov & Murray 2008, https://doi.org/10.1145/1390156.1390266, and Burda et al. 2016,
section 5); validation and test samples are drawn once.
"""

from __future__ import annotations

import numpy as np

from aeexplorer.data import downloads
from aeexplorer.data.spec import Dataset, DataSpec, Split

_SEED = 20160502


def _black_and_white(spec: DataSpec) -> DataSpec:
    return spec.replace(
        name=f"{spec.name}-binary",
        title=f"{spec.title}, binary",
        scale="0 is black and 1 is white, drawn with the grey level as probability",
        summary=f"{spec.title} in black and white, resampled at each training step, so cross-entropy is a likelihood.",
    )


MNIST = _black_and_white(downloads.MNIST)
FASHION_MNIST = _black_and_white(downloads.FASHION_MNIST)


def load(name: str) -> Dataset:
    """Images (n, 28, 28) uint8, 0 or 255, in the splits of the grey ones; the training split also has those.

    Raises:
        DataUnavailable: as `downloads.load`.
    """
    source, spec = downloads.load(downloads.files_of(name)), {s.name: s for s in (MNIST, FASHION_MNIST)}[name]
    random = np.random.RandomState(_SEED)  # NumPy keeps its stream the same across versions
    train, validation, test = (
        # r of 0 to 254, all equally likely, is below a level g with probability g / 255
        Split((random.randint(0, 255, split.x.shape, np.uint8) < split.x) * np.uint8(255), split.y)
        for split in source.splits.values()
    )
    return Dataset(spec, Split(train.x, train.y, grey=source.train.x), validation, test)
