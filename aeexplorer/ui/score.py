"""The score of a denoising autoencoder: which runs have one, the live field, and what it was left at."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import Field, vector_field
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import Chart, Line, Mark, Slider
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.score import NOISY, SHORTEST, STEPS
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged
from aeexplorer.ui.corruption import initials
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.resources import explorer, openable_runs
from aeexplorer.ui.shared.text import as_text

KEY = "score.field"
LEFT_AT = "score.left_at"
NOBODY = "nothing"
FIRST = 0.1


def has_score(run: Run) -> bool:
    """Whether its residual is a score that can be drawn: samples of two values, trained on Gaussian noise."""
    return run.spec.data.shape == (2,) and run.config.corruption == "gaussian"


def range_of(run: Run) -> tuple[float, float]:
    """The least and the largest σ that it was trained at."""
    dial = run.spec.dial
    return (dial.stops[0], dial.stops[-1]) if dial else (run.config.level, run.config.level)


def companions(run: Run) -> list[Run]:
    """Runs that can stand beside: of the same dataset, trained over the same σ, another family first."""
    kin = [
        other for other in openable_runs()
        if other.id != run.id and has_score(other) and (other.spec.dataset, range_of(other)) == (run.spec.dataset, range_of(run))
    ]  # fmt: skip
    return sorted(kin, key=lambda other: other.family.name == run.family.name)


def choose_companion(run: Run) -> Run | None:
    """The run whose arrows can be drawn in place of the first one's; None for nothing."""
    runs = {other.id: other for other in companions(run)}
    if not runs:
        st.caption("No other model of these data and this noise stands beside it yet.")
        return None
    options = [*runs, NOBODY]
    asked = st.query_params.get("beside") or st.session_state.get("score.beside")
    index = options.index(asked) if asked in options else 0
    picked = st.selectbox(
        "Beside it", options, index=index, key=f"score.beside.{run.id}.{options[index]}",
        format_func=lambda name: runs[name].title if name in runs else "Nothing",
    )  # fmt: skip
    if picked != options[index]:
        st.query_params["beside"] = st.session_state["score.beside"] = picked
        st.rerun()
    if picked == NOBODY:
        return None
    try:
        explorer(runs[picked])
    except (Damaged, OSError) as error:
        st.caption(as_text(f"It cannot be opened: {error}"))
        return None
    return runs[picked]


def names(run: Run, beside: Run | None) -> list[str]:
    """What the runs are called on the page: by family, or by title where that does not tell them apart."""
    runs = [run, *([beside] if beside else [])]
    families = [initials(r) for r in runs]
    return families if len(set(families)) == len(families) else [r.title for r in runs]


def follow_score(model: Explorer, beside: Run | None) -> dict[str, Any]:
    """The live field; the params of its scenes as the hand left them.

    Raises:
        ConfigError: where the data is not on this machine.
    """
    run = model.run
    still = render("score_data", {"run": run.id}).readouts
    low, high = still["sigmas"]
    start_key = f"{KEY}.{run.id}"
    # the values a field begins with stay while it lives: what the hand did since is the field's own
    if start_key not in st.session_state or f"{start_key}.start" not in st.session_state:
        st.session_state[f"{start_key}.start"] = _beginning(still)
    first: Field = st.session_state[f"{start_key}.start"]
    called = names(run, beside)
    left = vector_field(
        run.id, key=start_key, compare_run=beside.id if beside else None, names=called, sigma=first.sigma,
        start=first.start, slider=_slider(model, first.sigma) if low < high else None,
        chart=_chart(called) if low < high else None, label=f"Score of {model.spec.title}",
    )  # fmt: skip
    sigma = min(max(left.sigma, low), high)
    st.session_state[LEFT_AT] = sigma
    _say_in_link({"sigma": f"{sigma:g}", "at": f"{left.start[0]:.4g},{left.start[1]:.4g}"})
    return {"run": run.id, "sigma": sigma, "start": left.start} | ({"compare_run": beside.id} if beside else {})


