"""Choose what to train, and watch it learn."""

from __future__ import annotations

from aeexplorer.ui import film, training
from aeexplorer.ui.widgets import heading

run = film.shown_run()
if run is None:
    heading("Train a model", "Choose data and a family, see what it will cost, and watch it learn.")
    training.setup()
else:
    film.watch(run)
