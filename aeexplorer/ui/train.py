"""Set up a training: data, family, knobs, cost, and the button that starts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.corruption import fitting
from aeexplorer.data import Source, load_dataset, sources
from aeexplorer.families import FAMILIES, Family
from aeexplorer.losses import LOSSES
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import NETS, NetConfig
from aeexplorer.runs.limits import check_cost
from aeexplorer.runs.listing import find_run, list_runs
from aeexplorer.runs.request import configure, new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.training.config import TrainingConfig, check_batch
from aeexplorer.training.estimation import Estimate, estimate, suggested
from aeexplorer.training.plan import KNOBS, DialSpec
from aeexplorer.ui import train_nets
from aeexplorer.ui.shared import downloads
from aeexplorer.ui.shared.knob_form import KnobForm, labelled, typed
from aeexplorer.ui.shared.page_links import page_link, watch_button
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.resources import openable_runs
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.samples import show
from aeexplorer.ui.shared.text import as_text, duration, heading

JOB = "train.job"
STARTED = "train.started"
REFUSED = "train.refused"
PARENT = "train.parent"
TAUGHT = "train.taught"
SAMPLES, COLUMNS = 8, 5
LISTED = 8
LATER_EPOCHS = 10
MODEL_KNOBS = ["latent_dim", *(name for name in NetConfig.model_fields if name != "dropout"), "loss", "dropout"]
CORRUPTION_KNOBS = ["corruption", "level"]
LOOP_KNOBS = ["epochs", "batch_size", "learning_rate", "weight_decay", "patience", "seed"]
MORE_LOOP_KNOBS = ["schedule", "samples", "threads", "device"]
STATES = {"queued": "waiting", "starting": "training", "running": "training"}


def setup() -> None:
    """Show the choices from top to bottom, and the button that starts."""
    with top("Train a model", "Choose data and a family, see what the training will cost, and watch it learn."):
        page_link("data", "Add your own data", "add", add="1")
        list_of_mine()
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        source = _choose_data()
    with right, st.container(border=True, height="stretch"):
        row = _choose_family()
    with refusals():
        parent = _teacher(source) if "teacher" in row.traits else _parent()
        here = _available(source)
        form, config, training = _choose_knobs(source, row)
        dial = _choose_dial(source, row, config, form)
        cost = _cost(source, row, config, training, dial, form)
        teaches = "teacher" in row.traits
        if (
            parent
            and not teaches
            and row.shapes(config, source.spec) != parent.family.shapes(parent.config, parent.spec.data)
        ):
            st.error("The weights to start from fit only a model with the same layers.", icon=":material/error:")
            cost = None
        _start_button(source, row, config, training, dial, cost if here else None, parent)
    jobs.supervise()


@contextmanager
def top(title: str, lead: str) -> Iterator[None]:
    """Show the heading; what is drawn inside stands at its right."""
    words, tools = st.columns([1.2, 1], vertical_alignment="center")
    with words:
        heading(title, lead)
    with tools, st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        yield


def _choose_data() -> Source:
    known = sources()
    if st.session_state.get("train.dataset") not in known:  # data that were removed meanwhile
        st.session_state.pop("train.dataset", None)
    _begin_with_link("dataset", list(known))
    titles = {name: source.spec.title for name, source in known.items()}
    name = st.selectbox(
        "Data", list(titles), key="train.dataset", persist_state="session", format_func=titles.__getitem__
    )
    source = known[name]
    st.caption(
        f"{as_text(source.spec.summary)} {source.n_train:,} samples to train on, {source.n_validation:,} to validate, "
        f"{source.n_test:,} to test."
    )
    if source.available():
        with refusals():
            show([("", load_dataset(name).test.x[:SAMPLES])], source.spec, tile_width=72)
    return source


def _choose_family() -> Family:
    _begin_with_link("family", list(FAMILIES))
    titles = {name: row.title for name, row in FAMILIES.items()}
    name = st.selectbox(
        "Family", list(titles), key="train.family", persist_state="session", format_func=titles.__getitem__
    )
    row = FAMILIES[name]
    citation, _, link = row.paper.rpartition(", ")
    st.caption(f"{row.summary} [{as_text(citation)}]({link})")
    st.latex(row.equation)
    return row


def _begin_with_link(name: str, known: Sequence[str]) -> None:
    """?dataset=… and ?family=… choose once; afterwards the widget does."""
    wanted = st.query_params.pop(name, None) if name in st.query_params else None
    if wanted in known:
        st.session_state[f"train.{name}"] = wanted


def _available(source: Source) -> bool:
    """Say whether the data are on this computer, with the button that downloads them if they are not."""
    if source.available():
        return True
    title = as_text(source.spec.title)
    if not source.downloadable:
        st.info(f"{title} is not on this computer; choose another dataset.", icon=":material/info:")
        return False
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.info(f"{title} is not on this computer. It is downloaded once and kept.", icon=":material/info:")
    with button:
        downloads.offer(source.name)
    return False


def _parent() -> Run | None:
    """The run whose weights the training starts from, and the button that starts from scratch instead."""
    name = st.session_state.get(PARENT)
    if not name:
        return None
    try:
        run = find_run(name)
    except (ConfigError, Damaged):  # deleted meanwhile
        del st.session_state[PARENT]
        return None
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="train-parent"):
        st.markdown(f"Starts from the weights of **{as_text(run_name(run))}**.", width="stretch")
        if st.button("Start from scratch instead", icon=":material/close:", key="train.scratch", type="tertiary"):
            del st.session_state[PARENT]
            st.rerun()
    return run


def _teacher(source: Source) -> Run | None:
    """The run that a student learns from, of the same data; None where it learns alone."""
    runs = {run.reference: run for run in openable_runs() if run.spec.dataset == source.name}
    picked = st.selectbox(
        "Teacher",
        ["", *runs],
        key=f"train.{source.name}.teacher",
        format_func=lambda name: run_name(runs[name]) if name else "None: the same network learns alone",
        help="The student learns the teacher's codes and reconstructions. Its codes must be as large as the teacher's.",
        persist_state="session",
    )
    teacher = runs.get(picked)
    if teacher is not None and st.session_state.get(TAUGHT) != picked:
        st.session_state[f"{_form_key(source.name, 'student')}.latent_dim"] = typed(teacher.config.latent_dim)
    st.session_state[TAUGHT] = picked
    return teacher


def _nets(source: Source) -> list[str]:
    return [net.name for net in NETS.values() if source.spec.kind in net.kinds]


def _form(source: Source, family_name: str, net: str) -> KnobForm:
    """The form for these data and family; what a net reads or suggests is asked for each net by itself."""
    names = {*NETS[net].knobs.model_fields, *NETS[net].suggest(source.spec)}
    return KnobForm(_form_key(source.name, family_name), dict.fromkeys(names, net))


def _form_key(dataset_name: str, family_name: str) -> str:
    return f"train.{dataset_name}.{family_name}"


def _choose_knobs(source: Source, row: Family) -> tuple[KnobForm, ModelConfig, TrainingConfig]:
    """The form, and the configurations that it asks for; where a field is refused they hold its suggestion."""
    nets = _nets(source)
    net = st.session_state.get(f"{_form_key(source.name, row.name)}.net", row.config.net)
    net = net if net in nets else nets[0]
    config, training = suggested(row, source.spec, source.n_train, net)
    form = _form(source, row.name, net)
    losses = [loss.name for loss in LOSSES.values() if loss.fits(source.spec)]
    options = {"net": nets, "loss": ["auto", *losses], "corruption": ["none", *fitting(source.spec)]}
    own = [name for name in type(config).model_fields if name not in ModelConfig.model_fields]
    shown = [*MODEL_KNOBS, *own, *(CORRUPTION_KNOBS if config.corruption != "none" else [])]
    with st.container(border=True):
        form.ask(COLUMNS, (config, shown), (training, LOOP_KNOBS), options=options)
        networks = st.container()
        with st.expander("More settings", type="compact"):
            rest = CORRUPTION_KNOBS if config.corruption == "none" else []
            form.ask(COLUMNS, (config, rest), (training, MORE_LOOP_KNOBS))
    try:
        config, training = configure(row.name, **{**dict(config), **dict(training), **form.values})
        check_batch(training, min(training.samples or source.n_train, source.n_train), source.spec)
        row.shapes(config, source.spec)
    except ConfigError as error:
        if not form.refuse(str(error)):
            raise ConfigError(labelled(str(error))) from None
    with networks:
        train_nets.compare(source.spec, config, f"{form.key}.nets")
    return form, config, training


def _choose_dial(source: Source, row: Family, config: ModelConfig, form: KnobForm) -> DialSpec | None:
    """A dial over β or over the level of the corruption, for families that have such a knob."""
    knob = next((knob for knob in KNOBS.values() if not knob.refusal(row, config)), None)
    if knob is None:
        return None
    switch, fields = st.columns([1, 3], vertical_alignment="bottom")
    value, page = ("β", "β-VAE") if knob.name == "beta" else ("the corruption level", "Corruption")
    about = (
        f"A dial is a series of models trained at increasing values of {value}. The page {page} moves along it live."
    )
    if not switch.toggle("Train as a dial", key=f"{form.key}.{knob.name}.dial", help=about, persist_state="session"):
        return None
    usual = DialSpec(knob=knob.name, stops=knob.suggested, epochs_per_stop=LATER_EPOCHS)
    part = KnobForm(f"{form.key}.{knob.name}")
    with fields:
        part.ask(2, (usual, ["stops", "epochs_per_stop"]))
    dial = usual
    if not part.refused:
        try:
            dial = usual.replace(**part.values)
        except ConfigError as error:
            part.refuse(str(error))
    form.refused |= part.refused
    return dial


def _cost(
    source: Source, row: Family, config: ModelConfig, training: TrainingConfig, dial: DialSpec | None, form: KnobForm
) -> Estimate | None:
    """Show the cost of the training, or the reason why it cannot start; then None."""
    if form.refused:
        st.markdown(":red[Training can start when the fields marked above are corrected.]")
        return None
    pace = jobs.pace()
    try:
        cost = estimate(row.name, config, training, source.spec, source.n_train, source.n_validation, dial)
        check_cost(cost, pace)
    except ConfigError as error:
        if not form.refuse(str(error)):
            st.error(as_text(labelled(str(error))), icon=":material/error:")
        return None
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(as_text(labelled(refused)), icon=":material/error:")
    st.markdown(cost_sentence(cost, pace))
    return cost


def _start_button(
    source: Source,
    row: Family,
    config: ModelConfig,
    training: TrainingConfig,
    dial: DialSpec | None,
    cost: Estimate | None,
    parent: Run | None = None,
) -> None:
    """The name, the button and the lines of Python.

    The button is read here and not by a callback: a click that takes the cursor out of a field comes with what was
    typed there, and a callback would start with what stood there before.
    """
    name, button, code = st.columns([1.6, 1, 1.6], vertical_alignment="bottom")
    title = name.text_input(
        "Name", key="train.title", max_chars=120, placeholder="Name (optional)", label_visibility="collapsed"
    )
    knobs = {**dict(config), **dict(training)}
    with code, st.popover("Copy as Python", icon=":material/code:", type="tertiary"):
        st.code(as_python(source.name, row, knobs, dial, parent), language="python")
    pressed = button.button(
        "Start training",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        key="train.start",
        disabled=cost is None,
    )
    if pressed and cost is not None:
        _start(source.name, row.name, title, knobs, cost.seconds, dial, parent)
        st.rerun()


def _start(
    dataset_name: str,
    family_name: str,
    title: str,
    knobs: dict[str, Any],
    seconds: float,
    dial: DialSpec | None = None,
    parent: Run | None = None,
) -> None:
    """Make the run and start it; of a double click the second makes none."""
    # Streamlit gives this up for the second click where it touches the session: what is in the list by then is kept
    started: list[str] = st.session_state.setdefault(STARTED, [])
    owner = current_owner()
    try:
        if not started:
            data, pace = load_dataset(dataset_name), jobs.pace()
            run = new_run(family_name, data, title, owner=owner, pace=pace, dial=dial, start_from=parent, **knobs)
            st.session_state.pop(PARENT, None)
            started.append(run.id)
            jobs.start(run, owner, seconds, current_address(), new=True)
    except (ConfigError, OSError) as error:
        started.clear()  # a refused run is removed
        st.session_state[REFUSED] = reason(error)
    if started:
        st.session_state[JOB] = started[0]


def fill_in(run: Run, further: bool = False, change: Mapping[str, Any] | None = None) -> None:
    """Put the settings of a run into the form, and show the form.

    Args:
        further: start from the weights of the run.
        change: knobs that get other values than in the run.
    """
    spec = run.spec
    name = spec.dataset.partition("?")[0]  # without the options that the data were drawn with
    st.session_state["train.dataset"], st.session_state["train.family"] = name, spec.family
    form = _form(sources()[name], spec.family, run.config.net)
    for field, value in {**dict(run.config), **dict(spec.training), **(change or {})}.items():
        st.session_state[form.key_of(field)] = typed(value)
    for knob in KNOBS:
        st.session_state[f"{form.key}.{knob}.dial"] = spec.dial is not None and spec.dial.knob == knob
    if spec.dial is not None:
        st.session_state[f"{form.key}.{spec.dial.knob}.stops"] = typed(spec.dial.stops)
        st.session_state[f"{form.key}.{spec.dial.knob}.epochs_per_stop"] = typed(spec.dial.epochs_per_stop)
    st.session_state[PARENT] = run.reference if further else ""
    forget()


def begin_like_link() -> None:
    """?like=RUN&change=patience:10 fills the form once with the settings of a run, some of them changed."""
    name, text = (st.query_params.pop(key, "") if key in st.query_params else "" for key in ("like", "change"))
    if not name:
        return
    try:
        run = find_run(name)
        values = dict(part.split(":", 1) for part in text.split(",") if ":" in part)
        config, training = (
            base.replace(**{name: value for name, value in values.items() if name in type(base).model_fields})
            for base in (run.config, run.spec.training)
        )
    except (ConfigError, Damaged) as error:
        st.warning(as_text(f"The settings of the link cannot be filled in: {reason(error)}"), icon=":material/warning:")
        return
    fill_in(run, change={**dict(config), **dict(training)})


def forget() -> None:
    """Show no training any more, so that a new one can be set up."""
    st.session_state.pop(JOB, None)
    st.session_state.pop(STARTED, None)
    st.query_params.pop("job", None)


def list_of_mine(shown: Run | None = None) -> None:
    """Show a button with the newest trainings of this person, each of which can be watched."""
    me = current_owner()
    mine = [run for run in list_runs() if isinstance(run, Run) and run.spec.owner == me][:LISTED]
    if not mine:
        return
    under_way = {job.path: job for job in jobs.active_jobs(me)}
    with st.popover("Your trainings", icon=":material/list:"):
        for run in mine:
            job = under_way.get(run.path)
            state = f" · {STATES[job.state]}" if job else ""
            bold = "**" if shown is not None and run.path == shown.path else ""
            watch_button(run.path.name, f"{bold}{as_text(run_name(run))}{bold}{state}", "train.watch")


def cost_sentence(cost: Estimate, pace: float = 1.0) -> str:
    """The cost of a training in a line; `pace` is the time that earlier ones took per estimated second."""
    return (
        f"**{cost.parameters:,}** parameters, {_bytes(cost.weight_bytes)} on disk, {_bytes(cost.memory_bytes)} "
        f"of memory. **{cost.steps:,}** steps, about {duration(cost.seconds * pace)} on this computer."
    )


def _bytes(n: float) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"


def as_python(
    dataset_name: str, row: Family, knobs: dict[str, Any], dial: DialSpec | None, parent: Run | None = None
) -> str:
    """The lines that do the same without a page; knobs that are as usual are left out."""
    usual = {**dict(row.config), **dict(TrainingConfig())}
    given = "".join(f",\n    {name}={value!r}" for name, value in knobs.items() if value != usual[name])
    more = ""
    if dial is not None:
        more = "from aeexplorer.training.plan import DialSpec\n"
        stops = f"stops={dial.stops!r}, epochs_per_stop={dial.epochs_per_stop}"
        given += f",\n    dial=DialSpec(knob={dial.knob!r}, {stops})"
    if parent is not None:
        given += f",\n    start_from={parent.reference!r}"
    return (
        f"import aeexplorer as ae\n{more}\ndata = ae.load_dataset({dataset_name!r})\n"
        f"run = ae.train({row.name!r}, data{given})\nmodel = ae.open_run(run.path)\n"
    )
