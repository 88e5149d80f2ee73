"""The class that conditional models are told: chosen once, bound for every page and every live scene."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.view_state import Setting, whole

CLASS = Setting("", "class", whole(0, 999))


def takes_class(run: Run) -> bool:
    """Whether a model's encoder and decoder are told a class."""
    return "label" in run.family.traits


def pick_class(run: Run) -> None:
    """A select box with the classes that a conditional model can be told; nothing for other models."""
    if not takes_class(run):
        return
    classes = run.spec.data.classes
    key = CLASS.begin(0, list(range(len(classes))))
    st.selectbox("Class", range(len(classes)), key=key, format_func=classes.__getitem__)
    CLASS.end(0)


def picked_class(run: Run) -> int:
    """The class that a conditional model is told, by its place among the classes."""
    return min(int(CLASS.value(0)), len(run.spec.data.classes) - 1)


def scene_name(run: Run) -> str:
    """The name by which scenes open a run: its folder, and the class that it is told ("digits-cvae@3")."""
    if not takes_class(run):
        return run.path.name
    return f"{run.path.name}@{picked_class(run)}"
