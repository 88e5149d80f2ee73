"""Samples to begin from: picked by class and number, another at random, or drawn by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad
from aeexplorer.live.open_runs import OpenRun, find_open_run
from aeexplorer.live.scenes.samples import Sample, code_of, values_of
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.drawings import drawable, link, linked
from aeexplorer.ui.shared.pictures import picture_rows
from aeexplorer.ui.shared.run_picker import (
    follow,
    followed,
    picked_sample,
    remember_drawing,
    remember_sample,
    remembered_drawing,
)
from aeexplorer.ui.shared.samples import choose_sample, class_name, is_plane, test_split
from aeexplorer.ui.shared.text import as_text

PICTURES = 5  # samples to click on, beside the number


@dataclass(frozen=True, eq=False)
class End:
    """One picked sample.

    Attributes:
        named: how a scene names it, see `live.scenes.samples.Sample`.
        x: its values (*shape) as a model sees them.
        z: its code (latent_dim,).
        python: lines that make its code as `{0}` and the sample as `x_{0}` (1, *shape), for `model` of `foot.opening`.
    """

    named: dict[str, object]
    x: np.ndarray
    z: np.ndarray
    python: str


def opened_run(run: Run) -> OpenRun:
    """The open run that the channel answers from."""
    return find_open_run(run.path.name)


class Stock:
    """The samples to choose from: those of the test split, or the stored codes where the data is not here.

    Attributes:
        index: (n,) places in the test split, increasing.
        labels: (n,) their classes, -1 for none.
    """

    def __init__(self, model: Explorer) -> None:
        self.split = test_split(model)
        order = np.argsort(model.codes.index, kind="stable")
        self._rows = dict(zip(model.codes.index.tolist(), range(len(order)), strict=True))
        self.index = model.codes.index[order] if self.split is None else np.arange(len(self.split))
        self.labels = model.codes.labels[order] if self.split is None else self.split.y

    def named(self, place: int) -> dict[str, object]:
        """How scenes name the sample at a place of the test split."""
        return {"code": self._rows[place]} if self.split is None else {"index": place}

    def python(self, place: int) -> str:
        if self.split is None:
            return f"{{0}} = model.codes.z[{self._rows[place]}]\nx_{{0}} = model.decode({{0}})\n"
        return f"x_{{0}} = model.dataset.test.x[[{place}]]\n{{0}} = model.encode(x_{{0}})[0]\n"

    def nearest(self, place: int) -> int:
        """The place among `index` that is nearest to a number."""
        return int(self.index[np.abs(self.index - place).argmin()])

    def label(self, place: int) -> int:
        return int(self.labels[np.searchsorted(self.index, place)])

    def starts(self, n: int) -> list[int]:
        """The first sample, and the first ones of other classes after it."""
        _, first = np.unique(self.labels, return_index=True)
        order = [0, *(i for i in sorted(first.tolist()) if i), *range(1, n)]
        return [int(self.index[i % len(self.index)]) for i in order[:n]]


def pick_ends(opened: OpenRun, names: tuple[str, ...]) -> list[End]:
    """A card for each sample: its picture, another one at random, and behind a button class, number and a sheet to draw
    on. The first is the picked sample of every page (`?sample=`), the others are `?to=`; those that were drawn are
    `?drawn_a=` to `?drawn_d=`.

    Args:
        names: what the cards are called, up to four.
    """
    model = opened.explorer
    stock = Stock(model)
    asked = [int(text) for text in st.query_params.get("to", "").split(",") if text.isdecimal() and len(text) < 9]
    starts = stock.starts(4)
    ends = []
    boxes = st.columns(len(names), gap="small")
    for i, (box, name) in enumerate(zip(boxes, names, strict=True)):
        key = f"end.{model.run.spec.dataset}.{i}"
        wanted = st.session_state.pop(f"{key}.wanted", None)
        if wanted is not None:
            st.session_state[key] = wanted
        elif i == 0:
            follow(key, stock.nearest(picked_sample(int(stock.index[-1]) + 1)))
        elif key not in st.session_state:
            st.session_state[key] = stock.nearest(asked[i - 1]) if i <= len(asked) else starts[i]
        drawn = linked(opened.spec, _drawn_name(i))
        if drawn and st.session_state.get(f"{key}.linked") != drawn:
            st.session_state[f"{key}.drawn"] = drawn
        with box:
            ends.append(_card(opened, stock, key, name))
        st.session_state[f"{key}.linked"] = drawn = st.session_state.get(f"{key}.drawn")
        link(drawn, _drawn_name(i))
        if i == 0:
            remember_sample(int(st.session_state[key]))
            followed(key)
    for i in range(len(names), 4):
        link(None, _drawn_name(i))
    if len(names) > 1:
        places = [st.session_state[f"end.{model.run.spec.dataset}.{i}"] for i in range(1, len(names))]
        st.query_params["to"] = ",".join(map(str, places))
    return ends


def _drawn_name(i: int) -> str:
    """The name in the link of what was drawn for a card."""
    return f"drawn_{'abcd'[i]}"


def _card(opened: OpenRun, stock: Stock, key: str, name: str) -> End:
    spec = opened.spec
    known = int(st.session_state[key])
    if st.session_state.get(f"{key}.before", known) != known:
        st.session_state[f"{key}.drawn"] = None
    st.session_state[f"{key}.before"] = known
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"card-{key.rpartition('.')[2]}"
    ):
        picture = st.container(width=48)
        with st.container(gap="xxsmall", width="stretch"):
            title = st.container()
            with st.container(horizontal=True, gap="xsmall"):
                st.button(
                    ":material/shuffle:", key=f"{key}.other", help="Another sample", on_click=_other, args=(key, stock)
                )
                with st.popover("Choose", help=f"Choose or draw the sample {name.lower()}"):
                    place = stock.nearest(
                        choose_sample(key, stock.index, stock.labels, spec, stock.split, pictures=PICTURES)
                    )
                    if drawable(spec):
                        _sheet(opened, key)
    drawn = st.session_state.get(f"{key}.drawn")
    end = _drawn(drawn, opened) if drawn else _stored(place, stock, opened)
    said = class_name(spec, stock.label(place))
    title.caption(f"{name} · drawn" if drawn else f"{name} · {as_text(said) + ', ' if said else ''}#{place}")
    if not is_plane(spec):
        with picture:
            picture_rows([("", end.x[None])], spec, columns=1, tile_width=48)
    return end


def _other(key: str, stock: Stock) -> None:
    st.session_state[key] = int(random.choice(stock.index.tolist()))
    st.session_state[f"{key}.drawn"] = None


def _sheet(opened: OpenRun, key: str) -> None:
    """A sheet to draw on; a new drawing takes the sample's place until another sample is chosen."""
    drawing = draw_pad(opened.explorer.run.path.name, opened.spec, key=f"{key}.sheet", label="Or draw one")
    if drawing and drawing.pixels and drawing.pixels != st.session_state.get(f"{key}.heard"):
        st.session_state[f"{key}.heard"] = drawing.pixels
        remember_drawing(opened.spec, drawing.pixels)
        st.session_state[f"{key}.drawn"] = drawing.pixels
        st.rerun()
    last = remembered_drawing(opened.spec)
    if st.session_state.get(f"{key}.drawn"):
        st.button("Use the test sample instead", key=f"{key}.undo", on_click=_take, args=(key, None))
    elif last:
        st.button("Take the last drawing", key=f"{key}.last", on_click=_take, args=(key, last))


def _take(key: str, drawing: str | None) -> None:
    st.session_state[f"{key}.drawn"] = drawing


def _stored(place: int, stock: Stock, opened: OpenRun) -> End:
    named = stock.named(place)
    sample = Sample(**named)
    return End(named, values_of(sample, opened), code_of(sample, opened), stock.python(place))


def _drawn(pixels: str, opened: OpenRun) -> End:
    sample = Sample(pixels=pixels)
    shape = ", ".join(map(str, opened.spec.shape))
    python = (
        f'drawn = base64.b64decode("{pixels}")\nx_{{0}} = np.frombuffer(drawn, np.uint8).reshape(1, {shape})\n'
        "{0} = model.encode(x_{0})[0]\n"
    )
    return End({"pixels": pixels}, values_of(sample, opened), code_of(sample, opened), python)


def opening_of(ends: list[End], names: str = "abcd") -> str:
    """The lines of Python that make picked samples as `x_a`, `x_b`, ... and their codes as `a`, `b`, ..."""
    needs = "import base64\n\nimport numpy as np\n\n" if any("pixels" in end.named for end in ends) else ""
    return needs + "".join(end.python.format(name) for name, end in zip(names, ends, strict=False))
