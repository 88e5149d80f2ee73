"""Train: choose what to train, and watch it learn."""

from __future__ import annotations

from aeexplorer.ui import train, train_monitor

train.begin_like_link()
run = train_monitor.shown_run()
if run is None:
    train.setup()
else:
    train_monitor.watch(run)
