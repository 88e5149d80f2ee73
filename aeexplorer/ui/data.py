"""The three views of the page Data: samples, exact factors, and corruptions."""

from __future__ import annotations

import random

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS, corrupt, fitting
from aeexplorer.data import Dataset, DataSpec, Source, Split, along, is_grid, together
from aeexplorer.plots import bars, scatter_toy
from aeexplorer.ui.data_kept import kept_facts
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.samples import EVERY_CLASS, chart, class_name, cloud, is_plane, player, sentence_case, show
from aeexplorer.ui.shared.text import as_text

# facts


def facts(source: Source, dataset: Dataset | None) -> None:
    """Show kind, shape, range, splits, classes with counts, licence and source of a dataset."""
    spec = source.spec
    shape = "a point in the plane" if is_plane(spec) else f"{' × '.join(map(str, spec.shape))} {spec.row.parts}"
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            f"**Each sample** {shape}  \n**Values** {_values(spec)}  \n"
            f"**Split** {source.n_train:,} training, {source.n_validation:,} validation, {source.n_test:,} test"
        )
        if spec.features and not is_plane(spec):
            with st.popover(f"{len(spec.features)} columns"):
                st.markdown("\n".join(f"1. {as_text(name)}" for name in spec.features))
    if spec.classes:
        with st.container(border=True, gap="xsmall"):
            st.caption(f"{len(spec.classes)} classes")
            if dataset is None:
                st.markdown(as_text(", ".join(spec.classes)))
            else:
                known = np.concatenate([split.y[split.y >= 0] for split in dataset.splits.values()])
                counts = np.bincount(known, minlength=len(spec.classes)).tolist()
                if max(map(len, spec.classes)) <= 3:
                    chart(bars(counts, spec.classes, theme(), unit="samples"), height=190)
                else:
                    lines = [f"{count:,} {as_text(name)}" for name, count in zip(spec.classes, counts, strict=True)]
                    st.markdown("  \n".join(lines))
    if source.own:
        kept_facts(source)
    else:
        st.caption(f"Licence: {spec.licence}. Source: {spec.source}")


def _values(spec: DataSpec) -> str:
    """The range of the values and their scale, and how pictures show them."""
    if spec.row.symbols:
        return f"{len(spec.vocabulary)} symbols ({spec.scale})"
    if not spec.value_range:
        return spec.scale or "unbounded"
    low, high = spec.value_range
    inverted = spec.row.pixels and len(spec.shape) == 2 and theme().name == "light"
    said = ", ".join(filter(None, [spec.scale, f"{high:g} is drawn dark here" if inverted else ""]))
    return f"{low:g} to {high:g}{f' ({said})' if said else ''}"


# samples


