"""Samples to choose from and to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec, DataUnavailable, Split, is_available, load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.plots import scatter_toy
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.pictures import Rows, picture_rows
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.symbols import sound_of

CLOUD = 600  # points that stand for a set on a plane
EVERY_CLASS = "All classes"


def test_split(model: Explorer) -> Split | None:
    """The test samples of a model's dataset, or None where they are not on this computer; nothing is fetched."""
    name = model.run.spec.dataset
    if not is_available(name):
        return None
    try:
        data = load_dataset(name)
    except DataUnavailable:
        return None
    known = data.spec.shape == model.spec.shape and model.codes.index.max(initial=0) < len(data.test)
    return data.test if known else None


def missing_data(model: Explorer, without: str) -> bool:
    """Where the samples are not here say so, what works without them, and how to get them; returns whether that is
    so."""
    if test_split(model) is not None:
        return False
    with st.container(border=True):
        st.markdown(f"**{model.spec.title} is not on this computer.** {without}")
        page_link("data", "Get the data", "download", dataset=model.run.spec.dataset)
    return True


def class_name(spec: DataSpec, label: int) -> str:
    """The name of a class, empty for none."""
    if label < 0:
        return ""
    return spec.classes[label] if label < len(spec.classes) else str(label)


def long_names(classes: tuple[str, ...]) -> bool:
    """Whether the names of classes are too long to stand beside a point or under a small picture."""
    return max(map(len, classes), default=0) > 3


def sentence_case(name: str) -> str:
    """A name with a capital at its beginning, abbreviations as they are."""
    return name[:1].upper() + name[1:]


def is_plane(spec: DataSpec) -> bool:
    """Whether samples are points of a plane, that are looked at together."""
    return spec.kind == "vector" and spec.shape == (2,)


def chart(figure: object, height: int | str = "content", **more: object) -> object:
    """A figure in the look of the page, with its alternative text."""
    alt = figure.layout.meta["alt"]  # type: ignore[attr-defined]
    return st.plotly_chart(  # type: ignore[call-overload]
        figure, theme=None, width="stretch", height=height, alt=alt, config={"displayModeBar": False}, **more
    )


def show(rows: Rows, spec: DataSpec, *more: Any, **named: Any) -> None:
    """Rows of samples as `picture_rows` takes them; points of a plane as one chart, each of the first row joined
    to its copies in the rows "corrupted" and "reconstruction"."""
    if not is_plane(spec):
        picture_rows(rows, spec, *more, **named)
        return
    copies = dict(rows[1:])
    figure = scatter_toy(rows[0][1], copies.get("reconstruction"), corrupted=copies.get("corrupted"), theme=theme())
    chart(figure, height=380)


def player(names: Sequence[str], x: Sequence[np.ndarray] | np.ndarray, spec: DataSpec, key: str) -> None:
    """Where samples are music, one of them to listen to."""
    if not spec.voices or not len(x):
        return
    chosen = st.segmented_control(
        "Listen to", range(len(x)), default=0, required=True, key=f"{key}.listen", format_func=lambda i: names[i]
    )
    st.audio(sound_of(x[chosen], spec), format="audio/wav")


def cloud(x: np.ndarray) -> np.ndarray:
    """A few hundred of many points, evenly spaced in their order."""
    return x[:: max(1, len(x) // CLOUD)]


def background(model: Explorer) -> np.ndarray:
    """Points (m, 2) that stand for the data of a plane: test samples, or what stored codes decode to."""
    split = test_split(model)
    return cloud(model.decode(model.codes.z) if split is None else split.x)