def _slider(model: Explorer, sigma: float) -> Slider:
    assert model.dial is not None
    stops = model.dial.stops
    marks = tuple(Mark(x=x, label=f"{x:g}") for x in stops)
    return Slider(
        param="sigma",
        label="trained at",
        low=stops[0],
        high=stops[-1],
        value=sigma,
        scale="log",
        symbol="σ",
        marks=marks,
    )


def _chart(called: list[str]) -> Chart:
    colours = ("accent", "quiet")
    lines = tuple(
        Line(name=name, colour=colour, readout=f"{prefix}cosine", x_array="sigma", y_array=f"{prefix}cosine")
        for name, colour, prefix in zip(called, colours, ("", "compare_"), strict=False)
    )
    return Chart(title="Cosine with the exact score, against σ", x="sigma", x_label="σ", lines=lines)


def _beginning(still: dict[str, Any]) -> Field:
    """σ and start as the link says them, else σ as it was left and a place beside the data."""
    low, high = still["sigmas"]
    try:
        sigma = float(st.query_params.get("sigma", st.session_state.get(LEFT_AT, FIRST)))
    except ValueError:
        sigma = FIRST
    try:
        asked = [float(part) for part in st.query_params.get("at", "").split(",")]
    except ValueError:
        asked = []
    inside = len(asked) == 2 and bool(np.all((still["low"] <= asked) & (asked <= still["high"])))
    start = asked if inside else still["start"]
    return Field(min(max(sigma if np.isfinite(sigma) else FIRST, low), high), (float(start[0]), float(start[1])))


def _say_in_link(link: dict[str, str]) -> None:
    for name, value in link.items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def frames(params: dict[str, Any]) -> tuple[Frame, Frame]:
    """The field and the walk that are shown, for numbers and files."""
    return render("score_field", {k: v for k, v in params.items() if k != "start"}), render("score_walk", params)


def numbers(way: Frame, params: dict[str, Any]) -> str:
    """The formula at the start of the walk, exactly and as learned."""
    said = way.readouts
    pairs = {name: f"({said[name][0]:.2f}, {said[name][1]:.2f})" for name in ("exact_restored", "learned_restored")}
    score = f"({said['exact_score'][0]:.1f}, {said['exact_score'][1]:.1f})"
    x, y = params["start"]
    return (
        f"{pairs['exact_restored']} = ({x:.2f}, {y:.2f}) + {params['sigma']:g}² · {score}, "
        f"learned r(x̃) = {pairs['learned_restored']}"
    )


def as_python(run: Run, params: dict[str, Any]) -> str:
    """The lines that measure the same agreement and walk the same way."""
    sigma, (x, y) = params["sigma"], params["start"]
    moved = f"model = model.at({sigma!r})\n" if run.spec.dial else ""
    return (
        opening(run).replace("import aeexplorer as ae\n", "import numpy as np\n\nimport aeexplorer as ae\n"
                             "from aeexplorer.metrics import SmoothedData, score_agreement, walk\n")
        + f"{moved}sigma = {sigma!r}\n"
        f"clean = model.dataset.test.x[:{NOISY}]\n"
        "noisy = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)\n"
        "exact = SmoothedData(model.dataset.train.x).score(noisy, sigma)\n"
        "learned = (model.reconstruct(noisy) - noisy) / sigma**2\n"
        "cosine, relative_error = score_agreement(learned, exact)\n\n"
        f"way = walk(({x!r}, {y!r}), model.reconstruct, shortest=sigma / {round(1 / SHORTEST)}, most={STEPS})\n"
    )  # fmt: skip


def as_file(field: Frame) -> Download:
    """The arrows as a table."""
    arrays = {name: array for name, array in field.arrays.items() if array.ndim == 2 and array.shape[1] == 2}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f"{name}_{axis}" for name in arrays for axis in "xy"])
    writer.writerows([[f"{v:.6g}" for v in row] for row in np.concatenate([*arrays.values()], axis=1)])
    return Download("CSV", "score.csv", text.getvalue().encode())
