"""Overfitting: training and validation loss at several numbers of samples, and what helps."""

from __future__ import annotations

from aeexplorer.ui import overfitting
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import heading

heading(
    "Overfitting",
    "One autoencoder of digits, trained on 50 to 400 samples, without and with each remedy for overfitting.",
)
with refusals():
    overfitting.show()
