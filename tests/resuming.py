"""Trainings that are broken off and go on."""

from __future__ import annotations

import pytest

from aeexplorer.data import Dataset
from aeexplorer.runs.recording import Paused, record, train_run
from aeexplorer.runs.run import Run


def trained_in_two_parts(run: Run, data: Dataset, reports: int) -> Run:
    """The run, interrupted after so many reports and then trained to its end."""
    recording = record(run, data)
    for _ in range(reports):
        next(recording)
    with pytest.raises((Paused, StopIteration)):
        recording.throw(Paused("interrupted", "test"))
    return train_run(run, data, bar=False)
