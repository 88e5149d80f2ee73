"""Read the events of a training while it runs."""

from __future__ import annotations

from typing import Any

from aeexplorer.runs.folders import WorkFolder


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
