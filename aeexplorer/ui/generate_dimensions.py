"""Views of Generate that move the dimensions of one code: traversals, sliders, and levels drawn anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.live.components import live_panel
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.panel import Button, Control, Readout, Row, Slider
from aeexplorer.ui.generate_view import DIFFERENCE, DRAWS, SEED, TEMPERATURE, WIDE_DRAWS, Shown, picked
from aeexplorer.ui.shared.dimensions import Dimensions, dimensions_of, symbol
from aeexplorer.ui.shared.exports import picture
from aeexplorer.ui.shared.sample_picker import python_of
from aeexplorer.ui.shared.view_state import PanelState, Setting, number

TRAVERSED = 13
ROWS, SLIDERS, FOLDED = 6, 8, 30
REACH = Setting("generate", "reach", number(0, 5))


# one dimension after the other


def traverse(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """One row for each dimension of a picked sample's code, sorted by what it carries; inactive ones folded away."""
    (sample, box), dimensions = picked(opened, place), dimensions_of(opened)
    groups = _groups(dimensions)
    with box:
        group = st.segmented_control(
            "Dimensions",
            list(groups),
            default=next(iter(groups)),
            required=True,
            key=f"dimensions.{opened.explorer.name}",
            persist_state="session",
            help=f"Sorted by {'KL, in nats' if dimensions.measure == 'KL' else 'the variance of the stored codes'}.",
        )
    _say_collapse(dimensions)
    dims, state = groups[group], PanelState("traverse.panel", reach=REACH)
    params: dict[str, Any] = {
        "run": opened.explorer.name,
        "sample": sample.named,
        "dims": list(dims),
        "steps": TRAVERSED,
    }
    tile = 70 if opened.spec.row.pixels else 110
    with st.container(key="traverse"):
        panel = live_panel(
            "traverse",
            key=state.key,
            label="Traversals of single dimensions",
            params=params,
            controls=[
                Slider(
                    param="reach",
                    label="reach",
                    unit="standard deviations",
                    low=0,
                    high=5,
                    step=0.05,
                    digits=2,
                    value=state.start(reach=3.0)["reach"],
                )
            ],
            rows=[Row(array=f"dim_{d}", label=dimensions.name(d), tile=tile) for d in dims],
        )
    reach = params["reach"] = float(state.left(panel.values)["reach"])
    code = (
        f"import numpy as np\n\n{python_of([sample])}"
        f"z, dimensions, rows = model.codes.z, {list(dims)}, []\n"
        "for d in dimensions:\n"
        f"    values = z[:, d].mean() + z[:, d].std() * np.linspace({-reach:g}, {reach:g}, {TRAVERSED})\n"
        "    rows.append(model.traverse(a, d, values))\n"
    )
    numbers = f"each z_k from {reach:g} standard deviations below its mean to {reach:g} above, the others fixed"
    files = picture(opened, "traversals.png", "traverse", params, lambda a: [a[f"dim_{d}"] for d in dims])
    return Shown(r"\hat x = g(z_1, \ldots, z_k, \ldots, z_K)", numbers, code, files)


def _say_collapse(dimensions: Dimensions) -> None:
    if not dimensions.active:
        st.info("Every dimension is inactive: the code carries no information about a sample.", icon=":material/info:")


def _groups(dimensions: Dimensions) -> dict[str, tuple[int, ...]]:
    """The dimensions by level where there are several, else by strength: at first the strongest, then the other active
    ones, then the inactive ones."""
    if (count := int(dimensions.levels.max()) + 1) > 1:
        active = dimensions.active or dimensions.inactive
        by_level = (tuple(d for d in active if dimensions.levels[d] == level)[:ROWS] for level in range(count))
        return {level_name(level, count): dims for level, dims in enumerate(by_level) if dims}
    strongest, more, inactive = dimensions.active[:ROWS], dimensions.active[ROWS:], dimensions.inactive
    groups = {f"{len(strongest)} {'strongest' if more else 'active'}": strongest} if strongest else {}
    if more:
        groups[f"{len(more)} more"] = more[:FOLDED]
    if inactive:
        groups[f"{len(inactive)} inactive"] = inactive[:FOLDED]
    return groups


# levels


def level_name(level: int, count: int) -> str:
    """A level of a code in words: "Level 1 (coarsest)"."""
    return f"Level {level + 1}" + {0: " (coarsest)", count - 1: " (finest)"}.get(level, "")


