"""The three jobs of the page Explore: reconstruct a sample, sample from the prior, walk between two samples."""

from __future__ import annotations

import random

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS, corrupt
from aeexplorer.data import Split
from aeexplorer.explorer import Explorer
from aeexplorer.interpolation import interpolate as path_between
from aeexplorer.interpolation import path_change
from aeexplorer.metrics import standing
from aeexplorer.plots import add_path, bars, diverging, scatter_toy
from aeexplorer.ui.foot import foot, opening
from aeexplorer.ui.resources import spacing, stored_errors, theme
from aeexplorer.ui.samples import background, chart, choose_sample, cloud, is_plane, missing_data, show, test_split
from aeexplorer.ui.state import follow, followed, picked_sample, remember_sample

NONE = "none"
SHORT = {"on the data": "on data", "in a sparse region": "sparse", "off the map": "off map"}


def _unit(x: np.ndarray) -> np.ndarray:
    """Stored pictures as intensities 0..1, anything else as it is."""
    return x / np.float32(255) if x.dtype == np.uint8 else x


# reconstruct


def reconstruct(model: Explorer) -> None:
    """One test sample, what was done to it, what came back, and what was lost."""
    split = test_split(model)
    if split is None:
        missing_data(model, "Sampling and walks between stored codes work without it; this view needs the samples.")
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
    foot(rf"\hat x = g(f({inside}))", said, code)


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
    foot(
        r"\hat x = g(z)", f"stored code {row}", opening(model.run) + f"restored = model.decode(model.codes.z[{row}])\n"
    )


# sample


def sample(model: Explorer) -> None:
    """Codes drawn at random, decoded."""
    prior = "prior" in model.traits
    key, picture = f"draw.{model.run.id}", model.spec.kind == "image"
    boxes = st.columns([1, 2, 1, 0.8], vertical_alignment="bottom", gap="medium")
    n = int(boxes[0].number_input("How many", 1, 100, 40 if picture else 16, step=1))
    temperature = boxes[1].slider(
        "Temperature", 0.0, 2.0, 1.0, 0.05, help="Scales how far from the centre codes are drawn; 1 is the distribution itself.",
        disabled="codebook" in model.traits,
    )  # fmt: skip
    st.session_state.setdefault(key, 0)
    seed = int(boxes[2].number_input("Seed", 0, 2**31 - 1, step=1, key=key))
    boxes[3].button("Draw again", icon=":material/casino:", on_click=_draw_again, args=(key,))
    z = model.sample_codes(n, seed, float(temperature))
    drawn = model.decode(z)
    usual = spacing(model.run)
    on = np.mean([standing(code, model.codes.z, usual).where == "on the data" for code in z])
    if prior:
        origin, equation = (
            "Codes are drawn from the prior the model was trained to use.",
            r"\hat x = g(z),\quad z \sim \mathcal N(0, T^2 I)",
        )
    elif "codebook" in model.traits:
        origin = ("This family has no prior: each position of the code takes an entry as often as stored codes do, "
                  "whatever the other positions take.")  # fmt: skip
        equation = r"\hat x = g(z),\quad z_p \sim \hat p(e_p)"
    else:
        origin = ("This family has no prior: codes come from one Gaussian fitted to the stored codes. Where they form "
                  "clusters it also draws between them, and there the decoder was never asked.")  # fmt: skip
        equation = r"\hat x = g(z),\quad z \sim \mathcal N(\bar z,\, T^2\, \mathrm{Cov}\, z)"
    st.caption(origin)
    with st.container(border=True):
        if is_plane(model.spec):
            figure = scatter_toy(background(model), theme=theme())
            figure.add_traces(
                scatter_toy(drawn, theme=theme()).update_traces(marker_color=theme().mark, name="drawn").data
            )
            chart(figure, height=440)
        else:
            show([("", drawn)], model.spec, columns=10 if picture else 4, tile_width=96 if picture else 260)
    code = opening(model.run) + f"samples = model.sample({n}, seed={seed}, temperature={temperature:g})\n"
    foot(equation, f"T = {temperature:g}, {on:.0%} of {n} codes on the data", code)


