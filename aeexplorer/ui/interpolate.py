"""The bench of walks: between two samples along a line, a circle and a cross-fade, or across the patch between four."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.interpolation import interpolate
from aeexplorer.live.components import latent_pad, live_panel
from aeexplorer.live.open_runs import OpenRun
from aeexplorer.live.panel import Chart, Control, Line, Mark, Marker, Play, Readout, Row, Segmented, Slider, Zone
from aeexplorer.live.scenes import render
from aeexplorer.plots import add_path, scatter_toy
from aeexplorer.runs.run import Run
from aeexplorer.ui.corruption import initials
from aeexplorer.ui.shared.mosaics import gif, mosaic
from aeexplorer.ui.shared.page_footer import Download
from aeexplorer.ui.shared.resources import openable_runs, theme
from aeexplorer.ui.shared.sample_picker import End, Stock
from aeexplorer.ui.shared.samples import background, chart

PANEL, PATCH, MAP = "walk.panel", "patch.panel", "walk.map"
KINDS = {"lerp": "lerp", "slerp": "slerp", "pixels": "cross-fade", "pca": "line in PCA"}
SHORT = {"lerp": "lerp", "slerp": "slerp", "pixels": "fade", "pca": "PCA"}
LOW, HIGH = -0.5, 1.5
STEPS = 9
NOBODY = "nothing"
BEYOND = (Zone(low=LOW, high=0, label="extrapolation"), Zone(low=1, high=HIGH, label="extrapolation"))
TICKS = (
    Mark(x=-0.25, label="extrapolation"), Mark(x=0, label="from"), Mark(x=0.5, label="half-way"), Mark(x=1, label="to"),
    Mark(x=1.25, label="extrapolation"),
)  # fmt: skip


def choose_rival(run: Run) -> Run | None:
    """Another run of the same data that walks between the same samples, or None."""
    kin = {
        other.id: other for other in openable_runs()
        if other.id != run.id and (other.spec.dataset, other.spec.data.shape) == (run.spec.dataset, run.spec.data.shape)
    }  # fmt: skip
    options = [NOBODY, *kin]
    asked = st.query_params.get("compare") or st.session_state.get("walk.rival")
    chosen = asked if asked in options else NOBODY
    picked = st.selectbox(
        "Compare with", options, index=options.index(chosen), key=f"rival.{run.id}.{chosen}",
        format_func=lambda name: kin[name].title if name in kin else "Nothing", disabled=not kin,
    )  # fmt: skip
    st.session_state["walk.rival"] = picked
    if picked in kin:
        st.query_params["compare"] = picked
    else:
        st.query_params.pop("compare", None)
    return kin.get(picked)


def start(panel: str, name: str, default: float, low: float, high: float) -> float:
    """Where a slider stands when its panel appears: as the link says, else as it was left; constant while it lives."""
    key = f"{panel}.{name}.start"
    if panel not in st.session_state or key not in st.session_state:
        try:
            value = float(st.query_params.get(name, st.session_state.get(f"{panel}.{name}", default)))
        except ValueError:
            value = default
        st.session_state[key] = min(max(value, low), high) if np.isfinite(value) else default
    return float(st.session_state[key])


def left_at(panel: str, name: str, value: float) -> float:
    """Remember where a slider was left, here and in the link."""
    st.session_state[f"{panel}.{name}"] = value
    if st.query_params.get(name) != f"{value:g}":
        st.query_params[name] = f"{value:g}"
    return value


# between two samples


def walk(opened: OpenRun, ends: list[End], rival: Run | None) -> dict[str, Any]:
    """The live panel of a walk, and the map beside it; the params of the scene as they were left.

    A code of one value has no map; beside another run, whose codes are others, only a code of two values has one.
    """
    kinds = ["lerp", "slerp", "pixels"]
    if rival is None and opened.test is not None and opened.latent_dim != 2 and _components_known(opened):
        kinds.append("pca")
    params: dict[str, Any] = {
        "run": opened.explorer.run.path.name, "a": ends[0].named, "b": ends[1].named, "steps": STEPS, "kinds": kinds,
    }  # fmt: skip
    if rival is not None:
        params["compare_run"] = rival.path.name
    mapped = opened.latent_dim == 2 or (opened.latent_dim > 2 and rival is None)
    left, right = st.columns([2.6, 1], gap="small") if mapped else (st.container(), None)
    if right is not None:
        with right, st.container(key="walk-map"):
            _map(opened, ends)
    with left, st.container(key="walk"):
        t = _panel(opened, params, kinds, rival, mapped)
    st.caption(f"{_about_map(opened)} {_reading(rival)}" if mapped else _reading(rival))
    return params | {"t": t}


def _components_known(opened: OpenRun) -> bool:
    """Whether the principal components of the data are at hand. Otherwise a thread finds them, so that the walk does not
    wait, and their row comes when it has."""
    if "pca" in vars(opened):
        return True
    sought = f"walk.components.{opened.explorer.run.path.name}"
    if not st.session_state.get(sought):
        st.session_state[sought] = True
        threading.Thread(target=lambda: opened.pca, daemon=True).start()
    _await_components(opened)
    return False


@st.fragment(run_every=0.5)
def _await_components(opened: OpenRun) -> None:
    if "pca" in vars(opened):
        st.rerun()


def _panel(opened: OpenRun, params: dict[str, Any], kinds: list[str], rival: Run | None, mapped: bool) -> float:
    ours, theirs = _names(opened.explorer.run, rival)
    rows: list[Row] = []
    readouts: list[Readout] = []
    lines: list[Line] = []
    wide = 104 if rival is None else 62
    for kind in kinds:
        both = [("", ours), ("compare_", theirs)] if rival is not None and kind in ("lerp", "slerp") else [("", "")]
        for prefix, who in both:
            name, label = prefix + kind, KINDS[kind] + (f", {who}" if who else "")
            rows.append(Row(array=name, label=label, caption=f"{name}_steps", marker=Marker(control="t"), tile=wide))
            readouts.append(Readout(name=f"{name}_peak", label=label, digits=2))
            if rival is None or kind != "slerp":
                colour = ["accent", "mark", "quiet", "ink"][len(lines)]
                at, over = f"{name}_at_change", f"{name}_change"
                lines.append(Line(name=label, colour=colour, readout=at, x_array="between", y_array=over))
    shown = tuple(SHORT[kind] for kind in kinds)
    if mapped:
        pairs = tuple(text for name in shown for text in (name, "real"))
        rows.append(Row(array="pairs", label="at t, and nearest real", tile=104, captions=pairs))
    else:
        side = {"columns": len(kinds), "tile": 56 if rival is None else 140, "beside": True}
        rows.append(Row(array="at", label=f"at t{', ' + ours if ours else ''}", captions=shown, **side))
        if rival is None:
            rows.append(Row(array="nearest", label="nearest real samples", caption="at_status", **side))
        else:
            rows.append(Row(array="compare_at", label=f"at t, {theirs}", captions=shown, **side))
    fields = tuple(name for name in params if name != "t")
    panel = live_panel(
        "interpolate", key=PANEL, label="Walk between two samples", params=params,
        controls=[
            Play(param="t", low=0, high=1),
            Slider(
                param="t", label="place on the way", symbol="t", low=LOW, high=HIGH, step=0.01,
                value=start(PANEL, "t", 0.5, LOW, HIGH), zones=BEYOND, marks=TICKS,
            ),
        ],
        rows=rows, readouts=readouts,
        chart=Chart(
            title="Change from step to step", x="t", x_label="t", scene="interpolate",
            fields=fields, lines=tuple(lines),
        ),
        plane=MAP if mapped else None, paths=kinds if mapped else [],
    )  # fmt: skip
    return left_at(PANEL, "t", float(panel.values["t"]))


def _names(run: Run, rival: Run | None) -> tuple[str, str]:
    """What two runs are called beside each other: by family, or by title where that does not tell them apart."""
    if rival is None:
        return "", ""
    ours, theirs = initials(run), initials(rival)
    if ours == theirs:
        ours, theirs = (f"{name} {r.config.latent_dim}-d" for name, r in ((ours, run), (theirs, rival)))
    return (ours, theirs) if ours != theirs else (run.title, rival.title)


def _map(opened: OpenRun, ends: list[End]) -> None:
    """The ways on the map; a press on it makes the nearest real sample the end of the walk."""
    point = latent_pad(
        opened.explorer.run.path.name, key=MAP, name=MAP, z=[float(v) for v in ends[1].z], neighbours=1,
        label="The walk on the map of codes; a press takes the nearest sample as its end", classes=len(opened.spec.classes),
    )  # fmt: skip
    if point is None or point.nearest is None or st.session_state.get(f"{MAP}.heard") == point.z:
        return
    st.session_state[f"{MAP}.heard"] = point.z
    stock = Stock(opened.explorer)
    key = f"end.{opened.explorer.run.spec.dataset}.1"
    st.session_state[f"{key}.wanted"] = stock.nearest(int(opened.explorer.codes.index[point.nearest]))
    st.rerun()


def _about_map(opened: OpenRun) -> str:
    """What the map is, and what the hand does on it."""
    if opened.latent_dim == 2:
        return "A press on the map takes the nearest sample as the end."
    return (
        f"The map shows the codes' two principal components, {opened.axes.share:.0%} of their variance; under the pointer the "
        "rest of the code is the end's. A press takes the sample nearest there as the end."
    )


def _reading(rival: Run | None) -> str:
    """What the numbers are, and what they are good for."""
    line = "its mean change from the one before. Last line: largest over mean change."
    if rival is not None:
        return f"Does one model change more evenly, for other pairs too? Under a picture: {line}"
    return f"Under a picture: on the data ●, sparse ◐ or off the map ○, and {line}"


def equation(params: dict[str, Any], ends: list[End]) -> tuple[str, str]:
    """The walk with its current numbers: LaTeX, and what is said beside it."""
    a, b = ends[0].z.astype(np.float64), ends[1].z.astype(np.float64)
    norms = max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)
    angle = np.degrees(np.arccos(np.clip(a @ b / norms, -1, 1)))
    t = params["t"]
    beyond = "" if 0 <= t <= 1 else ", extrapolation"
    said = f"t = {t:g}{beyond}, codes {np.linalg.norm(b - a):.3g} apart at {angle:.0f}°"
    return rf"z_t = (1 - t)\,a + t\,b = {1 - t:.2f}\,a + {t:.2f}\,b".replace("+ -", "- "), said


def walk_python(params: dict[str, Any]) -> str:
    """The lines that make the rows from the samples x_a, x_b and their codes a, b."""
    code = (
        f"line = model.decode(ae.interpolate(a, b, steps={STEPS}))\n"
        f'circle = model.decode(ae.interpolate(a, b, steps={STEPS}, kind="slerp"))\n'
        f"fade = ae.interpolate(x_a.ravel(), x_b.ravel(), steps={STEPS}).reshape({STEPS}, *model.spec.shape)\n"
        f"\nfrom aeexplorer.interpolation import lerp\n\nat_t = model.decode(lerp(a, b, [{params['t']:g}]))[0]\n"
    )
    if "compare_run" in params:
        code += (
            f'\nother = ae.open_run("{params["compare_run"]}")\n'
            "ends = other.encode(x_a)[0], other.encode(x_b)[0]\n"
            f"theirs = other.decode(ae.interpolate(*ends, steps={STEPS}))\n"
        )
    return code


def walk_files(params: dict[str, Any], opened: OpenRun) -> list[Download]:
    """The rows as a picture and the walk there and back as a film, made when asked for."""
    if opened.spec.kind != "image":
        return []
    names = [
        prefix + kind for kind in params["kinds"] for prefix in ("", "compare_")
        if not prefix or ("compare_run" in params and kind in ("lerp", "slerp"))
    ]  # fmt: skip
    light = theme().name == "light"

    def picture() -> bytes:
        arrays = render("interpolate", params).arrays
        return mosaic([arrays[name] for name in names], light)

    def film() -> bytes:
        arrays = render("interpolate", params | {"steps": 33}).arrays
        return gif([arrays[name] for name in names], light)

    return [Download("PNG", "walk.png", picture), Download("GIF", "walk.gif", film)]


def walk_on_plane(opened: OpenRun, ends: list[End]) -> None:
    """Points of a plane: the walks drawn among the data."""
    model = opened.explorer
    figure = scatter_toy(background(model), theme=theme())
    for kind, colour in (("lerp", theme().accent), ("slerp", theme().mark)):
        add_path(figure, model.decode(interpolate(ends[0].z, ends[1].z, STEPS, kind)), colour, kind)  # type: ignore[arg-type]
    add_path(figure, interpolate(ends[0].x, ends[1].x, STEPS), theme().ink, "cross-fade")
    chart(figure, height=520)


# between four samples


def fourth(ends: list[End]) -> tuple[dict[str, object], np.ndarray]:
    """The corner that three leave open: a parallelogram's, b + c - a. How a scene names it, and its code."""
    z = ends[1].z + ends[2].z - ends[0].z
    return {"z": z.tolist()}, z


