"""The parts of the Failure gallery: the choice of a failure, and the run that fails beside the one that is mended."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.metrics.diagnosis import shuffled
from aeexplorer.plots import loss_curves
from aeexplorer.runs.failures import FAILURES, Failure
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared import samples
from aeexplorer.ui.shared.diagnosis import findings, show_findings
from aeexplorer.ui.shared.figures import figures_line, figures_on_test
from aeexplorer.ui.shared.knob_form import choice_label, label_of
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.page_links import page_link, watch_button
from aeexplorer.ui.shared.resources import explorer, theme
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting

SHOWN = 8
CHOICE = Setting("failures", "failure")


def choose() -> Failure:
    """The failure that the link names or a person chose, the first until then."""
    names = list(FAILURES)
    key = CHOICE.begin(names[0], names)
    st.pills("Failure", names, key=key, format_func=lambda name: FAILURES[name].title, required=True, wrap=True)
    return FAILURES[CHOICE.end(names[0])]


def show(failure: Failure) -> None:
    """The two runs side by side, on the same test samples."""
    failing, mended = (_found(name) for name in failure.recipes)
    st.markdown(as_text(failure.story))
    change = ", ".join(f"{label_of(name)}: {_shown(value)}" for name, value in failure.change.items())
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        _one(failing, "Without the fix", failure)
    with right, st.container(border=True, height="stretch"):
        _one(mended, f"With the fix: {change}", failure)
    python = f"import aeexplorer as ae\n\nfor finding in ae.diagnose_run({failing.id!r}):\n    print(finding.numbers)\n"
    numbers = "; ".join(finding.numbers for finding in findings(failing))
    page_footer(failing.family.equation, numbers, python)


def _shown(value: str | float) -> str:
    return choice_label(value) if isinstance(value, str) else f"{value:g}"


def _found(name: str) -> Run:
    try:
        return find_run(name)
    except ConfigError:
        raise ConfigError(f"run {name} is missing: `aeexplorer pretrained {name}` trains it") from None


def _one(run: Run, title: str, failure: Failure) -> None:
    st.markdown(f"**{as_text(title)}**")
    if not findings(run):
        st.success("The diagnosis finds nothing.", icon=":material/check_circle:")
    show_findings(run, "failures")
    if run.has_weights:
        _samples(run, failure)
    epochs = run.epochs()
    if len(epochs) > 1:
        samples.chart(loss_curves(epochs, theme(), best=run.status.best_epoch), height=260, key=f"failures.{run.id}")
    else:
        st.caption(as_text(f"The training ended before its first epoch: {run.status.reason}."))
    figures_line([(name, value, "") for name, value in figures_on_test(run, run.status).items()])
    with st.container(horizontal=True, vertical_alignment="center"):
        watch_button(run.id, "Open its training", "failures.watch")
        if run.has_weights:
            page_link("reconstruct", "Explore this model", "explore", run=run.id)


def _samples(run: Run, failure: Failure) -> None:
    """Test samples, their reconstructions, and draws from the prior; for a copying model shuffled samples too."""
    model = explorer(run)
    x = load_dataset(run.spec.dataset).test.x[:SHOWN]
    rows = [("original", x), ("reconstruction", model.reconstruct(x))]
    if failure.finding == "copies":
        noise = shuffled(load_dataset(run.spec.dataset).test.x)[:SHOWN]
        rows += [("shuffled pixels", noise), ("restored", model.reconstruct(noise))]
    if "prior" in model.traits:
        rows.append(("prior samples", model.sample(SHOWN, seed=0)))
    samples.show([(name, np.asarray(sample)) for name, sample in rows], run.spec.data, tile_width=56)
