"""Add data: gather files, pictures of the camera or a pasted table, see what was found, and keep it."""

from __future__ import annotations

from collections import Counter

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import load_dataset
from aeexplorer.data.own import kept_bytes, limits
from aeexplorer.data.reading import Choices, Proposal
from aeexplorer.data.spec import DataSpec
from aeexplorer.families import FAMILIES
from aeexplorer.jobs.readings import ReadingJob, described, find_reading, forget, read_again, request_reading
from aeexplorer.models.base import ModelConfig
from aeexplorer.nets import NETS
from aeexplorer.program_files import PAGES
from aeexplorer.runs.limits import check_cost
from aeexplorer.runs.request import new_run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.server.uploads import UPLOADS
from aeexplorer.store import Damaged
from aeexplorer.training.estimation import estimate, suggested
from aeexplorer.training.loop import TrainingConfig
from aeexplorer.ui.data_choices import ask
from aeexplorer.ui.shared.jobs_panel import waiting_sentence
from aeexplorer.ui.shared.samples import show
from aeexplorer.ui.shared.text import as_text, counted, duration, heading

JOB, TRAIN, SHOTS, SEEN, REFUSED = "add.job", "add.train", "add.shots", "add.seen", "add.refused"
TICK_SECONDS = 0.5
FIRST_SECONDS = 100.0
"""Longest first training on new data; Train continues it, or trains longer."""
FEWEST_EPOCHS = 5
SHOWN = 12
FAMILY_CHOICES = ("vae", "ae", "dae")
WAYS = {"Files": "folder_zip", "Camera": "photo_camera", "Paste": "content_paste"}
TYPES = [
    *("zip", "png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "heic", "csv", "tsv", "txt", "data", "dat"),
    *("gz", "xlsx", "xls", "ods", "parquet", "npy", "npz"),
]


def show_add() -> None:
    """The whole screen: where data come from, what was found, and what becomes of it."""
    words, way_back = st.columns([3, 1], vertical_alignment="center")
    with words:
        heading("Add your own data", "Turn pictures, a table, series or arrays into a dataset that every page can use.")
    with way_back:
        door("Browse the data", "dataset")
    job = find_reading(st.session_state.get(JOB, ""), current_owner())
    if job is not None and job.kept:
        _finish(job)
        return
    left, right = st.columns([1, 1.9], gap="medium")
    with left:
        _gather()
    with right:
        if message := st.session_state.get(REFUSED):
            st.error(as_text(message), icon=":material/error:")
        if job is None:
            _explain()
        elif jobs.under_way(job):
            st.fragment(_progress, run_every=TICK_SECONDS)(job.spec.id)
        else:
            _found(job)


def door(label: str, icon: str = "add", **query: str) -> None:
    """A button to this page with another address; a link to the page that is shown already would do nothing."""
    if st.button(label, icon=f":material/{icon}:", key=f"data.door.{icon}"):
        st.switch_page(PAGES / "data.py", query_params=query)


# gathering


def _gather() -> None:
    """Files, the camera or a pasted table."""
    room = limits()
    with st.container(border=True):
        way = st.segmented_control(
            "From",
            list(WAYS),
            default="Files",
            required=True,
            key="add.way",
            format_func=lambda name: f":material/{WAYS[name]}: {name}",
            label_visibility="collapsed",
        )
        {"Files": _files, "Camera": _camera, "Paste": _paste}[way]()
        mine = kept_bytes(current_owner())
        st.caption(
            f"Up to {room['upload'] / 1e6:,.0f} MB per upload, {room['person'] / 1e6:,.0f} MB per person "
            f"(you use {mine / 1e6:,.1f} MB). Private to you until you share a link."
        )


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""


def _files() -> None:
    UPLOADS.expect(_session())
    files = st.file_uploader(
        "Files",
        TYPES,
        accept_multiple_files=True,
        key=f"add.files.{st.session_state.get(SEEN, 0)}",
        label_visibility="collapsed",
    )
    st.caption(
        "A zip archive with a folder for each class or loose pictures; pictures; CSV, Excel, Parquet; .npy or .npz."
    )
    if files:
        _request([(file.name, file.getbuffer()) for file in files])


def _camera() -> None:
    """Pictures of the camera, each into the class that is named."""
    shots: list[tuple[str, bytes]] = st.session_state.setdefault(SHOTS, [])
    name = st.text_input("Class", key="add.class", max_chars=60, placeholder="such as cup")
    shot = st.camera_input("Picture", key=f"add.camera.{len(shots)}", label_visibility="collapsed")
    if shot is not None:
        shots.append((name.strip() or "class 1", shot.getvalue()))
        st.rerun()
    if shots:
        counts = Counter(kind for kind, _ in shots)
        st.markdown(as_text(", ".join(f"{n} {kind}" for kind, n in counts.items())))
        read, clear = st.columns(2)
        if read.button("Use the pictures", type="primary", key="add.use", width="stretch"):
            _request([(f"{kind}/{i:04d}.jpg", content) for i, (kind, content) in enumerate(shots)])
        if clear.button("Start over", key="add.clear", width="stretch"):
            st.session_state[SHOTS] = []
            st.rerun()
    UPLOADS.expect(_session())


def _paste() -> None:
    text = st.text_area(
        "Table",
        key="add.text",
        height=220,
        placeholder="Copy cells from a spreadsheet and paste them here",
        label_visibility="collapsed",
    )
    if st.button("Read the table", type="primary", key="add.read", disabled=not text.strip()):
        _request([("pasted.csv", text.encode())])


def _request(files: list[tuple[str, bytes | memoryview]]) -> None:
    """Hand files to a worker and release them here."""
    owner = current_owner()
    st.session_state.pop(REFUSED, None)
    if (old := find_reading(st.session_state.get(JOB, ""), owner)) is not None:
        forget(old, owner)
    try:
        st.session_state[JOB] = request_reading(files, owner, address=current_address()).spec.id
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = f"The files cannot be read: {reason(error)}."
    st.session_state[SEEN] = st.session_state.get(SEEN, 0) + 1
    st.session_state.pop("add.name", None)
    UPLOADS.release(_session())
    st.rerun()


def _explain() -> None:
    with st.container(border=True):
        st.markdown(
            "**Then you see what was found**: damaged files, missing values and columns without information, each with "
            "a count and a choice, and the samples as a model will see them. Nothing is kept until you press Keep."
        )
        st.markdown(
            "- **Pictures** are turned upright, put on a background where transparent, and resized to one size.\n"
            "- **Tables** are read whatever their separator, encoding and decimal sign; numbers are standardised.\n"
            "- **Long series** with a time column are cut into windows."
        )


# reading


def _progress(ident: str) -> None:
    """Progress of the worker, and the button that stops it."""
    job = find_reading(ident, current_owner())
    if job is None or not jobs.under_way(job):
        st.rerun()
        return
    event = job.last_progress
    with st.container(border=True):
        if job.recorded_state == "queued":
            st.progress(0.0, text=waiting_sentence(job))
        else:
            left = event.get("seconds_left")
            what = "Keeping the data" if job.spec.name else "Reading"
            text = what if left is None else f"{what}: {duration(left)} left"
            st.progress(min(max(float(event.get("fraction", 0.0)), 0.0), 1.0), text=text)
        if st.button("Cancel", icon=":material/close:", key="add.cancel"):
            forget(job, current_owner())
            st.session_state.pop(JOB, None)
            st.rerun()


# what was found


def _found(job: ReadingJob) -> None:
    """The proposal with its preview, choices and problems, and the ways on."""
    proposal = job.proposal
    if proposal is None:
        why = job.status.reason or "it was stopped"
        st.error(as_text(f"The files could not be read: {why}."), icon=":material/error:")
        return
    if proposal.refusal:
        st.error(as_text(f"Nothing can be kept: {proposal.refusal}."), icon=":material/error:")
    else:
        _summary(proposal)
        _preview(job)
    _problems(proposal)
    chosen = ask(proposal, job.spec.choices, job.spec.id)
    if chosen != job.spec.choices:
        _again(job, chosen)
    if not proposal.refusal:
        _ways_on(job, proposal)


def _again(job: ReadingJob, choices: Choices, name: str = "") -> None:
    try:
        read_again(job, choices, current_owner(), name, current_address())
    except (ConfigError, Damaged, OSError) as error:
        st.error(as_text(f"{reason(error)[:1].upper()}{reason(error)[1:]}."), icon=":material/error:")
        return
    st.rerun()


def _summary(proposal: Proposal) -> None:
    kinds = {"image": "pictures", "vector": "rows of a table", "sequence": "series"}
    shape = " × ".join(map(str, proposal.shape))
    classes = (
        f", {counted(len(proposal.classes), 'class').replace('classs', 'classes')}"
        if proposal.classes
        else ", no classes"
    )
    st.markdown(f"**{proposal.samples:,} {kinds[proposal.kind]}** of {shape} values{classes}")
    if proposal.classes:
        shown = ", ".join(f"{name} {n:,}" for name, n in proposal.classes[:12])
        more = f" and {len(proposal.classes) - 12} more" if len(proposal.classes) > 12 else ""
        st.caption(as_text(shown + more))


def _preview(job: ReadingJob) -> None:
    found = job.preview()
    if found is None:
        return
    spec, x = found
    if spec.kind == "image":
        columns, width, n = 12, 92, 24
    else:
        columns, width, n = 4, 220, 8
    with st.container(border=True, key=f"add-preview-{spec.kind}"):
        show([("", x[:n])], spec, [[""] * len(x[:n])], columns, width)
    st.caption("As a model will see them" + ("." if spec.kind == "image" else ", standardised."))


def _problems(proposal: Proposal) -> None:
    """The findings, with those about left-out samples first."""
    if not proposal.findings:
        return
    ordered = sorted(proposal.findings, key=lambda finding: not finding.left_out)
    left = sum(finding.left_out for finding in ordered)
    title = f"{counted(len(ordered), 'finding')}" + (f", {left} left out" if left else "")
    with st.expander(title, expanded=len(ordered) <= SHOWN):
        lines = [("✕ " if f.left_out else "") + as_text(f.sentence) for f in ordered[:100]]
        st.markdown("\n".join(f"- {line}" for line in lines))
        if len(ordered) > 100:
            st.caption(f"and {len(ordered) - 100} more")


# keeping


def _ways_on(job: ReadingJob, proposal: Proposal) -> None:
    """A name, and the buttons that keep the data and train on them at once."""
    with st.container(border=True):
        first, second = st.columns([1.4, 1])
        name = first.text_input("Name", key="add.name", max_chars=60, placeholder="such as my cups")
        fitting = [row for row in FAMILY_CHOICES if row in FAMILIES]
        family = second.selectbox("Model", fitting, key="add.family", format_func=lambda row: FAMILIES[row].title)
        cost = _cost(proposal, family)
        keep, train = st.columns(2)
        kept = keep.button("Keep", icon=":material/save:", key="add.keep", width="stretch", disabled=not name.strip())
        trained = train.button(
            "Train on it",
            type="primary",
            icon=":material/play_arrow:",
            key="add.start",
            width="stretch",
            disabled=not name.strip() or cost.startswith("It cannot"),
        )
        st.caption(as_text(cost) + ("" if name.strip() else " Give the data a name first."))
    if kept or trained:
        st.session_state[TRAIN] = family if trained else ""
        _again(job, job.spec.choices, name.strip())


def _cost(proposal: Proposal, family: str) -> str:
    """The time that a training with the suggested knobs takes, in a sentence."""
    held_out = int(0.15 * proposal.samples)
    try:
        config, training, seconds = plan(described(proposal), family, proposal.samples - 2 * held_out, held_out)
    except ConfigError as error:
        return f"It cannot be trained on with the suggested settings: {error}."
    return (
        f"{NETS[config.net].title} network, {config.latent_dim} latent dimensions, "
        f"{counted(training.epochs, 'epoch')}: about {duration(seconds)} on this computer."
    )


def plan(spec: DataSpec, family: str, n_train: int, n_validation: int) -> tuple[ModelConfig, TrainingConfig, float]:
    """The suggested knobs, with as many epochs as fit into `FIRST_SECONDS`, and the seconds that they take.

    Raises:
        ConfigError: when the training needs more than is allowed.
    """
    row, pace = FAMILIES[family], jobs.pace()
    config, training = suggested(row, spec, n_train, net_for(spec.kind))
    cost = estimate(family, config, training, spec, n_train, n_validation)
    check_cost(cost, pace)
    share = min(1.0, FIRST_SECONDS / max(cost.seconds * pace, 1e-9))
    epochs = max(FEWEST_EPOCHS, int(share * training.epochs))
    if epochs < training.epochs:
        training = training.replace(epochs=epochs)
        cost = estimate(family, config, training, spec, n_train, n_validation)
    return config, training, cost.seconds * pace


def net_for(kind: str) -> str:
    """The net that is suggested for a kind of data: convolutions where neighbours are alike."""
    return "conv" if kind in ("image", "sequence") and kind in NETS["conv"].kinds else "mlp"


def _finish(job: ReadingJob) -> None:
    """The data are kept: train on them where that was asked for, else show them."""
    name, owner = job.kept, current_owner()
    st.session_state.pop(JOB, None)
    st.session_state.pop(SHOTS, None)
    family = st.session_state.pop(TRAIN, "")
    forget(job, owner)
    if family:
        start_training(name, family, owner)
    st.switch_page(PAGES / "data.py", query_params={"dataset": name})


def start_training(name: str, family: str, owner: str) -> None:
    """Start a training with the suggested knobs and show it; a refusal is shown on the page Data."""
    try:
        data, pace = load_dataset(name), jobs.pace()
        config, training, seconds = plan(data.spec, family, len(data.train), len(data.validation))
        run = new_run(family, data, owner=owner, pace=pace, **{**dict(config), **dict(training)})
        jobs.start(run, owner, seconds / pace, current_address(), new=True)
    except (ConfigError, Damaged, OSError) as error:
        st.session_state[REFUSED] = f"The training cannot start: {reason(error)}."
        return
    st.switch_page(PAGES / "train.py", query_params={"job": run.id})
