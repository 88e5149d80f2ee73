"""A handful of samples to look at together: one of each class, a class, any, or one's own drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad
from aeexplorer.ui.shared.drawings import drawable, link, shared_drawing
from aeexplorer.ui.shared.run_picker import follow, followed, picked_sample, remember_drawing, remember_sample
from aeexplorer.ui.shared.samples import class_name, long_names, sentence_case, test_split

COLUMNS = {"image": (10, 16), "sequence": (5, 8), "vector": (5, 8)}
"""Samples shown at first, and at most."""
PATTERNS = 8
EACH, ANY, DRAWN = "each", "any", "drawn"


@dataclass(frozen=True)
class Chosen:
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


class Choice:
    """Which samples of a model's dataset are shown; `ask` draws the widgets, `samples` says the outcome."""

    def __init__(self, model: Explorer, key: str) -> None:
        self._model, self._key, self._spec = model, key, model.spec
        self._split: Split | None = test_split(model)
        codes = model.codes
        self._index = codes.index if self._split is None else np.arange(len(self._split))
        self._labels = codes.labels if self._split is None else self._split.y
        self._some, self._many = COLUMNS[model.spec.kind]

    @property
    def _options(self) -> dict[str, str]:
        spec = self._spec
        known = sorted(set(self._labels[self._labels >= 0].tolist()))
        options = {EACH: "Some of each class"} if len(known) > 1 else {}
        options[ANY] = f"{self._many} of any class" if options else f"{self._many} samples"
        options |= {f"class-{y}": f"{self._many} of {class_name(spec, y)}" for y in known if len(known) > 1}
        return options | ({DRAWN: "Drawn by hand"} if drawable(spec) else {})

    @property
    def which(self) -> str:
        """Which set is shown, from the link or from before."""
        asked = st.query_params.get("samples") or st.session_state.get(f"{self._key}.samples")
        return asked if asked in self._options else next(iter(self._options))

    def ask(self) -> None:
        """A box with the sets, a button for others of the same, and the picked sample, which always is among them."""
        options, box = self._options, f"{self._key}.box"
        with st.container(horizontal=True, vertical_alignment="bottom"):
            follow(box, self.which)
            wanted = st.selectbox(
                "Samples", list(options), key=box, width=220, format_func=lambda name: sentence_case(options[name])
            )
            followed(box)
            if wanted != self.which:
                st.query_params["samples"] = st.session_state[f"{self._key}.samples"] = wanted
                st.rerun()
            if wanted == DRAWN:
                return
            last, number = int(self._index.max()), f"{self._key}.picked"
            follow(number, picked_sample(last + 1))
            picked = int(st.number_input("Picked sample", 0, last, step=1, key=number, width=140,
                                         help="It is shown first of its class, here and on the other pages."))  # fmt: skip
            followed(number)
            if picked != picked_sample(last + 1):
                remember_sample(picked)
                st.rerun()
            st.button("Others", icon=":material/shuffle:", on_click=self._shuffle)

    def _shuffle(self) -> None:
        name = f"{self._key}.order"
        st.session_state[name] = st.session_state.get(name, 0) + 1

    def pad(self) -> None:
        """The sheet to draw on."""
        drawn = draw_pad(
            self._model.run.id, self._spec, key=f"{self._key}.pad.{self._spec.name}",
            label="Draw a digit: it is corrupted and restored", pixels=shared_drawing(self._spec),
        )  # fmt: skip
        if drawn:
            remember_drawing(self._spec, drawn.pixels)
            link(drawn.pixels)

    def samples(self) -> Chosen:
        """What is shown now; until something is drawn some of each class."""
        pixels = shared_drawing(self._spec) if self.which == DRAWN else None
        link(pixels)
        if pixels:
            return self._drawing(pixels)
        rows = self._rows()
        places = tuple(self._index[rows].tolist())
        names = (
            () if long_names(self._spec.classes) else tuple(class_name(self._spec, int(y)) for y in self._labels[rows])
        )
        if self._split is None:
            found, code = [{"code": int(row)} for row in rows], f"x = model.decode(model.codes.z[{rows.tolist()}])\n"
            return Chosen(found, places, names, "decoded from stored codes", code)
        code = f"x = model.dataset.test.x[{list(places)}]\n"
        return Chosen([{"index": place} for place in places], places, names, "clean", code)

    def _drawing(self, pixels: str) -> Chosen:
        code = (
            "import base64\n\nimport numpy as np\n\n"
            f'drawing = np.frombuffer(base64.b64decode("{pixels}"), np.uint8).reshape(model.spec.shape)\n'
            f"x = np.stack([drawing] * {PATTERNS})\n"
        )
        return Chosen([{"pixels": pixels}] * PATTERNS, (), (), "your drawing", code)

    def _rows(self) -> np.ndarray:
        """Places among the samples to choose from, the picked one first of its class."""
        seed = st.session_state.get(f"{self._key}.order", 0)
        order = np.random.default_rng(seed).permutation(len(self._index)) if seed else np.arange(len(self._index))
        picked = int(np.abs(self._index - picked_sample(int(self._index.max()) + 1)).argmin())
        order = np.concatenate([[picked], order[order != picked]])
        labels, which = self._labels[order], self.which
        if which.startswith("class-"):
            return order[labels == int(which.removeprefix("class-"))][: self._many]
        known = sorted(set(labels[labels >= 0].tolist()))
        if which == ANY or len(known) < 2:
            return order[: self._many]
        each = max(1, self._some // len(known))
        return np.concatenate([order[labels == y][:each] for y in known[: self._many]])
