"""State shared by all pages: the picked run and the picked sample, also as a link (?run=...&sample=...)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import streamlit as st

from aeexplorer.data import DataSpec, is_available, sources
from aeexplorer.explorer import Explorer
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.class_picker import pick_class
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import explorer, openable_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.text import as_text, shortened
from aeexplorer.ui.shared.view_state import Setting, linked, whole

PREFERRED = ("mnist-vae-2d", "digits-vae-2d")
RUN, SAMPLE = Setting("", "run"), Setting("", "sample", whole(0, 10**9))
REPLACED = "run.replaced"
"""Key of the missing run that the link asked for, and of the run that is shown in its place."""
BEGUN = "run.begun"
"""Key of the run with which a page began by itself."""
LONGEST_TITLE = 44


def pick_run(
    label: str = "Model",
    preferred: tuple[str, ...] = PREFERRED,
    fits: Callable[[Run], bool] = lambda run: True,
    missing: str = "There is no trained model yet. Train one: training on digits takes seconds.",
    needs_data: bool = False,
    **train: str,
) -> Run | None:
    """A select box over everything that can be explored; remembers the choice on every page and in the link.

    Args:
        preferred: names of runs to begin with, when nothing was picked that the page can show.
        fits: which runs the page can show. Where the picked one does not fit, one of the same dataset that does is
            shown in its place.
        missing: the sentence where there is none.
        needs_data: begin with a run whose data are on this computer, where nobody asked for another one.
        train: what the page Train then begins with, as its link says it.

    Returns None, with that sentence and the way out, when there is nothing to show.
    """
    every = {run.id: run for run in openable_runs()}
    runs = {name: run for name, run in every.items() if fits(run)}
    if not runs:
        st.info(missing, icon=":material/info:")
        page_link("train", "Train a model", "model_training", **train)
        return None
    by_link = RUN.heard() and linked(RUN.name) is not None
    asked = asked_run()
    if by_link:
        st.session_state.pop(BEGUN, None)
    by_itself = asked in (None, st.session_state.get(BEGUN))
    if needs_data and by_itself:
        here = {name: run for name, run in runs.items() if is_available(run.spec.dataset)}
        nearest = asked if asked in here else _nearest(None, every, here or runs, preferred)
    else:
        nearest = _nearest(asked, every, runs, preferred)
    if by_itself:
        st.session_state[BEGUN] = nearest
        RUN.keep(nearest)
    labels = run_labels(runs.values())
    key = RUN.begin(nearest, list(runs))
    picked = str(st.selectbox(label, list(labels), key=key, format_func=labels.__getitem__))
    RUN.end()
    unmet = None if by_itself or asked in runs else asked
    if unmet is not None and by_link:
        st.session_state[REPLACED] = unmet, nearest
    elif unmet in every and every[unmet].spec.dataset != runs[nearest].spec.dataset:
        st.toast(as_text(f"{run_name(every[unmet])} cannot be shown here; {labels[nearest]} takes its place."))
    _say_replaced(picked, every, labels)
    pick_class(runs[picked])
    return runs[picked]


def _say_replaced(picked: str, every: dict[str, Run], labels: dict[str, str]) -> None:
    """Say that the link asked for another run, until a person picks one."""
    asked, shown = st.session_state.get(REPLACED, ("", ""))
    if shown != picked:
        st.session_state.pop(REPLACED, None)
        return
    what = (
        f"{run_name(every[asked])} cannot be shown on this page"
        if asked in every
        else f"There is no model {asked[:60]} here"
    )
    st.caption(f":orange[{as_text(what)}]; {as_text(labels[shown])} is shown instead.")


def run_labels(runs: Iterable[Run]) -> dict[str, str]:
    """Names of runs for a select box, by id: those trained here first, then the pretrained ones by dataset.

    Two runs never share a name: those trained here are told apart by when they were made.
    """
    by_id = {run.id: run for run in runs}
    created = {key: run.spec.created[5:16].replace("T", " ") for key, run in by_id.items() if run.removable}
    order = {name: i for i, name in enumerate(sources())}
    ranked = sorted(by_id, key=lambda key: -1 if key in created else order.get(by_id[key].spec.dataset, len(order)))
    names = {key: shortened(run_name(by_id[key]), LONGEST_TITLE) for key in ranked}
    count = Counter(names.values())
    names = {
        key: f"{name} · {created[key]}" if count[name] > 1 and key in created else name for key, name in names.items()
    }
    count = Counter(names.values())
    # of a pretrained run the name, of others the random end of the id
    own = {key: key[-6:] if key in created else key.removeprefix(f"{by_id[key].spec.dataset}-") for key in names}
    return {key: f"{name} · {own[key]}" if count[name] > 1 else name for key, name in names.items()}


def asked_run() -> str | None:
    """The id of the run that the link or the last page asks for, which may not be there."""
    asked: str | None = RUN.value(None)
    return asked


def _nearest(asked: str | None, every: dict[str, Run], runs: dict[str, Run], preferred: tuple[str, ...]) -> str:
    """The asked run, else one of its dataset, else a preferred one, else the first."""
    if asked in runs:
        return asked
    like = (
        every[asked].spec.dataset if asked in every else next((d for d in sources() if (asked or "").startswith(d)), "")
    )
    kin = [name for name, run in runs.items() if run.spec.dataset == like]
    return next((name for name in preferred if name in (kin or runs)), next(iter(kin or runs)))


def open_picked(run: Run) -> Explorer:
    """The picked run's explorer with its stored codes; where it is damaged a sentence, the way out, and a stop."""
    try:
        model = explorer(run)
        _ = model.codes
    except (Damaged, OSError) as error:
        st.error(as_text(f"{run_name(run)} cannot be opened: {error}"), icon=":material/error:")
        st.markdown("Choose another model above, or remove this one.")
        page_link("runs", "Go to the runs", "folder_open")
        st.stop()
    return model


def remember_run(run_id: str) -> None:
    """Make this the picked run of every page."""
    RUN.keep(run_id)


def picked_sample(n: int) -> int:
    """Place of the picked sample among n, from the link or from the last page."""
    return min(int(SAMPLE.value(0)), n - 1)


def remember_sample(index: int) -> None:
    """Make this the picked sample of every page."""
    SAMPLE.keep(index)


def remember_drawing(spec: DataSpec, pixels: str) -> None:
    """Keep a drawing, as a scene takes it, for the other pages of the same dataset; an empty one is none."""
    st.session_state["drawn"] = (spec.name, pixels)


def remembered_drawing(spec: DataSpec) -> str | None:
    """The last drawing that is a sample of this dataset, or None."""
    dataset, pixels = st.session_state.get("drawn", ("", ""))
    return pixels if dataset == spec.name else None
