"""The bench of corruption: which samples, which run beside, the live panel, and what it was left at."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.corruption import CORRUPTIONS
from aeexplorer.data import DataSpec
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import AnyView, Button, Chart, Heat, Line, Mark, Readout, Row, Segmented, Slider
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.beta import PER_CLASS
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.resources import explorer, openable_runs
from aeexplorer.ui.shared.run_picker import remember_run, remember_sample
from aeexplorer.ui.shared.sample_sets import Chosen
from aeexplorer.ui.shared.text import as_text

KEY = "corruption.panel"
CHAIN = "corruption.chain"
LEFT_AT = "corruption.left_at"
NOBODY = "nothing"
SYMBOLS = {"gaussian": "σ", "salt_and_pepper": "p", "masking": "p", "masking_blocks": "p"}
TILES = {"image": 96, "sequence": 200, "vector": 200}
TICKS = (0, 0.25, 0.5, 0.75, 1)


def denoises(run: Run) -> bool:
    """Whether it was trained on corrupted samples."""
    return bool(run.config.corruption != "none")


def turns(run: Run) -> bool:
    """Whether the level that it was trained at can be turned."""
    return run.spec.dial is not None and run.spec.dial.knob == "level"


def chains_of(run: Run) -> dict[str, str]:
    """Ids of dials over the level by the kind that they were trained on: the run itself, and of the other kinds those that
    are like it."""
    if not turns(run):
        return {}
    found = {str(run.config.corruption): run.id}
    for other in openable_runs():
        alike = turns(other) and other.spec.dataset == run.spec.dataset and other.family.name == run.family.name
        if alike and other.config.latent_dim == run.config.latent_dim and other.config.corruption not in found:
            try:
                explorer(other)
            except (Damaged, OSError):
                continue
            found[str(other.config.corruption)] = other.id
    return {kind: found[kind] for kind in CORRUPTIONS if kind in found}


def companions(run: Run) -> list[Run]:
    """Runs to compare with, of the same dataset: a plain autoencoder of the same size and net first."""

    def differs(other: Run) -> tuple[bool, ...]:
        return (
            other.family.name != "ae",
            denoises(other),
            other.config.latent_dim != run.config.latent_dim,
            other.config.net != run.config.net,
        )

    kin = [
        other for other in openable_runs()
        if other.id != run.id and other.spec.dial is None and (other.spec.dataset, other.spec.data.shape) == (run.spec.dataset, run.spec.data.shape)
    ]  # fmt: skip
    return sorted(kin, key=differs)


def choose_companion(run: Run) -> Run | None:
    """The run whose restorations stand beside, found by itself until people choose; None for nothing."""
    runs = {other.id: other for other in companions(run)}
    if not runs:
        st.caption("No other model of these data stands beside it yet; a plain autoencoder of the same size would.")
        return None
    options = [*runs, NOBODY]
    asked = st.query_params.get("beside") or st.session_state.get("corruption.beside")
    index = options.index(asked) if asked in options else 0
    picked = st.selectbox(
        "Beside it", options, index=index, key=f"beside.{run.id}.{options[index]}",
        format_func=lambda name: runs[name].title if name in runs else "Nothing",
    )  # fmt: skip
    if picked != options[index]:
        st.query_params["beside"] = st.session_state["corruption.beside"] = picked
        st.rerun()
    if picked == NOBODY:
        return None
    try:
        explorer(runs[picked])
    except (Damaged, OSError) as error:
        st.caption(as_text(f"It cannot be opened: {error}"))
        return None
    return runs[picked]


def kinds_of(spec: DataSpec) -> list[str]:
    """The kinds of corruption that differ on such samples: a table has no blocks."""
    return [kind for kind in CORRUPTIONS if spec.kind != "vector" or kind != "masking_blocks"]


def settings(model: Explorer) -> dict[str, Any]:
    """Kind, level and pattern as the link says them, else as they were left, else as the model was trained."""
    trained = {
        "kind": model.config.corruption, "level": model.config.level, "noise_seed": 0, "trained": model.config.level,
    }  # fmt: skip
    asked: dict[str, Any] = trained | st.session_state.get(LEFT_AT, {})
    link = st.query_params
    if link.get("kind") in CORRUPTIONS:
        asked["kind"] = link["kind"]
    for name, param, read in (("level", "level", float), ("pattern", "noise_seed", int), ("trained", "trained", float)):
        try:
            asked[param] = read(link[name])
        except (KeyError, ValueError):
            continue
    known = kinds_of(model.spec)
    level = float(asked["level"])
    return {
        "kind": asked["kind"] if asked["kind"] in known else known[0],
        "level": min(max(level, 0.0), 1.0) if np.isfinite(level) else 0.5,
        "noise_seed": min(max(int(asked["noise_seed"]), 0), 2**31),
        "trained": float(asked["trained"]) if np.isfinite(float(asked["trained"])) else model.config.level,
    }


def restore(model: Explorer, beside: Run | None, chosen: Chosen) -> dict[str, Any]:
    """The live panel; the params of the scene as the hand left them."""
    spec, run = model.spec, model.run
    # the values a panel begins with stay while it lives: what the hand did since is the panel's own
    chains = chains_of(run)
    key = _key(run)
    start_key = f"{KEY}.start"
    if key not in st.session_state or start_key not in st.session_state:
        st.session_state[start_key] = settings(model)
    start = st.session_state[start_key]
    params: dict[str, Any] = {"run": run.id, "samples": chosen.samples} | ({"chains": chains} if chains else {})
    if beside is not None:
        params["compare_run"] = beside.id
    ours, theirs = names(run, beside)
    kinds, tile = list(chains) or kinds_of(spec), TILES[spec.kind]
    panel = live_panel(
        "corrupt", key=key, label="Corrupt and restore", params=params,
        controls=[
            Segmented(
                param="kind", label="Kind of corruption", options=tuple((k, CORRUPTIONS[k].title) for k in kinds),
                value=start["kind"] if start["kind"] in kinds else kinds[0],
            ),
            Button(param="noise_seed", label="New noise pattern", value=start["noise_seed"]),
            Slider(
                param="level", label="tested at", low=0, high=1, step=0.005, value=start["level"],
                symbol_by={"kind": SYMBOLS}, marks=tuple(Mark(x=x, label=f"{x:g}") for x in TICKS),
            ),
            *_trained_slider(model, start["trained"]),
        ],
        rows=[
            Row(array="clean", label=chosen.origin, pick=bool(chosen.places), tile=tile),
            Row(array="corrupted", label="corrupted", tile=tile),
            *([Row(array="compare_reconstruction", label=theirs, tile=tile)] if beside else []),
            Row(array="reconstruction", label=ours, tile=tile),
            Row(array="residual", label="residual", signed=True, captions=chosen.captions, tile=tile),
        ],
        readouts=[
            Readout(name=f"{prefix}{name}", label=f"{label}, {who}", digits=digits, unit=unit)
            for prefix, who in (("", initials(run)), *([("compare_", initials(beside))] if beside else []))
            for name, label, digits, unit in (("mse", "MSE", 4, ""), ("psnr", "PSNR", 1, "dB"), ("ssim", "SSIM", 3, ""))
        ] + ([Readout(name="between", label="between snapshots", digits=2)] if turns(run) else []),
        chart=Chart(
            title="Error against the level tested at" if turns(run) else "Mean squared error against the level tested at", x="level", x_label="σ, or fraction of values",
            scene="levels", fields=("run", "compare_run", "samples", "kind", "noise_seed", "trained", "chains"),
            marks=() if turns(run) else _trained_mark(run), mark_at="trained" if turns(run) else "", mark_label="trained at",
            height=185 if turns(run) else 250,
            lines=(
                *([Line(name=theirs, colour="mark", readout="compare_mse", x_array="level", y_array="compare_mse")]
                  if beside else []),
                Line(name=ours, colour="accent", readout="mse", x_array="level", y_array="mse"),
            ),
        ),
        views=_trained_views() if turns(run) else (),
    )  # fmt: skip
    left_at = panel.values
    st.session_state[LEFT_AT] = left_at
    _say_in_link(left_at)
    if chains.get(left_at["kind"], run.id) != run.id:
        st.session_state[CHAIN] = chains[left_at["kind"]]
        remember_run(chains[left_at["kind"]])
        st.rerun()
    if panel.picked and panel.picked[1] < len(chosen.places):
        remember_sample(chosen.places[panel.picked[1]])
        st.rerun()
    return params | left_at


def _key(run: Run) -> str:
    """The panel's key: one for all runs of one model. Over dials it changes when another dial is picked, whose kind the
    panel then begins with, but not when the panel itself asked for another kind."""
    if not turns(run):
        return KEY
    before = st.session_state.get(CHAIN)
    if before is not None and before != run.id:
        kept = {**st.session_state.get(LEFT_AT, {}), "kind": run.config.corruption}
        st.session_state[LEFT_AT] = kept
        st.query_params["kind"] = str(run.config.corruption)
        st.session_state[f"{KEY}.count"] = st.session_state.get(f"{KEY}.count", 0) + 1
    st.session_state[CHAIN] = run.id
    return f"{KEY}.dial.{st.session_state.get(f'{KEY}.count', 0)}"


def _trained_slider(model: Explorer, value: float) -> list[Slider]:
    """Over the level that a dial was trained at, as far as it has been trained."""
    if not turns(model.run) or model.dial is None or len(model.dial.stops) < 2:
        return []
    low, *_, high = stops = model.dial.stops
    marks = tuple(Mark(x=x, label="0 (AE)" if x == 0 else f"{x:g}") for x in stops)
    return [Slider(
        param="trained", label="trained at", low=low, high=high, step=0.005, value=min(max(value, low), high),
        symbol_by={"kind": SYMBOLS}, marks=marks,
    )]  # fmt: skip


def _trained_views() -> tuple[AnyView, ...]:
    """The error by both levels, and against the level trained at: too little corruption, too much, and between."""
    still: dict[str, Any] = {"scene": "trained_at", "fields": ("run", "chains", "kind")}
    curve: dict[str, Any] = {**still, "x": "trained", "x_label": "trained at", "from_zero": False, "height": 128}
    return (
        Heat(
            **still, title="Error, trained at × tested at", array="mse", rows="trained", columns="tested", x="level",
            y="trained", x_label="tested at", y_label="trained at",
        ),
        Chart(**curve, title="Error at the level tested at", lines=(
            Line(name="", colour="accent", x_array="trained", y_array="mse", column="level", columns="tested"),
        )),
        Chart(**curve, title=f"Linear probe, {PER_CLASS} labels a class: accuracy", lines=(
            Line(name="", colour="accent", x_array="trained", y_array="probe"),
        )),
    )  # fmt: skip


def _trained_mark(run: Run) -> tuple[Mark, ...]:
    if not denoises(run):
        return ()
    kind = run.config.corruption
    return (Mark(x=run.config.level, label=f"trained: {_kind_name(kind)}"),)


def _say_in_link(left_at: dict[str, Any]) -> None:
    link = {"kind": left_at["kind"], "level": f"{left_at['level']:g}", "pattern": f"{left_at['noise_seed']}"}
    if "trained" in left_at:
        link["trained"] = f"{left_at['trained']:g}"
    for name, value in link.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def names(run: Run, beside: Run | None) -> tuple[str, str]:
    """What the two runs are called on the page: by family, or by title where that does not tell them apart."""
    ours, theirs = (_lower(r.family.title).replace(" autoencoder", " AE") if r else "" for r in (run, beside))
    if beside is not None and ours == theirs:
        return run.title, beside.title
    return ours, theirs


def _lower(title: str) -> str:
    """A family's name inside a sentence; abbreviations stay as they are."""
    return title[0].lower() + title[1:] if title[1:2].islower() else title


