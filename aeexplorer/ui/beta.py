"""The β dial: which runs have one, the live panel, its marks, and fresh models to hold it against."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import find_source, is_available
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import Button, Chart, Cloud, Dimensions, Line, Mark, Readout, Row, Slider, Spot
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.beta import at_value
from aeexplorer.runs.dial import Mark as Trained
from aeexplorer.runs.dial import mark
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_owner
from aeexplorer.store import Damaged
from aeexplorer.training.estimation import estimate
from aeexplorer.training.loop import TrainingConfig
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.resources import all_runs, dataset, explorer, openable_runs, theme
from aeexplorer.ui.shared.run_picker import remember_sample
from aeexplorer.ui.shared.sample_sets import Chosen
from aeexplorer.ui.shared.samples import long_names
from aeexplorer.ui.shared.text import as_text, duration

KEY = "beta.panel"
LEFT_AT = "beta.left_at"
REFUSED = "beta.refused"
VISIBLE = 0.5
"""From here on reconstructions change for the eye; below β is given a quarter of the slider."""
NATS = ("distortion", "rate", "weighted", "loss")


def has_beta(run: Run) -> bool:
    """Whether it is a dial over β."""
    return run.spec.dial is not None and run.spec.dial.knob == "beta"


def twin_of(run: Run) -> Run | None:
    """The dial over β of the same data with a code of two values, whose map is shown; none for a run that has its own."""
    if run.config.latent_dim <= 2:
        return None
    kin = [
        other for other in openable_runs()
        if has_beta(other) and other.config.latent_dim == 2
        and (other.spec.dataset, other.spec.data.shape) == (run.spec.dataset, run.spec.data.shape)
    ]  # fmt: skip
    for other in sorted(kin, key=lambda r: (r.path.name != f"{run.path.name}-2d", r.removable != run.removable)):
        try:
            explorer(other)
        except (Damaged, OSError):
            continue
        return other
    return None


def gated_of(run: Run) -> Run | None:
    """One net for every β of the same data, the one with a code of the same size first; asked for by a switch."""
    kin = [
        other for other in openable_runs()
        if "rates" in other.family.traits
        and (other.spec.dataset, other.spec.data.shape) == (run.spec.dataset, run.spec.data.shape)
    ]  # fmt: skip
    kin.sort(key=lambda r: (r.config.latent_dim != run.config.latent_dim, r.removable))
    if not kin or not is_available(run.spec.dataset):
        return None
    wanted = st.toggle(
        "Beside one gated net", key="beta.gated", bind="query-params",
        help="A multi-rate VAE answers at every β with one set of weights, whose hidden units open and close with β "
        "(Bae et al. 2023). Its loss comes close; what it hides shows at both ends of the slider.",
    )  # fmt: skip
    return kin[0] if wanted else None


def fresh_runs(run: Run) -> list[Run]:
    """Runs of one model each that differ from the dial in β alone: trained separately, or still under way."""
    wanted = run.config.model_dump(exclude={"beta", "warmup"})
    return [
        other for other in all_runs()
        if isinstance(other, Run) and other.spec.dial is None and other.family.name == run.family.name
        and other.spec.dataset == run.spec.dataset and other.config.model_dump(exclude={"beta", "warmup"}) == wanted
    ]  # fmt: skip


def marks_of(model: Explorer) -> list[Trained]:
    """Models trained separately, those that came with the dial and those trained here, ascending."""
    stored = model.dial.marks if model.dial else ()
    found = {(m.value, m.seed, m.steps): m for m in stored}
    n_train = find_source(model.run.spec.dataset).n_train
    for other in fresh_runs(model.run):
        status = other.status
        if status.state == "done" and dict(other.config)["beta"] > 0:
            made = mark(other.config, other.spec.training, n_train, status.result)
            found[made.value, made.seed, made.steps] = made
    return [found[key] for key in sorted(found)]


def turn(model: Explorer, twin: Run | None, gated: Run | None, chosen: Chosen, marks: list[Trained]) -> dict[str, Any]:
    """The live panel; the params of the scene as the hand left them."""
    assert model.dial is not None
    run, spec, stops = model.run, model.spec, model.dial.stops
    # the values a panel begins with stay while it lives: what the hand did since is the panel's own
    start_key = f"{KEY}.start"
    if KEY not in st.session_state or start_key not in st.session_state:
        st.session_state[start_key] = settings(model)
    start = st.session_state[start_key]
    params: dict[str, Any] = {"run": run.id, "samples": chosen.samples} | ({"twin": twin.id} if twin else {})
    params |= {"gated": gated.id} if gated else {}
    shown = twin.config.latent_dim if twin else run.config.latent_dim
    names = () if long_names(spec.classes) else spec.classes
    still = {"scene": "beta_curve", "fields": ("run", "twin", "gated"), "place": "above"}
    panel = live_panel(
        "beta", key=KEY, label="Turn β", params=params,
        controls=[
            Slider(
                param="value", label="β", low=stops[0], high=stops[-1], value=min(max(start["value"], stops[0]), stops[-1]),
                scale="log", symbol="β", bend=bend(stops), marks=tuple(Mark(x=x, label=f"{x:g}") for x in stops),
            ),
            Button(param="seed", label="Other prior samples", value=start["seed"]),
        ],
        rows=[
            Row(array="input", label=chosen.origin if chosen.origin != "clean" else "input", pick=bool(chosen.places)),
            Row(array="reconstruction", label="reconstruction"),
            *([Row(array="gated_reconstruction", label="one gated net")] if gated else []),
            Row(array="prior", label="prior samples"),
            *([Row(array="gated_prior", label="one gated net")] if gated else []),
        ],
        readouts=[
            Readout(name=name, label=label, digits=1, unit="nats")
            for name, label in zip(NATS, ("D, distortion", "R, rate", "β R", "loss = D + β R"), strict=True)
        ] + ([
            Readout(name="gated_loss", label="loss, gated net", digits=1, unit="nats"),
            Readout(name="gated_active_units", label="active units, gated net", digits=0),
        ] if gated else []),
        views=[
            Chart(
                **still, title="Rate and distortion, test set", x_readout="rate", x_label="rate R, nats",
                y_label="distortion D", height=258,
                lines=(
                    *([Line(name="one gated net", colour="quiet", readout="gated_distortion", x_readout="gated_rate",
                            x_array="gated_rate", y_array="gated_distortion")] if gated else []),
                    Line(name="", colour="accent", readout="distortion", x_array="rate",
                         y_array="distortion"),
                ),
                spots=tuple(Spot(x=m.rate, y=m.distortion, label=_said_of(m)) for m in marks),
                spot_name="trained separately" if marks else "",
            ),
            *([Cloud(
                **still, title=f"Latent map{_whose_map(twin, run)}", names=names,
                colours=tuple(theme().colour(i, len(spec.classes)) for i in range(len(spec.classes))),
            )] if shown > 1 else []),
            Dimensions(**still, title="KL per dimension, nats"),
        ],
    )  # fmt: skip
    left_at = panel.values
    st.session_state[LEFT_AT] = left_at
    for name, value in (("beta", f"{left_at['value']:g}"), ("seed", f"{left_at['seed']}")):
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    if panel.picked and panel.picked[1] < len(chosen.places):
        remember_sample(chosen.places[panel.picked[1]])
        st.rerun()
    return params | left_at


def _whose_map(twin: Run | None, run: Run) -> str:
    if twin is not None:
        return " (2-d twin of this dial)"
    return "" if run.config.latent_dim == 2 else " (two principal axes)"


def _said_of(trained: Trained) -> str:
    return (
        f"β = {trained.value:g}, seed {trained.seed}, {trained.steps:,} steps: D {trained.distortion:.1f}, "
        f"R {trained.rate:.1f}, {trained.active_units} active"
    )


def bend(stops: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """How the slider divides its travel: most of it to where the eye sees β."""
    low, high = stops[0], stops[-1]
    return ((low, 0.0), (VISIBLE, 0.25), (high, 1.0)) if low < VISIBLE and high > 4 * VISIBLE else ()


def settings(model: Explorer) -> dict[str, Any]:
    """β and the seed of the prior samples as the link says them, else as they were left, else where the dial stands."""
    assert model.dial is not None
    asked: dict[str, Any] = {"value": model.dial.default, "seed": 0} | st.session_state.get(LEFT_AT, {})
    for name, param, read in (("beta", "value", float), ("seed", "seed", int)):
        try:
            asked[param] = read(st.query_params[name][:40])
        except (KeyError, ValueError):
            continue
    value = float(asked["value"])
    low, high = model.dial.stops[0], model.dial.stops[-1]
    return {
        "value": min(max(value, low), high) if np.isfinite(value) else model.dial.default,
        "seed": min(max(int(asked["seed"]), 0), 2**31),
    }


def fresh_config(run: Run, value: float) -> dict[str, Any]:
    """The knobs of a model like the dial's, trained from scratch at one β as its marks are: as long as its first stop, β
    warmed up over the first quarter."""
    training: TrainingConfig = run.spec.training
    fresh = {"beta": value, "warmup": 0.25, "seed": (training.seed + 1) % 2**31}
    return {**dict(run.config), **dict(training), **fresh}


def offer_fresh(run: Run, value: float) -> None:
    """The button that trains a model at this β from scratch; its mark comes when it is done."""
    refused = st.session_state.pop(REFUSED, "")
    busy = any(jobs.under_way(other) for other in fresh_runs(run))
    st.button(
        f"Train a fresh VAE at β = {value:g}", icon=":material/play_arrow:", key="beta.fresh", on_click=_start,
        args=(run, value), disabled=busy or not is_available(run.spec.dataset),
        help="From scratch, as long as the first stop of the dial. Its mark appears on the curve when it is done.",
    )  # fmt: skip
    if refused:
        st.error(as_text(refused), icon=":material/error:")


def _start(run: Run, value: float) -> None:
    try:
        data, given, pace = dataset(run.spec.dataset), fresh_config(run, value), jobs.pace()
        made = new_run(run.family.name, data, f"{run.spec.data.title} at β = {value:g}, from scratch",
                       owner=current_owner(), pace=pace, **given)  # fmt: skip
        cost = estimate(
            run.family.name, made.config, made.spec.training, data.spec, len(data.train), len(data.validation)
        )
        jobs.start(made, current_owner(), cost.seconds)
        st.toast(f"Training from scratch at β = {value:g}, about {duration(cost.seconds * pace)}.")
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = reason(error)


def beside(frame: Frame) -> str:
    """How the gated net stands where the slider was left, and what it hides."""
    at = frame.readouts
    return (
        f"At β = {at['value']:.3g} the gated net keeps {at['gated_active_units']} active units, the dial "
        f"{at['active_units']} of {at['units']}; loss {at['gated_loss']:.1f} against {at['loss']:.1f} nats (its figures "
        "are of 2,000 test samples). One net must serve every β: the units that it uses hardly change, so at small β its "
        "prior samples are better than those of a real VAE, and at large β it does not collapse as one does."
    )


def honesty(model: Explorer, marks: list[Trained]) -> str:
    """What the dial is, what the marks are and how far it is from them, in Markdown."""
    assert model.dial is not None
    said = (
        "Every snapshot went on from the weights of the one before, so units live on that a fresh VAE would have lost. "
        "Upwards only: a unit once lost does not come back, and on MNIST a chain down from β = 30 was 10 to 22 % worse for "
        "β ≤ 3."
    )
    apart = []
    for m in marks:
        if model.dial.stops[0] <= m.value <= model.dial.stops[-1]:
            figures = at_value(model.dial, m.value)
            ours = float(figures["distortion"] + m.value * figures["rate"])
            percent = 100 * (ours / (m.distortion + m.value * m.rate) - 1)
            apart.append(f"{percent:+.1f} % at β = {m.value:g}".replace("-", "−"))
    if apart:
        said += f" Orange marks are VAEs trained from scratch; the dial's loss against theirs: {', '.join(apart)}."
    return said


def numbers(frame: Frame, run: Run) -> str:
    """The loss as the equation has it, and how it is reduced."""
    at, size = frame.readouts, run.spec.data.size
    what = "pixels" if run.spec.data.kind == "image" else "values"
    n_test = find_source(run.spec.dataset).n_test
    return (
        f"{at['distortion']:.1f} + {at['value']:g} × {at['rate']:.1f} = {at['loss']:.1f} nats "
        f"(sum over {size} {what}, mean over {n_test:,} test samples; β per value {at['value'] / size:.2g})"
    ).replace("per value", "per pixel" if run.spec.data.kind == "image" else "per value")


def as_python(run: Run, chosen: Chosen, params: dict[str, Any]) -> str:
    """The lines that show the same samples and numbers."""
    value = params["value"]
    return (
        "import numpy as np\n\n" + opening(run) + chosen.python + f"vae = model.at({value!r})\n"
        f"reconstructions = vae.reconstruct(x)\nsamples = vae.sample({len(chosen.samples)}, seed={params['seed']})\n\n"
        'curve = model.dial.curve\nbeta = np.log(curve["value"])\n'
        f'distortion = np.interp(np.log({value!r}), beta, curve["distortion"])\n'
        f'rate = np.interp(np.log({value!r}), beta, curve["rate"])\n'
        f"loss = distortion + {value!r} * rate\n"
    )


def frame_of(params: dict[str, Any]) -> Frame:
    """What the panel shows, for numbers and files."""
    return render("beta", {**params, "points": 2})


def as_file(frame: Frame, model: Explorer) -> Download:
    """The rows of the panel."""
    return sheet("beta", {name: frame.arrays[name] for name in ("input", "reconstruction", "prior")}, model.spec)
