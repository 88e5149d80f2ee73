"""The live components as Streamlit mounts them. What moves is answered by the channel; Python hears of it on release."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import streamlit as st

from aeexplorer.config import ConfigError
from aeexplorer.data.spec import DataSpec
from aeexplorer.live.channel import modules_path
from aeexplorer.live.panel import AnyView, Chart, Control, Play, Readout, Row, Slider
from aeexplorer.live.scenes import SCENES
from aeexplorer.plots import LIGHT

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_STYLE = Path(__file__).parent / "static" / "live.css"

# The module lies at an address that changes with its content; a component's own script is a blob, which has no address
# to import from, so it is told where.
_LOADER = """
export default async function (component) {
  const module = await import(new URL(component.data.modules + "%s.js", location.origin).href);
  return module.default(component);
}
"""

DRAWINGS: dict[str, dict[str, Any]] = {
    "digits": {"box": 1.0, "centre": "box", "pen": 1.5},
    "mnist": {"box": 20 / 28, "centre": "mass", "pen": 2.4},
}
"""How strokes become samples like those of a dataset: the share of the picture they fill, how they are centred, and the
width of the pen in pixels."""


class Point(NamedTuple):
    """Where the hand let go on a plane: the code, the place of the nearest stored code, and how it lies."""

    z: tuple[float, float]
    nearest: int | None
    status: str | None


class Drawn(NamedTuple):
    """A finished drawing: its pixels as a scene takes them, its code, how it lies and the class it lies among. Of a sheet
    that was cleared the pixels are an empty text."""

    pixels: str
    z: tuple[float, ...]
    status: str | None
    label: str | None


class Panel(NamedTuple):
    """What a panel was left at: values by param, and (row, column) of the sample that was just clicked, or None."""

    values: dict[str, Any]
    picked: tuple[str, int] | None


class Field(NamedTuple):
    """What a field of arrows was left at: σ, and where the walk starts."""

    sigma: float
    start: tuple[float, float]


class MapTouch(NamedTuple):
    """What a hand left on a map: the picked sample, the selected ones, as places in the dataset, and the place on the map
    where a pointer that decodes was let go."""

    picked: int | None
    selected: tuple[int, ...]
    at: tuple[float, ...] | None


class Placed(NamedTuple):
    """A new code on a map: where it lies, what stands beside it, and whether it could only be placed approximately."""

    point: tuple[float, ...]
    label: str = ""
    approximate: bool = False


@functools.cache
def _component(name: str) -> ComponentRenderer:
    return st.components.v2.component(
        f"aeexplorer_{name}", html=f'<div class="live-wait live-wait-{name}"></div>', css=_STYLE.read_text("utf-8"),
        js=_LOADER % name, isolate_styles=False,
    )  # fmt: skip


def base_path() -> str:
    """The server's base URL path as it is configured, "" or "/name"."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def _mount(name: str, key: str, data: Mapping[str, Any], *states: str) -> Any:
    modules = modules_path(base_path())
    heard: dict[str, Any] = {f"on_{state}_change": _hear for state in states}
    return _component(name)(key=key, data={"modules": modules, **data}, **heard)


def _hear() -> None:
    """Streamlit keeps a component's state only for states that somebody listens to."""


def latent_pad(
    run: str, *, key: str, z: Sequence[float] | None = None, label: str = "Latent plane",
    classes: int = 10, neighbours: int = 6, name: str = "plane",
) -> Point | None:  # fmt: skip
    """A latent plane: test codes as coloured points, the decoded sample following pointer, finger or arrow keys.

    Where the code has two values each place is a code. Of more values the plane is the map of `OpenRun.axes`: the pointer
    moves the code `z` along the map's two directions, and what the map does not show of it stays.

    Args:
        run: id or pretrained name of a run whose code has at least two values.
        z: where it begins, and where it goes when the page gives another; a code of as many values as the run's. None
            for the first class's centre, where the code has two values.
        label: its name for those who cannot see it.
        classes: number of classes, which chooses the colours.
        neighbours: nearest real samples shown, 0 to 24.
        name: by which drawings and paths of the same page find it.

    Returns:
        Where the hand last let go, or None; its `z` is the place on the plane.
    """
    data = {
        "run": run, "z": None if z is None else [float(v) for v in z], "label": label, "neighbours": neighbours,
        "name": name, "colours": [LIGHT.colour(i, classes) for i in range(max(classes, 1))],
    }  # fmt: skip
    point = _mount("latent_pad", key, data, "point").get("point")
    return Point(tuple(point["z"]), point.get("nearest"), point.get("status")) if point else None


