"""Failure gallery: trainings that go wrong on purpose, their symptoms, and the one change that fixes each."""

from __future__ import annotations

from aeexplorer.ui import failures
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import heading

heading(
    "Failure gallery",
    "Ten trainings that go wrong on purpose, each next to the same training with the one change that fixes it.",
)
with refusals():
    failures.show(failures.choose())
