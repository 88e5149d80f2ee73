"""Data: browse the samples of every dataset, their exact factors, and their corruptions."""

from __future__ import annotations

import streamlit as st

from aeexplorer.data import DataUnavailable, Source, load_dataset, sources
from aeexplorer.ui import data, data_add
from aeexplorer.ui.data_kept import follow_link
from aeexplorer.ui.shared.downloads import offer
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.text import as_text, heading
from aeexplorer.ui.shared.view_state import Setting

DATASET = Setting("data", "dataset")
VIEWS = {"Samples": data.samples, "Factors": data.factors, "Corruption": data.corruption}


def pick() -> Source:
    known = sources()
    st.selectbox(
        "Dataset",
        list(known),
        key=DATASET.begin(next(iter(known)), list(known)),
        format_func=lambda key: known[key].spec.title + ("" if known[key].available() else " · not on this computer"),
    )
    return known[DATASET.end()]


def missing(source: Source, reason: str) -> None:
    title = source.spec.title
    with st.container(border=True):
        st.markdown(f"**{title} is not on this computer.** You can still read about it and explore its trained models.")
        if source.downloadable:
            offer(source.name)
        else:
            st.markdown(as_text(reason))
        page_link("home", "Explore a model", "explore")


def page(source: Source) -> None:
    found, reason = None, ""
    if source.available() or not source.downloadable:
        try:
            found = load_dataset(source.name)
        except DataUnavailable as error:
            reason = str(error)
    left, right = st.columns([3, 1.3], gap="medium")
    code = f"import aeexplorer as ae\n\ndata = ae.load_dataset({source.name!r})\n"
    with left, st.container(key="data-view"):
        if found is None:
            if source.available():
                st.error(as_text(reason), icon=":material/error:")
            else:
                missing(source, reason)
        else:
            views = [name for name in VIEWS if name != "Factors" or found.spec.factors]
            view = st.segmented_control(
                "View",
                views,
                default=views[0],
                required=True,
                key=f"view.{len(views)}",
                format_func=lambda name: "Columns" if name == "Factors" and source.own else name,
                label_visibility="collapsed",
            )
            code += VIEWS[view](found)
    with right:
        data.facts(source, found)
    dimensions = r" \times ".join(map(str, source.spec.shape))
    values = rf"\{{1, \ldots, {len(source.spec.vocabulary)}\}}" if source.spec.row.symbols else r"\mathbb{R}"
    page_footer(rf"x \in {values}^{{{dimensions}}}", f"{sum(source.counts):,} samples", code)


def browse() -> None:
    shared = follow_link()
    if shared:
        DATASET.keep(shared)
    title, picker, add = st.columns([3, 1.3, 0.55], vertical_alignment="bottom")
    with picker:
        source = pick()
    with title:
        heading("Data", source.spec.summary or f"Own data: {source.spec.title}.")
    with add:
        data_add.door("Add data", add="1")
    with refusals():
        page(source)


if st.query_params.get("add"):
    data_add.show_add()
else:
    browse()