def initials(run: Run) -> str:
    """A family's name where there is little room: "DAE", "sparse AE"."""
    *words, last = run.family.name.split("_")
    return " ".join([*words, last.upper()]) if run.family.title[1:2].islower() else run.family.title


def _kind_name(kind: str) -> str:
    """A kind of corruption inside a sentence; Gauss keeps his capital."""
    title = CORRUPTIONS[kind].title
    return title if kind == "gaussian" else title.lower()


def honesty(run: Run, kind: str) -> str:
    """Whether the kind that is tested is the kind that was trained, in a sentence of Markdown."""
    if not denoises(run):
        return "This model was trained on clean samples: whatever is tested here, it has never seen."
    trained = CORRUPTIONS[run.config.corruption]
    if turns(run):
        return (
            f"Trained on {_kind_name(trained.name)}{' noise' if trained.name == 'gaussian' else ''} at one level after the "
            "other, each from the weights of the one before (warm-started); at 0 it is a plain autoencoder."
        )
    at = f"{SYMBOLS[trained.name]} = {run.config.level:g}"
    if trained.name == kind:
        return f"Trained on this kind of corruption, at {at}."
    return (
        f":orange[Trained on another kind,] {_kind_name(trained.name)} at {at}: "
        f"it has never seen {_kind_name(kind)}{' noise' if kind == 'gaussian' else ''}."
    )


