"""Patches of two photographs, for restoring pictures that people bring."""

from __future__ import annotations

import itertools

import numpy as np

from aeexplorer.data.spec import Dataset, DataSpec, Split, as_uint8

SIDE = 16
FILES = ("china.jpg", "flower.jpg")
EDGES = (0, 512, 576, 640)
"""Columns between which the photographs are for training, validation and test."""
COUNTS = (29_040, 3_280, 3_280)

SPEC = DataSpec(
    name="photos",
    title="Photo patches",
    kind="image",
    shape=(SIDE, SIDE),
    value_range=(0.0, 1.0),
    scale="intensity, 0 is black and 1 is white",
    summary="Grey patches of 16 × 16 pixels of two photographs, a temple and a flower, turned and mirrored.",
    licence="CC BY 2.0, Yann Forget (temple) and Nicolas Drost (flower), as shipped with scikit-learn",
    source="scikit-learn sample images, https://scikit-learn.org/stable/datasets/loading_other_datasets.html",
)


def load() -> Dataset:
    """Patches (16, 16) uint8 at full and at half size; the right fifth of each photograph is held out."""
    from sklearn.datasets import load_sample_image

    pictures = [load_sample_image(name) for name in FILES]
    splits = []
    for left, right in itertools.pairwise(EDGES):
        bands = [size for picture in pictures for size in _sizes(picture[:416, left:right])]
        splits.append(_turned(np.concatenate([_patches(band) for band in bands])))
    train, validation, test = splits
    return Dataset(SPEC, train, validation, test)


def _sizes(picture: np.ndarray) -> list[np.ndarray]:
    """A picture (h, w, 3) in grey, moved by half a patch, and at half its size."""
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    height, width = grey.shape
    half = grey.reshape(height // 2, 2, width // 2, 2).mean((1, 3))
    return [grey, grey[SIDE // 2 :, SIDE // 2 :], half]


def _patches(grey: np.ndarray) -> np.ndarray:
    rows, columns = (side // SIDE for side in grey.shape)
    cut = grey[: rows * SIDE, : columns * SIDE].reshape(rows, SIDE, columns, SIDE).swapaxes(1, 2)
    return as_uint8(cut.reshape(-1, SIDE, SIDE))


def _turned(x: np.ndarray) -> Split:
    """Each patch in its eight positions."""
    turned = [np.rot90(side, turns, (1, 2)) for side in (x, x[:, :, ::-1]) for turns in range(4)]
    found = np.ascontiguousarray(np.concatenate(turned))
    return Split(found, np.full(len(found), -1, np.int64))
