"""Look after the runs."""

from __future__ import annotations

from aeexplorer.ui.runs import run_list
from aeexplorer.ui.shared.text import heading

heading("Look after your runs", "Everything that was trained here, newest first, then what came with the program.")
run_list()
