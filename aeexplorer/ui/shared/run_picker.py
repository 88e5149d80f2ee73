"""What all pages share: the picked run and the picked sample, also as a link (?run=...&sample=...)."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from aeexplorer.data import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import explorer, openable_runs
from aeexplorer.ui.shared.text import as_text

PREFERRED = ("mnist-vae-2d", "digits-vae-2d")


def any_run(run: Run) -> bool:
    """Every run fits."""
    return True


def pick_run(
    label: str = "Model", preferred: tuple[str, ...] = PREFERRED, fits: Callable[[Run], bool] = any_run,
    missing: str = "There is no trained model yet. Train one: digits take seconds.", **train: str,
) -> Run | None:  # fmt: skip
    """A select box over everything that can be explored; remembers the choice on every page and in the link.

    Args:
        preferred: names of runs to begin with, when nothing was picked that the page can show.
        fits: which runs the page can show. Where the picked one does not fit, one of the same dataset that does is
            shown in its place.
        missing: what is said when there is none.
        train: what the page Train then begins with, as its link says it.

    Returns None, with that sentence and the way out, when there is nothing to show.
    """
    every = {run.id: run for run in openable_runs()}
    runs = {name: run for name, run in every.items() if fits(run)}
    if not runs:
        st.info(missing, icon=":material/info:")
        page_link("train", "Train a model", "model_training", **train)
        return None
    titles = {key: run.title for key, run in runs.items()}
    asked = asked_run()
    chosen = _nearest(asked, every, runs, preferred)
    if asked in every and every[asked].spec.dataset != runs[chosen].spec.dataset:
        st.toast(as_text(f"{every[asked].title} cannot be shown here; {titles[chosen]} takes its place."))
    # a widget's own key is forgotten on other pages, so the choice lives in a name of ours
    picked = st.selectbox(
        label, list(runs), index=list(runs).index(chosen), key=f"run_box_{chosen}",
        format_func=lambda key: titles[key] + (" · pretrained" if not runs[key].removable else ""),
    )  # fmt: skip
    remember_run(picked)
    if picked != chosen:
        st.rerun()
    return runs[picked]


def asked_run() -> str | None:
    """The id of the run that the link or the last page asks for, which may not be there."""
    return st.query_params.get("run") or st.session_state.get("picked_run")


def _nearest(asked: str | None, every: dict[str, Run], runs: dict[str, Run], preferred: tuple[str, ...]) -> str:
    """The asked run, else one of its dataset, else a preferred one, else the first."""
    if asked in runs:
        return asked
    like = every.get(asked or "")
    kin = [name for name, run in runs.items() if like is not None and run.spec.dataset == like.spec.dataset]
    return next((name for name in preferred if name in (kin or runs)), next(iter(kin or runs)))


def open_picked(run: Run) -> Explorer:
    """The picked run's explorer with its stored codes; where it is damaged a sentence, the way out, and a stop."""
    try:
        model = explorer(run)
        _ = model.codes
    except (Damaged, OSError) as error:
        st.error(as_text(f"{run.title} cannot be opened: {error}"), icon=":material/error:")
        st.markdown("Choose another model above, or remove this one.")
        page_link("runs", "Go to the runs", "folder_open")
        st.stop()
    return model


def remember_run(run_id: str) -> None:
    """Make this the picked run of every page."""
    if st.session_state.get("picked_run") != run_id:
        st.session_state["picked_run"] = run_id
    if st.query_params.get("run") != run_id:
        st.query_params["run"] = run_id


def picked_sample(n: int) -> int:
    """Place of the picked sample among n, from the link or from the last page."""
    asked = st.query_params.get("sample", st.session_state.get("picked_sample", 0))
    try:
        return min(max(int(asked), 0), n - 1)
    except ValueError:
        return 0


def remember_sample(index: int) -> None:
    """Make this the picked sample of every page."""
    st.session_state["picked_sample"] = index
    st.query_params["sample"] = str(index)


def remember_drawing(spec: DataSpec, pixels: str) -> None:
    """Keep a drawing, as a scene takes it, for the other pages of the same dataset; an empty one is none."""
    st.session_state["drawn"] = (spec.name, pixels)


def remembered_drawing(spec: DataSpec) -> str | None:
    """The last drawing that is a sample of this dataset, or None."""
    dataset, pixels = st.session_state.get("drawn", ("", ""))
    return pixels if dataset == spec.name else None


def follow(key: str, shared: object) -> None:
    """Give a widget's key a value that another page or the link has changed since `followed`; before the widget."""
    if key not in st.session_state or st.session_state.get(f"{key}.seen") != shared:
        st.session_state[key] = shared


def followed(key: str) -> None:
    """Remember the value that the widget shared with the other pages; after the widget."""
    st.session_state[f"{key}.seen"] = st.session_state[key]
