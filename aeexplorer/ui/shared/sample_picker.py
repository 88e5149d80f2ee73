"""Samples to begin from: picked by class and number, another at random, or drawn by hand."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from aeexplorer.data import DataSpec, Split
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.open_runs import find_open_run
from aeexplorer.live.scenes.samples import Sample, code_of, values_of
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.drawings import drawable, link, linked_drawing
from aeexplorer.ui.shared.pictures import common_scale, picture_address, picture_rows
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing, remember_sample, remembered_drawing
from aeexplorer.ui.shared.samples import EVERY_CLASS, class_name, is_plane, test_split
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting, begin_widget, end_widget

PICTURES = 5  # samples to click on, beside the number
MOST = 4


@dataclass(frozen=True, eq=False)
class PickedSample:
    """One picked sample.

    Attributes:
        named: how a scene names it, see `live.scenes.samples.Sample`.
        x: its values (*shape) as a model sees them.
        z: its code (latent_dim,).
        python: lines that make its code as `{0}` and the sample as `x_{0}` (1, *shape), for `model` of
            `page_footer.opening`.
    """

    named: dict[str, object]
    x: np.ndarray
    z: np.ndarray
    python: str


def opened_run(run: Run) -> OpenRun:
    """The open run that the channel answers from."""
    return find_open_run(scene_name(run))


class Stock:
    """The samples to choose from: those of the test split, or the stored codes where the data is not here.

    Attributes:
        split: the test split, or None.
        index: (n,) places in the test split, increasing.
        labels: (n,) their classes, -1 for none.
    """

    def __init__(self, model: Explorer) -> None:
        self.model, self.spec = model, model.spec
        self.split = test_split(model)
        order = np.argsort(model.codes.index, kind="stable")
        self.rows = dict(zip(model.codes.index[order].tolist(), order.tolist(), strict=True))
        self.index = model.codes.index[order] if self.split is None else np.arange(len(self.split))
        self.labels = model.codes.labels[order] if self.split is None else self.split.y

    @property
    def size(self) -> int:
        """The largest place in the test split that can be picked, plus 1."""
        return int(self.index[-1]) + 1

    def named(self, place: int) -> dict[str, object]:
        """The name that scenes use for the sample at a place of the test split."""
        return {"code": self.rows[place]} if self.split is None else {"index": place}

    def python(self, place: int) -> str:
        """Lines that make a sample and its code, see `PickedSample.python`."""
        if self.split is None:
            return f"{{0}} = model.codes.z[{self.rows[place]}]\nx_{{0}} = model.decode({{0}})\n"
        return f"x_{{0}} = model.dataset.test.x[[{place}]]\n{{0}} = model.encode(x_{{0}})[0]\n"

    def nearest(self, place: int) -> int:
        """The place among `index` that is nearest to a number."""
        return int(self.index[np.abs(self.index - place).argmin()])

    def label(self, place: int) -> int:
        """The class of a sample, -1 for none."""
        return int(self.labels[np.searchsorted(self.index, place)])

    def starts(self, n: int) -> list[int]:
        """The first sample, and the first ones of other classes after it."""
        _, first = np.unique(self.labels, return_index=True)
        order = [0, *(i for i in sorted(first.tolist()) if i), *range(1, n)]
        return [int(self.index[i % len(self.index)]) for i in order[:n]]


def choose_sample(key: str, stock: Stock, title: str = "Test sample", pictures: int = 8) -> int:
    """A number, a filter by class, another one at random, and pictures to click; the number is kept under `key`.

    Args:
        pictures: how many samples to show, from the chosen one on.

    Returns:
        A place in the test split, one of the stock's.
    """
    allowed, spec, labels = stock.index, stock.spec, stock.labels
    first, last = int(stock.index[0]), int(stock.index[-1])
    if not first <= st.session_state.get(key, first - 1) <= last:
        st.session_state[key] = first
    boxes = st.container(horizontal=True, vertical_alignment="bottom", key=f"choose-{key}")
    classes = {class_name(spec, y): y for y in sorted(set(labels[labels >= 0].tolist()))}
    if classes:
        options = [EVERY_CLASS, *classes]
        chosen = boxes.selectbox("Class", options, key=f"{key}.class", persist_state="session", width=140)
        allowed = allowed if chosen == EVERY_CLASS else allowed[labels == classes[chosen]]
    number = boxes.number_input(title, first, last, step=1, key=key, persist_state="session", width=140)
    picked = stock.nearest(int(number))
    boxes.button("Random", key=f"{key}.random", icon=":material/shuffle:", on_click=_pick_among, args=(key, allowed))
    if stock.split is not None and not is_plane(spec):
        after = np.searchsorted(allowed, picked)
        _strip(key, np.roll(allowed, -int(after))[:pictures], stock.split, spec, picked)
    return picked


def _pick_among(key: str, allowed: np.ndarray) -> None:
    """Another of these samples; the one that is shown where there is no other."""
    others = allowed[allowed != st.session_state[key]]
    st.session_state[key] = int(random.choice(others if len(others) else allowed))


def _pick(key: str, place: int) -> None:
    st.session_state[key] = place


def _strip(key: str, places: np.ndarray, split: Split, spec: DataSpec, picked: int) -> None:
    """Pictures that are buttons: the picture is the button's background, so that a click keeps the session."""
    shown = split.x[places]
    scale = common_scale([("", shown)], spec)
    name = re.sub(r"[^a-zA-Z0-9_-]", "-", key)  # as Streamlit names the class of a button
    rules = [
        f".st-key-{name}-{i} button {{ background: var(--ae-panel) "
        f"url({picture_address(x, spec, scale)}) center 4px / auto 56px no-repeat; }}"
        for i, x in enumerate(shown)
    ]
    st.html(f"<style>{' '.join(rules)}</style>")
    with st.container(horizontal=True, gap="xsmall", key=f"strip-{name}"):
        for i, place in enumerate(places.tolist()):
            class_ = class_name(spec, int(split.y[place]))
            st.button(
                f"#{place}",
                key=f"{name}-{i}",
                help=f"Sample {place}{f', {class_}' if class_ else ''}",
                type="primary" if place == picked else "secondary",
                on_click=_pick,
                args=(key, place),
                width=74,
            )


