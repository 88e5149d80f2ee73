"""The parts of β-VAE: which runs are dials over β, the live panel, and models trained from scratch to compare with."""

from __future__ import annotations

from typing import Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import find_source, is_available, load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import (
    AnyView,
    Button,
    Chart,
    Cloud,
    Control,
    Dimensions,
    Line,
    Mark,
    Readout,
    Row,
    Slider,
    Spot,
)
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.beta import at_value
from aeexplorer.runs.dial import Mark as Trained
from aeexplorer.runs.dial import mark
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.training.config import TrainingConfig
from aeexplorer.training.estimation import estimate
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.companions import same_data
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.figures import likelihood_sentence
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.resources import all_runs, opens, theme
from aeexplorer.ui.shared.run_picker import remember_sample
from aeexplorer.ui.shared.sample_sets import SampleRow
from aeexplorer.ui.shared.samples import long_names
from aeexplorer.ui.shared.text import as_text, duration
from aeexplorer.ui.shared.view_state import PanelState, Setting, number, whole

KEY = "beta.panel"
REFUSED = "beta.refused"
VISIBLE = 0.5
"""From here on reconstructions change for the eye; below β is given a quarter of the slider."""
NATS = ("distortion", "rate", "weighted", "loss")


def has_beta(run: Run) -> bool:
    """Whether it is a dial over β."""
    return run.spec.dial is not None and run.spec.dial.knob == "beta"


def twin_of(run: Run) -> Run | None:
    """The dial over β of the same data with a code of two values, whose map is shown; none for a run that has its
    own."""
    if run.config.latent_dim <= 2:
        return None
    kin = [other for other in same_data(run) if has_beta(other) and other.config.latent_dim == 2]
    kin.sort(key=lambda r: (r.path.name != f"{run.path.name}-2d", r.removable != run.removable))
    return next(filter(opens, kin), None)


def choose_multirate(run: Run) -> Run | None:
    """A multi-rate VAE of the same data, one with a code of the same size first, where a person asks for it."""
    kin = [other for other in same_data(run) if "rates" in other.family.traits]
    kin.sort(key=lambda r: (r.config.latent_dim != run.config.latent_dim, r.removable))
    if not kin or not is_available(run.spec.dataset):
        return None
    wanted = st.toggle(
        "Compare with a multi-rate VAE",
        key="gated",
        bind="query-params",
        help="A multi-rate VAE answers at every β with one set of weights: gates inside the network open and close "
        "with β (Bae et al. 2023).",
    )
    return kin[0] if wanted else None


def fresh_runs(run: Run) -> list[Run]:
    """Runs of one model each that differ from the dial in β alone: trained separately, or still under way."""
    wanted = run.config.model_dump(exclude={"beta", "warmup"})

    def differs_in_beta_alone(other: Run) -> bool:
        same = (other.family.name, other.spec.dataset) == (run.family.name, run.spec.dataset)
        return same and other.spec.dial is None and other.config.model_dump(exclude={"beta", "warmup"}) == wanted

    return [other for other in all_runs() if isinstance(other, Run) and differs_in_beta_alone(other)]


def marks_of(model: Explorer) -> list[Trained]:
    """Models trained separately, those that came with the dial and those trained here, ascending."""
    stored = model.dial.marks if model.dial else ()
    marks = {(m.value, m.seed, m.steps): m for m in stored}
    n_train = find_source(model.run.spec.dataset).n_train
    for other in fresh_runs(model.run):
        status = other.status
        if status.state == "done" and dict(other.config)["beta"] > 0:
            made = mark(other.config, other.spec.training, n_train, status.result)
            marks[made.value, made.seed, made.steps] = made
    return [marks[key] for key in sorted(marks)]


def turn(
    model: Explorer, twin: Run | None, multirate: Run | None, shown: SampleRow, marks: list[Trained]
) -> dict[str, Any]:
    """The live panel; the params of the scene as the hand left them."""
    run = model.run
    params: dict[str, Any] = {"run": scene_name(run), "samples": shown.samples} | (
        {"twin": scene_name(twin)} if twin else {}
    )
    params |= {"gated": multirate.id} if multirate else {}
    state = PanelState(
        KEY, value=Setting("beta", "beta", number(0, 1e6)), seed=Setting("beta", "seed", whole(0, 2**31))
    )
    panel = live_panel(
        "beta",
        key=KEY,
        label="β dial",
        params=params,
        controls=_controls(model, state),
        rows=_rows(shown, multirate is not None),
        readouts=_readouts(multirate is not None),
        views=_views(model, twin, multirate is not None, marks),
    )
    values = state.left(panel.values)
    if panel.picked and panel.picked[1] < len(shown.places):
        remember_sample(shown.places[panel.picked[1]])
        st.rerun()
    return params | values


