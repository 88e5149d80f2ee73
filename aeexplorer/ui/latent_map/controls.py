"""The controls above the maps. Their values are kept for the session and are part of the link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer.data import find_source
from aeexplorer.explorer import Explorer
from aeexplorer.jobs.codes import MOST_CODES
from aeexplorer.projection import METHODS
from aeexplorer.runs.run import Run
from aeexplorer.ui.latent_map.colours import colour_options
from aeexplorer.ui.latent_map.request import KNOBS, MOST_MAPS, TITLES, MapPanel, MapRequest
from aeexplorer.ui.shared.groups import group_options
from aeexplorer.ui.shared.knob_form import bounds
from aeexplorer.ui.shared.resources import CodeSet, map_codes, openable_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.samples import test_split
from aeexplorer.ui.shared.setting_widgets import buttons, number_box, select_box, toggle
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import Setting, names, number, whole

TEST_SIZES = (500, 5_000)  # test samples offered beside the stored codes and the whole split
LABELS = {"seed": "Seed", "perplexity": "Perplexity", "n_neighbors": "Neighbours", "min_dist": "Minimum distance"}
GHOSTS = {
    "none": "None",
    "seed": "Another seed",
    "narrow": "Half the neighbourhood",
    "wide": "Twice the neighbourhood",
}
NONE = "none"
SELECT, DECODE = "select", "decode"


def map_controls(model: Explorer) -> MapRequest:
    """Draw the row of controls and return their state."""
    line = st.container(
        horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute", gap="small", key="map-controls"
    )
    several = len(model.levels) > 1
    widths: dict[str, Literal["content"] | int] = {"maps": "content", "dimensions": "content", "samples": 140}
    widths |= {**({"level": "content"} if several else {}), "colour": 190, "pointer": "content", "settings": "content"}
    boxes = {name: line.container(width=width, key=f"map-control-{name}") for name, width in widths.items()}
    with boxes["samples"]:
        code_set = _sample_box(model)
    if several:
        with boxes["level"]:
            code_set = code_set._replace(level=_level_buttons(model.levels))
    codes = map_codes(model.run, code_set)
    groups = {name: group.title for name, group in group_options(model, codes.index, codes.labels).items()}
    with boxes["maps"]:
        methods = _method_buttons(codes.z.shape[1], groups)
    with boxes["dimensions"]:
        setting, titles = Setting("map", "d", whole(2, 3)), {2: "2-D", 3: "3-D"}
        components = buttons(setting, "Dimensions", titles, 2, disabled=methods == ["raw"])
    with boxes["settings"], st.popover("Settings", icon=":material/tune:"):
        parameters = _parameter_boxes(methods, components, groups)
        companion = _companion_box(model.run)
        ghost = _ghost_box(methods)
        left, right = st.columns(2)
        density = _toggle("density", "Density contours", "Lines of equal density of the points.", left)
        pictures = _toggle("pictures", "Pictures", "Show samples instead of points where they fit.", right)
        large = _toggle("large", "Large maps", "Maps use the full page width; the view is below them.", left)
    panels = _panels(model.run, companion, methods, code_set, parameters, ghost)
    with boxes["colour"]:
        colour = _colour_box(model, panels)
    with boxes["pointer"]:
        decode = _pointer_buttons() == DECODE
    return MapRequest(panels, colour, density, pictures, decode, large)


def methods_for(latent_dim: int, groups: int = 0) -> list[str]:
    """Methods that suit the codes: raw up to three dimensions, an axis where there are at least two groups."""
    return [*(["raw"] if latent_dim <= 3 else []), "pca", "tsne", "umap", *(["axis"] if groups > 1 else [])]


def sizes(model: Explorer) -> dict[CodeSet, str]:
    """Choices of samples with their titles: the stored codes, and more where the data is here to be encoded."""
    stored = len(model.codes.z)
    options = {CodeSet(stored): f"{stored:,} test"}
    if test_split(model) is None:
        return options
    source = find_source(model.run.spec.dataset)
    fewer = {CodeSet(n): f"{n:,} test" for n in TEST_SIZES if n < stored}
    more = {CodeSet(n): f"{n:,} test" for n in (*TEST_SIZES, source.n_test) if stored < n <= source.n_test}
    train, total = min(source.n_train, MOST_CODES), sum(source.counts)
    rest = {CodeSet(train, "train"): f"{train:,} training"}
    if total <= MOST_CODES:
        rest[CodeSet(total, "all")] = f"{total:,}, all"
    return fewer | options | more | rest


def _panels(
    run: Run,
    companion: Run | None,
    methods: list[str],
    code_set: CodeSet,
    parameters: Mapping[str, dict[str, Any]],
    ghost: str,
) -> tuple[MapPanel, ...]:
    """Every chosen map of one run, or the last chosen map of two runs."""

    def panel(of: Run, method: str, title: str) -> MapPanel:
        knobs = parameters[method]
        has_level = code_set.level <= len(of.family.model.levels_of(of.config))
        codes = code_set if has_level else code_set.whole
        return MapPanel(of, method, codes, knobs, _ghost_parameters(method, knobs, ghost), title)

    if companion is None:
        return tuple(panel(run, method, TITLES[method]) for method in methods)
    method = methods[-1]
    return tuple(panel(each, method, f"{TITLES[method]} · {run_name(each)}") for each in (run, companion))


def _read_size(text: str) -> CodeSet:
    split, _, n = text.rpartition("-")
    if split not in ("", "train", "all"):
        raise ValueError(text)
    return CodeSet(whole(1, MOST_CODES)(n), split or "test")  # type: ignore[arg-type]


def _write_size(code_set: CodeSet) -> str:
    return str(code_set.n) if code_set.split == "test" else f"{code_set.split}-{code_set.n}"


def _sample_box(model: Explorer) -> CodeSet:
    offered = sizes(model)
    stored = CodeSet(len(model.codes.z))
    setting = Setting(f"map.{model.run.spec.dataset}", "n", _read_size, _write_size)
    explanation = f"Samples on the maps. The codes of {stored.n:,} test samples are stored, others are encoded first."
    return select_box(setting, "Samples", offered, stored, disabled=len(offered) == 1, help=explanation)


def _level_buttons(levels: tuple[int, ...]) -> int:
    """The level whose part of the codes is on the maps, 1 for the coarsest; 0 for the whole codes."""
    last = len(levels)
    ends = {1: "1 (coarse)", last: f"{last} (fine)"}
    titles = {0: "All"} | {level: ends.get(level, str(level)) for level in range(1, last + 1)}
    explanation = (
        f"The codes have {last} levels, of {', '.join(map(str, levels))} numbers. A place on a map of one level is "
        "decoded with the coarser levels of the nearest sample and the means of the finer ones."
    )
    return buttons(Setting("map", "level", whole(0, last)), "Level", titles, 0, help=explanation)


def _method_buttons(width: int, groups: Mapping[str, str]) -> list[str]:
    """The chosen methods of those that suit codes of so many numbers."""
    offered = methods_for(width, len(groups))
    first = [offered[0], "tsne"]
    setting = Setting(f"map.{min(width, 4)}", "maps", names, ",".join)
    key = setting.begin(first, offered)
    before = st.session_state[key][:MOST_MAPS]
    chosen = st.segmented_control(
        f"Maps (up to {MOST_MAPS})",
        offered,
        selection_mode="multi",
        format_func=TITLES.__getitem__,
        key=key,
        on_change=_limit_methods,
        args=(key, before),
    )
    setting.end(first)
    return [method for method in offered if method in chosen][:MOST_MAPS]


def _limit_methods(key: str, before: list[str]) -> None:
    """Keep at least one map and at most `MOST_MAPS`: the first of the chosen ones gives way."""
    chosen = st.session_state[key]
    if not chosen:
        st.session_state[key] = before[-1:]
    elif len(chosen) > MOST_MAPS:
        st.session_state[key] = [*before[1:], *(method for method in chosen if method not in before)]


def _pointer_buttons() -> str:
    explanation = (
        "Select: hover over, click or lasso points. Decode: see the sample that each place on the map decodes to."
    )
    titles = {SELECT: "Select", DECODE: "Decode"}
    return buttons(Setting("map", "pointer"), "Pointer", titles, SELECT, help=explanation)


def _colour_box(model: Explorer, panels: tuple[MapPanel, ...]) -> str:
    options = colour_options(model, len(panels) > 1 or any(panel.ghost for panel in panels))
    setting = Setting(f"map.{model.run.spec.dataset}", "colour")
    return select_box(setting, "Colour by", options, next(iter(options)))


def _parameter_boxes(methods: list[str], components: int, groups: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Parameters by method; only the chosen methods have widgets."""
    parameters: dict[str, dict[str, Any]] = {"raw": {}, "pca": {"components": components}}
    drawn = [method for method in KNOBS if method in methods]
    if drawn:
        columns = iter(st.columns(1 + sum(len(KNOBS[method]) for method in drawn)))
        with next(columns):
            seed = _knob("tsne", "seed")
        for method in drawn:
            parameters[method] = {"components": components, "seed": seed}
            for name in KNOBS[method]:
                with next(columns):
                    parameters[method][name] = _knob(method, name)
    if "axis" in methods:
        parameters["axis"] = {"components": components, "ends": _axis_boxes(groups)}
    return parameters


