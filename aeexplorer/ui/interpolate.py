"""The parts of Interpolate: between two samples along several paths, or across the patch between four."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.data.spec import DataSpec
from aeexplorer.interpolation import interpolate
from aeexplorer.live.components import latent_pad, live_panel
from aeexplorer.live.open_run import OpenRun
from aeexplorer.live.panel import Chart, Control, Line, Mark, Marker, Play, Readout, Row, Segmented, Slider, Zone
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.interpolate import SHORT
from aeexplorer.plots import add_path, scatter_toy
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.companions import choose_companion, same_data, told_apart
from aeexplorer.ui.shared.exports import gif, mosaic, picture
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.sample_picker import MOST, PickedSample, Stock, other_samples
from aeexplorer.ui.shared.samples import background, chart
from aeexplorer.ui.shared.view_state import PanelState, Setting, number

PANEL, PATCH, MAP = "interpolate.panel", "patch.panel", "interpolate.map"
KINDS = {"lerp": "lerp", "slerp": "slerp", "pixels": "pixel cross-fade", "pca": "line in PCA"}
LOW, HIGH = -0.5, 1.5
STEPS, FILM_STEPS = 9, 33
BEYOND = (Zone(low=LOW, high=0, label="extrapolation"), Zone(low=1, high=HIGH, label="extrapolation"))
TICKS = (
    Mark(x=-0.25, label="extrapolation"),
    Mark(x=0, label="start"),
    Mark(x=0.5, label="halfway"),
    Mark(x=1, label="end"),
    Mark(x=1.25, label="extrapolation"),
)
T = Setting("interpolate", "t", number(LOW, HIGH))
PATCH_SETTINGS = {
    "kind": Setting("patch", "path"),
    "u": Setting("patch", "u", number(0, 1)),
    "v": Setting("patch", "v", number(0, 1)),
}


def choose_other(run: Run) -> Run | None:
    """Another run of the same data that interpolates between the same samples, or None."""
    return choose_companion("interpolate", same_data(run), "There is no other model of these data to compare with yet.")


# between two samples


def path(opened: OpenRun, ends: list[PickedSample], other: Run | None) -> dict[str, Any]:
    """The live panel of a path, and the map beside it; the params of the scene as they were left.

    A code of one value has no map; in a comparison, where two runs have different codes, only a code of two values has
    one.
    """
    kinds = ["lerp", "slerp", "pixels"]
    if other is None and opened.test is not None and opened.latent_dim != 2 and _components_known(opened):
        kinds.append("pca")
    params: dict[str, Any] = {
        "run": opened.explorer.name,
        "a": ends[0].named,
        "b": ends[1].named,
        "steps": steps_of(opened.spec),
        "kinds": kinds,
    }
    if other is not None:
        params["compare_run"] = scene_name(other)
    mapped = opened.latent_dim == 2 or (opened.latent_dim > 2 and other is None)
    left, right = st.columns([2.6, 1], gap="small") if mapped else (st.container(), None)
    if right is not None:
        with right, st.container(key="interpolate-map"):
            _map(opened, ends)
    with left, st.container(key="interpolate"):
        t = _panel(opened, params, other, mapped)
    st.caption(f"{_about_map(opened)} {_about_numbers(other)}" if mapped else _about_numbers(other))
    return params | {"t": t}


def steps_of(spec: DataSpec) -> int:
    """Samples in a row: few texts, which have to be read."""
    return 5 if spec.row.symbols else STEPS


def _components_known(opened: OpenRun) -> bool:
    """Whether the principal components of the data are at hand. Otherwise a thread computes them, so that the page does
    not wait, and their row comes when it has."""
    if "pca" in vars(opened):
        return True
    started = f"interpolate.components.{opened.explorer.name}"
    if not st.session_state.get(started):
        st.session_state[started] = True
        threading.Thread(target=lambda: opened.pca, daemon=True).start()
    _await_components(opened)
    return False


@st.fragment(run_every=0.5)
def _await_components(opened: OpenRun) -> None:
    if "pca" in vars(opened):
        st.rerun()


def _panel(opened: OpenRun, params: dict[str, Any], other: Run | None, mapped: bool) -> float:
    run, kinds = opened.explorer.run, params["kinds"]
    ours, theirs = told_apart(run, other) if other is not None else ("", "")
    width = opened.spec.row.tile if opened.spec.row.symbols else 62 if other is not None else 104
    rows, readouts, lines = _kind_rows(kinds, ours, theirs, width)
    rows += _rows_at_t(kinds, ours, theirs, mapped, width)
    fields = tuple(name for name in params if name != "t")
    state = PanelState(PANEL, t=T)
    panel = live_panel(
        "interpolate",
        key=PANEL,
        label="Interpolation between two samples",
        params=params,
        controls=[
            Play(param="t", low=0, high=1),
            Slider(
                param="t",
                label="Position",
                symbol="t",
                low=LOW,
                high=HIGH,
                step=0.01,
                value=state.start(t=0.5)["t"],
                zones=BEYOND,
                marks=TICKS,
            ),
        ],
        rows=rows,
        readouts=readouts,
        chart=Chart(
            title="Change from step to step", x="t", x_label="t", scene="interpolate", fields=fields, lines=tuple(lines)
        ),
        plane=MAP if mapped else None,
        paths=kinds if mapped else [],
    )
    return float(state.left(panel.values)["t"])


def _kind_rows(kinds: list[str], ours: str, theirs: str, width: int) -> tuple[list[Row], list[Readout], list[Line]]:
    """For each kind, and of the decoded ones for each run: a row, its unevenness, and a line of the chart."""
    rows: list[Row] = []
    readouts: list[Readout] = []
    lines: list[Line] = []
    for kind in kinds:
        both = [("", ours), ("compare_", theirs)] if theirs and kind in ("lerp", "slerp") else [("", "")]
        for prefix, who in both:
            name, label = prefix + kind, KINDS[kind] + (f", {who}" if who else "")
            rows.append(Row(array=name, label=label, caption=f"{name}_steps", marker=Marker(control="t"), tile=width))
            readouts.append(Readout(name=f"{name}_peak", label=f"{label}: unevenness", digits=2))
            if not theirs or kind != "slerp":
                colour = ["accent", "mark", "quiet", "ink"][len(lines)]
                at, over = f"{name}_at_change", f"{name}_change"
                short = SHORT[kind] + (f", {who}" if who else "")
                lines.append(Line(name=short, colour=colour, readout=at, x_array="between", y_array=over))
    return rows, readouts, lines


def _rows_at_t(kinds: list[str], ours: str, theirs: str, mapped: bool, width: int) -> list[Row]:
    """The samples at t: with the nearest real ones beneath the other rows, or at their right where there is no map."""
    shown = tuple(SHORT[kind] for kind in kinds)
    if mapped:
        return [Row(array="pairs", label="at t, with nearest real sample", tile=width, caption="pairs")]
    side = {"columns": len(kinds), "tile": 140 if theirs else 56, "beside": True}
    first = Row(array="at", label=f"at t{', ' + ours if ours else ''}", captions=shown, **side)
    if theirs:
        return [first, Row(array="compare_at", label=f"at t, {theirs}", captions=shown, **side)]
    return [first, Row(array="nearest", label="nearest real sample", caption="at_difference", **side)]


def _map(opened: OpenRun, ends: list[PickedSample]) -> None:
    """The paths on the map; a click on it makes the nearest real sample the end."""
    point = latent_pad(
        opened.explorer.name,
        key=MAP,
        name=MAP,
        z=[float(v) for v in ends[1].z],
        neighbours=1,
        label="The paths on the map of codes; a click makes the nearest sample the end",
        classes=len(opened.spec.classes),
    )
    if point is None or point.nearest is None or st.session_state.get(f"{MAP}.heard") == point.z:
        return
    st.session_state[f"{MAP}.heard"] = point.z
    stock = Stock(opened.explorer)
    setting = other_samples(stock)
    place = stock.nearest(int(opened.explorer.codes.index[point.nearest]))
    setting.keep([place, *setting.value(stock.starts(MOST)[1:])[1:]])
    st.rerun()


def _about_map(opened: OpenRun) -> str:
    """Explain the map, and the effect of a click."""
    if opened.latent_dim == 2:
        return "Click on the map to make the nearest sample the end."
    return (
        f"Map: first two principal components of the codes, {opened.plane.share:.0%} of their variance. Hover to "
        "decode a point (the remaining dimensions are those of the end sample). Click to make the nearest sample the "
        "end."
    )


def _about_numbers(other: Run | None) -> str:
    """Explain the numbers and their use."""
    change = "mean change from the previous picture. Unevenness: largest change divided by mean change."
    if other is not None:
        return f"Which model changes more evenly? Try other pairs too. Numbers below pictures: {change}"
    return (
        "Lights: the decoded code is near the data ●, has few data nearby ◐ or is far from the data ○. "
        f"Numbers below pictures: {change} Below real samples: root mean squared difference."
    )


def equation(params: dict[str, Any], ends: list[PickedSample]) -> tuple[str, str]:
    """The path with its current numbers: LaTeX, and the numbers beside it."""
    a, b = ends[0].z.astype(np.float64), ends[1].z.astype(np.float64)
    norms = max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)
    angle = np.degrees(np.arccos(np.clip(a @ b / norms, -1, 1)))
    t = params["t"]
    beyond = "" if 0 <= t <= 1 else ", extrapolation"
    numbers = f"t = {t:g}{beyond}, codes {np.linalg.norm(b - a):.3g} apart at {angle:.0f}°"
    return rf"z_t = (1 - t)\,a + t\,b = {1 - t:.2f}\,a + {t:.2f}\,b".replace("+ -", "- "), numbers


def path_python(params: dict[str, Any]) -> str:
    """The lines that make the rows from the samples x_a, x_b and their codes a, b."""
    steps = params.get("steps", STEPS)
    code = (
        f"line = model.decode(ae.interpolate(a, b, steps={steps}))\n"
        f'circle = model.decode(ae.interpolate(a, b, steps={steps}, kind="slerp"))\n'
        "ends = (model.spec.values(x).ravel() for x in (x_a, x_b))\n"
        f"fade = ae.interpolate(*ends, steps={steps}).reshape({steps}, *model.spec.value_shape)\n"
        f"\nfrom aeexplorer.interpolation import lerp\n\nat_t = model.decode(lerp(a, b, [{params['t']:g}]))[0]\n"
    )
    if "compare_run" in params:
        code += (
            f"\nother = ae.open_run({params['compare_run']!r})\n"
            "ends = other.encode(x_a)[0], other.encode(x_b)[0]\n"
            f"theirs = other.decode(ae.interpolate(*ends, steps={steps}))\n"
        )
    return code


def path_files(params: dict[str, Any], opened: OpenRun) -> list[Download]:
    """The rows as a picture, and there and back as an animation, made when asked for."""
    if not opened.spec.row.pixels:
        return []
    names = list(params["kinds"])
    if "compare_run" in params:
        names = [p + kind for kind in names for p in (("", "compare_") if kind in ("lerp", "slerp") else ("",))]
    light = theme().name == "light"

    def rows(steps: int) -> list[np.ndarray]:
        arrays = render("interpolate", params | {"steps": steps}).arrays
        return [arrays[name] for name in names]

    return [
        Download("PNG", "interpolation.png", lambda: mosaic(rows(STEPS), light)),
        Download("GIF", "interpolation.gif", lambda: gif(rows(FILM_STEPS), light)),
    ]


def paths_on_plane(opened: OpenRun, ends: list[PickedSample]) -> None:
    """Points of a plane: the paths drawn among the data."""
    model = opened.explorer
    figure = scatter_toy(background(model), theme=theme())
    add_path(figure, model.decode(interpolate(ends[0].z, ends[1].z, STEPS, "lerp")), theme().accent, "lerp")
    add_path(figure, model.decode(interpolate(ends[0].z, ends[1].z, STEPS, "slerp")), theme().mark, "slerp")
    add_path(figure, interpolate(ends[0].x, ends[1].x, STEPS), theme().ink, "cross-fade")
    chart(figure, height=520)


# between four samples


def patch(opened: OpenRun, ends: list[PickedSample]) -> dict[str, Any]:
    """The live panel of the patch between four corners; the params of the scene as they were left."""
    corners = [end.named for end in ends]
    if len(corners) == 3:
        corners.append({"z": (ends[1].z + ends[2].z - ends[0].z).tolist()})  # a parallelogram: b + c - a
    kinds: tuple[tuple[str, str], ...] = (("lerp", "lerp: straight"), ("slerp", "slerp: great circles"))
    state = PanelState(PATCH, **PATCH_SETTINGS)
    start = state.start({"kind": [kind for kind, _ in kinds]}, kind="lerp", u=0.5, v=0.5)
    params: dict[str, Any] = {
        "run": opened.explorer.name,
        "corners": corners,
        "rows": 5,
        "columns": steps_of(opened.spec),
    }
    controls: list[Control] = [
        Segmented(param="kind", label="Kind of path", options=kinds, value=start["kind"]),
        Play(param="u", label="Play", low=0, high=1),
        Slider(param="u", label="Across", symbol="u", low=0, high=1, value=start["u"]),
        Slider(param="v", label="Down", symbol="v", low=0, high=1, value=start["v"]),
    ]
    with st.container(key="patch"):
        panel = live_panel(
            "corners",
            key=PATCH,
            label="Grid between four samples",
            params=params,
            controls=controls,
            rows=[
                Row(
                    array="tiles",
                    columns=params["columns"],
                    tile=74 if params["columns"] == STEPS else 130,
                    caption="status",
                ),
                Row(array="at", label="at u, v", columns=1, tile=180, caption="at_status", beside=True),
                Row(
                    array="nearest",
                    label="nearest real sample, with RMS difference",
                    columns=1,
                    tile=180,
                    caption="at_difference",
                    beside=True,
                ),
            ],
        )
    return params | state.left(panel.values)


def patch_python(params: dict[str, Any], n: int) -> str:
    """The lines that fill the patch from the codes a, b, c and d."""
    made = "d = b + c - a\n" if n == 3 else ""
    return (
        f"{made}\nimport numpy as np\n\nfrom aeexplorer.interpolation import grid\n\n"
        f"z = grid(np.stack([a, b, c, d]), rows={params['rows']}, columns={params['columns']}, "
        f'kind="{params["kind"]}")\n'
        f"pictures = model.decode(z.reshape(-1, model.latent_dim))\n"
    )


def patch_files(params: dict[str, Any], opened: OpenRun) -> tuple[Download, ...]:
    """The patch as a picture, made when asked for."""
    return picture(opened, "patch.png", "corners", params, lambda a: np.split(a["tiles"], params["rows"]))
