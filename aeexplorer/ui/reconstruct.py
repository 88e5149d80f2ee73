"""The parts of Reconstruct: one sample through a model and back."""

from __future__ import annotations

import random

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS, corrupt, fitting
from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.plots import add_path, bars, diverging, scatter_toy
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import stored_errors, theme
from aeexplorer.ui.shared.run_picker import picked_sample, remember_sample
from aeexplorer.ui.shared.sample_picker import Stock, choose_sample
from aeexplorer.ui.shared.samples import chart, cloud, is_plane, missing_data, player, show
from aeexplorer.ui.shared.view_state import Setting, begin_widget, end_widget, number, whole

NONE = "none"
ERRORS = {
    False: "Mean of (x − x̂)² over the values of this sample.",
    True: "Mean of −log p over the symbols of this sample.",
}
"""Explanations of the error, by whether samples are made of symbols."""
PATTERN = Setting("reconstruct", "pattern", whole(0, 2**31))


def reconstruct(model: Explorer) -> None:
    """One test sample, its corruption, its reconstruction, and the difference."""
    stock = Stock(model)
    if stock.split is None:
        missing_data(model, "Interpolate and Generate work without it; this page needs the samples.")
        _decode_stored(stock)
        return
    left, right = st.columns([3, 1.6], gap="medium")
    with left:
        place = _choose(stock)
        kind, level, seed = _corruption(model)
    original = model.spec.values(stock.split.x[place][None])
    given = original if kind == NONE else corrupt(original, kind, level, seed, model.spec)
    z = model.encode(given)
    restored = model.decode(z)
    error = float(model.spec.errors(restored, original)[0])
    with left, st.container(border=True):
        _rows(model, stock.split, original, given, restored, kind != NONE)
    with right:
        with st.container(border=True, gap="xsmall"):
            st.metric(model.spec.row.error[0], f"{error:.4g}", help=ERRORS[model.spec.row.symbols])
            known = stored_errors(model.run)
            st.caption(f"Reconstructed better than {(known > error).mean():.0%} of the {len(known):,} test samples")
        with st.container(border=True, gap="xsmall"):
            st.caption(f"Code z, {model.latent_dim} dimensions")
            chart(bars(z[0], theme=theme()), height=210)
    inside = r"\tilde x" if kind != NONE else "x"
    count, parts = model.spec.measured, "symbols" if model.spec.row.symbols else "values"
    error_name = "−log p(x|z) in nats" if model.spec.row.symbols else "squared error"
    numbers = f"{error_name} {error * count:.4g} summed over {count} {parts}"
    page_footer(rf"\hat x = g(f({inside}))", numbers, _python(model, place, kind, level, seed))


def _choose(stock: Stock) -> int:
    """The picked sample of every page, chosen here."""
    key = f"sample.{stock.model.run.spec.dataset}"
    begin_widget(key, picked_sample(stock.size))
    place = choose_sample(key, stock)
    end_widget(key)
    remember_sample(place)
    return place


def _python(model: Explorer, place: int, kind: str, level: float, seed: int) -> str:
    code = opening(model.run) + f"x = model.dataset.test.x[{place}:{place + 1}]\n"
    if kind == NONE:
        return code + "restored = model.reconstruct(x)\nerror = model.errors(x)\n"
    return code + (
        f'given = ae.corrupt(x, "{kind}", level={level:g}, seed={seed}, spec=model.spec)\n'
        "restored = model.reconstruct(given)\nerror = model.errors(given, target=x)\n"
    )


def _corruption(model: Explorer) -> tuple[str, float, int]:
    """The corruption of the input: kind, level, and the seed of a pattern that stays while the level moves."""
    boxes = st.columns([1.3, 2, 1], vertical_alignment="bottom")
    kinds, trained = [NONE, *fitting(model.spec)], str(model.config.corruption)
    kind_setting = Setting(f"reconstruct.{model.run.id}", "kind")
    boxes[0].selectbox(
        "Corrupt the input",
        kinds,
        key=kind_setting.begin(trained, kinds),
        format_func=lambda name: "None" if name == NONE else CORRUPTIONS[name].title,
    )
    kind, seed = str(kind_setting.end(trained)), int(PATTERN.value(0))
    if kind == NONE:
        return kind, 0.0, seed
    level_setting = Setting(f"reconstruct.{model.run.id}", "level", number(0, 1))
    default = float(model.config.level)
    key = level_setting.begin(default)
    boxes[1].slider("Corruption level", 0.0, 1.0, step=0.01, key=key, help=CORRUPTIONS[kind].unit)
    boxes[2].button(
        "New noise",
        icon=":material/casino:",
        on_click=_new_noise,
        help="The noise pattern stays the same while the level moves.",
    )
    return kind, float(level_setting.end(default)), seed


def _new_noise() -> None:
    PATTERN.keep(random.randrange(2**31), 0)


def _rows(
    model: Explorer, split: Split, original: np.ndarray, given: np.ndarray, restored: np.ndarray, corrupted: bool
) -> None:
    spec = model.spec
    if is_plane(spec):
        x = cloud(split.x)
        figure = scatter_toy(x, model.reconstruct(x), theme=theme())
        steps = [original, given, restored] if corrupted else [original, restored]
        add_path(figure, np.concatenate(steps), theme().ink, "this sample")
        chart(figure, height=420)
        return
    residual = restored - original
    shown = {"original": original, "corrupted": given, "reconstruction": restored}
    if not corrupted:
        del shown["corrupted"]
    if not spec.row.symbols:  # a symbol is another one or it is not
        shown["residual"] = diverging(residual, theme()) if spec.row.pixels else residual
    show([("", [x[0] for x in shown.values()])], spec, [list(shown)], len(shown), 240)
    heard = [name for name in shown if name != "residual"]
    player(heard, [shown[name][0] for name in heard], spec, "reconstruct")


def _decode_stored(stock: Stock) -> None:
    """Show decoded stored codes where the samples are not here."""
    model = stock.model
    place = choose_sample(f"stored.{model.run.id}", stock)
    row = stock.rows[place]
    z = model.codes.z[row]
    left, right = st.columns([3, 1.6], gap="medium")
    with left, st.container(border=True):
        show([("", model.decode(z))], model.spec, [["decoded from its code"]], 1, 260)
    with right, st.container(border=True, gap="xsmall"):
        st.caption(f"Code z, {model.latent_dim} dimensions")
        chart(bars(z, theme=theme()), height=210)
    code = opening(model.run) + f"restored = model.decode(model.codes.z[{row}])\n"
    page_footer(r"\hat x = g(z)", f"stored code {row}", code)
