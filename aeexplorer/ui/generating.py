"""The bench of new samples: draws, one dimension after the other, sliders for the code, the whole plane, attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.live.components import latent_pad, live_panel
from aeexplorer.live.panel import Button, Control, Marker, Play, Readout, Row, Segmented, Slider
from aeexplorer.live.resources import Bench
from aeexplorer.live.scenes import render
from aeexplorer.plots import scatter_toy
from aeexplorer.ui.dimensions import Dimensions, dimensions_of, symbol
from aeexplorer.ui.ends import End, opening_of, pick_ends
from aeexplorer.ui.foot import Taken
from aeexplorer.ui.resources import theme
from aeexplorer.ui.samples import background, chart, class_name, is_plane
from aeexplorer.ui.take import mosaic
from aeexplorer.ui.walking import left_at, start

DRAWS, WIDE_DRAWS = 40, 16
STEPS = 9
ROWS, DIALS, FOLDED = 6, 8, 32
SIDE = 15


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
    files: tuple[Taken, ...] = ()


def _picture(bench: Bench, name: str, scene: str, params: dict[str, Any], rows: Callable[[dict[str, np.ndarray]], list[np.ndarray]]) -> tuple[Taken, ...]:  # fmt: skip
    """The rows of a scene as a PNG, made when asked for; nothing of samples that are no pictures."""
    if bench.spec.kind != "image":
        return ()
    light = theme().name == "light"
    return (Taken("PNG", name, lambda: mosaic(rows(render(scene, params).arrays), light)),)


# draws


def draws(bench: Bench) -> Shown:
    """Codes drawn at random, decoded; seed and temperature live."""
    traits, key = bench.explorer.traits, "draws.panel"
    picture = bench.spec.kind == "image"
    prior, codebook = "prior" in traits, "codebook" in traits
    columns, n = (10, DRAWS) if picture else (4, WIDE_DRAWS)
    st.caption(_origin(prior, codebook))
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
    params: dict[str, Any] = {"run": bench.explorer.run.id, "n": n}
    panel = live_panel(
        "sample", key=key, label="New samples", params=params, controls=controls,
        rows=[Row(array="tiles", columns=columns, tile=104 if picture else 260, caption="status")],
        readouts=[Readout(name="source", label="codes from"), Readout(name="on_the_data", label="share on the data", digits=2)],
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
    files = _picture(bench, "samples.png", "sample", params, lambda a: np.split(a["tiles"], n // columns))
    return Shown(equation, said, code, files)


def _origin(prior: bool, codebook: bool) -> str:
    if prior:
        return "Codes come from the prior, the standard normal distribution that training kept the codes near."
    if codebook:
        return ("This family has no prior: each position of the code takes an entry as often as stored codes do, "
                "whatever the other positions take.")  # fmt: skip
    return ("Nothing in its training asked this model to keep its codes near a known distribution, so it has no prior: "
            "a Gaussian fitted to its codes stands in, and draws between their clusters as well.")  # fmt: skip


# one dimension after the other


def traverse(bench: Bench) -> Shown:
    """One row for each dimension of a picked sample's code, sorted by what it carries; inactive ones folded away."""
    end, dimensions = _picked(bench), dimensions_of(bench)
    rows = 2 * ROWS if bench.latent_dim <= 2 * ROWS else ROWS
    shown, more = dimensions.active[:rows], dimensions.active[rows:]
    params: dict[str, Any] = {"run": bench.explorer.run.id, "sample": end.named, "dims": list(shown), "steps": STEPS}
    reach = _rows_of(bench, "traverse.panel", params, dimensions, slider=True)
    for title, dims in ((f"{len(more)} more active dimensions", more),
                        (f"{len(dimensions.inactive)} inactive dimensions: the decoder does not look at them", dimensions.inactive)):  # fmt: skip
        if dims:
            with st.expander(title):
                _rows_of(bench, f"traverse.{len(title)}", params | {"dims": list(dims[:FOLDED]), "reach": reach}, dimensions)
    first = shown[0]
    middle, spread = float(bench.z[:, first].mean()), float(bench.z[:, first].std())
    code = (
        f"import numpy as np\n\n{opening_of([end])}"
        f"values = np.linspace({middle - reach * spread:.4f}, {middle + reach * spread:.4f}, {STEPS})\n"
        f"rows = [model.traverse(a, dimension, values) for dimension in {list(shown[:1])}]\n"
    )
    said = f"each coordinate from {reach:g} standard deviations below its mean to {reach:g} above, the others fixed"
    files = _picture(
        bench, "traversals.png", "traverse", params | {"reach": reach}, lambda a: [a[f"dim_{d}"] for d in shown]
    )
    return Shown(r"\hat x = g(z_1, \ldots, z_k + \delta, \ldots, z_K)", said, code, files)


