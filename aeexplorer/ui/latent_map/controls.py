"""What the page of maps is asked for: which maps of how many codes, and how they look. Kept for the session and linked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import streamlit as st

from aeexplorer.data import DATASETS
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.codes import MOST_CODES
from aeexplorer.projection import METHODS
from aeexplorer.runs.run import Run
from aeexplorer.ui.latent_map.colours import colour_options
from aeexplorer.ui.shared.groups import group_options
from aeexplorer.ui.shared.knob_form import bounds
from aeexplorer.ui.shared.resources import Size, map_codes, openable_runs
from aeexplorer.ui.shared.samples import test_split
from aeexplorer.ui.shared.view_state import Setting, names, number, whole

MOST = 3  # maps side by side
SIZES = (500, 5_000)  # test samples offered beside the stored codes and the whole split
TITLES = {"raw": "Codes", "pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "axis": "Axis"}
KNOBS = {"tsne": ("perplexity",), "umap": ("n_neighbors", "min_dist")}
"""The knobs of each method that is drawn by a job, beside its seed."""
LABELS = {"seed": "Seed", "perplexity": "Perplexity", "n_neighbors": "Neighbours", "min_dist": "Least distance"}
GHOSTS = {
    "none": "Nothing",
    "seed": "Another seed",
    "narrow": "Half the neighbourhood",
    "wide": "Twice the neighbourhood",
}
NOTHING = "none"
SELECT, DECODE = "select", "decode"


@dataclass(frozen=True)
class Panel:
    """One map of those side by side.

    Attributes:
        parameters: fields of the method's configuration; of "axis" the two groups as rows among the codes.
        ghost: parameters of the map that is drawn faintly behind it, or None.
        title: what stands above it.
    """

    run: Run
    method: str
    size: Size
    parameters: Mapping[str, Any] = field(hash=False)
    ghost: Mapping[str, Any] | None = field(default=None, hash=False)
    title: str = ""

    @property
    def by_job(self) -> bool:
        """Whether a worker draws it."""
        return self.method in KNOBS


@dataclass(frozen=True)
class Asked:
    """What the controls say.

    Attributes:
        panels: one to three maps.
        colour: see `map_colours.colour_options`.
        density, pictures, decode: how the maps are drawn and what a pointer does.
    """

    panels: tuple[Panel, ...]
    colour: str
    density: bool = False
    pictures: bool = False
    decode: bool = False


def ask(model: Explorer) -> Asked:
    """The row of controls above the maps."""
    line = st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", gap="small", key="map-controls"
    )
    widths: tuple[Literal["content"] | int, ...] = ("content", "content", 140, 190, "content", "content")
    boxes = [line.container(width=width, key=f"map-control-{i}") for i, width in enumerate(widths)]
    with boxes[2]:
        size = _how_many(model)
    codes = map_codes(model.run, size)
    groups = {name: group.title for name, group in group_options(model, codes.index, codes.labels).items()}
    with boxes[0]:
        methods = _methods(model, groups)
    with boxes[1]:
        components = _dimensions(disabled=methods == ["raw"])
    with boxes[5], st.popover("Settings", icon=":material/tune:"):
        parameters = _parameters(model, methods, components, groups)
        rival = _beside(model.run)
        ghost = _ghost(methods)
        left, right = st.columns(2)
        density = _switch(left, "density", "Density contours", "Where points are dense, as lines of equal density.")
        pictures = _switch(
            right, "pictures", "Pictures", "Samples as their own points, once they are far enough apart."
        )
    runs = [model.run] if rival is None else [model.run, rival]
    if rival is not None:
        methods = methods[-1:]
    panels = tuple(
        Panel(run, method, size, parameters[method], _ghostly(method, parameters[method], ghost),
              TITLES[method] if rival is None else f"{TITLES[method]} · {run.title}")
        for method in methods for run in runs
    )  # fmt: skip
    with boxes[3]:
        colour = _colour(model, panels)
    with boxes[4]:
        decode = _pointer() == DECODE
    return Asked(panels, colour, density, pictures, decode)


def methods_for(latent_dim: int, groups: int = 0) -> list[str]:
    """The maps that codes can have: as they are up to three dimensions, along an axis where there are two groups."""
    return [*(["raw"] if latent_dim <= 3 else []), "pca", "tsne", "umap", *(["axis"] if groups > 1 else [])]


def sizes(model: Explorer) -> dict[Size, str]:
    """Samples to choose from, with their titles: the stored codes, and more where the data is here to be encoded."""
    stored = len(model.codes.z)
    found = {Size(stored): f"{stored:,} test"}
    if test_split(model) is None:
        return found
    source = DATASETS[model.run.spec.dataset]
    few = {Size(n): f"{n:,} test" for n in SIZES if n < stored}
    more = {Size(n): f"{n:,} test" for n in (*SIZES, source.n_test) if stored < n <= source.n_test}
    train, total = min(source.n_train, MOST_CODES), sum(source.counts)
    rest = {Size(train, "train"): f"{train:,} training"}
    if total <= MOST_CODES:
        rest[Size(total, "all")] = f"{total:,}, all"
    return few | found | more | rest


def _read_size(text: str) -> Size:
    split, _, n = text.rpartition("-")
    if split not in ("", "train", "all"):
        raise ValueError(text)
    return Size(whole(1, MOST_CODES)(n), split or "test")  # type: ignore[arg-type]


def _write_size(size: Size) -> str:
    return str(size.n) if size.split == "test" else f"{size.split}-{size.n}"


def _how_many(model: Explorer) -> Size:
    offered = sizes(model)
    first = Size(len(model.codes.z))
    setting = Setting(f"map.{model.run.spec.dataset}", "n", _read_size, _write_size)
    key = setting.begin(first, list(offered))
    st.selectbox(
        "Samples", list(offered), key=key, format_func=offered.__getitem__, disabled=len(offered) == 1,
        help=f"What the points are. The codes of {first.n:,} test samples are stored, others are encoded.",
    )  # fmt: skip
    setting.end(first)
    chosen: Size = st.session_state[key]
    return chosen


def _methods(model: Explorer, groups: Mapping[str, str]) -> list[str]:
    offered = methods_for(model.latent_dim, len(groups))
    first = [offered[0], "tsne"]
    setting = Setting(f"map.{min(model.latent_dim, 4)}", "maps", names, ",".join)
    key = setting.begin(first, offered)
    before = st.session_state[key][:MOST]
    chosen = st.segmented_control(
        "Maps, one to three", offered, selection_mode="multi", format_func=TITLES.__getitem__, key=key,
        on_change=_keep_few, args=(key, before),
    )  # fmt: skip
    setting.end(first)
    return [method for method in offered if method in chosen][:MOST]


def _keep_few(key: str, before: list[str]) -> None:
    """Never none and never more than fit: the one that was chosen before the others gives way."""
    chosen = st.session_state[key]
    if not chosen:
        st.session_state[key] = before[-1:]
    elif len(chosen) > MOST:
        st.session_state[key] = [*before[1:], *(method for method in chosen if method not in before)]


def _dimensions(disabled: bool) -> int:
    setting = Setting("map", "d", whole(2, 3))
    key = setting.begin(2, [2, 3])
    chosen = st.segmented_control(
        "Dimensions", [2, 3], format_func=lambda d: f"{d}-D", required=True, key=key, disabled=disabled
    )
    setting.end(2)
    return int(chosen or 2)


def _pointer() -> str:
    setting = Setting("map", "pointer")
    key = setting.begin(SELECT, [SELECT, DECODE])
    chosen = st.segmented_control(
        "Pointer", [SELECT, DECODE], format_func=str.capitalize, required=True, key=key,
        help="Select: hover, click, lasso. Decode: every place of a map is decoded under the pointer.",
    )  # fmt: skip
    setting.end(SELECT)
    return str(chosen)


def _colour(model: Explorer, panels: tuple[Panel, ...]) -> str:
    options = colour_options(model, len(panels) > 1 or any(panel.ghost for panel in panels))
    first = next(iter(options))
    setting = Setting(f"map.{model.run.spec.dataset}", "colour")
    key = setting.begin(first, list(options))
    chosen = str(st.selectbox("Colour by", list(options), format_func=options.__getitem__, key=key))
    setting.end(first)
    return chosen


def _parameters(
    model: Explorer, methods: list[str], components: int, groups: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Parameters of every method that can be shown; widgets only for those that are."""
    found: dict[str, dict[str, Any]] = {name: {} for name in ("raw",)} | {"pca": {"components": components}}
    drawn = [method for method in KNOBS if method in methods]
    if drawn:
        columns = st.columns(1 + sum(len(KNOBS[method]) for method in drawn))
        with columns[0]:
            seed = _knob("tsne", "seed")
        rest = iter(columns[1:])
        for method in drawn:
            found[method] = {"components": components, "seed": seed}
            for name in KNOBS[method]:
                with next(rest):
                    found[method][name] = _knob(method, name)
    if "axis" in methods:
        found["axis"] = {"components": components, "ends": _axis_ends(groups)}
    return found