def _draw_again(key: str) -> None:
    st.session_state[key] = random.randrange(2**31)


# interpolate


def interpolate(model: Explorer) -> None:
    """Two samples, and three ways from one to the other."""
    split, codes, spec = test_split(model), model.codes, model.spec
    index = codes.index if split is None else np.arange(len(split))
    labels = codes.labels if split is None else split.y
    if split is None:
        missing_data(
            model, "Walks between stored codes work without it; the cross-fade is then one of decoded samples."
        )
    places = []
    other = np.flatnonzero(labels != labels[0])
    starts = (int(index[0]), int(index[other[0]] if len(other) else index[-1]))
    boxes = st.columns([5, 5, 1.4], gap="medium")
    for box, end, start in zip(boxes[:2], ("From", "To"), starts, strict=True):
        with box:
            key = f"{end}.{model.run.spec.dataset}"
            st.session_state.setdefault(key, start)
            places.append(choose_sample(key, index, labels, spec, split, f"{end} test sample", 5))
    steps = int(boxes[2].number_input("Steps", 3, 15, 9, help="Samples on the way, both ends included."))
    if split is None:
        z = np.stack([codes.z[codes.index == place][0] for place in places])
        ends = model.decode(z)
    else:
        ends = _unit(split.x[places])
        z = model.encode(ends)
    walks = {kind: path_between(z[0], z[1], steps, kind) for kind in ("lerp", "slerp")}
    rows = [(kind, model.decode(walk)) for kind, walk in walks.items()]
    rows.append(("cross-fade", path_between(ends[0].ravel(), ends[1].ravel(), steps).reshape(steps, *spec.shape)))
    _show_walks(model, rows, walks, split)
    _say_change(rows)
    first, last = places
    code = opening(model.run)
    if split is None:
        found = [int(np.flatnonzero(codes.index == place)[0]) for place in places]
        code += f"a, b = model.codes.z[{found}]\n"
    else:
        code += f"a, b = model.encode(model.dataset.test.x[[{first}, {last}]])\n"
    code += f'walk = model.decode(ae.interpolate(a, b, steps={steps}, kind="slerp"))\n'
    angle = np.degrees(np.arccos(np.clip(z[0] @ z[1] / max(np.linalg.norm(z[0]) * np.linalg.norm(z[1]), 1e-12), -1, 1)))
    foot(
        r"z_t = (1 - t)\,z_0 + t\,z_1",
        f"distance {np.linalg.norm(z[1] - z[0]):.3g}, angle {angle:.0f}°, {steps} steps",
        code,
    )


def _show_walks(
    model: Explorer, rows: list[tuple[str, np.ndarray]], walks: dict[str, np.ndarray], split: Split | None
) -> None:
    spec, usual = model.spec, spacing(model.run)
    with st.container(border=True):
        if is_plane(spec):
            figure = scatter_toy(background(model), theme=theme())
            for (name, points), colour in zip(rows, (theme().accent, theme().mark, theme().ink), strict=True):
                add_path(figure, points, colour, name)
            chart(figure, height=440)
            return
        captions = [[SHORT[standing(code, model.codes.z, usual).where] for code in walk] for walk in walks.values()]
        show(rows, spec, [*captions, []], tile_width=92 if spec.kind == "image" else 120)


def _say_change(rows: list[tuple[str, np.ndarray]]) -> None:
    """Change of the picture from step to step, as numbers."""
    for box, (name, pictures) in zip(st.columns(len(rows)), rows, strict=True):
        change = path_change(pictures)
        box.caption(
            f"**{name}** changes by {change.sum():.3g} along the path; the largest step is "
            f"{change.max() / max(change.mean(), 1e-12):.1f} times the mean step",
            help="Change is the mean absolute difference of neighbours on the path, in units of the data.",
        )