def samples(dataset: Dataset) -> str:
    """Show a page of samples of one split, of all classes or of one.

    Returns:
        the lines of Python that get them.
    """
    spec = dataset.spec
    boxes = st.columns([1.6, 1.2, 1, 1], vertical_alignment="bottom")
    part = boxes[0].segmented_control("Split", list(dataset.splits), default="test", required=True, key="split")
    split = dataset.splits[part]
    chosen, code = np.arange(len(split)), f"split = data.{part}\n"
    if is_plane(spec):
        chart(scatter_toy(cloud(split.x), labels=cloud(split.y), theme=theme()), height=480)
        st.caption(
            f"{len(cloud(split.x)):,} of {len(split):,} points" + (", coloured by class" if spec.classes else "")
        )
        return code + "x, y = split.x, split.y\n"
    if spec.classes:
        wanted = boxes[1].selectbox("Class", [EVERY_CLASS, *spec.classes], key=f"class.{spec.name}")
        if wanted != EVERY_CLASS:
            chosen = np.flatnonzero(split.y == spec.classes.index(wanted))
    columns, rows, width = spec.row.grid
    pages = max(1, -(-len(chosen) // (columns * rows)))
    key = f"page.{spec.name}.{part}"
    st.session_state[key] = min(st.session_state.get(key, 1), pages)
    page = int(boxes[2].number_input(f"Page of {pages:,}", 1, pages, step=1, key=key))
    boxes[3].button("Random page", icon=":material/shuffle:", on_click=_random_page, args=(key, pages))
    places = chosen[(page - 1) * columns * rows : page * columns * rows]
    with st.container(border=True):
        if len(places):
            names = [
                class_name(spec, y) if len(class_name(spec, y)) <= 14 or not spec.row.pixels else f"#{i}"
                for i, y in zip(places, split.y[places].tolist(), strict=True)
            ]
            show([("", split.x[places])], spec, [names], columns, width)
            player([f"#{place}" for place in places[:8]], split.x[places[:8]], spec, f"data.{spec.name}")
        else:
            st.markdown("This split has no sample of that class.")
    return code + f"x, y = split.x[{places.tolist()[:6]}], split.y[{places.tolist()[:6]}]\n"


def _random_page(key: str, pages: int) -> None:
    st.session_state[key] = random.randint(1, pages)


# factors


@st.cache_resource(max_entries=4, show_spinner=False)
def _whole(name: str, source: str, _dataset: Dataset) -> Split:
    return together(_dataset)


def factors(dataset: Dataset) -> str:
    """Show one exact factor from its lowest to its highest value; on a full grid with the other factors fixed."""
    spec, split = dataset.spec, _whole(dataset.spec.name, dataset.source, dataset)
    names = [factor.name for factor in spec.factors]
    vary = names.index(
        st.segmented_control(
            "Factor",
            names,
            default=max(spec.factors, key=lambda factor: factor.values or 0).name,
            required=True,
            key=f"vary.{spec.name}",
            format_func=sentence_case,
        )
    )
    unit = spec.factors[vary].unit
    if not is_grid(dataset) or split.factors is None:
        return _from_low_to_high(spec, split, vary, unit)
    start = np.ones(len(split), dtype=bool)
    boxes = st.columns(len(names) - 1)
    fixed = {}
    for box, column in zip(boxes, [i for i in range(len(names)) if i != vary], strict=True):
        values = np.unique(split.factors[:, column])
        labels = [_value(spec, column, value) for value in values.tolist()]
        at = box.select_slider(
            sentence_case(names[column]), labels, value=labels[len(labels) // 2], key=f"fix.{spec.name}.{column}"
        )
        fixed[names[column]] = at
        start &= split.factors[:, column] == values[labels.index(at)]
    places = along(split, int(np.flatnonzero(start)[0]), vary)
    captions = [_value(spec, vary, value) for value in split.factors[places, vary].tolist()]
    with st.container(border=True):
        show([("", split.x[places])], spec, [captions], 9, 110)
    st.caption(
        f"{sentence_case(names[vary])}{f' in {unit}' if unit else ''}, all other factors fixed: "
        f"{len(places)} of {len(split):,} samples, from all three splits."
    )
    return (
        f"from aeexplorer.data import along, together\n\nwhole = together(data)\n"
        f"x = whole.x[along(whole, start={int(places[0])}, factor={vary})]\n"
    )


def _value(spec: DataSpec, column: int, value: float) -> str:
    factor = spec.factors[column]
    if factor.names:
        return "" if value != value else factor.names[int(value)]
    return class_name(spec, int(value)) if factor.name == "shape" else f"{value:.3g}"


def _from_low_to_high(spec: DataSpec, split: Split, vary: int, unit: str) -> str:
    assert split.factors is not None
    there = np.flatnonzero(~np.isnan(split.factors[:, vary]))
    split = split.take(there)
    assert split.factors is not None
    values = split.factors[:, vary]
    if is_plane(spec):
        order = cloud(np.argsort(values, kind="stable"))
        band = np.arange(len(order)) * 6 // len(order)
        chart(scatter_toy(split.x[order], labels=band, theme=theme()), height=460)
        st.caption(
            f"Six colours from the lowest to the highest {spec.factors[vary].name}{f', {unit}' if unit else ''}."
        )
    else:
        places = np.argsort(values, kind="stable")[np.linspace(0, len(values) - 1, 15).astype(int)]
        with st.container(border=True):
            show([("", split.x[places])], spec, [[_value(spec, vary, float(v)) for v in values[places]]], 5, 220)
        st.caption(
            f"From the lowest to the highest {spec.factors[vary].name}{f' in {unit}' if unit else ''}. "
            "The other factors vary too."
        )
    return f"values = data.train.factors[:, {vary}]\n"


# corruption


def corruption(dataset: Dataset) -> str:
    """Show every corruption at one level on the same samples, with noise that stays while the level moves."""
    spec = dataset.spec
    kinds = fitting(spec)
    boxes = st.columns([3, 1] if not is_plane(spec) else [1.3, 2.4, 1.1], vertical_alignment="bottom", gap="medium")
    if is_plane(spec):
        kinds = [boxes[0].selectbox("Corruption", kinds, format_func=lambda name: CORRUPTIONS[name].title, key="kind")]
    level = float(boxes[-2].slider("Corruption level", 0.0, 1.0, 0.3, 0.01, key="level", persist_state="session"))
    seed = int(st.session_state.setdefault("pattern", 0))
    boxes[-1].button(
        "New noise",
        icon=":material/casino:",
        on_click=_new_noise,
        help="The noise pattern stays the same while the level moves.",
    )
    x = _one_of_each(dataset.test)
    if is_plane(spec):
        x = cloud(dataset.test.x)
        figure = scatter_toy(x, corrupt(x, kinds[0], level, seed, spec), theme=theme())
        chart(figure.update_traces(name="corrupted", selector={"name": "reconstruction"}), height=460)
        st.caption(f"Lines join each point to its corrupted copy. Level: {_level(kinds[0], spec)}.")
    else:
        x = x[: 10 if spec.row.pixels else 5]
        rows = [("original", x), *((CORRUPTIONS[k].title, corrupt(x, k, level, seed, spec)) for k in kinds)]
        with st.container(border=True):
            show(rows, spec, tile_width=spec.row.grid[2])
        st.caption("Level. " + " ".join(f"{CORRUPTIONS[k].title}: {_level(k, spec)}." for k in kinds))
    return f"x = ae.corrupt(data.test.x[:10], {kinds[0]!r}, level={level:g}, seed={seed}, spec=data.spec)\n"


def _level(kind: str, spec: DataSpec) -> str:
    """The meaning of the level of a corruption, for this kind of data."""
    text = CORRUPTIONS[kind].unit.replace("pixels", spec.row.parts)
    return text if spec.row.pixels else text.replace("black or white", "the lowest or the highest value")


def _one_of_each(split: Split) -> np.ndarray:
    """The first sample of each class, then the first others."""
    _, first = np.unique(split.y, return_index=True)
    return split.x[np.concatenate([first, np.setdiff1d(np.arange(min(24, len(split))), first)])]


def _new_noise() -> None:
    st.session_state["pattern"] = random.randrange(2**31)
