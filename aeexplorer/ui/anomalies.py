"""The parts of Anomalies: which classes are normal, which score, the threshold, and training without a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer import jobs
from aeexplorer.applications.anomalies import TITLES, classes_of, detection, figures, usual_normal, verdict
from aeexplorer.config import ConfigError, reason
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.panel import Chart, Line, Readout, Row, Slider
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.anomalies import TESTED, score_range
from aeexplorer.metrics import BASELINES, SCORES
from aeexplorer.runs.listing import find_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.store import Damaged
from aeexplorer.training.estimation import estimate
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import remember_run, remember_sample
from aeexplorer.ui.shared.samples import class_name
from aeexplorer.ui.shared.text import as_text, duration
from aeexplorer.ui.shared.view_state import PanelState, Setting, names, number

KIND = Setting("anomalies", "score")
WAITED, REFUSED = "anomalies.waited", "anomalies.refused"
COLOURS = {"pca": "mark", "nearest_neighbour": "ink", "isolation_forest": "quiet"}
SHORT = {"pca": "PCA", "nearest_neighbour": "1-NN", "isolation_forest": "forest"}
TILES = {"image": 88}
TICK_SECONDS = 1.0


def show(model: Explorer) -> None:
    """The controls, the live panel, and the table of all scores."""
    known = classes_of(model.dataset)
    boxes = st.columns([2.6, 1.8, 1.2], vertical_alignment="bottom")
    with boxes[0]:
        normal = _choose_normal(model, known)
    with boxes[1]:
        kind = _choose_kind(model)
    with boxes[2]:
        _leave_out(model, known)
    _follow()
    _about_training(model, normal)
    params = _panel(model, normal, kind)
    st.caption(
        f"Measured on {min(TESTED, len(model.dataset.test)):,} test samples. The score is no probability, and scores "
        "of two models cannot be compared. Dots show other methods at the threshold that raises as many alarms."
    )
    _table(model, normal)
    frame = render("anomalies", params)
    page_footer(
        r"\text{alarm where } s(x) \ge \tau",
        f"τ = {params['threshold']:.4g}, precision {frame.readouts['precision']:.3f}, recall "
        f"{frame.readouts['recall']:.3f}",
        opening(model.run) + f"scores = model.anomaly_scores(model.dataset.test.x, {kind!r}, normal={list(normal)})\n"
        f"alarms = scores >= {params['threshold']:.6g}\n",
    )


def _choose_normal(model: Explorer, known: list[int]) -> tuple[int, ...]:
    usual = [str(y) for y in usual_normal(model)]
    setting = Setting(f"anomalies.{model.run.spec.dataset}.{model.run.id}", "normal", names, ",".join)
    options = [str(y) for y in known]
    key = setting.begin(usual, options)
    st.pills(
        "Normal classes",
        options,
        selection_mode="multi",
        key=key,
        format_func=lambda y: class_name(model.spec, int(y)),
        help="All other classes are anomalies.",
        wrap=True,
    )
    chosen = setting.end(usual)
    return tuple(sorted(int(y) for y in chosen))


def _choose_kind(model: Explorer) -> str:
    options = list(model.scores)
    st.selectbox("Score", options, key=KIND.begin("error", options), format_func=SCORES.__getitem__)
    return str(KIND.end("error"))


def _about_training(model: Explorer, normal: tuple[int, ...]) -> None:
    left_out = set(model.run.spec.training.leave_out)
    seen = [y for y in classes_of(model.dataset) if y not in normal and y not in left_out]
    if seen:
        named = ", ".join(class_name(model.spec, y) for y in seen[:4]) + (" and others" if len(seen) > 4 else "")
        st.caption(
            f":orange[This model was trained on anomalies too] ({as_text(named)}), so it can reconstruct "
            "them. For a fair test, train one without a class."
        )


def _panel(model: Explorer, normal: tuple[int, ...], kind: str) -> dict[str, Any]:
    """The live panel; the params of the scene as the hand left them."""
    with st.spinner("Scoring the samples"):
        found = detection(model, normal, kind, TESTED)
    low, high = score_range(found)
    usual = min(
        float(np.quantile(found.scores, found.normals / len(found.scores))), high
    )  # as many alarms as anomalies
    state = PanelState(
        f"anomalies.panel.{model.run.id}.{kind}.{'-'.join(map(str, normal))}",
        threshold=Setting(f"anomalies.{kind}", "threshold", number(-1e12, 1e12)),
        weight=Setting("anomalies", "weight", number(0.1, 100)),
    )
    start = state.start({"threshold": (low, high), "weight": (0.1, 100)}, threshold=usual, weight=1.0)
    params: dict[str, Any] = {"run": scene_name(model.run), "normal": normal, "kind": kind}
    panel = live_panel(
        "anomalies",
        key=state.key,
        label="Threshold on an anomaly score",
        params=params,
        controls=[
            Slider(
                param="threshold",
                label="Threshold on the score",
                low=low,
                high=high,
                value=start["threshold"],
                step=(high - low) / 1000,
                symbol="τ",
            ),
            Slider(
                param="weight",
                label="Cost of a missed anomaly (a false alarm costs 1)",
                low=0.1,
                high=100,
                value=start["weight"],
                scale="log",
            ),
        ],
        rows=_rows(model),
        readouts=_readouts(),
        views=_views(kind),
    )
    if panel.picked:
        _remember(params | state.left(panel.values), panel.picked)
    return params | state.left(panel.values)


def _remember(params: dict[str, Any], picked: tuple[str, int]) -> None:
    """Make the sample that was clicked the picked one of every page."""
    places = render("anomalies", params).readouts.get(f"places_{picked[0]}", [])
    if picked[1] < len(places):
        remember_sample(places[picked[1]])


def _rows(model: Explorer) -> list[Row]:
    tile = TILES.get(model.spec.kind, 200)
    return [
        Row(array="above", label="alarms nearest to the threshold", tile=tile, pick=True),
        Row(array="above_residual", label="residual", signed=True, tile=tile, caption="captions_above"),
        Row(array="below", label="passed nearest to the threshold", tile=tile, pick=True),
        Row(array="below_residual", label="residual", signed=True, tile=tile, caption="captions_below"),
    ]


def _readouts() -> list[Readout]:
    return [
        Readout(name="found", label="anomalies found", digits=0),
        Readout(name="missed", label="missed", digits=0),
        Readout(name="false_alarms", label="false alarms", digits=0),
        Readout(name="passed", label="normal, passed", digits=0),
        Readout(name="precision", label="precision"),
        Readout(name="recall", label="recall"),
        Readout(name="per_thousand", label="false alarms per 1,000 normal", digits=0),
        Readout(name="cost", label="cost per 1,000", digits=0),
        Readout(name="least_cost", label="least cost of any threshold", digits=0),
    ]


def _views(kind: str) -> tuple[Chart, ...]:
    still: dict[str, Any] = {"scene": "anomaly_curves", "fields": ("run", "normal", "kind"), "place": "above"}
    histograms = tuple(
        Line(name=name, colour=colour, x_array="edges", y_array=array)
        for name, colour, array in (("normal", "accent", "normal"), ("anomalies", "mark", "anomalous"))
    )
    mine = {"false": "false", "recall": "recall", "precision": "precision"}
    of = {"model": mine} | {name: {figure: f"{name}_{figure}" for figure in mine} for name in BASELINES}
    colours, short = {"model": "accent"} | COLOURS, {"model": "this score"} | SHORT

    def lines(x: str, y: str, x_readout: str, y_readout: str) -> tuple[Line, ...]:
        return tuple(
            Line(
                name=short[name],
                colour=colours[name],
                x_array=f"{name}_{x}",
                y_array=f"{name}_{y}",
                x_readout=readouts[x_readout],
                readout=readouts[y_readout],
            )
            for name, readouts in of.items()
        )

    return (
        Chart(
            **still,
            title="Scores",
            x="threshold",
            x_label=SCORES[kind].lower(),
            y_label="share of the samples",
            mark_at="threshold",
            mark_label="alarm →",
            lines=histograms,
        ),
        Chart(
            **still,
            title="ROC",
            x="threshold",
            x_label="false-alarm rate",
            y_label="recall",
            lines=lines("false", "true", "false", "recall"),
        ),
        Chart(
            **still,
            title="Precision",
            x="threshold",
            x_label="recall",
            y_label="precision",
            lines=lines("recall", "precision", "recall", "precision"),
        ),
    )


def _table(model: Explorer, normal: tuple[int, ...]) -> None:
    """AUROC and average precision of all scores on the same samples."""
    with st.spinner("Comparing the scores"):
        found = figures(model, normal, TESTED)
    auroc, precision = found["auroc"], found["average_precision"]
    rows = [{"Score": TITLES[k], "AUROC": auroc[k], "Average precision": precision[k]} for k in auroc]
    rows.sort(key=lambda row: -float(row["AUROC"]))
    st.markdown(f"**All scores** &emsp; {as_text(verdict(auroc))}")
    st.dataframe(
        rows,
        hide_index=True,
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in ("AUROC", "Average precision")},
    )


def _leave_out(model: Explorer, known: list[int]) -> None:
    """A button that trains the same kind of model without some classes."""
    with st.popover("Train without a class", icon=":material/model_training:", width="stretch"):
        st.caption("The same kind of model, from scratch, on the other classes.")
        chosen = st.multiselect(
            "Classes to leave out",
            known,
            default=known[:1],
            key=f"anomalies.leave_out.{model.run.id}",
            format_func=lambda y: class_name(model.spec, y),
        )
        if st.button("Train", type="primary", disabled=not chosen or len(chosen) == len(known)):
            _start(model, tuple(chosen))
        if refused := st.session_state.pop(REFUSED, ""):
            st.error(as_text(refused), icon=":material/error:")


def _start(model: Explorer, left_out: tuple[int, ...]) -> None:
    run, data, pace = model.run, model.dataset, jobs.pace()
    named = ", ".join(class_name(model.spec, y) for y in left_out)
    family = run.family.name
    knobs = {**run.config.model_dump(), **run.spec.training.model_dump(), "leave_out": left_out, "device": "auto"}
    try:
        title = f"{run.spec.data.title} without {named} · {run.family.short}"
        made = new_run(family, data, title, owner=current_owner(), pace=pace, **knobs)
        training = made.spec.training
        cost = estimate(family, made.config, training, data.spec, len(data.train), len(data.validation))
        jobs.start(made, current_owner(), cost.seconds, current_address(), new=True)
        st.session_state[WAITED] = made.id
        st.toast(as_text(f"Training without {named}, about {duration(cost.seconds * pace)}."))
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = reason(error)


def _follow() -> None:
    """Watch a training that was started here; when it is done, its model is picked."""
    if name := st.session_state.get(WAITED):
        jobs.supervise()
        st.fragment(_progress, run_every=TICK_SECONDS)(name)


def _progress(name: str) -> None:
    with refusals():
        try:
            run: Run = find_run(name)
            active = jobs.under_way(run)
        except (ConfigError, Damaged):  # deleted meanwhile
            st.session_state.pop(WAITED, None)
            return
        if active:
            event = run.last_progress
            st.progress(
                min(event.get("step", 0) / max(event.get("steps", 1), 1), 1.0), as_text(f"Training {run.title}")
            )
            return
        st.session_state.pop(WAITED, None)
        if run.has_weights:
            remember_run(run.id)
        st.rerun()
