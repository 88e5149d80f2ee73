"""The Selection view: search, table, decoded mean, and groups that people name."""

from __future__ import annotations

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.codes import MapCodes
from aeexplorer.metrics import class_purity
from aeexplorer.ui.latent_map import panels
from aeexplorer.ui.latent_map.layouts import Layout
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.groups import forget_group, keep_group, named_groups
from aeexplorer.ui.shared.resources import CodeSet, map_codes, map_errors, map_samples
from aeexplorer.ui.shared.run_picker import remember_sample
from aeexplorer.ui.shared.samples import class_name, is_plane, show, test_split
from aeexplorer.ui.shared.text import as_text

MOST_ROWS = 1_000  # of the table


def selection_view(model: Explorer, layouts: list[Layout], areas: panels.Areas) -> str:
    """Draw the selected samples and the named groups.

    Returns:
        Lines of Python that decode the mean code of the selection.
    """
    dataset, code_set = model.run.spec.dataset, layouts[0].panel.code_set
    codes = map_codes(model.run, code_set)
    with areas[0]:
        _search_box(model, codes)
        rows = np.flatnonzero(np.isin(codes.index, panels.selection(dataset)))
        if len(rows):
            _figures(model, codes, rows, code_set)
        else:
            st.info(
                "Nothing is selected. Draw around points with the lasso or the box of a map, or search above.",
                icon=":material/lasso_select:",
            )
    if len(rows):
        with areas[1]:
            _table(model, codes, rows, code_set)
    with areas[2]:
        if len(rows):
            _mean(model, rows, code_set)
        _groups(model, codes, rows)
    if not len(rows):
        return ""
    name = "whole" if code_set.level else "z"
    return f"chosen = {rows.tolist()}\npicture = model.decode({name}[chosen].mean(0))[0]\n"


def _search_box(model: Explorer, codes: MapCodes) -> None:
    text, clear = st.columns([3, 1], vertical_alignment="bottom")
    dataset = model.run.spec.dataset
    key = f"map-search.{dataset}"
    text.text_input(
        "Select by label",
        key=key,
        placeholder="text of a label, or #number",
        on_change=_search,
        args=(key, model, codes),
        max_chars=100,
    )
    clear.button("Clear", key="map-clear", on_click=_clear, args=(key, dataset), width="stretch")
    if message := st.session_state.pop("map-search-said", ""):
        st.caption(as_text(message))


def _search(key: str, model: Explorer, codes: MapCodes) -> None:
    """Select the samples whose class name contains the text; # and a number picks that sample."""
    text = st.session_state[key].strip()
    if not text:
        return
    if text.startswith("#") and text[1:].isdecimal():
        place = int(text[1:10])
        if place in codes.index:
            remember_sample(place)
            panels.select(model.run.spec.dataset, [place])
        else:
            st.session_state["map-search-said"] = f"Sample {text} is not on these maps."
        return
    wanted = text.casefold()
    labels = [y for y in np.unique(codes.labels).tolist() if wanted in class_name(model.spec, y).casefold()]
    places = codes.index[np.isin(codes.labels, labels)].tolist() if labels else []
    if not places:
        st.session_state["map-search-said"] = f"No label contains {text}."
    else:
        panels.select(model.run.spec.dataset, places)


def _clear(key: str, dataset: str) -> None:
    st.session_state[key] = ""
    panels.select(dataset, ())


def _figures(model: Explorer, codes: MapCodes, rows: np.ndarray, code_set: CodeSet) -> None:
    figures = [("selected", f"{len(rows):,}", f"of {len(codes.z):,} samples on the maps")]
    labels = codes.labels[rows]
    if (labels >= 0).any():
        values, counts = np.unique(labels[labels >= 0], return_counts=True)
        commonest = class_name(model.spec, int(values[counts.argmax()]))
        explanation = f"Share of the most common class, {commonest}."
        figures.append(("class purity", f"{class_purity(labels):.2f}", explanation))
    if test_split(model) is not None:
        errors = map_errors(model.run, code_set)
        explanation = f"Mean over all samples on the maps: {errors.mean():.4f}."
        figures.append(("mean squared error", f"{errors[rows].mean():.4f}", explanation))
    figures_line(figures)


def _table(model: Explorer, codes: MapCodes, rows: np.ndarray, code_set: CodeSet) -> None:
    listed = rows[:MOST_ROWS]
    table: dict[str, list[object]] = {"sample": codes.index[listed].tolist()}
    if (codes.labels >= 0).any():
        table["label"] = [class_name(model.spec, y) for y in codes.labels[listed].tolist()]
    if test_split(model) is not None:
        table["squared error"] = map_errors(model.run, code_set)[listed].round(5).tolist()
    key = f"map-table.{model.run.spec.dataset}"
    st.dataframe(
        table,
        height=180,
        hide_index=True,
        key=key,
        on_select=lambda: _pick_row(key, table["sample"]),
        selection_mode="single-row",
        alt=f"{len(listed)} selected samples",
    )
    if len(rows) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(rows):,}.")


def _pick_row(key: str, places: list[object]) -> None:
    for row in st.session_state[key].selection.rows:
        if row < len(places):
            remember_sample(int(str(places[row])))


def _mean(model: Explorer, rows: np.ndarray, code_set: CodeSet) -> None:
    decoded = model.decode(map_codes(model.run, code_set.whole).z[rows].mean(axis=0)[None])
    if is_plane(model.spec) or test_split(model) is None or not model.spec.row.pixels:
        show([("mean code, decoded", decoded)], model.spec, tile_width=180)
        return
    mean = map_samples(model.run, code_set).x[rows].astype(np.float32).mean(axis=0) / 255
    show([("", [decoded[0], mean])], model.spec, [["mean code, decoded", "mean picture"]], 2, 96)


def _groups(model: Explorer, codes: MapCodes, rows: np.ndarray) -> None:
    """Name the selection; select a named group again, or forget it."""
    dataset = model.run.spec.dataset
    if len(rows):
        name, save = st.columns([2, 1], vertical_alignment="bottom")
        key = f"map-group.{dataset}"
        name.text_input("Save as group", key=key, max_chars=40, placeholder="name of the group")
        save.button(
            "Save",
            key="map-keep",
            on_click=_save,
            args=(key, dataset, codes.index[rows].tolist()),
            width="stretch",
            help="Use groups for attribute arithmetic on the Generate page and for the axis of a map.",
        )
    if message := st.session_state.pop("map-group-said", ""):
        st.error(as_text(message), icon=":material/error:")
    for group, places in named_groups(dataset).items():
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.button(
                f"{as_text(group)}, {len(places):,}",
                key=f"group.{group}",
                type="tertiary",
                on_click=panels.select,
                args=(dataset, places),
                help="Select these samples",
                icon=":material/group_work:",
            )
            st.button(
                "",
                key=f"group.forget.{group}",
                type="tertiary",
                icon=":material/close:",
                on_click=forget_group,
                args=(dataset, group),
                help=f"Delete the group {group}",
            )


def _save(key: str, dataset: str, places: list[int]) -> None:
    try:
        keep_group(dataset, st.session_state[key], places)
    except ConfigError as error:
        st.session_state["map-group-said"] = str(error)
    else:
        st.session_state[key] = ""
