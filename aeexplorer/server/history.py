"""History of the address bar: the changes of a page that Back undoes."""

from __future__ import annotations

import json
from pathlib import Path

from streamlit.runtime.scriptrunner import get_script_run_ctx

CHOICES = (
    *("run", "class", "compare", "view", "samples", "ends", "dataset", "job", "family"),
    *("maps", "d", "n", "colour", "gated", "beside"),
)
"""Parameters of the address that a person chooses. Back undoes these; any other parameter, such as the place of a
slider or the picked sample, replaces the address."""


def went_back() -> bool:
    """Whether this run of the script was asked for by the browser's Back or Forward."""
    return bool(getattr(get_script_run_ctx(suppress_warning=True), "is_history_navigation", False))


def history_script() -> str:
    """JavaScript that keeps entries of the history for choices only."""
    script = (Path(__file__).parent / "history.js").read_text("utf-8")
    return script.replace("CHOICES", json.dumps(CHOICES))
