"""Start here: what an autoencoder is, in one picture, and five steps through the pages."""

from __future__ import annotations

from aeexplorer.ui import start
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import heading

heading("Start here", "Meet an autoencoder in one picture, then follow five steps through the pages.")
with refusals():
    start.picture()
start.steps()