def draw_pad(
    run: str,
    spec: DataSpec,
    *,
    key: str,
    label: str = "Draw one yourself",
    plane: str | None = None,
    pixels: str | None = None,
) -> Drawn | None:
    """A sheet to draw on with mouse, finger or pen; the strokes become a sample scaled and centred like the dataset's.

    Args:
        run: id or pretrained name of the run that reads it.
        spec: what the run's samples are: pictures with one channel.
        plane: name of the latent pad on the same page on which the drawing lands.
        pixels: a drawing to begin with, as `Drawn` has it; it stays until a hand draws or clears.

    Returns:
        The drawing when the hand last let go or cleared the sheet, or None while no hand has touched it.

    Raises:
        ConfigError: for samples that cannot be drawn.
    """
    if spec.kind != "image" or len(spec.shape) != 2:
        raise ConfigError(f"spec must be of pictures with one channel, got {spec.kind} data of shape {spec.shape}")
    drawing = DRAWINGS.get(spec.name, DRAWINGS["mnist"] | {"pen": 2.4 * max(spec.shape) / 28})
    data = {"run": run, "shape": spec.shape, "label": label, "plane": plane, "drawing": drawing, "pixels": pixels}
    found = _mount("draw_pad", key, data, "sample").get("sample")
    if not found:
        return None
    return Drawn(found["pixels"], tuple(found.get("z") or ()), found.get("status"), found.get("label"))


def live_panel(
    scene: str, *, key: str, label: str, params: Mapping[str, Any], controls: Sequence[Control] = (),
    rows: Sequence[Row], readouts: Sequence[Readout] = (), chart: Chart | None = None, views: Sequence[AnyView] = (),
    plane: str | None = None, paths: Sequence[str] = (),
) -> Panel:  # fmt: skip
    """Controls over rows of samples, numbers and a chart of one scene, all following the same finger.

    Args:
        scene: a name in `SCENES`.
        label: its name for those who cannot see it.
        params: the scene's params that no control sets.
        views: what else moves: charts, maps and tables, above the rows or after the chart.
        plane: name of the latent pad on the same page on which `paths` are drawn: the kinds of `interpolate` whose ways
            are shown, in the colours of the chart's lines. The chart then stands beside that plane.

    Returns:
        The controls' values when the hand last let go, those declared before that, and a sample just clicked.

    Raises:
        ConfigError: for an unknown scene, or a Play without the slider it moves.
    """
    asked = [scene, *(view.scene for view in [*views, *([chart] if chart else [])] if view.scene)]
    if unheard := [name for name in asked if name not in SCENES]:
        raise ConfigError(f"scene must be one of {', '.join(SCENES)}, got {unheard[0]!r}")
    sliders = {control.param for control in controls if isinstance(control, Slider)}
    for control in controls:
        if isinstance(control, Play) and control.param not in sliders:
            raise ConfigError(f"param of a Play must be that of a slider, got {control.param!r}")
    data = {
        "scene": scene, "label": label, "params": dict(params),
        "controls": [control.model_dump(mode="json") for control in controls],
        "rows": [row.model_dump(mode="json") for row in rows],
        "readouts": [readout.model_dump(mode="json") for readout in readouts],
        "chart": chart.model_dump(mode="json") if chart else None, "plane": plane, "paths": list(paths),
        "views": [view.model_dump(mode="json") for view in views],
    }  # fmt: skip
    result = _mount("live_panel", key, data, "settings", "picked")
    declared = {c.param: c.value for c in controls if not isinstance(c, Play)}
    values = {name: value for name, value in (result.get("settings") or {}).items() if name in declared}
    picked = result.get("picked")
    return Panel(declared | values, (picked["row"], picked["column"]) if picked else None)


