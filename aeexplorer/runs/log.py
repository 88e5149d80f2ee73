"""Watching a training from outside: its events as they come, and a map of its codes that does not jump."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aeexplorer.projection import project
from aeexplorer.runs.folders import WorkFolder

HALF_PRECISION_LIMIT = 65_504.0


class Follower:
    """Reads the events of a training, each once, however often it is asked.

    Attributes:
        epochs: the event of each finished epoch by its number; of an epoch trained twice after a resume, the later.
        latest: the last event of a report or an epoch, None before the first.
    """

    def __init__(self, folder: WorkFolder) -> None:
        self.folder = folder
        self.epochs: dict[int, dict[str, Any]] = {}
        self.latest: dict[str, Any] | None = None
        self._offset = 0

    def read(self) -> Follower:
        """Take in what was appended since the last reading."""
        events, self._offset = self.folder.events(self._offset)
        for event in events:
            if event.get("type") == "epoch":
                self.epochs[event["epoch"]] = event
            if event.get("type") in ("epoch", "progress"):
                self.latest = event
        return self

    def curve(self) -> list[dict[str, Any]]:
        """Rows for `plots.loss_curves`: the finished epochs, and the one that is under way at its fraction."""
        rows = [self.epochs[epoch] for epoch in sorted(self.epochs)]
        if self.latest is not None and self.latest["type"] == "progress":
            done = self.latest["step"] * self.latest["epochs"] / self.latest["steps"]
            rows = [row for row in rows if row["epoch"] < done] + [{**self.latest, "epoch": done}]
        return rows


def plane(codes: ArrayLike, before: np.ndarray | None = None) -> np.ndarray:
    """Codes (n, k) of one frame on a plane, (n, 2) float32: as they are up to two dimensions, else by PCA.

    The PCA is fitted to this frame and then turned, or mirrored, onto the frame before, because its axes have no signs
    and swap when their variances cross: without that a film of maps jumps.

    Args:
        before: (n, 2), the frame before on its plane; None for the first.
    """
    z = np.clip(np.nan_to_num(np.asarray(codes, dtype=np.float32)), -HALF_PRECISION_LIMIT, HALF_PRECISION_LIMIT)
    if z.shape[1] <= 2:
        return project(z, "raw").points
    points = project(z, "pca").points
    return points if before is None else turned(points, before)


def turned(points: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """points (n, d) after the rotation or reflection that brings them nearest to `onto` (n, d), both centred.

    The orthogonal Procrustes problem, Schönemann 1966, https://doi.org/10.1007/BF02289451.
    """
    u, _, vt = np.linalg.svd((points - points.mean(0)).T @ (onto - onto.mean(0)))
    return ((points - points.mean(0)) @ (u @ vt)).astype(np.float32)
