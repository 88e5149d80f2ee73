"""Choose what to train, and watch it learn."""

from __future__ import annotations

from aeexplorer.ui import train, train_monitor
from aeexplorer.ui.shared.text import heading

run = train_monitor.shown_run()
if run is None:
    heading("Train a model", "Choose data and a family, see what it will cost, and watch it learn.")
    train.setup()
else:
    train_monitor.watch(run)