def _knob(method: str, name: str) -> Any:
    info = METHODS[method].config.model_fields[name]
    low, high = bounds(info)
    read, kind = (whole, int) if info.annotation is int else (number, float)
    setting = Setting("map", name, read(low, high), lambda value: f"{value:.10g}")
    step = 1 if kind is int else 0.05 if high <= 1 else 1.0
    return number_box(setting, LABELS[name], kind, (low, high), info.default, step=step, help=info.description)


def _axis_boxes(groups: Mapping[str, str]) -> tuple[str, str]:
    """The keys of the two groups that the axis goes through."""
    options, (left, right) = list(groups), st.columns(2)
    start = select_box(Setting("map.axis", "from"), "Axis from", groups, options[0], left)
    return start, select_box(Setting("map.axis", "to"), "Axis to", groups, options[1], right)


def _companion_box(run: Run) -> Run | None:
    """Another model of the same dataset, whose map of the same samples is shown too."""
    others = {other.id: other for other in openable_runs() if other.spec.dataset == run.spec.dataset}
    others.pop(run.id, None)
    if not others:
        return None
    explanation = "Shows the last chosen map for both models, side by side, with the same samples."
    titles = {NONE: "None"} | {name: other.title for name, other in others.items()}
    if (linked := st.query_params.get("beside", NONE)) not in titles:
        st.toast(
            as_text(f"The model to compare with, {linked[:60]}, is not among the models of {run.spec.data.title}.")
        )
    return others.get(select_box(Setting("map", "beside"), "Compare with model", titles, NONE, help=explanation))