def _controls(model: Explorer, state: PanelState) -> list[Control]:
    assert model.dial is not None
    stops = model.dial.stops
    start = state.start({"value": (stops[0], stops[-1])}, value=model.dial.default, seed=0)
    return [
        Slider(
            param="value",
            label="β",
            low=stops[0],
            high=stops[-1],
            value=start["value"],
            scale="log",
            symbol="β",
            bend=bend(stops),
            marks=tuple(Mark(x=x, label=f"{x:g}") for x in stops),
        ),
        Button(param="seed", label="New prior samples", value=start["seed"]),
    ]


def _rows(shown: SampleRow, multirate: bool) -> list[Row]:
    rows = [
        Row(array="input", label=shown.origin, pick=bool(shown.places)),
        Row(array="reconstruction", label="reconstruction"),
        Row(array="prior", label="prior samples"),
    ]
    if multirate:
        rows.insert(2, Row(array="gated_reconstruction", label="reconstruction, multi-rate VAE"))
        rows.append(Row(array="gated_prior", label="prior samples, multi-rate VAE"))
    return rows


def _readouts(multirate: bool) -> list[Readout]:
    labels = zip(NATS, ("D, distortion", "R, rate", "β R", "loss = D + β R"), strict=True)
    readouts = [Readout(name=name, label=label, digits=1, unit="nats") for name, label in labels]
    if multirate:
        readouts += [
            Readout(name="gated_loss", label="loss, multi-rate VAE", digits=1, unit="nats"),
            Readout(name="gated_active_units", label="active units, multi-rate VAE", digits=0),
        ]
    return readouts


def _views(model: Explorer, twin: Run | None, multirate: bool, marks: list[Trained]) -> list[AnyView]:
    spec, run = model.spec, model.run
    still: dict[str, Any] = {"scene": "beta_curve", "fields": ("run", "twin", "gated"), "place": "above"}
    lines = [
        Line(
            name="dial" if multirate else "",
            colour="accent",
            readout="distortion",
            x_array="rate",
            y_array="distortion",
        )
    ]
    if multirate:
        other = Line(
            name="multi-rate VAE",
            colour="quiet",
            readout="gated_distortion",
            x_readout="gated_rate",
            x_array="gated_rate",
            y_array="gated_distortion",
        )
        lines.insert(0, other)
    views: list[AnyView] = [
        Chart(
            **still,
            title="Rate and distortion, test set",
            x_readout="rate",
            x_label="rate R, nats",
            y_label="distortion D, nats",
            height=258,
            lines=tuple(lines),
            spots=tuple(Spot(x=m.rate, y=m.distortion, label=_mark_label(m)) for m in marks),
            spot_name="trained from scratch" if marks else "",
        ),
        Dimensions(**still, title="KL per dimension, nats (square-root axis)"),
    ]
    if (twin.config.latent_dim if twin else run.config.latent_dim) > 1:
        n = len(spec.classes)
        names = () if long_names(spec.classes) else spec.classes
        colours = tuple(theme().colour(i, n) for i in range(n))
        views.insert(1, Cloud(**still, title=f"Latent map{_map_of(twin, run)}", names=names, colours=colours))
    return views


def _map_of(twin: Run | None, run: Run) -> str:
    if twin is not None:
        return " (from a 2-D model at the same β)"
    return "" if run.config.latent_dim == 2 else " (first two principal components)"


def _mark_label(trained: Trained) -> str:
    return (
        f"β = {trained.value:g}, seed {trained.seed}, {trained.steps:,} steps: D {trained.distortion:.1f}, "
        f"R {trained.rate:.1f}, {trained.active_units} active"
    )


