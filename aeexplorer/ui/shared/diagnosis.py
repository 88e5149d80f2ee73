"""The findings of a run's diagnosis, each with a button that opens Train with the change filled in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from aeexplorer.metrics.diagnosis import Finding
from aeexplorer.program_files import PAGES
from aeexplorer.runs.diagnosis import diagnose_run
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.resources import written
from aeexplorer.ui.shared.text import as_text


def show_findings(run: Run, key: str, epochs: Sequence[dict[str, Any]] | None = None) -> None:
    """Show what the diagnosis of a run found; nothing where it found nothing.

    Args:
        key: begins the keys of the buttons.
        epochs: the events of the finished epochs, where they are read already.
    """
    for finding in findings(run, epochs):
        with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-finding-{finding.name}"):
            about = f"{as_text(finding.title)}: {as_text(finding.numbers)} {as_text(finding.advice)}"
            st.warning(about, icon=":material/stethoscope:", width="stretch")
            if finding.change and st.button(
                "Train with this change", icon=":material/tune:", key=f"{key}.change.{finding.name}.{run.path.name}"
            ):
                change = ",".join(f"{name}:{value}" for name, value in finding.change.items())
                st.switch_page(PAGES / "train.py", query_params={"like": run.reference, "change": change})


def findings(run: Run, epochs: Sequence[dict[str, Any]] | None = None) -> list[Finding]:
    """The findings of a run, kept until one of its files changes; [] of one whose files cannot be read."""
    changed = written(run, "status.json"), written(run, run.weights_path.name), len(epochs or ())
    return _findings(str(run.path), changed, epochs)


@st.cache_data(max_entries=128, show_spinner=False)
def _findings(path: str, changed: tuple[int, ...], _epochs: Sequence[dict[str, Any]] | None) -> list[Finding]:
    try:
        return diagnose_run(Run(path), _epochs)
    except (Damaged, OSError):
        return []