def pick_samples(opened: OpenRun, names: tuple[str, ...]) -> list[PickedSample]:
    """A card for each sample: its picture, another one at random, and behind a button class, number and a sheet to draw
    on. The first is the picked sample of every page (`?sample=`), the others are `?to=`; those that were drawn are
    `?drawn_a=` to `?drawn_d=`.

    Args:
        names: what the cards are called, up to four.
    """
    stock, n = Stock(opened.explorer), len(names)
    others = other_samples(stock, n)
    places = [picked_sample(stock.size), *others.value(stock.starts(MOST)[1:])]
    picked = []
    for i, (box, name) in enumerate(zip(st.columns(n, gap="small"), names, strict=True)):
        key = f"end.{stock.model.run.spec.dataset}.{i}"
        place = stock.nearest(places[i])
        begin_widget(key, place)
        drawn = linked_drawing(opened.spec, _drawn_name(i))
        if drawn and st.session_state.get(f"{key}.linked") != drawn:
            st.session_state[f"{key}.drawn"] = drawn
        with box:
            picked.append(_card(opened, stock, key, name))
        st.session_state[f"{key}.linked"] = drawn = st.session_state.get(f"{key}.drawn")
        link(drawn, _drawn_name(i))
        places[i] = int(end_widget(key))
    for i in range(n, MOST):
        link(None, _drawn_name(i))
    remember_sample(places[0])
    if n > 1:
        others.keep(places[1:])
    return picked


def other_samples(stock: Stock, n: int = MOST) -> Setting:
    """The places of the three samples after the first, of which the link names those of the first `n`."""

    def read(text: str) -> list[int]:
        places = [int(part[:9]) for part in text.split(",")[: MOST - 1]]
        return [*places, *stock.starts(MOST)[1 + len(places) :]]

    return Setting(f"ends.{stock.model.run.spec.dataset}", "to", read, lambda p: ",".join(map(str, p[: n - 1])))