def bend(stops: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """The scale of the slider, which gives most of its travel to the visible range of β."""
    low, high = stops[0], stops[-1]
    return ((low, 0.0), (VISIBLE, 0.25), (high, 1.0)) if low < VISIBLE and high > 4 * VISIBLE else ()


def fresh_config(run: Run, value: float) -> dict[str, Any]:
    """The knobs of a model like the dial's, trained from scratch at one β as its marks are: as long as its first stop,
    β warmed up over the first quarter."""
    training: TrainingConfig = run.spec.training
    fresh = {"beta": value, "warmup": 0.25, "seed": (training.seed + 1) % 2**31}
    return {**dict(run.config), **dict(training), **fresh}


def offer_fresh(run: Run, value: float) -> None:
    """The button that trains a model at this β from scratch; its mark comes when it is done."""
    refused = st.session_state.pop(REFUSED, "")
    busy = any(jobs.under_way(other) for other in fresh_runs(run))
    st.button(
        f"Train a VAE from scratch at β = {value:.3g}",
        icon=":material/play_arrow:",
        key="beta.fresh",
        on_click=_start,
        args=(run, value),
        disabled=busy or not is_available(run.spec.dataset),
        help="Trains as long as the first snapshot of the dial. Its mark appears on the curve when the training ends.",
    )
    if refused:
        st.error(as_text(refused), icon=":material/error:")


def _start(run: Run, value: float) -> None:
    try:
        data, given, pace = load_dataset(run.spec.dataset), fresh_config(run, value), jobs.pace()
        made = new_run(
            run.family.name,
            data,
            f"{run.spec.data.title} at β = {value:g}, from scratch",
            owner=current_owner(),
            pace=pace,
            **given,
        )
        cost = estimate(
            run.family.name, made.config, made.spec.training, data.spec, len(data.train), len(data.validation)
        )
        jobs.start(made, current_owner(), cost.seconds, current_address(), new=True)
        st.toast(f"Training from scratch at β = {value:g}, about {duration(cost.seconds * pace)}.")
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = reason(error)


def about_multirate(frame: Frame) -> str:
    """Compare the multi-rate VAE with the dial at the value where the slider was left."""
    at = frame.readouts
    more = at["gated_loss"] - at["loss"]
    return (
        f"At β = {at['value']:.3g} the multi-rate VAE has {at['gated_active_units']} active units, the dial "
        f"{at['active_units']} of {at['units']}; the loss of the multi-rate VAE is {abs(more):.1f} nats "
        f"({abs(more) / at['loss']:.1%}) {'higher' if more > 0 else 'lower'}. Its figures are measured on "
        f"{at['gated_samples']:,} test samples."
    )


def about_dial(model: Explorer, marks: list[Trained]) -> str:
    """Explain the dial and its marks, and how far its loss is from theirs, in Markdown."""
    assert model.dial is not None
    text = (
        "Each snapshot of the dial started from the weights of the one before, so units stay active that a VAE trained "
        "from scratch would have lost. Trained from small β to large: a collapsed unit rarely recovers."
    )
    apart = []
    for m in marks:
        if model.dial.stops[0] <= m.value <= model.dial.stops[-1]:
            figures = at_value(model.dial, m.value)
            ours = float(figures["distortion"] + m.value * figures["rate"])
            percent = 100 * (ours / (m.distortion + m.value * m.rate) - 1)
            apart.append(f"{percent:+.1f} % at β = {m.value:g}".replace("-", "−"))
    if apart:
        text += (
            f" Orange marks are VAEs trained from scratch; the dial's loss compared with theirs: {', '.join(apart)}."
        )
    return f"{text} {likelihood_sentence(model.run)}".strip()


def numbers(frame: Frame, run: Run) -> str:
    """The loss as the equation has it, and how it is reduced."""
    at, size, part = frame.readouts, run.spec.data.measured, run.spec.data.row.part
    n_test = find_source(run.spec.dataset).n_test
    return (
        f"{at['distortion']:.1f} + {at['value']:g} × {at['rate']:.1f} = {at['loss']:.1f} nats "
        f"(sum over {size} {part}s, mean over {n_test:,} test samples; β per {part} {at['value'] / size:.2g})"
    )


def as_python(run: Run, shown: SampleRow, params: dict[str, Any]) -> str:
    """The lines that show the same samples and numbers."""
    value = params["value"]
    return (
        "import numpy as np\n\n" + opening(run) + shown.python + f"vae = model.at({value!r})\n"
        f"reconstructions = vae.reconstruct(x)\nsamples = vae.sample({len(shown.samples)}, seed={params['seed']})\n\n"
        'curve = model.dial.curve\nbeta = np.log(curve["value"])\n'
        f'distortion = np.interp(np.log({value!r}), beta, curve["distortion"])\n'
        f'rate = np.interp(np.log({value!r}), beta, curve["rate"])\n'
        f"loss = distortion + {value!r} * rate\n"
    )


def frame_of(params: dict[str, Any]) -> Frame:
    """The frame that the panel shows, for numbers and files."""
    return render("beta", {**params, "points": 2})


def as_file(frame: Frame, model: Explorer) -> Download:
    """The rows of the panel."""
    return sheet("beta", {name: frame.arrays[name] for name in ("input", "reconstruction", "prior")}, model.spec)
