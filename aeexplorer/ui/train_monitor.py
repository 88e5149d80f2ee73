"""Watch a training: its progress, its losses and pictures so far, and afterwards a replay of its epochs."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.plots import loss_curves, scatter_map
from aeexplorer.projection.frames import project_frame
from aeexplorer.runs.folders import Status
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.log import Follower
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.ui.shared.diagnosis import show_findings
from aeexplorer.ui.shared.figures import (
    NAMES,
    figure_of,
    figures_line,
    figures_on_test,
    likelihood_sentence,
)
from aeexplorer.ui.shared.jobs_panel import waiting_sentence
from aeexplorer.ui.shared.page_footer import page_footer
from aeexplorer.ui.shared.page_links import page_link
from aeexplorer.ui.shared.resources import theme
from aeexplorer.ui.shared.run_names import run_name
from aeexplorer.ui.shared.samples import chart, sentence_case, show
from aeexplorer.ui.shared.text import as_text, counted, duration
from aeexplorer.ui.train import JOB, REFUSED, as_python, fill_in, forget, list_of_mine, top

TICK_SECONDS = 0.7
FIRST_TICK_SECONDS = 0.2  # until the first loss, where nobody else waits for one
CONTROL_HEIGHT, CHART_HEIGHT = 66, 290
EPOCH = "epoch"  # key of the slider and its name in the link
REPLAYED = "train.replayed"


def shown_run() -> Run | None:
    """The run that the link or the session names; None, with a sentence where there is none of that name."""
    name = st.query_params.get("job") or st.session_state.get(JOB)
    if not name:
        return None
    try:
        if not re.fullmatch(r"\w[\w.-]{0,99}", name):
            raise ConfigError("the link names no run")
        run = find_run(name)
    except (ConfigError, Damaged) as error:
        forget()
        st.warning(as_text(f"This training cannot be shown: {error}"), icon=":material/warning:")
        return None
    st.session_state[JOB] = run.path.name
    if st.query_params.get("job") != run.path.name:
        st.query_params["job"] = run.path.name
    if st.session_state.get(REPLAYED) not in (None, run.path.name):
        st.session_state.pop(EPOCH, None)  # the epoch of another run's replay
    st.session_state[REPLAYED] = run.path.name
    return run


def watch(run: Run) -> None:
    """Show one training: live while it goes on, afterwards as a replay."""
    try:
        status = run.status
    except Damaged as error:
        _top(run, "This training cannot be shown.")
        st.error(as_text(reason(error)), icon=":material/error:")
        _ways_on(run)
        return
    _top(run, _lead(run, status))
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(as_text(refused), icon=":material/error:")
    active = jobs.under_way(run)
    eager = active and len(jobs.active_jobs()) == 1 and not _begun(run)
    tick = FIRST_TICK_SECONDS if eager else TICK_SECONDS
    st.fragment(_view, run_every=tick if active else None)(run, active, eager)
    if not active:
        _ways_on(run)
    _foot(run)


def _top(run: Run, lead: str) -> None:
    with top(as_text(run_name(run)), lead):
        list_of_mine(run)
        about = "Set up a training with the settings of this run."
        st.button(
            "Use these settings", icon=":material/tune:", on_click=fill_in, args=(run,), key="train.reuse", help=about
        )
        st.button("New training", icon=":material/add:", on_click=forget, key="train.new")


def _begun(run: Run) -> bool:
    """True once there is a loss to show."""
    with contextlib.suppress(Damaged, OSError):
        return _follower(run).latest is not None
    return False


def _view(run: Run, was_active: bool, eager: bool) -> None:
    try:
        status = run.status
        active = jobs.under_way(run)
        if was_active != active:
            st.rerun()
        follower = _follower(run)
        frames = run.frames()
        # of one height while it trains and afterwards, so that nothing below moves
        bar = st.container(
            horizontal=True, wrap=False, height=CONTROL_HEIGHT, border=False, vertical_alignment="center"
        )
        if active:
            _progress(run, status, follower, bar)
            epoch, shown = None, frames[-1] if frames else None
        else:
            epoch = shown = _replay(run, status, frames, bar)
            _outcome(run, status)
        show_findings(run, "train", list(follower.epochs.values()))
        _numbers(run, status, follower, epoch)
        if frames or status.state != "done":  # pretrained models come without a replay
            _pictures(run, status, follower, epoch, shown)
    except (Damaged, FileNotFoundError) as error:
        st.error(as_text(f"The training replay cannot be shown: {reason(error)}"), icon=":material/error:")
    if eager and _begun(run):
        st.rerun()


def _follower(run: Run) -> Follower:
    """The session's reading of the events, so that each line is read once."""
    kept = st.session_state.get("train.follower")
    if not isinstance(kept, Follower) or kept.folder.path != run.path:
        kept = st.session_state["train.follower"] = Follower(run)
    return kept.read()


