"""Choosing what to train: data, family, knobs, and what it will cost."""

from __future__ import annotations

from typing import Any

import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import DATASETS, Source
from aeexplorer.families import FAMILIES, Family
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import NETS
from aeexplorer.runs.limits import check_cost
from aeexplorer.runs.request import configure, new_run
from aeexplorer.server.identity import current_owner
from aeexplorer.training.estimation import Estimate, estimate, suggested
from aeexplorer.training.loop import TrainingConfig
from aeexplorer.training.plan import KNOBS, DialSpec
from aeexplorer.ui.shared import downloads
from aeexplorer.ui.shared.knob_form import knobs
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.resources import dataset
from aeexplorer.ui.shared.samples import show
from aeexplorer.ui.shared.text import as_text, duration

JOB = "train.job"
REFUSED = "train.refused"
SAMPLES = 8
LATER_EPOCHS = 10
MODEL_KNOBS = ["latent_dim", "net", "hidden", "channels", "loss", "dropout"]
CORRUPTION_KNOBS = ["corruption", "level"]
LOOP_KNOBS = ["epochs", "batch_size", "learning_rate", "weight_decay", "patience", "seed"]
MORE_LOOP_KNOBS = ["schedule", "samples", "threads", "device"]


def setup() -> None:
    """The choices, from top to bottom, and the button that starts."""
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        source = _choose_data()
    with right, st.container(border=True, height="stretch"):
        row = _choose_family()
    with refusals():
        here = _available(source)
        config, training = _choose_knobs(source, row)
        _cost_and_start(source, row, config, training, here, _choose_dial(source, row, config))
    jobs.supervise()


def _choose_data() -> Source:
    _take_from_link("dataset", list(DATASETS))
    name = st.selectbox(
        "Data", list(DATASETS), key="train.dataset", persist_state="session", format_func=lambda n: DATASETS[n].spec.title
    )  # fmt: skip
    source = DATASETS[name]
    st.caption(
        f"{as_text(source.spec.summary)} {source.n_train:,} to train on, {source.n_validation:,} to validate, "
        f"{source.n_test:,} to test."
    )
    if source.available():
        with refusals():
            test = dataset(name).test
            show([("", test.x[:SAMPLES])], source.spec, tile_width=72)
    return source


def _choose_family() -> Family:
    _take_from_link("family", list(FAMILIES))
    name = st.selectbox(
        "Family", list(FAMILIES), key="train.family", persist_state="session", format_func=lambda n: FAMILIES[n].title
    )  # fmt: skip
    row = FAMILIES[name]
    said, _, link = row.paper.rpartition(", ")
    st.caption(f"{row.summary} [{as_text(said)}]({link})")
    st.latex(row.equation)
    return row


def _take_from_link(name: str, known: list[str]) -> None:
    """?dataset=... and ?family=... choose once; afterwards the widget does."""
    asked = st.query_params.pop(name, None) if name in st.query_params else None
    if asked in known:
        st.session_state[f"train.{name}"] = asked


def _available(source: Source) -> bool:
    """Whether the data are here; where not, a sentence and the button that fetches them."""
    if source.available():
        return True
    title = as_text(source.spec.title)
    if not source.downloadable:
        st.info(f"{title} is not on this machine; choose another dataset.", icon=":material/info:")
        return False
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.info(f"{title} is not on this machine. It is fetched once and kept.", icon=":material/info:")
    with button:
        downloads.offer(source.name)
    return False


def _choose_knobs(source: Source, row: Family) -> tuple[ModelConfig, TrainingConfig]:
    config, training = suggested(row, source.spec, source.n_train)
    key = f"train.{source.name}.{row.name}"
    nets = [net.name for net in NETS.values() if source.spec.kind in net.kinds]
    own = [name for name in type(config).model_fields if name not in ModelConfig.model_fields]
    shown = [*MODEL_KNOBS, *own, *(CORRUPTION_KNOBS if config.corruption != "none" else [])]
    with st.container(border=True):
        values = knobs(config, key, shown, columns=6, options={"net": nets})
        values |= knobs(training, key, LOOP_KNOBS, columns=6)
        with st.expander("More", type="compact"):
            if config.corruption == "none":
                values |= knobs(config, key, CORRUPTION_KNOBS, columns=4)
            values |= knobs(training, key, MORE_LOOP_KNOBS, columns=4)
    return configure(row.name, **{**dict(config), **dict(training), **values})