def _rows_of(bench: Bench, key: str, params: dict[str, Any], dimensions: Dimensions, slider: bool = False) -> float:
    controls: list[Control] = []
    if slider:
        controls = [
            Slider(
                param="reach", label="reach", symbol="±", unit="standard deviations", low=0, high=5, step=0.05, digits=2,
                value=start(key, "reach", 3, 0, 5),
            )
        ]  # fmt: skip
    panel = live_panel(
        "traverse", key=key, label="Traversals of single dimensions", params=params, controls=controls,
        rows=[Row(array=f"dim_{d}", label=dimensions.name(d), tile=84) for d in params["dims"]],
    )  # fmt: skip
    return left_at(key, "reach", float(panel.values["reach"])) if slider else float(params["reach"])


# sliders


def dials(bench: Bench) -> Shown:
    """A slider for each of the most active dimensions; the picture, where it lies and what is near follow."""
    end, dimensions = _picked(bench), dimensions_of(bench)
    key = f"dials.{bench.explorer.run.id}"
    chosen = dimensions.active[:DIALS]
    z = [float(v) for v in end.z]
    controls: list[Control] = [
        Slider(
            param=f"z.{d}", label=dimensions.name(d), symbol=symbol(d), low=low, high=high, step=0.01,
            value=round(min(max(z[d], low), high), 2),
        )
        for d, low, high in _ranges(dimensions, chosen)
    ]  # fmt: skip
    with st.container(key="dials"):
        panel = live_panel(
            "plane", key=key, label="The code under your fingers", params={"run": bench.explorer.run.id, "z": z, "neighbours": 6},
            controls=controls,
            rows=[
                Row(array="picture", columns=1, tile=300 if bench.spec.kind == "image" else 400),
                Row(array="nearest", columns=6, tile=64),
            ],
            readouts=[Readout(name="status", label="lies"), Readout(name="distance", label="nearest code away", digits=2)],
        )  # fmt: skip
    for d in chosen:
        z[d] = float(panel.values[f"z.{d}"])
    rest = len(dimensions.active) - len(chosen)
    said = f"{len(chosen)} of {bench.latent_dim} numbers under sliders" + (f", {rest} active ones fixed" if rest > 0 else "")
    listed = ", ".join(f"{value:.3f}" for value in z)
    files = _picture(bench, "picture.png", "plane", {"run": bench.explorer.run.id, "z": z}, lambda a: [a["picture"]])
    return Shown(r"\hat x = g(z)", said, f"picture = model.decode([{listed}])[0]\n", files)


def _ranges(dimensions: Dimensions, chosen: tuple[int, ...]) -> list[tuple[int, float, float]]:
    return [(d, round(float(dimensions.low[d]), 2), round(float(dimensions.high[d]), 2)) for d in chosen]


# the whole plane


def manifold(bench: Bench) -> Shown:
    """What every place of a plane decodes to, beside the plane itself."""
    key, run = "manifold.panel", bench.explorer.run
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
            rows=[Row(array="tiles", columns=SIDE, tile=40)],
        )  # fmt: skip
    with right, st.container(key="beside-manifold"):
        latent_pad(run.id, key="manifold.map", label="The same plane with the codes of test samples",
                   classes=len(bench.spec.classes), neighbours=0, name="manifold")  # fmt: skip
    span = left_at(key, "span", float(panel.values["span"]))
    prior = "prior" in bench.explorer.traits
    code = f"from aeexplorer.interpolation import manifold_grid\n\nz = manifold_grid({SIDE}, {span:g})\n"
    if not prior:
        code += "z = model.codes.z.mean(0) + z * model.codes.z.std(0)\n"
    code += "pictures = model.decode(z)\n"
    origin = "the prior" if prior else "a Gaussian fitted to the codes, axis by axis"
    files = _picture(bench, "plane.png", "grid", {"run": run.id, "n": SIDE, "span": span},
                     lambda a: np.split(a["tiles"], SIDE))  # fmt: skip
    said = f"{SIDE} x {SIDE} quantiles of {origin}, {span:.1%} of each axis inside"
    equation = r"\hat x_{ij} = g\big(\Phi^{-1}(u_i),\, \Phi^{-1}(u_j)\big)"
    return Shown(equation, said, code + "", files)


# attributes


