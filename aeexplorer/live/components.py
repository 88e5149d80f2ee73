"""The live components as Streamlit mounts them. The channel answers while a control moves; Python hears of its value on
release."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

# A component's own script is a blob, from which no relative import can start, and the address of our modules changes
# with their content: so the address is handed to the script as data.
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
"""Settings that turn strokes into samples like those of a dataset: the share of the picture that they fill, how they
are centred, and the width of the pen in pixels."""


class Point(NamedTuple):
    """The point at which the pointer was released on a plane: its code, the index of the nearest stored code, and its
    status."""

    z: tuple[float, float]
    nearest: int | None
    status: str | None


class Drawn(NamedTuple):
    """A finished drawing: its pixels as a scene takes them, its code, its status, and the class of the codes around it.
    The pixels of a cleared sheet are an empty text."""

    pixels: str
    z: tuple[float, ...]
    status: str | None
    label: str | None


class Panel(NamedTuple):
    """The values of a panel at the last release, by param, and (row, column) of the sample that was just clicked, or
    None."""

    values: dict[str, Any]
    picked: tuple[str, int] | None


class Field(NamedTuple):
    """The state of a field of arrows at the last release: σ, and the start of the walk."""

    sigma: float
    start: tuple[float, float]


class MapTouch(NamedTuple):
    """The last actions on a map: the picked sample and the selected ones, as indices into the dataset, and the point
    (c,) of the map at which a decoding pointer was released."""

    picked: int | None
    selected: tuple[int, ...]
    at: tuple[float, ...] | None


class Placed(NamedTuple):
    """A new code on a map: its point (c,), the label beside it, and whether its place is only approximate."""

    point: tuple[float, ...]
    label: str = ""
    approximate: bool = False


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of the points of one map.

    Attributes:
        values: (n,), indices into the categories with -1 for none, or numbers for a continuous colour; None for one
            colour.
        categories: names, which may hold any text; empty for a continuous colour.
        label: the quantity with its unit.
    """

    values: np.ndarray | None = None
    categories: tuple[str, ...] = ()
    label: str = ""

    def as_data(self) -> dict[str, Any]:
        """The data passed to a component."""
        classes = max(len(self.categories), 1)
        return {
            "values": None if self.values is None else _packed(self.values),
            "categories": [str(name)[:300] for name in self.categories],
            "colours": [LIGHT.colour(i, classes) for i in range(classes)],
            "muted": LIGHT.muted,
            "colour_label": self.label,
        }


@functools.cache
def _component(module: str) -> ComponentRenderer:
    """The component whose module, such as "map/latent_map", lies in `static/`."""
    name = module.rpartition("/")[2]
    return st.components.v2.component(
        f"aeexplorer_{name}",
        html=f'<div class="live-wait live-wait-{name}"></div>',
        css=_STYLE.read_text("utf-8"),
        js=_LOADER % module,
        isolate_styles=False,
    )