def _progress(run: Run, status: Status, follower: Follower, bar: DeltaGenerator) -> None:
    latest = follower.latest
    if status.state == "queued":
        text = " · ".join(filter(None, (waiting_sentence(run), as_text(status.reason))))
    elif latest is None:
        text = "Reading the data"
    else:
        stage = f" ({latest['stage_name']})" if latest.get("stages", 1) > 1 else ""
        left = f"about {duration(latest['seconds_left'])} left"
        text = f"Epoch {latest['epoch']:,} of {latest['epochs']:,}{as_text(stage)}, {left}"
    bar.progress(min(latest["step"] / latest["steps"], 1.0) if latest else 0.0, text=text)
    if run.owner != current_owner():
        return
    if not run.cancel_requested:
        if bar.button("Stop", icon=":material/stop:", key="train.stop"):
            try:
                jobs.cancel(run, current_owner())
            except ConfigError as error:
                st.error(as_text(reason(error)), icon=":material/error:")
                return
            st.rerun(scope="fragment")
        return
    bar.button("Stopping", icon=":material/hourglass_empty:", key="train.stopping", disabled=True)


def _replay(run: Run, status: Status, frames: list[int], bar: DeltaGenerator) -> int | None:
    """The slider through the epochs, and the button for going on.

    Returns:
        the epoch that is shown.
    """
    shown = frames[0] if len(frames) == 1 else None
    if len(frames) > 1:
        shown = bar.select_slider("Epoch", frames, value=frames[-1], key=EPOCH, bind="query-params")
    elif shown:
        bar.caption(f"The training replay has one epoch, {shown}.")
    elif status.state == "done":
        bar.caption("The training replay of this model was not kept.")
    else:
        bar.caption("There is no training replay yet: it begins at the end of the first epoch.")
    if status.state == "done":
        about = "Set up a training that starts from the weights of this run."
        if bar.button("Train further", icon=":material/fast_forward:", key="train.further", help=about):
            fill_in(run, further=True)
            st.rerun()
    if status.state == "done" or run.owner != current_owner():
        return shown
    label = {"queued": "Start", "failed": "Try again"}.get(status.state, "Continue")
    if bar.button(label, icon=":material/play_arrow:", type="primary", key="train.continue"):
        try:
            jobs.start(run, current_owner(), address=current_address())
        except (ConfigError, OSError) as error:
            st.error(as_text(reason(error)), icon=":material/error:")
        else:
            st.rerun()
    return shown


def _lead(run: Run, status: Status) -> str:
    """A sentence about the run: its model, or its end before the last epoch and that it can go on."""
    reached = f" after {counted(status.epochs, 'epoch')}" if status.epochs else ""
    match status.state:
        case "queued" if not jobs.under_way(run):
            return "This training waits to be started."
        case "cancelled" if run.has_weights:
            return f"Stopped{reached}. What was learned is kept, and the training can go on from there."
        case "cancelled":
            return "Stopped before it began."
    spec, size = run.spec, run.config.latent_dim
    origin = f", from the weights of {_title_of(spec.parent)}" if spec.parent else ""
    what = f"{run.family.title} with {counted(size, 'latent dimension')} on {spec.data.title}"
    return f"{what}, {spec.created[:10]}{origin}."


def _title_of(reference: str) -> str:
    """The title of a run; its reference where it is gone."""
    try:
        return run_name(find_run(reference))
    except (ConfigError, Damaged):
        return reference


def _outcome(run: Run, status: Status) -> None:
    """Explain an end that is not plain: an interruption, a failure, early stopping."""
    if status.state == "interrupted":
        why = as_text(status.reason)
        st.warning(f"Interrupted: {why}. It can go on from its last checkpoint.", icon=":material/warning:")
    elif status.state == "failed":
        why = as_text(status.reason)
        st.error(f"Failed: {why}. Try again, or start a new training with other settings.", icon=":material/error:")
    elif status.state == "done" and not run.spec.dial and (run.last_event("end") or {}).get("finished") == "patience":
        asked, patience = (counted(n, "epoch") for n in (run.spec.training.epochs, run.spec.training.patience))
        st.info(
            f"Stopped early, after {status.epochs:,} of {asked}: the validation loss had not fallen for {patience}.",
            icon=":material/info:",
        )