def numbers(frame: Frame, run: Run, beside: Run | None, n: int) -> str:
    """The loss as the equation has it: summed over the values of a sample, mean over the samples."""
    size = run.spec.data.size
    ours, theirs = initials(run), initials(beside) if beside else ""
    other = f", {theirs} {frame.readouts['compare_mse'] * size:.3g}" if beside else ""
    what = "pixels" if run.spec.data.kind == "image" else "values"
    samples = f"mean of {n}" if n > 1 else "1 sample"
    return f"{ours} {frame.readouts['mse'] * size:.3g}{other} (sum over {size} {what}, {samples})"


def as_python(run: Run, beside: Run | None, chosen: Chosen, params: dict[str, Any]) -> str:
    """The lines that restore the same samples."""
    code = opening(run) + (f"model = model.at({params['trained']:g})\n" if "trained" in params else "") + chosen.python
    code += (
        f'noisy = ae.corrupt(x, "{params["kind"]}", level={params["level"]:g}, seed={params["noise_seed"]}, '
        "spec=model.spec)\nrestored = model.reconstruct(noisy)\nerrors = model.errors(noisy, target=x)\n"
    )
    if beside is not None:
        name = beside.id if beside.removable else f"pretrained/{beside.path.name}"
        code += f'\nother = ae.open_run("{name}")\nother_errors = other.errors(noisy, target=x)\n'
    return code


def frame_of(params: dict[str, Any]) -> Frame:
    """What the panel shows, for numbers and files."""
    return render("corrupt", params)


def as_file(frame: Frame, spec: DataSpec) -> Download:
    """The rows of the panel."""
    shown = ("clean", "corrupted", "compare_reconstruction", "reconstruction")
    rows = {name: frame.arrays[name] for name in shown if name in frame.arrays}
    return sheet("corruption", rows, spec, (frame.arrays["residual"].astype(np.float32) - 128) / 127)
