"""Overfitting: training and validation loss at several numbers of samples, and what helps."""

from __future__ import annotations

from aeexplorer.ui import overfitting
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import heading

heading(
    "Overfitting",
    "The same autoencoder of digits with 50 to 400 training samples, and with each means against overfitting.",
)
with refusals():
    overfitting.show()
