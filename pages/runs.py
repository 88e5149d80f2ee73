"""Runs: find the runs that were trained, and open, rename or delete them."""

from __future__ import annotations

from aeexplorer.ui.runs import run_table
from aeexplorer.ui.shared.text import heading

heading("Runs", "Everything that was trained here, newest first, then the pretrained models.")
run_table()
