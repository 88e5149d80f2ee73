"""Read the events of a training while it runs. A log is a file, so what it holds is checked."""

from __future__ import annotations

from typing import Any

from aeexplorer.runs.folders import WorkFolder, is_number

CURVE_ROWS = 2_000


def is_report(event: dict[str, Any]) -> bool:
    """Whether an event is a report of progress or of an epoch, whole and of finite numbers."""
    counts = (event.get(name) for name in ("epoch", "epochs", "step", "steps"))
    splits = (event.get("train"), event.get("validation") or {})
    return (
        event.get("type") in ("epoch", "progress")
        and all(isinstance(count, int) and 0 <= count < 2**53 for count in counts)
        and event["steps"] > 0
        and all(isinstance(split, dict) and all(map(is_number, split.values())) for split in splits)
    )


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
        for event in filter(is_report, events):
            if event["type"] == "epoch":
                self.epochs[event["epoch"]] = event
            self.latest = event
        return self

    def curve(self) -> list[dict[str, Any]]:
        """Rows for `plots.loss_curves`: the finished epochs, and the one that is under way at its fraction.

        Of more than `CURVE_ROWS` epochs every second, third, ... one is a row.
        """
        rows = [self.epochs[epoch] for epoch in sorted(self.epochs)]
        rows = rows[:: -max(-(-len(rows) // CURVE_ROWS), 1)][::-1]  # from the end, so that the last is one of them
        if self.latest is not None and self.latest["type"] == "progress":
            done = self.latest["step"] * self.latest["epochs"] / self.latest["steps"]
            rows = [row for row in rows if row["epoch"] < done] + [{**self.latest, "epoch": done}]
        return rows