def base_path() -> str:
    """The server's base URL path as it is configured, "" or "/name"."""
    base = (st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def _mount(module: str, key: str, data: Mapping[str, Any], *states: str) -> Any:
    modules = modules_path(base_path())
    callbacks: dict[str, Any] = {f"on_{state}_change": _ignore for state in states}
    return _component(module)(key=key, data={"modules": modules, **data}, **callbacks)


def _ignore() -> None:
    """Do nothing: Streamlit keeps only those states of a component that have a callback."""


def latent_pad(
    run: str,
    *,
    key: str,
    z: Sequence[float] | None = None,
    label: str = "Latent plane",
    classes: int = 10,
    neighbours: int = 6,
    name: str = "plane",
) -> Point | None:
    """A latent plane: test codes as coloured points, the decoded sample following pointer, finger or arrow keys.

    Where the code has two values, each point of the plane is a code. Where it has more, the plane is the map of
    `OpenRun.axes`: the pointer moves the code `z` along the map's two directions, and the rest of it stays.

    Args:
        run: id or pretrained name of a run whose code has at least two values.
        z: the code (latent_dim,) at which it begins, and to which it moves when the page gives another. None begins at
            the first class's centre, where the code has two values.
        label: its name for screen readers.
        classes: number of classes, which chooses the colours.
        neighbours: nearest real samples shown, 0 to 24.
        name: the name by which drawings and paths of the same page find it.

    Returns:
        The point of the last release, or None; its `z` are coordinates on the plane.
    """
    data = {
        "run": run,
        "z": None if z is None else [float(v) for v in z],
        "label": label,
        "neighbours": neighbours,
        "name": name,
        "colours": [LIGHT.colour(i, classes) for i in range(max(classes, 1))],
    }
    point = _mount("pads/latent_pad", key, data, "point").get("point")
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
    """A sheet to draw on with mouse, finger or pen; the strokes become a sample, scaled and centred like the dataset's.

    Args:
        run: id or pretrained name of the run that reads it.
        spec: of the run's samples, which must be pictures with one channel.
        plane: name of the latent pad on the same page on which the drawing lands.
        pixels: a drawing to begin with, as `Drawn` has it; it stays until somebody draws or clears.

    Returns:
        The drawing at the last release or clearing, or None while nobody has touched the sheet.

    Raises:
        ConfigError: for samples that cannot be drawn.
    """
    if not spec.row.pixels or len(spec.shape) != 2:
        raise ConfigError(f"spec must be of pictures with one channel, got {spec.kind} data of shape {spec.shape}")
    drawing = DRAWINGS.get(spec.name, DRAWINGS["mnist"] | {"pen": 2.4 * max(spec.shape) / 28})
    data = {"run": run, "shape": spec.shape, "label": label, "plane": plane, "drawing": drawing, "pixels": pixels}
    found = _mount("pads/draw_pad", key, data, "sample").get("sample")
    if not found:
        return None
    return Drawn(found["pixels"], tuple(found.get("z") or ()), found.get("status"), found.get("label"))


def point_pad(*, key: str, label: str, most: int = 2_000) -> np.ndarray | None:
    """A sheet from -1 to 1 on which finger, mouse or keys scatter points.

    Args:
        label: its name for screen readers.
        most: points at most.

    Returns:
        The points (n, 2) float32 at the last release, or None while there are none.
    """
    flat = _mount("pads/point_pad", key, {"label": label, "most": most}, "points").get("points") or []
    points = np.asarray(flat[: 2 * most], np.float32)
    return points.reshape(-1, 2) if len(points) and len(points) % 2 == 0 else None


def live_panel(
    scene: str,
    *,
    key: str,
    label: str,
    params: Mapping[str, Any],
    controls: Sequence[Control] = (),
    rows: Sequence[Row],
    readouts: Sequence[Readout] = (),
    chart: Chart | None = None,
    views: Sequence[AnyView] = (),
    plane: str | None = None,
    paths: Sequence[str] = (),
) -> Panel:
    """Controls over rows of samples, numbers and a chart of one scene, which follow while a control moves.

    Args:
        scene: a name in `SCENES`.
        label: its name for screen readers.
        params: the scene's params that no control sets.
        views: further charts, maps and tables that follow, above the rows or after the chart.
        plane: name of the latent pad on the same page on which `paths` are drawn, which are kinds of `interpolate`, in
            the colours of the chart's lines. The chart then stands beside that plane.

    Returns:
        The controls' values at the last release, before it those declared, and a sample just clicked.

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
        "scene": scene,
        "label": label,
        "params": dict(params),
        "controls": [control.model_dump(mode="json") for control in controls],
        "rows": [row.model_dump(mode="json") for row in rows],
        "readouts": [readout.model_dump(mode="json") for readout in readouts],
        "chart": chart.model_dump(mode="json") if chart else None,
        "plane": plane,
        "paths": list(paths),
        "views": [view.model_dump(mode="json") for view in views],
    }
    result = _mount("panel/live_panel", key, data, "settings", "picked")
    declared = {c.param: c.value for c in controls if not isinstance(c, Play)}
    values = {name: value for name, value in (result.get("settings") or {}).items() if name in declared}
    picked = result.get("picked")
    return Panel(declared | values, (picked["row"], picked["column"]) if picked else None)


def vector_field(
    run: str,
    *,
    key: str,
    names: Sequence[str],
    sigma: float,
    start: tuple[float, float],
    compare_run: str | None = None,
    slider: Slider | None = None,
    chart: Chart | None = None,
    label: str = "Score",
) -> Field:
    """A plane with the exact score of smoothed data and the scores that runs learned, as arrows, and a point that
    follows them.

    σ follows the slider; the start of the walk follows pointer, finger or arrow keys; Enter walks again.

    Args:
        run: id or pretrained name of a run of samples of two values, trained on Gaussian noise.
        names: the names of the run and of `compare_run`, where there is one.
        sigma: the slider's first value; without a slider the σ of the run.
        start: the first point of the walk.
        slider: over σ, for a run that is a dial.
        chart: of the arrays and readouts of the scene `score_curve` against σ.
        label: its name for screen readers.

    Returns:
        The state at the last release, before it the one given.
    """
    data = {
        "run": run,
        "compare_run": compare_run,
        "names": list(names),
        "sigma": float(sigma),
        "start": [float(v) for v in start],
        "slider": slider.model_dump(mode="json") if slider else None,
        "chart": chart.model_dump(mode="json") if chart else None,
        "label": label,
    }
    view = _mount("pads/vector_field", key, data, "view").get("view")
    return Field(view["sigma"], tuple(view["start"])) if view else Field(sigma, start)


def latent_map(
    run: str,
    *,
    key: str,
    points: np.ndarray,
    index: np.ndarray,
    colouring: Colouring | None = None,
    title: str = "",
    axes: Sequence[str] = (),
    group: str = "maps",
    map_id: str | None = None,
    ghost: np.ndarray | None = None,
    placed: Sequence[Placed] = (),
    selected: Sequence[int] = (),
    picked: int | None = None,
    mode: Literal["select", "decode"] = "select",
    density: bool = False,
    pictures: bool = False,
    height: int = 520,
    label: str = "Latent map",
) -> MapTouch:
    """A map: hover shows a sample and its reconstruction, a click picks one, lasso and box select.

    Args:
        run: id or pretrained name of the run whose codes are shown.
        points: (n, 2) or (n, 3); when they change for the same samples, they travel.
        index: (n,) indices of the samples in the dataset, the test split first.
        colouring: the colours of the points; None for one colour.
        title: the text above it.
        axes: names of the axes of a map in space.
        group: maps of one group on a page share hover, picked sample, selection and hidden classes at once.
        map_id: the name under which the map is cached (`map_cache.cache_map`); without it no place can be decoded.
        ghost: (n, 2|3) points of a second layout, drawn faintly behind.
        placed: new codes; those with a label are the ends of a path or stand alone.
        selected, picked: the samples to select and to pick, as indices into the dataset.
        mode: whether the pointer selects, or decodes the point under it.
        density, pictures: lines of equal density, and samples as their own points where there is room.
        height: in pixels.
        label: its name for screen readers.
    """
    heard = f"{group}.heard"
    data = {
        **(colouring or Colouring()).as_data(),
        **_packed_points(points, index, ghost),
        "run": run,
        "title": title,
        "axes": list(axes),
        "group": group,
        "map_id": map_id,
        "placed": [place._asdict() for place in placed],
        "selected": list(selected),
        "picked": picked,
        "mode": mode,
        "density": density,
        "pictures": pictures,
        "height": height,
        "label": label,
        "heard": st.session_state.get(heard, 0),
    }
    return _map_touch(_mount("map/latent_map", key, data, "touch").get("touch"), heard)


def _packed_points(points: np.ndarray, index: np.ndarray, ghost: np.ndarray | None) -> dict[str, Any]:
    return {
        "points": _packed(points),
        "components": points.shape[1],
        "index": _packed(index, "<i4"),
        "ghost": None if ghost is None else _packed(ghost),
    }


def _map_touch(touch: Mapping[str, Any] | None, heard: str) -> MapTouch:
    """The last actions on a map. The newest touch of its group is remembered: maps learn which one Python has seen."""
    if not touch:
        return MapTouch(None, (), None)
    st.session_state[heard] = max(st.session_state.get(heard, 0), touch["serial"])
    at = touch.get("at")
    return MapTouch(touch["picked"], tuple(touch["selected"]), tuple(at) if at else None)


def _packed(values: np.ndarray, kind: str = "<f4") -> str:
    """Numbers in the form that a browser reads: base64 of their bytes."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode()
