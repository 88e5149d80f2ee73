"""Failure gallery: trainings that go wrong on purpose, how that shows, and the one change that mends each."""

from __future__ import annotations

from aeexplorer.ui import failures
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import heading

heading(
    "Failure gallery",
    "Ten trainings that go wrong on purpose, and beside each the same training with one change that mends it.",
)
with refusals():
    failures.show(failures.choose())
