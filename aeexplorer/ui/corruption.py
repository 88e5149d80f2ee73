"""The parts of Corruption: which run to compare with, the live panel, and its settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS, fitting
from aeexplorer.data import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import AnyView, Button, Chart, Control, Heat, Line, Mark, Readout, Row, Segmented, Slider
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.beta import PER_CLASS
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.companions import choose_companion, same_data, told_apart
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.resources import openable_runs, opens
from aeexplorer.ui.shared.run_picker import remember_run, remember_sample
from aeexplorer.ui.shared.sample_sets import SampleRow
from aeexplorer.ui.shared.view_state import Limits, PanelState, Setting, number, whole

KEY = "corruption.panel"
DIAL = "corruption.dial"
SETTINGS = {
    "kind": Setting("corruption", "kind"),
    "level": Setting("corruption", "level", number(0, 1)),
    "noise_seed": Setting("corruption", "pattern", whole(0, 2**31)),
    "trained": Setting("corruption", "trained", number(0, 1)),
}
SYMBOLS = {name: "σ" if name == "gaussian" else "p" for name in CORRUPTIONS}
TICKS = (0, 0.25, 0.5, 0.75, 1)


def denoises(run: Run) -> bool:
    """Whether it was trained on corrupted samples."""
    return bool(run.config.corruption != "none")


def is_dial(run: Run) -> bool:
    """Whether the level that it was trained at can be turned."""
    return run.spec.dial is not None and run.spec.dial.knob == "level"


def dials_by_kind(run: Run) -> dict[str, str]:
    """Ids of dials over the level by the kind that they were trained on: the run itself, and of the other kinds those
    that are like it."""
    if not is_dial(run):
        return {}
    dials = {str(run.config.corruption): run.id}
    for other in openable_runs():
        alike = is_dial(other) and other.spec.dataset == run.spec.dataset and other.family.name == run.family.name
        alike = alike and other.config.latent_dim == run.config.latent_dim
        if alike and other.config.corruption not in dials and opens(other):
            dials[str(other.config.corruption)] = other.id
    return {kind: dials[kind] for kind in CORRUPTIONS if kind in dials}


def companions(run: Run) -> list[Run]:
    """Runs to compare with, of the same data: a plain autoencoder of the same size and net first."""

    def differs(other: Run) -> tuple[bool, ...]:
        return (
            other.family.name != "ae",
            denoises(other),
            other.config.latent_dim != run.config.latent_dim,
            other.config.net != run.config.net,
        )

    return sorted((other for other in same_data(run) if other.spec.dial is None), key=differs)


def choose_other(run: Run) -> Run | None:
    """The run whose reconstructions are shown too, found by itself until a person chooses; None for none."""
    none = "There is no other model of these data to compare with yet; a plain autoencoder of the same size would do."
    return choose_companion("corruption", companions(run), none, first=True)


def restore(model: Explorer, other: Run | None, shown: SampleRow) -> dict[str, Any]:
    """The live panel; the params of the scene as the hand left them."""
    run, dials = model.run, dials_by_kind(model.run)
    kinds = fitting(model.spec)
    params: dict[str, Any] = {"run": scene_name(run), "samples": shown.samples}
    if dials:
        told = scene_name(run).removeprefix(run.path.name)
        params["chains"] = {kind: f"{name}{told}" for kind, name in dials.items()}
    if other is not None:
        params["compare_run"] = scene_name(other)
    state = PanelState(_key(run), **SETTINGS)
    panel = live_panel(
        "corrupt",
        key=state.key,
        label="Corrupt and restore",
        params=params,
        controls=_controls(model, list(dials) or kinds, state),
        rows=_rows(run, other, shown),
        readouts=_readouts(run, other),
        chart=_chart(run, other),
        views=_trained_views() if is_dial(run) else (),
    )
    values = state.left(panel.values)
    if dials.get(values["kind"], run.id) != run.id:
        st.session_state[DIAL] = dials[values["kind"]]
        remember_run(dials[values["kind"]])
        st.rerun()
    if panel.picked and panel.picked[1] < len(shown.places):
        remember_sample(shown.places[panel.picked[1]])
        st.rerun()
    return params | values


def _key(run: Run) -> str:
    """The panel's key: one for all runs of one model. Over dials it changes when another dial is picked, whose kind the
    panel then begins with, but not when the panel itself asked for another kind."""
    if not is_dial(run):
        return KEY
    count = f"{KEY}.count"
    if st.session_state.get(DIAL, run.id) != run.id:
        SETTINGS["kind"].keep(str(run.config.corruption))
        st.session_state[count] = st.session_state.get(count, 0) + 1
    st.session_state[DIAL] = run.id
    return f"{KEY}.dial.{st.session_state.get(count, 0)}"


def _controls(model: Explorer, kinds: list[str], state: PanelState) -> list[Control]:
    config, dial = model.config, model.dial if is_dial(model.run) else None
    turns = dial is not None and len(dial.stops) > 1
    limits: dict[str, Limits] = {"kind": kinds} | (
        {"trained": (dial.stops[0], dial.stops[-1])} if turns and dial else {}
    )
    kind = str(config.corruption) if config.corruption in kinds else kinds[0]
    start = state.start(
        limits, kind=kind, level=config.level, noise_seed=0, **({"trained": config.level} if turns else {})
    )
    controls: list[Control] = [
        Segmented(
            param="kind",
            label="Kind of corruption",
            options=tuple((kind, CORRUPTIONS[kind].title) for kind in kinds),
            value=start["kind"],
        ),
        Button(param="noise_seed", label="New noise", value=start["noise_seed"]),
        Slider(
            param="level",
            label="Test noise",
            low=0,
            high=1,
            step=0.005,
            value=start["level"],
            symbol_by={"kind": SYMBOLS},
            marks=tuple(Mark(x=x, label=f"{x:g}") for x in TICKS),
        ),
    ]
    if turns and dial:
        controls.append(
            Slider(
                param="trained",
                label="Training noise",
                low=dial.stops[0],
                high=dial.stops[-1],
                step=0.005,
                value=start["trained"],
                symbol_by={"kind": SYMBOLS},
                marks=tuple(Mark(x=x, label="0 (AE)" if x == 0 else f"{x:g}") for x in dial.stops),
            )
        )
    return controls


def _rows(run: Run, other: Run | None, shown: SampleRow) -> list[Row]:
    ours, theirs = told_apart(run, other)
    tile = run.spec.data.row.tile
    rows = [
        Row(array="clean", label=shown.origin, pick=bool(shown.places), tile=tile),
        Row(array="corrupted", label="corrupted", tile=tile),
        Row(array="reconstruction", label=f"reconstruction, {ours}", tile=tile),
        Row(array="residual", label="residual", signed=True, captions=shown.captions, tile=tile),
    ]
    if other:
        rows.insert(2, Row(array="compare_reconstruction", label=f"reconstruction, {theirs}", tile=tile))
    return rows


def _readouts(run: Run, other: Run | None) -> list[Readout]:
    ours, theirs = told_apart(run, other)
    readouts = [
        Readout(name=f"{prefix}{name}", label=f"{label}, {who}", digits=digits, unit=unit)
        for prefix, who in (("", ours), ("compare_", theirs))
        for name, label, digits, unit in (
            ("mse", run.spec.data.row.error[1], 4, ""),
            ("psnr", "PSNR", 1, "dB"),
            ("ssim", "SSIM", 3, ""),
        )
        if who
    ]
    return [*readouts, Readout(name="stands", label="Model", digits=2)] if is_dial(run) else readouts


def _chart(run: Run, other: Run | None) -> Chart:
    ours, theirs = told_apart(run, other)
    turns = is_dial(run)
    lines = [Line(name=ours, colour="accent", readout="mse", x_array="level", y_array="mse")]
    if other:
        lines.insert(0, Line(name=theirs, colour="mark", readout="compare_mse", x_array="level", y_array="compare_mse"))
    return Chart(
        title=f"{run.spec.data.row.error[0]} against test noise",
        x="level",
        x_label="test noise",
        scene="levels",
        fields=("run", "compare_run", "samples", "kind", "noise_seed", "trained", "chains"),
        marks=() if turns else _trained_mark(run),
        mark_at="trained" if turns else "",
        mark_label="training noise",
        height=185 if turns else 250,
        lines=tuple(lines),
    )


def _trained_views() -> tuple[AnyView, ...]:
    """The error by both levels, and against the training noise: too little corruption, too much, and between."""
    still: dict[str, Any] = {"scene": "trained_at", "fields": ("run", "chains", "kind")}
    curve: dict[str, Any] = {**still, "x": "trained", "x_label": "training noise", "from_zero": False, "height": 128}
    error = Line(name="", colour="accent", x_array="trained", y_array="mse", column="level", columns="tested")
    probe = Line(name="", colour="accent", x_array="trained", y_array="probe")
    return (
        Heat(
            **still,
            title="Error by training and test noise",
            array="mse",
            rows="trained",
            columns="tested",
            x="level",
            y="trained",
            x_label="test noise",
            y_label="training noise",
        ),
        Chart(**curve, title="Error at this test noise", lines=(error,)),
        Chart(**curve, title=f"Linear-probe accuracy ({PER_CLASS} labels per class)", lines=(probe,)),
    )


def _trained_mark(run: Run) -> tuple[Mark, ...]:
    if not denoises(run):
        return ()
    kind = run.config.corruption
    return (Mark(x=run.config.level, label=f"training noise ({_kind_name(kind)})"),)


def _kind_name(kind: str) -> str:
    """A kind of corruption inside a sentence; Gauss keeps his capital."""
    title = CORRUPTIONS[kind].title
    return title if kind == "gaussian" else title.lower()


def about_training(run: Run, kind: str) -> str:
    """Whether the kind that is tested is the kind that was trained, in a sentence of Markdown."""
    if not denoises(run):
        return "This model was trained on clean samples; it has never seen any corruption."
    trained = CORRUPTIONS[run.config.corruption]
    noise = f"{_kind_name(trained.name)}{' noise' if trained.name == 'gaussian' else ''}"
    if is_dial(run):
        return (
            f"A dial is a series of models trained at increasing levels, here of {noise}, each from the weights of the "
            "one before (warm-started); the model at 0 is a plain autoencoder."
        )
    at = f"({SYMBOLS[trained.name]} = {run.config.level:g})"
    if trained.name == kind:
        return f"Trained on this kind of corruption {at}."
    return (
        f":orange[Trained on {noise} {at};] has never seen {_kind_name(kind)}{' noise' if kind == 'gaussian' else ''}."
    )


def numbers(frame: Frame, run: Run, other: Run | None, n: int) -> str:
    """The squared error as the chart has it, summed over the values of a sample, mean over the samples."""
    data = run.spec.data
    size = data.measured
    ours, theirs = told_apart(run, other)
    more = f", {theirs} {frame.readouts['compare_mse'] * size:.3g}" if other else ""
    samples = f"mean of {n} samples" if n > 1 else "1 sample"
    name = "nats" if data.row.symbols else "squared error"
    return f"{name} {ours} {frame.readouts['mse'] * size:.3g}{more} (sum over {size} {data.row.part}s, {samples})"


def as_python(run: Run, other: Run | None, shown: SampleRow, params: dict[str, Any]) -> str:
    """The lines that restore the same samples."""
    code = opening(run) + (f"model = model.at({params['trained']:g})\n" if "trained" in params else "") + shown.python
    code += (
        f"noisy = ae.corrupt(x, {params['kind']!r}, level={params['level']:g}, seed={params['noise_seed']}, "
        "spec=model.spec)\nrestored = model.reconstruct(noisy)\nerrors = model.errors(noisy, target=x)\n"
    )
    if other is not None:
        code += f"\nother = ae.open_run({other.reference!r})\nother_errors = other.errors(noisy, target=x)\n"
    return code


def frame_of(params: dict[str, Any]) -> Frame:
    """The frame that the panel shows, for numbers and files."""
    return render("corrupt", params)


def as_file(frame: Frame, spec: DataSpec) -> Download:
    """The rows of the panel."""
    names = ("clean", "corrupted", "compare_reconstruction", "reconstruction")
    rows = {name: frame.arrays[name] for name in names if name in frame.arrays}
    return sheet("corruption", rows, spec, (frame.arrays["residual"].astype(np.float32) - 128) / 127)
