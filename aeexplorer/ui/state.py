"""What all pages share: the picked run and the picked sample, also as a link (?run=...&sample=...)."""

from __future__ import annotations

import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.runs import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.doors import door
from aeexplorer.ui.resources import explorer, openable_runs
from aeexplorer.ui.widgets import as_text

PREFERRED = ("mnist-vae-2d", "digits-vae-2d")


def pick_run(label: str = "Model", preferred: tuple[str, ...] = PREFERRED) -> Run | None:
    """A select box over everything that can be explored; remembers the choice on every page and in the link.

    Returns None, with a sentence and the way out, when there is nothing to explore.
    """
    runs = {run.id: run for run in openable_runs()}
    if not runs:
        st.info("There is no trained model yet. Train one: digits take seconds.", icon=":material/info:")
        door("train", "Train a model", "model_training")
        return None
    titles = {key: run.title for key, run in runs.items()}
    asked = st.query_params.get("run") or st.session_state.get("picked_run")
    chosen = asked if asked in runs else next((name for name in preferred if name in runs), next(iter(runs)))
    # a widget's own key is forgotten on other pages, so the choice lives in a name of ours
    picked = st.selectbox(
        label, list(runs), index=list(runs).index(chosen), key=f"run_box_{chosen}",
        format_func=lambda key: titles[key] + (" · pretrained" if not runs[key].removable else ""),
    )  # fmt: skip
    remember_run(picked)
    if picked != chosen:
        st.rerun()
    return runs[picked]


def open_picked(run: Run) -> Explorer:
    """The picked run's explorer with its stored codes; where it is damaged a sentence, the way out, and a stop."""
    try:
        model = explorer(run)
        _ = model.codes
    except (Damaged, OSError) as error:
        st.error(as_text(f"{run.title} cannot be opened: {error}"), icon=":material/error:")
        st.markdown("Choose another model above, or remove this one.")
        door("runs", "Go to the runs", "folder_open")
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


def follow(key: str, shared: object) -> None:
    """Give a widget's key a value that another page or the link has changed since `followed`; before the widget."""
    if key not in st.session_state or st.session_state.get(f"{key}.seen") != shared:
        st.session_state[key] = shared


def followed(key: str) -> None:
    """Remember the value that the widget shared with the other pages; after the widget."""
    st.session_state[f"{key}.seen"] = st.session_state[key]