def redraw(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """The code of a picked sample with its coarse levels kept and the finer ones drawn anew from their priors."""
    sample, box = picked(opened, place)
    count, n = len(opened.explorer.levels), DRAWS if opened.spec.row.pixels else WIDE_DRAWS
    with box:
        below = st.segmented_control(
            "Levels kept",
            range(count),
            default=1,
            required=True,
            key="levels.below",
            persist_state="session",
            format_func=lambda kept: "none" if not kept else str(kept),
        )
    params: dict[str, Any] = {"run": opened.explorer.name, "sample": sample.named, "below": int(below), "n": n}
    state = PanelState("levels.panel", seed=SEED, temperature=TEMPERATURE)
    start = state.start(seed=0, temperature=1.0)
    with st.container(key="levels"):
        panel = live_panel(
            "resample",
            key=state.key,
            label="Samples that share the coarse levels",
            params=params,
            controls=[
                Button(param="seed", label="New samples", value=start["seed"]),
                Slider(param="temperature", label="temperature", symbol="T", low=0, high=2, value=start["temperature"]),
            ],
            rows=[Row(array="tiles", columns=12 if opened.spec.row.pixels else 4, tile=104)],
            readouts=[Readout(name="spread", label="Standard deviation of a value across the samples", digits=3)],
        )
    params |= state.left(panel.values)
    code = (
        f"{python_of([sample])}\nimport numpy as np\n\n"
        f"z = model.resample(np.repeat(a[None], {n}, axis=0), below={below}, seed={params['seed']}, "
        f"temperature={params['temperature']:g})\nsamples = model.decode(z)\n"
    )
    numbers = f"{below} of {count} levels kept, T = {params['temperature']:g}, seed {params['seed']}"
    files = picture(opened, "levels.png", "resample", params, lambda a: np.split(a["tiles"], max(n // 12, 1)))
    return Shown(r"\hat x = g(z_{\le k}, z_{>k}),\quad z_{>k} \sim p(z_{>k} \mid z_{\le k})", numbers, code, files)


# sliders


def sliders(opened: OpenRun, place: DeltaGenerator) -> Shown:
    """A slider for each of the most active dimensions; the picture, where its code lies and what is near follow."""
    (sample, _), dimensions = picked(opened, place), dimensions_of(opened)
    key, run = f"sliders.{opened.explorer.name}", opened.explorer.name
    _say_collapse(dimensions)
    chosen = (dimensions.active or dimensions.inactive)[:SLIDERS]
    z = [float(v) for v in sample.z]
    with st.container(key="sliders"):
        panel = live_panel(
            "plane",
            key=key,
            label="One slider for each dimension",
            params={"run": run, "z": z, "neighbours": 6, "difference": True},
            controls=_code_controls(dimensions, chosen, sample.z),
            rows=[
                Row(array="picture", label="decoded", columns=1, tile=300 if opened.spec.row.pixels else 400),
                Row(array="nearest", label="nearest real samples", columns=6, tile=64),
            ],
            readouts=[
                Readout(name="status", label="Position"),
                Readout(name="distance", label="Distance to nearest code", digits=2),
                DIFFERENCE,
            ],
        )
    # what the hand left of the sample before is not of this one
    if st.session_state.get(f"{key}.of") != sample.named:
        st.session_state[f"{key}.of"], st.session_state[f"{key}.stale"] = sample.named, panel.values
    if panel.values != st.session_state[f"{key}.stale"]:
        for d in chosen:
            z[d] = float(panel.values[f"z.{d}"])
    rest = len(dimensions.active) - len(chosen)
    numbers = f"{len(chosen)} of {opened.latent_dim} dimensions have sliders"
    if rest > 0:
        numbers += f"; {rest} more active {'dimension is' if rest == 1 else 'dimensions are'} fixed"
    listed = ", ".join(f"{value:.3f}" for value in z)
    files = picture(opened, "picture.png", "plane", {"run": run, "z": z}, lambda a: [a["picture"]])
    return Shown(r"\hat x = g(z)", numbers, f"picture = model.decode([{listed}])[0]\n", files)


def _code_controls(dimensions: Dimensions, chosen: tuple[int, ...], z: np.ndarray) -> list[Control]:
    """A slider for each chosen dimension, over where stored codes lie and the sample itself."""
    low = np.floor(100 * np.minimum(dimensions.low, z)) / 100
    high = np.ceil(100 * np.maximum(dimensions.high, z)) / 100
    return [
        Slider(
            param=f"z.{d}",
            label=dimensions.name(d),
            symbol=symbol(d),
            low=float(low[d]),
            high=float(high[d]),
            step=0.01,
            value=round(float(z[d]), 2),
        )
        for d in chosen
    ]
