"""The page Explore: one sample through a model and back."""

from __future__ import annotations

import random

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS, corrupt
from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.plots import add_path, bars, diverging, scatter_toy
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import stored_errors, theme
from aeexplorer.ui.shared.run_picker import follow, followed, picked_sample, remember_sample
from aeexplorer.ui.shared.samples import chart, choose_sample, cloud, is_plane, missing_data, show, test_split

NONE = "none"


def _unit(x: np.ndarray) -> np.ndarray:
    """Stored pictures as intensities 0..1, anything else as it is."""
    return x / np.float32(255) if x.dtype == np.uint8 else x


def reconstruct(model: Explorer) -> None:
    """One test sample, what was done to it, what came back, and what was lost."""
    split = test_split(model)
    if split is None:
        missing_data(model, "Interpolate and Generate work without it; this page needs the samples.")
        _decode_stored(model)
        return
    key = f"sample.{model.run.spec.dataset}"
    follow(key, picked_sample(len(split)))
    left, right = st.columns([3, 1.6], gap="medium")
    with left:
        place = choose_sample(key, np.arange(len(split)), split.y, model.spec, split)
        remember_sample(place)
        followed(key)
        kind, level, seed = _corruption(model)
    original = _unit(split.x[place][None])
    given = original if kind == NONE else corrupt(original, kind, level, seed, model.spec)
    z = model.encode(given)
    restored = model.decode(z)
    error = float(np.square(restored - original).mean())
    with left, st.container(border=True):
        _rows(model, split, original, given, restored, kind != NONE)
    with right:
        with st.container(border=True, gap="xsmall"):
            st.metric(
                "Squared error per value", f"{error:.4g}", help="Mean of (x − x̂)² over the values of this sample."
            )
            known = stored_errors(model.run)
            share = float((known > error).mean())
            st.caption(f"smaller than the error of {share:.0%} of {len(known):,} test samples, uncorrupted")
        with st.container(border=True, gap="xsmall"):
            st.caption(f"Code z, {model.latent_dim}-dimensional")
            chart(bars(z[0], theme=theme()), height=210)
    inside = r"\tilde x" if kind != NONE else "x"
    said = f"squared error {error * model.spec.size:.4g} summed over {model.spec.size} values"
    code = opening(model.run) + f"x = model.dataset.test.x[{place}:{place + 1}]\n"
    if kind != NONE:
        code += f'given = ae.corrupt(x, "{kind}", level={level:g}, seed={seed}, spec=model.spec)\n'
    code += f"restored = model.reconstruct({'given' if kind != NONE else 'x'})\nerror = model.errors("
    code += "given, target=x)\n" if kind != NONE else "x)\n"
    page_footer(rf"\hat x = g(f({inside}))", said, code)


def _corruption(model: Explorer) -> tuple[str, float, int]:
    """What is done to the input: kind, level, and the seed of a pattern that stays while the level moves."""
    trained = model.config.corruption
    boxes = st.columns([1.3, 2, 1], vertical_alignment="bottom")
    kinds = [NONE, *CORRUPTIONS]
    kind = boxes[0].selectbox(
        "Corrupt the input", kinds, index=kinds.index(trained), key=f"corruption.{model.run.id}",
        format_func=lambda name: "Not at all" if name == NONE else CORRUPTIONS[name].title,
    )  # fmt: skip
    seed = int(st.session_state.setdefault("pattern", 0))
    if kind == NONE:
        return kind, 0.0, seed
    level = boxes[1].slider(
        "Level", 0.0, 1.0, float(model.config.level), 0.01, key=f"level.{model.run.id}", help=CORRUPTIONS[kind].unit
    )
    boxes[2].button(
        "New pattern", icon=":material/casino:", on_click=_new_pattern, help="The pattern stays while the level moves."
    )
    return kind, float(level), seed


def _new_pattern() -> None:
    st.session_state["pattern"] = random.randrange(2**31)


def _rows(
    model: Explorer, split: Split, original: np.ndarray, given: np.ndarray, restored: np.ndarray, corrupted: bool
) -> None:
    spec = model.spec
    if is_plane(spec):
        x = cloud(split.x)
        figure = scatter_toy(x, model.reconstruct(x), theme=theme())
        add_path(
            figure,
            np.concatenate([original, given, restored] if corrupted else [original, restored]),
            theme().ink,
            "this sample",
        )
        chart(figure, height=420)
        return
    residual = restored - original
    steps = [("original", original), ("restored" if corrupted else "reconstruction", restored)]
    if corrupted:
        steps.insert(1, ("corrupted", given))
    steps.append(("residual", diverging(residual, theme()) if spec.kind == "image" else residual))
    show([("", [x[0] for _, x in steps])], spec, [[name for name, _ in steps]], len(steps), 240)


def _decode_stored(model: Explorer) -> None:
    """What can be reconstructed without samples: the pictures that their stored codes decode to."""
    codes = model.codes
    key = f"stored.{model.run.id}"
    place = choose_sample(key, codes.index, codes.labels, model.spec, None, "Test sample")
    z = codes.z[codes.index == place][:1]
    left, right = st.columns([3, 1.6], gap="medium")
    with left, st.container(border=True):
        show([("", model.decode(z))], model.spec, [["decoded from its code"]], 1, 260)
    with right, st.container(border=True, gap="xsmall"):
        st.caption(f"Code z, {model.latent_dim}-dimensional")
        chart(bars(z[0], theme=theme()), height=210)
    row = int(np.flatnonzero(codes.index == place)[0])
    page_footer(
        r"\hat x = g(z)", f"stored code {row}", opening(model.run) + f"restored = model.decode(model.codes.z[{row}])\n"
    )