def attributes(bench: Bench) -> Shown | None:
    """A sample moved along the way from one group of codes to another; the strength live."""
    spec, labels = bench.spec, bench.labels
    known = [y for y in range(len(spec.classes)) if (labels == y).any()]
    if len(known) < 2:
        st.info(f"{spec.title} has no classes, and an attribute is the difference between two groups. "
                "Sliders and traversals work without them.", icon=":material/info:")  # fmt: skip
        return None
    end, boxes = _picked(bench, 2)
    stand = int(np.square(bench.z - end.z).sum(1).argmin())
    own = int(labels[stand]) if labels[stand] in known else known[0]
    other = known[(known.index(own) + 1) % len(known)]
    name = lambda y: class_name(spec, y)  # noqa: E731
    minus = boxes[0].selectbox("Take away the mean of", known, index=known.index(own), format_func=name, key=f"minus.{own}")
    plus = boxes[1].selectbox("Add the mean of", known, index=known.index(other), format_func=name, key=f"plus.{own}")
    key = "attributes.panel"
    params: dict[str, Any] = {
        "run": bench.explorer.run.id, "sample": end.named, "steps": STEPS,
        "plus": np.flatnonzero(labels == plus).tolist(), "minus": np.flatnonzero(labels == minus).tolist(),
    }  # fmt: skip
    panel = live_panel(
        "arithmetic", key=key, label="Attribute arithmetic", params=params,
        controls=[
            Play(param="strength", low=0, high=1),
            Slider(param="strength", label="strength", symbol="s", low=-2, high=2, step=0.01, value=start(key, "strength", 1, -2, 2)),
        ],
        rows=[
            Row(array="row", label="from 0 to s", tile=104, marker=Marker(control="steps", low=0, high=STEPS - 1)),
            Row(array="sample", label="sample", columns=4, tile=190),
            Row(array="before", label="reconstruction", columns=4, tile=190),
            Row(array="picture", label="at s", columns=4, tile=190),
        ],
        readouts=[
            Readout(name="status", label="at s"), Readout(name="distance", label="nearest code away", digits=2),
            Readout(name="length", label="length of the direction", digits=2),
        ],
    )  # fmt: skip
    strength = left_at(key, "strength", float(panel.values["strength"]))
    code = (
        f"{opening_of([end])}"
        f"mean = lambda label: model.codes.z[model.codes.labels == label].mean(0)\n"
        f"picture = model.decode(a + {strength:g} * (mean({plus}) - mean({minus})))[0]\n"
    )
    said = f"s = {strength:g}: {name(plus)} minus {name(minus)}, means of {len(params['plus'])} and {len(params['minus'])} codes"
    files = _picture(bench, "attribute.png", "arithmetic", params | {"strength": strength}, lambda a: [a["row"]])
    return Shown(r"\hat x = g\big(z + s\,(\bar z_+ - \bar z_-)\big)", said, code, files)


def _picked(bench: Bench, boxes: int = 0) -> Any:
    """The picked sample's card, with room for as many boxes beside it."""
    columns = st.columns([1.2, *([1] * boxes), 2.2 - boxes if boxes else 3], vertical_alignment="center", gap="small")
    with columns[0]:
        end: End = pick_ends(bench, ("Sample",))[0]
    return (end, columns[1:-1]) if boxes else end


def on_plane(bench: Bench) -> Shown:
    """Points of a plane: draws among the data."""
    model = bench.explorer
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    temperature = left.slider("Temperature", 0.0, 2.0, 1.0, 0.05, disabled="codebook" in model.traits)
    seed = int(right.number_input("Seed", 0, 2**31 - 1, step=1))
    st.caption(_origin("prior" in model.traits, "codebook" in model.traits))
    figure = scatter_toy(background(model), theme=theme())
    drawn = scatter_toy(model.sample(WIDE_DRAWS * 10, seed, temperature), theme=theme())
    figure.add_traces(drawn.update_traces(marker_color=theme().mark, name="drawn").data)
    chart(figure, height=480)
    code = f"samples = model.sample({WIDE_DRAWS * 10}, seed={seed}, temperature={temperature:g})\n"
    return Shown(r"\hat x = g(z)", f"T = {temperature:g}, seed {seed}", code)


def views(bench: Bench) -> dict[str, Callable[[Bench], Shown | None]]:
    """The views that a run has, by name."""
    if is_plane(bench.spec):
        return {"Sample": on_plane}
    flat: dict[str, Callable[[Bench], Shown | None]] = {"Grid": manifold} if bench.latent_dim == 2 else {}
    return {"Sample": draws, "Traverse": traverse, "Sliders": dials, **flat, "Attributes": attributes}