def _knob(method: str, name: str) -> Any:
    info = METHODS[method].config.model_fields[name]
    low, high = bounds(info)
    read, kind = (whole, int) if info.annotation is int else (number, float)
    setting = Setting("map", name, read(low, high), lambda value: f"{value:.6g}")
    default = kind(info.default)
    key = setting.begin(default)
    step = 1 if kind is int else 0.05 if high <= 1 else 1.0
    value = kind(
        st.number_input(
            LABELS[name], kind(low), kind(high), step=step, key=key, help=info.description,
            format=None if kind is int else "%g",
        )
    )  # fmt: skip
    setting.end(default)
    return value


def _axis_ends(groups: Mapping[str, str]) -> tuple[str, str]:
    """The keys of the two groups that the axis goes through."""
    options = list(groups)
    chosen = []
    left, right = st.columns(2)
    for box, name, label, at in ((left, "from", "Axis from", 0), (right, "to", "Axis to", 1)):
        setting = Setting("map.axis", name)
        first = options[min(at, len(options) - 1)]
        key = setting.begin(first, options)
        chosen.append(str(box.selectbox(label, options, format_func=groups.__getitem__, key=key)))
        setting.end(first)
    return chosen[0], chosen[1]


def _beside(run: Run) -> Run | None:
    """Another model of the same dataset, whose map of the same samples stands beside."""
    others = {other.id: other for other in openable_runs() if other.spec.dataset == run.spec.dataset}
    others.pop(run.id, None)
    if not others:
        return None
    setting = Setting("map", "beside")
    key = setting.begin(NOTHING, [NOTHING, *others])
    chosen = str(
        st.selectbox(
            "Beside it the same samples of", [NOTHING, *others], key=key,
            format_func=lambda name: "No other model" if name == NOTHING else others[name].title,
            help="The last of the chosen maps, of both models side by side.",
        )
    )  # fmt: skip
    setting.end(NOTHING)
    return others.get(chosen)


