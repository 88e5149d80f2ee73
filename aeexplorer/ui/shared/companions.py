"""The run to compare with: which ones there are, how it is chosen, and how two runs are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.resources import explorer, openable_runs
from aeexplorer.ui.shared.run_picker import run_labels
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting, linked, write_link

NONE = "nothing"
OLD_NAME = "beside"
"""The parameter's name in links of earlier versions."""


def same_data(run: Run) -> list[Run]:
    """The other runs whose samples are like those of a run."""
    alike = run.spec.dataset, run.spec.data.shape
    return [o for o in openable_runs() if o.id != run.id and (o.spec.dataset, o.spec.data.shape) == alike]


def choose_companion(page: str, others: Sequence[Run], none: str, first: bool = False) -> Run | None:
    """A select box for the run to compare with; None where none is chosen, or where it cannot be opened.

    Args:
        others: to choose from.
        none: the sentence where there are no others.
        first: whether the first of them is chosen until a person chooses.
    """
    runs = {run.id: run for run in others}
    if not runs:
        st.caption(none)
        return None
    if (old := linked(OLD_NAME)) is not None:
        write_link(**{OLD_NAME: None, "compare": linked("compare") or old})
    labels = {NONE: "None"} | run_labels(runs.values())
    default, setting = next(iter(runs)) if first else NONE, Setting(page, "compare")
    st.selectbox("Compare with", list(labels), key=setting.begin(default, list(labels)), format_func=labels.__getitem__)
    picked = setting.end(default)
    if picked == NONE:
        return None
    try:
        explorer(runs[picked])
    except (Damaged, OSError) as error:
        st.caption(as_text(f"{labels[picked]} cannot be opened: {error}"))
        return None
    return runs[picked]


def told_apart(run: Run, other: Run | None) -> tuple[str, str]:
    """Names that tell two runs apart: by family, else by the size of their codes, else by title."""
    if other is None:
        return run.family.short, ""
    ours, theirs = run.family.short, other.family.short
    if ours == theirs:
        ours, theirs = (f"{r.family.short} {r.config.latent_dim}-D" for r in (run, other))
    return (ours, theirs) if ours != theirs else (run.title, other.title)