def _ghost_box(methods: list[str]) -> str:
    """A key of `GHOSTS`, the second layout behind t-SNE and UMAP."""
    if not any(method in KNOBS for method in methods):
        return NONE
    explanation = "Draws a second layout of the same codes faintly behind the map: structure in both is hardly chance."
    return select_box(Setting("map", "ghost"), "Overlay a second layout", GHOSTS, NONE, help=explanation)


def _ghost_parameters(method: str, parameters: Mapping[str, Any], ghost: str) -> dict[str, Any] | None:
    """The parameters of the second layout behind a map, or None."""
    if ghost == NONE or method not in KNOBS:
        return None
    if ghost == "seed":
        return dict(parameters) | {"seed": (parameters["seed"] + 1) % 2**32}
    name = KNOBS[method][0]
    info = METHODS[method].config.model_fields[name]
    low, high = bounds(info)
    value = parameters[name] * (0.5 if ghost == "narrow" else 2)
    kind = int if info.annotation is int else float
    return dict(parameters) | {name: kind(np.clip(value, low, high))}


def _toggle(name: str, label: str, explanation: str, place: DeltaGenerator) -> bool:
    setting = Setting("map", name, lambda text: bool(whole(0, 1)(text)), lambda value: str(int(value)))
    return toggle(setting, label, place, help=explanation)