def _ghost(methods: list[str]) -> str:
    """What is drawn faintly behind t-SNE and UMAP."""
    if not any(method in KNOBS for method in methods):
        return NOTHING
    setting = Setting("map", "ghost")
    key = setting.begin(NOTHING, list(GHOSTS))
    chosen = str(
        st.selectbox(
            "Behind it as a ghost", list(GHOSTS), format_func=GHOSTS.__getitem__, key=key,
            help="The same codes drawn again, turned onto this map: what both show is more than chance.",
        )
    )  # fmt: skip
    setting.end(NOTHING)
    return chosen


def _ghostly(method: str, parameters: Mapping[str, Any], ghost: str) -> dict[str, Any] | None:
    """The parameters of the ghost behind a map, or None."""
    if ghost == NOTHING or method not in KNOBS:
        return None
    if ghost == "seed":
        return dict(parameters) | {"seed": (parameters["seed"] + 1) % 2**32}
    name = KNOBS[method][0]
    info = METHODS[method].config.model_fields[name]
    low, high = bounds(info)
    value = parameters[name] * (0.5 if ghost == "narrow" else 2)
    kind = int if info.annotation is int else float
    return dict(parameters) | {name: kind(np.clip(value, low, high))}


def _switch(place: Any, name: str, label: str, said: str) -> bool:
    setting = Setting("map", name, lambda text: bool(whole(0, 1)(text)), lambda value: str(int(value)))
    key = setting.begin(False)
    chosen = bool(place.toggle(label, key=key, help=said))
    setting.end(False)
    return chosen