def _drawn_name(i: int) -> str:
    """The name in the link of what was drawn for a card."""
    return f"drawn_{'abcd'[i]}"


def _card(opened: OpenRun, stock: Stock, key: str, name: str) -> PickedSample:
    spec = opened.spec
    known = int(st.session_state[key])
    if st.session_state.get(f"{key}.before", known) != known:
        st.session_state[f"{key}.drawn"] = None
    st.session_state[f"{key}.before"] = known
    with st.container(
        border=True,
        horizontal=True,
        vertical_alignment="center",
        gap="small",
        key=f"card-{key.rpartition('.')[2]}",
    ):
        wide = 112 if spec.row.symbols else 48  # text needs room to be read
        picture = st.container(width=wide)
        with st.container(gap="xxsmall", width="stretch"):
            title = st.container()
            with st.container(horizontal=True, gap="xsmall"):
                st.button(
                    ":material/shuffle:", key=f"{key}.other", help="Random sample", on_click=_shuffle, args=(key, stock)
                )
                with st.popover("Choose", help=f"Choose or draw the {name.lower()} sample"):
                    place = choose_sample(key, stock, pictures=PICTURES)
                    if drawable(spec):
                        _drawing_pad(opened, key)
    drawn = st.session_state.get(f"{key}.drawn")
    sample = _drawn_sample(drawn, opened) if drawn else _stored_sample(place, stock, opened)
    class_ = class_name(spec, stock.label(place))
    title.caption(f"{name} · drawn" if drawn else f"{name} · {as_text(class_) + ', ' if class_ else ''}#{place}")
    if not is_plane(spec):
        with picture:
            picture_rows([("", sample.x[None])], spec, columns=1, tile_width=wide)
    return sample


def _shuffle(key: str, stock: Stock) -> None:
    _pick_among(key, stock.index)
    st.session_state[f"{key}.drawn"] = None


def _drawing_pad(opened: OpenRun, key: str) -> None:
    """A sheet to draw on; a new drawing takes the sample's place until another sample is chosen."""
    drawing = draw_pad(opened.explorer.name, opened.spec, key=f"{key}.sheet", label="Or draw one")
    if drawing and drawing.pixels and drawing.pixels != st.session_state.get(f"{key}.heard"):
        st.session_state[f"{key}.heard"] = drawing.pixels
        remember_drawing(opened.spec, drawing.pixels)
        st.session_state[f"{key}.drawn"] = drawing.pixels
        st.rerun()
    last = remembered_drawing(opened.spec)
    if st.session_state.get(f"{key}.drawn"):
        st.button("Use the test sample instead", key=f"{key}.undo", on_click=_use_drawing, args=(key, None))
    elif last:
        st.button("Use the last drawing", key=f"{key}.last", on_click=_use_drawing, args=(key, last))


def _use_drawing(key: str, drawing: str | None) -> None:
    st.session_state[f"{key}.drawn"] = drawing


def _stored_sample(place: int, stock: Stock, opened: OpenRun) -> PickedSample:
    named = stock.named(place)
    sample = Sample(**named)
    return PickedSample(named, values_of(sample, opened), code_of(sample, opened), stock.python(place))


def _drawn_sample(pixels: str, opened: OpenRun) -> PickedSample:
    sample = Sample(pixels=pixels)
    shape = ", ".join(map(str, opened.spec.shape))
    python = (
        f"drawn = base64.b64decode({pixels!r})\nx_{{0}} = np.frombuffer(drawn, np.uint8).reshape(1, {shape})\n"
        "{0} = model.encode(x_{0})[0]\n"
    )
    return PickedSample({"pixels": pixels}, values_of(sample, opened), code_of(sample, opened), python)


def python_of(samples: Sequence[PickedSample], names: str = "abcd") -> str:
    """The lines of Python that make picked samples as `x_a`, `x_b`, ... and their codes as `a`, `b`, ..."""
    needs = "import base64\n\nimport numpy as np\n\n" if any("pixels" in sample.named for sample in samples) else ""
    return needs + "".join(sample.python.format(name) for name, sample in zip(names, samples, strict=False))