def vector_field(
    run: str, *, key: str, names: Sequence[str], sigma: float, start: tuple[float, float], compare_run: str | None = None,
    slider: Slider | None = None, chart: Chart | None = None, label: str = "Score",
) -> Field:  # fmt: skip
    """A plane with the exact score of smoothed data and what runs learned of it, as arrows, and a point that walks along.

    σ follows the slider, the start of the walk follows pointer, finger or arrow keys; Enter walks again.

    Args:
        run: id or pretrained name of a run of samples of two values, trained on Gaussian noise.
        names: of the run, and of `compare_run` where there is one.
        sigma: where the slider begins; without a slider the σ of the run.
        start: where the walk begins.
        slider: over σ, for a run that is a dial.
        chart: of the arrays and readouts of the scene `score_curve` against σ.
        label: its name for those who cannot see it.

    Returns:
        What the hand left it at last, and what was given before that.
    """
    data = {
        "run": run, "compare_run": compare_run, "names": list(names), "sigma": float(sigma),
        "start": [float(v) for v in start], "slider": slider.model_dump(mode="json") if slider else None,
        "chart": chart.model_dump(mode="json") if chart else None, "label": label,
    }  # fmt: skip
    view = _mount("vector_field", key, data, "view").get("view")
    return Field(view["sigma"], tuple(view["start"])) if view else Field(sigma, start)


def latent_map(
    run: str, *, key: str, points: np.ndarray, index: np.ndarray, values: np.ndarray | None = None,
    categories: Sequence[str] = (), colour_label: str = "", title: str = "", group: str = "maps", map_id: str | None = None,
    ghost: np.ndarray | None = None, placed: Sequence[Placed] = (), selected: Sequence[int] = (),
    picked: int | None = None, mode: Literal["select", "decode"] = "select", density: bool = False,
    pictures: bool = False, height: int = 520, label: str = "Latent map",
) -> MapTouch:  # fmt: skip
    """A map: hover shows a sample and its reconstruction, a click picks one, lasso and box select.

    Args:
        run: id or pretrained name of the run whose codes are shown.
        points: (n, 2) or (n, 3); when they change for the same samples, they travel.
        index: (n,) places of the samples in the dataset, the test split first.
        values: (n,) places among `categories`, -1 for none, or numbers for a continuous colour; None for one colour.
        categories: names of the values, which may hold any text.
        colour_label: what the colour is.
        title: above it.
        group: maps of one group on a page share hover, picked sample, selection and hidden classes at once.
        map_id: what the map is held under (`held_maps.hold`), without which no place can be decoded.
        ghost: (n, 2|3) drawn faintly behind.
        placed: new codes; those with a label are the ends of a way or stand alone.
        selected, picked: what the page wants selected and picked, as places in the dataset.
        mode: what a pointer does: select, or decode the place under it.
        density: lines of equal density.
        pictures: samples as their own points where there is room.
        height: in pixels.
        label: its name for those who cannot see it.
    """
    heard = f"{group}.heard"
    classes = max(len(categories), 1)
    data = {
        "run": run, "points": _floats(points), "components": points.shape[1], "index": _packed(index, "<i4"),
        "values": None if values is None else _floats(values), "categories": [str(name)[:300] for name in categories],
        "colours": [LIGHT.colour(i, classes) for i in range(classes)], "muted": LIGHT.muted,
        "colour_label": colour_label, "title": title, "group": group, "map_id": map_id, "ghost": None if ghost is None else _floats(ghost),
        "placed": [place._asdict() for place in placed], "selected": list(selected), "picked": picked, "mode": mode,
        "density": density, "pictures": pictures, "height": height, "label": label,
        "heard": st.session_state.get(heard, 0),
    }  # fmt: skip
    touch = _mount("latent_map", key, data, "touch").get("touch")
    if not touch:
        return MapTouch(None, (), None)
    st.session_state[heard] = max(st.session_state.get(heard, 0), touch["serial"])
    at = touch.get("at")
    return MapTouch(touch["picked"], tuple(touch["selected"]), tuple(at) if at else None)


def _floats(values: np.ndarray) -> str:
    return _packed(values, "<f4")


def _packed(values: np.ndarray, kind: str) -> str:
    """Numbers as a browser reads them: base64 of their bytes."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()
