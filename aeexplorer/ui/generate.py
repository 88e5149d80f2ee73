"""The bench of new samples: draws, one dimension after the other, sliders for the code, the whole plane, attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.live.components import latent_pad, live_panel
from aeexplorer.live.open_runs import OpenRun
from aeexplorer.live.panel import Button, Control, Play, Readout, Row, Segmented, Slider
from aeexplorer.live.scenes import render
from aeexplorer.plots import scatter_toy
from aeexplorer.ui.interpolate import left_at, start
from aeexplorer.ui.shared.dimensions import Dimensions, dimensions_of, symbol
from aeexplorer.ui.shared.groups import group_options
from aeexplorer.ui.shared.mosaics import mosaic
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.sample_picker import End, opening_of, pick_ends
from aeexplorer.ui.shared.samples import background, chart, is_plane

DRAWS, WIDE_DRAWS = 48, 16
STEPS, TRAVERSED = 9, 13
ROWS, DIALS, FOLDED = 6, 8, 30
SIDE = 15
View = Callable[[OpenRun, DeltaGenerator], "Shown"]
"""Draws itself below, and what picks its sample into the place beside the names of the views."""


@dataclass(frozen=True)
class Shown:
    """What a view showed, for the foot of the page.

    Attributes:
        equation: LaTeX.
        said: its numbers.
        python: lines that make the same, for `model`.
        files: to take along.
    """

    equation: str
    said: str
    python: str
    files: tuple[Download, ...] = ()


def _picture(opened: OpenRun, name: str, scene: str, params: dict[str, Any], rows: Callable[[dict[str, np.ndarray]], list[np.ndarray]]) -> tuple[Download, ...]:  # fmt: skip
    """The rows of a scene as a PNG, made when asked for; nothing of samples that are no pictures."""
    if opened.spec.kind != "image":
        return ()
    light = theme().name == "light"
    return (Download("PNG", name, lambda: mosaic(rows(render(scene, params).arrays), light)),)


# draws


def draws(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """Codes drawn at random, decoded; seed and temperature live."""
    traits, key = opened.explorer.traits, "draws.panel"
    picture = opened.spec.kind == "image"
    prior, codebook = "prior" in traits, "codebook" in traits
    columns, n = (12, DRAWS) if picture else (4, WIDE_DRAWS)
    beside.caption(_origin(prior, codebook))
    controls: list[Control] = []
    if not prior and not codebook:
        controls.append(
            Segmented(
                param="source", label="Codes drawn from", value="own",
                options=(("own", "Gaussian fitted to the codes"), ("normal", "Standard normal, as for a VAE")),
            )
        )  # fmt: skip
    controls.append(Button(param="seed", label="Draw again", value=int(start(key, "seed", 0, 0, 2**31))))
    if not codebook:
        controls.append(
            Slider(param="temperature", label="temperature", symbol="T", low=0, high=2, value=start(key, "temperature", 1, 0, 2))
        )  # fmt: skip
    params: dict[str, Any] = {"run": opened.explorer.run.path.name, "n": n}
    with st.container(key="draws"):
        panel = live_panel(
            "sample", key=key, label="New samples", params=params, controls=controls,
            rows=[Row(array="tiles", columns=columns, tile=104 if picture else 260, caption="status")],
            readouts=[Readout(name="on_the_data", label="share on the data", digits=2)],
        )  # fmt: skip
    for name in panel.values:
        if name != "source":
            left_at(key, name, float(panel.values[name]))
    params |= panel.values
    seed, temperature = params["seed"], params.get("temperature", 1.0)
    normal = params.get("source") == "normal"
    if normal:
        code = (
            "import numpy as np\n\n"
            f"z = {temperature:g} * np.random.default_rng({seed}).standard_normal(({n}, model.latent_dim))\n"
            "samples = model.decode(z)\n"
        )
    else:
        code = f"samples = model.sample({n}, seed={seed}, temperature={temperature:g})\n"
    if codebook:
        equation = r"\hat x = g(z),\quad z_p \sim \hat p(e_p)"
    elif prior or normal:
        equation = r"\hat x = g(z),\quad z \sim \mathcal N(0, T^2 I)"
    else:
        equation = r"\hat x = g(z),\quad z \sim \mathcal N(\bar z,\, T^2\, \mathrm{Cov}\, z)"
    said = f"seed {seed}" if codebook else f"T = {temperature:g}, seed {seed}"
    files = _picture(opened, "samples.png", "sample", params, lambda a: np.split(a["tiles"], n // columns))
    return Shown(equation, said, code, files)


def _origin(prior: bool, codebook: bool) -> str:
    if prior:
        return "Codes come from the prior, the standard normal distribution that training kept the codes near."
    if codebook:
        return ("This family has no prior: each position of the code takes an entry as often as stored codes do, "
                "whatever the other positions take.")  # fmt: skip
    return ("This model has no prior, since training never asked its codes to follow one: a Gaussian fitted to them "
            "stands in, which also draws between their clusters.")  # fmt: skip


# one dimension after the other


def traverse(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """One row for each dimension of a picked sample's code, sorted by what it carries; inactive ones folded away."""
    (end, place), dimensions = _picked(opened, beside), dimensions_of(opened)
    groups = _groups(dimensions)
    with place:
        group = st.segmented_control(
            "Dimensions", list(groups), default=next(iter(groups)), required=True,
            key=f"dimensions.{opened.explorer.run.path.name}",
            help=f"Sorted by {'their KL, in nats' if dimensions.measure == 'KL' else 'the variance of the stored codes'}.",
        )  # fmt: skip
    _say_collapse(dimensions)
    dims, key = groups[group], "traverse.panel"
    params: dict[str, Any] = {
        "run": opened.explorer.run.path.name, "sample": end.named, "dims": list(dims), "steps": TRAVERSED,
    }  # fmt: skip
    with st.container(key="traverse"):
        panel = live_panel(
            "traverse", key=key, label="Traversals of single dimensions", params=params,
            controls=[
                Slider(
                    param="reach", label="reach", unit="standard deviations", low=0, high=5, step=0.05, digits=2,
                    value=start(key, "reach", 3, 0, 5),
                )
            ],
            rows=[
                Row(array=f"dim_{d}", label=dimensions.name(d), tile=70 if opened.spec.kind == "image" else 110) for d in dims
            ],
        )  # fmt: skip
    reach = params["reach"] = left_at(key, "reach", float(panel.values["reach"]))
    code = (
        f"import numpy as np\n\n{opening_of([end])}"
        f"z, dimensions, rows = model.codes.z, {list(dims)}, []\n"
        "for d in dimensions:\n"
        f"    values = z[:, d].mean() + z[:, d].std() * np.linspace({-reach:g}, {reach:g}, {TRAVERSED})\n"
        "    rows.append(model.traverse(a, d, values))\n"
    )
    said = f"each z_k from {reach:g} standard deviations below its mean to {reach:g} above, the others fixed"
    files = _picture(opened, "traversals.png", "traverse", params, lambda a: [a[f"dim_{d}"] for d in dims])
    return Shown(r"\hat x = g(z_1, \ldots, z_k, \ldots, z_K)", said, code, files)


