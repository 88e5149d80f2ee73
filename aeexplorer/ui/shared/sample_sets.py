"""A handful of samples to look at together: one of each class, a class, any, or a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.run_picker import picked_sample, remember_drawing, remember_sample
from aeexplorer.ui.shared.sample_picker import Stock
from aeexplorer.ui.shared.samples import class_name, long_names, sentence_case
from aeexplorer.ui.shared.view_state import Setting

PATTERNS = 8
EACH, ANY, DRAWN = "each", "any", "drawn"


@dataclass(frozen=True)
class SampleRow:
    """Samples as scenes take them.

    Attributes:
        places: (n,) their places in the test split; none of a drawing.
        captions: what stands under each.
        origin: what they are, in a word or two.
        python: lines that make them as `x`, of an open run `model`.
    """

    samples: list[dict[str, Any]]
    places: tuple[int, ...]
    captions: tuple[str, ...]
    origin: str
    python: str


class SampleSet(Stock):
    """The choice of samples that a page shows; `ask` draws the widgets, `samples` gives the outcome."""

    def __init__(self, model: Explorer, key: str) -> None:
        super().__init__(model)
        self._key, self._setting = key, Setting(key, "samples")
        self._some, self._many = model.spec.row.columns

    @property
    def _options(self) -> dict[str, str]:
        known = sorted(set(self.labels[self.labels >= 0].tolist()))
        options = {EACH: "Some of each class"} if len(known) > 1 else {}
        options[ANY] = f"{self._many} of any class" if options else f"{self._many} samples"
        options |= {f"class-{y}": f"{self._many} of {class_name(self.spec, y)}" for y in known if len(known) > 1}
        return options | ({DRAWN: "Drawn by hand"} if drawable(self.spec) else {})

    @property
    def which(self) -> str:
        """The chosen set, from the link or from before; one that a person just chose is shown in the same run."""
        options = list(self._options)
        key = self._setting.begin(options[0], options)
        return str(st.session_state[key])

    def ask(self) -> None:
        """A box with the sets, a button for others of the same, and the picked sample, which always is among them."""
        options = self._options
        default = next(iter(options))
        with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
            key = self._setting.begin(default, list(options))
            st.selectbox(
                "Samples", list(options), key=key, width=220, format_func=lambda name: sentence_case(options[name])
            )
            if self._setting.end(default) == DRAWN:
                return
            number, picked = f"{self._key}.picked", picked_sample(self.size)
            if st.session_state.get(number) != picked:
                st.session_state[number] = picked
            st.number_input(
                "Selected sample",
                0,
                self.size - 1,
                step=1,
                key=number,
                width=140,
                on_change=lambda: remember_sample(int(st.session_state[number])),
                help="Shown as the example of its class on every page.",
            )
            st.button("Shuffle", icon=":material/shuffle:", on_click=self._shuffle)

    def _shuffle(self) -> None:
        name = f"{self._key}.order"
        st.session_state[name] = st.session_state.get(name, 0) + 1

    def place(self) -> DeltaGenerator:
        """The place for what is made of the samples, at the right of the sheet to draw on where they are drawn."""
        if self.which != DRAWN:
            return st.container()
        left, right = st.columns([1, 4], gap="medium")
        with left:
            drawn = draw_pad(
                self.model.name,
                self.spec,
                key=f"{self._key}.pad.{self.spec.name}",
                label="Draw a digit: it is corrupted and restored" if self._key == "corruption" else "Draw a digit",
                pixels=shared_drawing(self.spec),
            )
        if drawn:
            remember_drawing(self.spec, drawn.pixels)
            link(drawn.pixels)
        return right

    def samples(self) -> SampleRow:
        """The set that is shown now; some of each class until something is drawn."""
        pixels = shared_drawing(self.spec) if self.which == DRAWN else None
        link(pixels)
        if pixels:
            return self._drawing(pixels)
        shown = self._shown()
        places = tuple(self.index[shown].tolist())
        labels = self.labels[shown].tolist()
        names = () if long_names(self.spec.classes) else tuple(class_name(self.spec, y) for y in labels)
        named = [self.named(place) for place in places]
        if self.split is None:
            rows = [self.rows[place] for place in places]
            return SampleRow(
                named, places, names, "decoded from stored codes", f"x = model.decode(model.codes.z[{rows}])\n"
            )
        return SampleRow(named, places, names, "original", f"x = model.dataset.test.x[{list(places)}]\n")

    def _drawing(self, pixels: str) -> SampleRow:
        code = (
            "import base64\n\nimport numpy as np\n\n"
            f"drawing = np.frombuffer(base64.b64decode({pixels!r}), np.uint8).reshape(model.spec.shape)\n"
            f"x = np.stack([drawing] * {PATTERNS})\n"
        )
        return SampleRow([{"pixels": pixels}] * PATTERNS, (), (), "your drawing", code)

    def _shown(self) -> np.ndarray:
        """Rows of `index`, the picked sample first of its class."""
        seed = st.session_state.get(f"{self._key}.order", 0)
        order = np.random.default_rng(seed).permutation(len(self.index)) if seed else np.arange(len(self.index))
        picked = int(np.abs(self.index - picked_sample(self.size)).argmin())
        order = np.concatenate([[picked], order[order != picked]])
        labels, which = self.labels[order], self.which
        if which.startswith("class-"):
            return order[labels == int(which.removeprefix("class-"))][: self._many]
        known = sorted(set(labels[labels >= 0].tolist()))
        if which == ANY or len(known) < 2:
            return order[: self._many]
        each = max(1, self._some // len(known))
        return np.concatenate([order[labels == y][:each] for y in known[: self._many]])
