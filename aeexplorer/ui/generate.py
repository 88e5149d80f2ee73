"""The parts of Generate: draws, one dimension after the other, a slider for each, the whole plane, attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.live.components import latent_pad, live_panel
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.panel import Button, Control, Play, Readout, Row, Segmented, Slider
from aeexplorer.plots import scatter_toy
from aeexplorer.ui import generate_texts
from aeexplorer.ui.generate_dimensions import redraw, sliders, traverse
from aeexplorer.ui.generate_view import DIFFERENCE, DRAWS, SEED, TEMPERATURE, WIDE_DRAWS, Shown, View, picked
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.exports import picture
from aeexplorer.ui.shared.groups import Group, group_options
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.sample_picker import PickedSample, python_of
from aeexplorer.ui.shared.samples import background, chart, is_plane
from aeexplorer.ui.shared.view_state import PanelState, Setting, number

STEPS = 9
SIDE = 15
SOURCE = Setting("generate", "source")
SPAN = Setting("generate", "span", number(0.1, 0.999))
STRENGTH = Setting("generate", "strength", number(-2, 2))
NEAR = "near the data ● (few data nearby ◐, far from the data ○)"


def views(opened: OpenRun) -> dict[str, View]:
    """The views that a run has, by name."""
    if is_plane(opened.spec):
        return {"Sample": draws_on_plane}
    flat: dict[str, View] = {"Grid": manifold} if opened.latent_dim == 2 else {}
    several = len(group_options(opened.explorer, opened.explorer.codes.index, opened.labels)) > 1
    groups: dict[str, View] = {"Attributes": attributes} if several else {}
    levels: dict[str, View] = {"Levels": redraw} if len(opened.explorer.levels) > 1 else {}
    return {"Sample": draws, "Traverse": traverse, "Sliders": sliders, **levels, **flat, **groups}


# draws


def draws(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """Codes drawn at random, decoded; seed and temperature live."""
    traits = opened.explorer.traits
    pictures = opened.spec.row.pixels
    columns, n = (12, DRAWS) if pictures else (4, WIDE_DRAWS)
    place.caption(_origin(traits))
    params: dict[str, Any] = {"run": opened.explorer.name, "n": n}
    state = PanelState("draws.panel", source=SOURCE, seed=SEED, temperature=TEMPERATURE)
    with st.container(key="draws"):
        panel = live_panel(
            "sample",
            key=state.key,
            label="New samples",
            params=params,
            controls=_draw_controls(traits, state),
            rows=[Row(array="tiles", columns=columns, tile=104 if pictures else 260, caption="status")],
            readouts=[Readout(name="near_data", label=NEAR, digits=0, unit="%")],
        )
    params |= state.left(panel.values)
    generate_texts.judge(opened, params)
    equation, numbers, code = _draw_words(opened, params)
    files = picture(opened, "samples.png", "sample", params, lambda a: np.split(a["tiles"], n // columns))
    return Shown(equation, numbers, code, files)


def _draw_controls(traits: frozenset[str], state: PanelState) -> list[Control]:
    sources = (("own", "Gaussian fitted to the codes"), ("normal", "Standard normal, as for a VAE"))
    defaults: dict[str, Any] = {"seed": 0}
    if "codebook" not in traits or "prior" in traits:
        defaults["temperature"] = 1.0
    if not traits & {"codebook", "prior"}:
        defaults["source"] = "own"
    start = state.start({"source": [name for name, _ in sources]}, **defaults)
    controls: list[Control] = []
    if "source" in start:
        controls.append(Segmented(param="source", label="Codes drawn from", value=start["source"], options=sources))
    controls.append(Button(param="seed", label="New samples", value=start["seed"]))
    if "temperature" in start:
        value = start["temperature"]
        controls.append(Slider(param="temperature", label="Temperature", symbol="T", low=0, high=2, value=value))
    return controls


def _draw_words(opened: OpenRun, params: dict[str, Any]) -> tuple[str, str, str]:
    """The equation of draws, its numbers, and lines of Python that draw the same."""
    traits, n, seed, temperature = opened.explorer.traits, params["n"], params["seed"], params.get("temperature", 1.0)
    code = f"samples = model.sample({n}, seed={seed}, temperature={temperature:g})\n"
    if "codebook" in traits:
        drawn = r"z \sim p(z)" if "prior" in traits else r"z_p \sim \hat p(e_p)"
        return rf"\hat x = g(z),\quad {drawn}", f"seed {seed}", code
    numbers = f"T = {temperature:g}, seed {seed}"
    if params.get("source") == "normal":
        code = (
            "import numpy as np\n\n"
            f"z = {temperature:g} * np.random.default_rng({seed}).standard_normal(({n}, model.latent_dim))\n"
            "samples = model.decode(z)\n"
        )
    elif "normal_prior" not in traits:
        if "prior" in traits:
            return r"\hat x = g(z),\quad z \sim p(z)", numbers, code
        return r"\hat x = g(z),\quad z \sim \mathcal N(\bar z,\, T^2\, \mathrm{Cov}\, z)", numbers, code
    return r"\hat x = g(z),\quad z \sim \mathcal N(0, T^2 I)", numbers, code


def _origin(traits: frozenset[str]) -> str:
    if "normal_prior" in traits:
        return "Codes are drawn from the prior, the standard normal distribution; training kept the codes close to it."
    if "prior" in traits:
        return "Codes are drawn from a prior that was learned from the codes."
    if "codebook" in traits:
        return (
            "This family has no prior: each position of the code draws an entry as often as the entry occurs there in "
            "stored codes, independently of the other positions."
        )
    return (
        "This model has no prior: its training imposed no distribution on the codes. A Gaussian fitted to them stands "
        "in; it also draws between their clusters."
    )


# the whole plane


def manifold(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """The decoded samples of evenly spaced quantiles of the plane, beside the plane itself."""
    run, state = opened.explorer.run, PanelState("manifold.panel", span=SPAN)
    prior = "normal_prior" in opened.explorer.traits
    origin = "the prior" if prior else "a Gaussian fitted to the codes, axis by axis"
    place.caption(f"Left: the plane decoded at quantiles of {origin}. Right: the codes of test samples.")
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="manifold"):
        panel = live_panel(
            "grid",
            key=state.key,
            label="The plane, decoded",
            params={"run": scene_name(run), "n": SIDE},
            controls=[
                Play(param="span", low=0.1, high=0.99),
                Slider(
                    param="span",
                    label="Probability inside the grid",
                    symbol="p",
                    low=0.1,
                    high=0.999,
                    step=0.001,
                    digits=3,
                    value=state.start(span=0.9)["span"],
                ),
            ],
            rows=[Row(array="tiles", columns=SIDE, tile=34)],
        )
    with right, st.container(key="manifold-map"):
        latent_pad(
            scene_name(run),
            key="manifold.map",
            label="The same plane with the codes of test samples",
            classes=len(opened.spec.classes),
            neighbours=0,
            name="manifold",
        )
    span = float(state.left(panel.values)["span"])
    code = f"from aeexplorer.interpolation import manifold_grid\n\nz = manifold_grid({SIDE}, {span:g})\n"
    if not prior:
        code += "z = model.codes.z.mean(0) + z * model.codes.z.std(0)\n"
    code += "pictures = model.decode(z)\n"
    params = {"run": scene_name(run), "n": SIDE, "span": span}
    files = picture(opened, "plane.png", "grid", params, lambda a: np.split(a["tiles"], SIDE))
    numbers = f"{SIDE} × {SIDE} quantiles of {origin}, {span:.1%} of each axis inside"
    return Shown(r"\hat x_{ij} = g\big(\Phi^{-1}(u_i),\, \Phi^{-1}(u_j)\big)", numbers, code, files)


# attributes


def attributes(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """A sample shifted from one group of codes towards another; the strength live."""
    sample, _ = picked(opened, place)
    minus, plus = _choose_groups(opened, sample)
    state = PanelState("attributes.panel", strength=STRENGTH)
    params: dict[str, Any] = {
        "run": opened.explorer.name,
        "sample": sample.named,
        "steps": STEPS,
        "plus": plus.rows.tolist(),
        "minus": minus.rows.tolist(),
    }
    start = state.start(strength=1.0)["strength"]
    with st.container(key="attributes"):
        panel = live_panel(
            "arithmetic",
            key=state.key,
            label="Attribute arithmetic",
            params=params,
            controls=[
                Play(param="strength", low=0, high=1),
                Slider(param="strength", label="strength", symbol="s", low=-2, high=2, step=0.01, value=start),
            ],
            rows=[
                Row(array="row", label="from 0 to s", tile=104),
                Row(array="three", columns=3, tile=210, captions=("sample", "reconstruction", "at s")),
            ],
            readouts=[
                Readout(name="status", label="Position at s"),
                Readout(name="distance", label="Distance to nearest code", digits=2),
                DIFFERENCE,
                Readout(name="length", label="Length of the shift", digits=2),
            ],
        )
    strength = params["strength"] = float(state.left(panel.values)["strength"])
    code = (
        f"{python_of([sample])}z, labels = model.codes.z, model.codes.labels\n"
        f"plus, minus = {plus.python}, {minus.python}\n"
        f"picture = model.decode(a + {strength:g} * (z[plus].mean(0) - z[minus].mean(0)))[0]\n"
    )
    numbers = (
        f"s = {strength:g}: {plus.title} minus {minus.title}, means of {len(plus.rows)} and {len(minus.rows)} codes"
    )
    files = picture(opened, "attribute.png", "arithmetic", params, lambda a: [a["row"]])
    return Shown(r"\hat x = g\big(z + s\,(\bar z_+ - \bar z_-)\big)", numbers, code, files)


def _choose_groups(opened: OpenRun, sample: PickedSample) -> tuple[Group, Group]:
    """The groups whose means are subtracted and added; at first the sample's own and the next one."""
    groups = group_options(opened.explorer, opened.explorer.codes.index, opened.labels)
    keys = list(groups)
    stand = int(np.square(opened.z - sample.z).sum(1).argmin())
    own = next((key for key, group in groups.items() if stand in group.rows), keys[0])
    first = {"minus": own, "plus": keys[(keys.index(own) + 1) % len(keys)]}
    labels = {"minus": "Subtract the mean of", "plus": "Add the mean of"}
    chosen = []
    for box, (name, label) in zip(st.columns(2), labels.items(), strict=True):
        setting = Setting(f"generate.{opened.explorer.run.spec.dataset}", name)
        key = setting.begin(first[name], keys)
        box.selectbox(label, keys, format_func=lambda key: groups[key].title, key=key)
        chosen.append(groups[setting.end(first[name])])
    return chosen[0], chosen[1]


def draws_on_plane(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """Points of a plane: draws among the data."""
    model = opened.explorer
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    left.slider("Temperature", 0.0, 2.0, step=0.05, key=TEMPERATURE.begin(1.0), disabled="codebook" in model.traits)
    right.number_input("Seed", 0, 2**31 - 1, step=1, key=SEED.begin(0))
    temperature, seed = float(TEMPERATURE.end(1.0)), int(SEED.end(0))
    place.caption(_origin(model.traits))
    figure = scatter_toy(background(model), theme=theme())
    new = scatter_toy(model.sample(WIDE_DRAWS * 10, seed, temperature), theme=theme())
    figure.add_traces(new.update_traces(marker_color=theme().mark, name="drawn").data)
    chart(figure, height=480)
    code = f"samples = model.sample({WIDE_DRAWS * 10}, seed={seed}, temperature={temperature:g})\n"
    return Shown(r"\hat x = g(z)", f"T = {temperature:g}, seed {seed}", code)