def _say_collapse(dimensions: Dimensions) -> None:
    if not dimensions.active:
        st.info(
            "The code says nothing of a sample: every dimension is inactive, whatever moves it.", icon=":material/info:"
        )


def _groups(dimensions: Dimensions) -> dict[str, tuple[int, ...]]:
    """The dimensions by strength: at first the strongest, then the other active ones, then the inactive ones."""
    strongest, more, silent = dimensions.active[:ROWS], dimensions.active[ROWS:], dimensions.inactive
    groups = {f"{len(strongest)} {'strongest' if more else 'active'}": strongest} if strongest else {}
    if more:
        groups[f"{len(more)} more"] = more[:FOLDED]
    if silent:
        groups[f"{len(silent)} inactive"] = silent[:FOLDED]
    return groups


# sliders


def dials(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """A slider for each of the most active dimensions; the picture, where it lies and what is near follow."""
    (end, _), dimensions = _picked(opened, beside), dimensions_of(opened)
    key = f"dials.{opened.explorer.run.path.name}"
    _say_collapse(dimensions)
    chosen = (dimensions.active or dimensions.inactive)[:DIALS]
    z = [float(v) for v in end.z]
    controls: list[Control] = [
        Slider(
            param=f"z.{d}", label=dimensions.name(d), symbol=symbol(d), low=low, high=high, step=0.01,
            value=round(z[d], 2),
        )
        for d, low, high in _ranges(dimensions, chosen, end.z)
    ]  # fmt: skip
    with st.container(key="dials"):
        panel = live_panel(
            "plane", key=key, label="The code under your fingers", params={"run": opened.explorer.run.path.name, "z": z, "neighbours": 6},
            controls=controls,
            rows=[
                Row(array="picture", label="decoded", columns=1, tile=300 if opened.spec.kind == "image" else 400),
                Row(array="nearest", label="nearest real samples", columns=6, tile=64),
            ],
            readouts=[Readout(name="status", label="lies"), Readout(name="distance", label="nearest code away", digits=2)],
        )  # fmt: skip
    # what the hand left of the sample before is not of this one
    if st.session_state.get(f"{key}.of") != end.named:
        st.session_state[f"{key}.of"], st.session_state[f"{key}.stale"] = end.named, panel.values
    if panel.values != st.session_state[f"{key}.stale"]:
        for d in chosen:
            z[d] = float(panel.values[f"z.{d}"])
    rest = len(dimensions.active) - len(chosen)
    said = f"{len(chosen)} of {opened.latent_dim} numbers move" + (f", {rest} active ones stay" if rest > 0 else "")
    listed = ", ".join(f"{value:.3f}" for value in z)
    files = _picture(
        opened, "picture.png", "plane", {"run": opened.explorer.run.path.name, "z": z}, lambda a: [a["picture"]]
    )
    return Shown(r"\hat x = g(z)", said, f"picture = model.decode([{listed}])[0]\n", files)


def _ranges(dimensions: Dimensions, chosen: tuple[int, ...], z: np.ndarray) -> list[tuple[int, float, float]]:
    """From where to where each dimension goes: where stored codes lie, and the sample itself."""
    low = np.floor(100 * np.minimum(dimensions.low, z)) / 100
    high = np.ceil(100 * np.maximum(dimensions.high, z)) / 100
    return [(d, float(low[d]), float(high[d])) for d in chosen]


# the whole plane


def manifold(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """What every place of a plane decodes to, beside the plane itself."""
    key, run = "manifold.panel", opened.explorer.run
    origin = "the prior" if "normal_prior" in opened.explorer.traits else "a Gaussian fitted to the codes, axis by axis"
    beside.caption(f"Left what every place decodes to, by quantiles of {origin}; right the codes of test samples.")
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="manifold"):
        panel = live_panel(
            "grid", key=key, label="The plane, decoded", params={"run": run.id, "n": SIDE},
            controls=[
                Play(param="span", low=0.1, high=0.99),
                Slider(
                    param="span", label="probability inside", symbol="p", low=0.1, high=0.999, step=0.001, digits=3,
                    value=start(key, "span", 0.9, 0.1, 0.999),
                ),
            ],
            rows=[Row(array="tiles", columns=SIDE, tile=34)],
        )  # fmt: skip
    with right, st.container(key="beside-manifold"):
        latent_pad(run.id, key="manifold.map", label="The same plane with the codes of test samples",
                   classes=len(opened.spec.classes), neighbours=0, name="manifold")  # fmt: skip
    span = left_at(key, "span", float(panel.values["span"]))
    code = f"from aeexplorer.interpolation import manifold_grid\n\nz = manifold_grid({SIDE}, {span:g})\n"
    if "normal_prior" not in opened.explorer.traits:
        code += "z = model.codes.z.mean(0) + z * model.codes.z.std(0)\n"
    code += "pictures = model.decode(z)\n"
    files = _picture(opened, "plane.png", "grid", {"run": run.id, "n": SIDE, "span": span},
                     lambda a: np.split(a["tiles"], SIDE))  # fmt: skip
    said = f"{SIDE} x {SIDE} quantiles of {origin}, {span:.1%} of each axis inside"
    equation = r"\hat x_{ij} = g\big(\Phi^{-1}(u_i),\, \Phi^{-1}(u_j)\big)"
    return Shown(equation, said, code, files)


# attributes


def attributes(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """A sample moved along the way from one group of codes to another; the strength live."""
    (end, _), boxes = _picked(opened, beside), st.columns(2)
    groups = group_options(opened.explorer, opened.explorer.codes.index, opened.labels)
    keys = list(groups)
    stand = int(np.square(opened.z - end.z).sum(1).argmin())
    own = next((key for key, group in groups.items() if stand in group.rows), keys[0])
    other = keys[(keys.index(own) + 1) % len(keys)]
    minus, plus = (
        box.selectbox(
            f"{said} the mean of",
            keys,
            index=keys.index(name),
            format_func=lambda key: groups[key].title,
            key=f"{said}.{own}.{len(keys)}",
        )
        for box, said, name in ((boxes[0], "Take away", own), (boxes[1], "Add", other))
    )
    key = "attributes.panel"
    params: dict[str, Any] = {
        "run": opened.explorer.run.path.name, "sample": end.named, "steps": STEPS,
        "plus": groups[plus].rows.tolist(), "minus": groups[minus].rows.tolist(),
    }  # fmt: skip
    with st.container(key="attributes"):
        panel = live_panel(
            "arithmetic", key=key, label="Attribute arithmetic", params=params,
            controls=[
                Play(param="strength", low=0, high=1),
                Slider(param="strength", label="strength", symbol="s", low=-2, high=2, step=0.01, value=start(key, "strength", 1, -2, 2)),
            ],
            rows=[
                Row(array="row", label="from 0 to s", tile=104),
                Row(array="three", columns=3, tile=210, captions=("sample", "reconstruction", "at s")),
            ],
            readouts=[
                Readout(name="status", label="at s"), Readout(name="distance", label="nearest code away", digits=2),
                Readout(name="length", label="length of the direction", digits=2),
            ],
        )  # fmt: skip
    strength = left_at(key, "strength", float(panel.values["strength"]))
    code = (
        f"{opening_of([end])}z, labels = model.codes.z, model.codes.labels\n"
        f"plus, minus = {groups[plus].python}, {groups[minus].python}\n"
        f"picture = model.decode(a + {strength:g} * (z[plus].mean(0) - z[minus].mean(0)))[0]\n"
    )
    said = (
        f"s = {strength:g}: {groups[plus].title} minus {groups[minus].title}, "
        f"means of {len(params['plus'])} and {len(params['minus'])} codes"
    )
    files = _picture(opened, "attribute.png", "arithmetic", params | {"strength": strength}, lambda a: [a["row"]])
    return Shown(r"\hat x = g\big(z + s\,(\bar z_+ - \bar z_-)\big)", said, code, files)


def _picked(opened: OpenRun, place: DeltaGenerator) -> tuple[End, DeltaGenerator]:
    """The picked sample, whose card takes half of a place, and the other half."""
    with place:
        left, right = st.columns(2, vertical_alignment="center")
    with left:
        return pick_ends(opened, ("Sample",))[0], right


def on_plane(opened: OpenRun, beside: DeltaGenerator) -> Shown:
    """Points of a plane: draws among the data."""
    model = opened.explorer
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    temperature = left.slider("Temperature", 0.0, 2.0, 1.0, 0.05, disabled="codebook" in model.traits)
    seed = int(right.number_input("Seed", 0, 2**31 - 1, step=1))
    beside.caption(_origin("prior" in model.traits, "codebook" in model.traits))
    figure = scatter_toy(background(model), theme=theme())
    drawn = scatter_toy(model.sample(WIDE_DRAWS * 10, seed, temperature), theme=theme())
    figure.add_traces(drawn.update_traces(marker_color=theme().mark, name="drawn").data)
    chart(figure, height=480)
    code = f"samples = model.sample({WIDE_DRAWS * 10}, seed={seed}, temperature={temperature:g})\n"
    return Shown(r"\hat x = g(z)", f"T = {temperature:g}, seed {seed}", code)


def views(opened: OpenRun) -> dict[str, View]:
    """The views that a run has, by name."""
    if is_plane(opened.spec):
        return {"Sample": on_plane}
    flat: dict[str, View] = {"Grid": manifold} if opened.latent_dim == 2 else {}
    several = len(group_options(opened.explorer, opened.explorer.codes.index, opened.labels)) > 1
    groups: dict[str, View] = {"Attributes": attributes} if several else {}
    return {"Sample": draws, "Traverse": traverse, "Sliders": dials, **flat, **groups}