def _numbers(run: Run, status: Status, follower: Follower, epoch: int | None) -> None:
    """Losses and active units at the shown epoch, or as they are now, and the test figures of the weights that are
    kept."""
    event = follower.latest if epoch is None else follower.epochs.get(epoch)
    last = follower.epochs.get(max(follower.epochs, default=0), {})
    cells: dict[str, str] = {}
    if event is not None:
        validated = event.get("validation") or last.get("validation") or {}
        cells["Training loss"] = figure_of(sum(event["train"].values()))
        if len(event["train"]) > 1:
            cells |= {sentence_case(NAMES.get(name, name)): figure_of(value) for name, value in event["train"].items()}
        cells["Validation loss"] = figure_of(sum(validated.values())) if validated else "–"
        units = event.get("active_units", last.get("active_units"))
        cells["Active units"] = "–" if units is None else f"{units} of {run.config.latent_dim}"
    elif status.state != "done":
        cells = dict.fromkeys(("Training loss", "Validation loss", "Active units"), "–")
    if epoch is not None:
        cells = {"Shown": f"epoch {epoch:,}", **cells}
    if status.result:
        if dial := run.spec.dial:
            cells |= {"Weights kept": "every stop", "Tested at": f"{dial.row.symbol} = {dial.default:g}"}
        else:
            cells["Weights kept and tested"] = f"epoch {status.best_epoch:,}"
        cells |= {f"Test {name}": value for name, value in figures_on_test(run, status).items()}
    figures_line([(name, value, "") for name, value in cells.items()])


def _pictures(run: Run, status: Status, follower: Follower, epoch: int | None, shown: int | None) -> None:
    """The followed samples, the losses and the codes.

    Args:
        epoch: of the replay; None while it trains.
        shown: whose pictures there are.
    """
    spec = run.spec.data
    frame = run.frame(shown) if shown is not None else None
    with st.container(border=True):
        followed = frame is not None or (run.path / "snapshots" / "samples.safetensors").exists()
        x = run.film_samples["x"] if followed else np.zeros((10, *spec.value_shape), np.float32)
        rows = [("original", x)]
        if frame is not None and "inputs" in frame:
            rows.append(("corrupted", frame["inputs"]))
        rows.append(("reconstruction", frame["reconstructions"] if frame is not None else np.zeros_like(x)))
        show(rows, spec, tile_width=68)
    left, right = st.columns(2)
    with left, st.container(border=True, height="stretch"):
        _losses(follower.curve(), epoch, status.best_epoch if epoch is not None and not run.spec.dial else None)
    with right, st.container(border=True, height="stretch"):
        _map(run, status, shown)


def _losses(rows: list[dict[str, float]], epoch: int | None, best: int | None) -> None:
    """The losses so far, with lines at the shown and the best epoch.

    Before the first there is an empty place of the same height, because a browser is busy for a second with its first
    chart and would show the first loss that much later.
    """
    if not rows:
        st.container(height=CHART_HEIGHT - 36, border=False)
        st.caption("Waiting for the first loss values.")
        return
    figure = loss_curves(rows, theme(), shown=epoch, best=best)
    chart(figure, height=CHART_HEIGHT, key="train.losses")


def _map(run: Run, status: Status, epoch: int | None) -> None:
    """The codes of the followed samples on a plane; an empty place of the same height before the first frame."""
    if epoch is None:
        st.container(height=CHART_HEIGHT - 36, border=False)
        st.caption("The codes appear at the end of the first epoch.")
        return
    points = frame_points(str(run.path), epoch, run.frames().index(epoch))
    how = "" if run.config.latent_dim <= 2 else " (first two principal components)"
    kept = status.state == "done" and not run.spec.dial and epoch == run.frames()[-1] != status.best_epoch
    when = f"with the kept weights of epoch {status.best_epoch:,}" if kept else f"after epoch {epoch:,}"
    about = f"Codes of {len(points)} validation samples{how}, {when}"
    figure = scatter_map(points, run.film_samples["labels"], run.spec.data.classes, theme(), alt=about)
    figure.update_layout(showlegend=False, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    chart(figure, height=CHART_HEIGHT - 36, key="train.map")
    st.caption(f"{about}.")


@st.cache_data(max_entries=512, show_spinner=False)
def frame_points(path: str, epoch: int, place: int) -> np.ndarray:
    """The codes of one frame on a plane that is turned like the frame before it."""
    run = Run(path)
    codes = run.frame(epoch)["codes"]
    if place == 0 or codes.shape[1] <= 2:
        return project_frame(codes)
    return project_frame(codes, frame_points(path, run.frames()[place - 1], place - 1))


def _ways_on(run: Run) -> None:
    if run.has_weights:
        st.caption(likelihood_sentence(run))
        with st.container(horizontal=True):
            page_link("reconstruct", "Explore this model", "explore", run=run.id)
            page_link("latent_map", "Open its latent map", "scatter_plot", run=run.id)


def _foot(run: Run) -> None:
    code = as_python(run.spec.dataset, run.family, {**dict(run.config), **dict(run.spec.training)}, run.spec.dial)
    page_footer(run.family.equation, run.family.summary, code)