def _choose_dial(source: Source, row: Family, config: ModelConfig) -> DialSpec | None:
    """A chain of snapshots over β or over the level of the corruption, for families that have such a knob."""
    turnable = [knob for knob in KNOBS.values() if not knob.refusal(row, config)]
    if not turnable:
        return None
    knob = turnable[0].name
    over_beta = knob == "beta"
    key = f"train.{source.name}.{row.name}.{knob}"
    switch, first, second = st.columns([1, 2, 1], vertical_alignment="bottom")
    what, page = ("β", "β") if over_beta else ("the level", "Corruption")
    if not switch.toggle("Train as a dial", key=f"{key}.dial", help=(
        f"One training at each of several values of {what}, each from the weights of the one before. The page {page} then "
        "turns it live."
    )):  # fmt: skip
        return None
    text = first.text_input(
        f"Stops of {what}", ", ".join(f"{stop:g}" for stop in turnable[0].suggested), key=f"{key}.stops", max_chars=200
    )
    epochs = second.number_input("Epochs at each later stop", 1, 10_000, LATER_EPOCHS, key=f"{key}.epochs")
    try:
        stops = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ConfigError(f"stops must be numbers separated by commas, got {text!r}") from None
    return DialSpec(knob=knob, stops=stops, epochs_per_stop=int(epochs))


def _cost_and_start(
    source: Source, row: Family, config: ModelConfig, training: TrainingConfig, here: bool, dial: DialSpec | None = None
) -> None:  # fmt: skip
    pace = jobs.pace()
    try:
        cost = estimate(row.name, config, training, source.spec, source.n_train, source.n_validation, dial)
        check_cost(cost, pace)
        refused = st.session_state.pop(REFUSED, "")
    except ConfigError as error:
        cost, refused = None, str(error)
    said, name, button = st.columns([3, 1.4, 1], vertical_alignment="bottom")
    with said:
        if refused:
            st.error(as_text(refused), icon=":material/error:")
        elif cost is not None:
            st.markdown(cost_sentence(cost, pace))
    title = name.text_input("Name", key="train.title", max_chars=120, placeholder="optional")
    given = {**dict(config), **dict(training)}
    button.button(
        "Start training", type="primary", icon=":material/play_arrow:", width="stretch", key="train.start",
        disabled=cost is None or not here, on_click=_start, args=(source.name, row.name, title, given, cost.seconds if cost else 0.0, dial),
    )  # fmt: skip
    changed = {
        k: v for k, v in given.items()
        if v != {**dict(row.config), **dict(TrainingConfig())}[k]
    }  # fmt: skip
    with st.popover("Copy as Python", icon=":material/code:", type="tertiary"):
        st.code(as_python(source.name, row.name, changed, dial), language="python")


def _start(dataset_name: str, family_name: str, title: str, given: dict[str, Any], seconds: float, dial: DialSpec | None = None) -> None:  # fmt: skip
    """Make the run and start it. A second click arrives while the first one's run is shown, and does nothing."""
    if st.session_state.get(JOB):
        return
    try:
        run = new_run(
            family_name, dataset(dataset_name), title, owner=current_owner(), pace=jobs.pace(), dial=dial, **given
        )
        st.session_state[JOB] = run.id
        jobs.start(run, current_owner(), seconds)
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = reason(error)


def cost_sentence(cost: Estimate, pace: float = 1.0) -> str:
    """What a training will cost, in a line; `pace` is what earlier ones took per estimated second."""
    return (
        f"**{cost.parameters:,}** parameters, {_bytes(cost.weight_bytes)} on disk, {_bytes(cost.memory_bytes)} of memory. "
        f"**{cost.steps:,}** steps, about {duration(cost.seconds * pace)} on this machine."
    )


def _bytes(n: float) -> str:
    return f"{n / 1e9:.1f} GB" if n >= 1e9 else f"{n / 1e6:.0f} MB" if n >= 1e6 else f"{n / 1e3:.0f} kB"


def as_python(dataset_name: str, family_name: str, knobs_given: dict[str, Any], dial: DialSpec | None = None) -> str:
    """The lines that do the same without a page."""
    given = "".join(f",\n    {name}={value!r}" for name, value in knobs_given.items())
    more = ""
    if dial is not None:
        more = "from aeexplorer.training.plan import DialSpec\n"
        stops = f"stops={dial.stops!r}, epochs_per_stop={dial.epochs_per_stop}"
        given += f',\n    dial=DialSpec(knob="{dial.knob}", {stops})'
    return (
        f'import aeexplorer as ae\n{more}\ndata = ae.load_dataset("{dataset_name}")\n'
        f'run = ae.train("{family_name}", data{given})\nmodel = ae.open_run(run.path)\n'
    )