def patch(opened: OpenRun, ends: list[End]) -> dict[str, Any]:
    """The live panel of the patch between four corners; the params of the scene as they were left."""
    corners = [end.named for end in ends]
    if len(corners) == 3:
        corners.append(fourth(ends)[0])
    kinds: tuple[tuple[str, str], ...] = (("lerp", "lerp: straight"), ("slerp", "slerp: great circles"))
    kind = st.session_state.get(f"{PATCH}.kind", "lerp")
    if PATCH not in st.session_state or f"{PATCH}.kind.start" not in st.session_state:
        st.session_state[f"{PATCH}.kind.start"] = kind
    params: dict[str, Any] = {"run": opened.explorer.run.path.name, "corners": corners, "rows": 5, "columns": 9}
    controls: list[Control] = [
        Segmented(param="kind", label="Kind of way", options=kinds, value=st.session_state[f"{PATCH}.kind.start"]),
        Play(param="u", label="Play across", low=0, high=1),
        Slider(param="u", label="across", symbol="u", low=0, high=1, value=start(PATCH, "u", 0.5, 0, 1)),
        Slider(param="v", label="down", symbol="v", low=0, high=1, value=start(PATCH, "v", 0.5, 0, 1)),
    ]
    with st.container(key="patch"):
        panel = live_panel(
            "corners", key=PATCH, label="The patch between four samples", params=params, controls=controls,
            rows=[
                Row(array="tiles", columns=9, tile=74, caption="status"),
                Row(array="at", label="at u, v", columns=1, tile=180, caption="at_status", beside=True),
                Row(array="nearest", label="nearest real sample", columns=1, tile=180, beside=True),
            ],
        )  # fmt: skip
    st.session_state[f"{PATCH}.kind"] = panel.values["kind"]
    for name in ("u", "v"):
        left_at(PATCH, name, float(panel.values[name]))
    return params | panel.values


def patch_python(params: dict[str, Any], n: int) -> str:
    """The lines that fill the patch from the codes a, b, c and d."""
    made = "d = b + c - a\n" if n == 3 else ""
    return (
        f"{made}\nimport numpy as np\n\nfrom aeexplorer.interpolation import grid\n\n"
        f'z = grid(np.stack([a, b, c, d]), rows={params["rows"]}, columns={params["columns"]}, kind="{params["kind"]}")\n'
        f"pictures = model.decode(z.reshape(-1, model.latent_dim))\n"
    )


def patch_files(params: dict[str, Any], opened: OpenRun) -> list[Download]:
    """The patch as a picture, made when asked for."""
    if opened.spec.kind != "image":
        return []
    light = theme().name == "light"

    def picture() -> bytes:
        tiles = render("corners", params).arrays["tiles"]
        return mosaic(np.split(tiles, params["rows"]), light)

    return [Download("PNG", "patch.png", picture)]
