"""The parts of Score of a DAE: which runs have a score, the live field of arrows, and its settings."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from aeexplorer.explorer import Explorer
from aeexplorer.live.components import vector_field
from aeexplorer.live.frame import Frame
from aeexplorer.live.panel import Chart, Line, Mark, Slider
from aeexplorer.live.scenes import render
from aeexplorer.live.scenes.score import NOISY, SHORTEST, STEPS
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name, takes_class
from aeexplorer.ui.shared.companions import choose_companion, same_data, told_apart
from aeexplorer.ui.shared.page_footer import Download, opening
from aeexplorer.ui.shared.view_state import PanelState, Setting, number, place

KEY = "score.field"
FIRST = 0.1


def has_score(run: Run) -> bool:
    """Whether its residual is a score that can be drawn: samples of two values, trained on Gaussian noise."""
    return run.spec.data.shape == (2,) and run.config.corruption == "gaussian"


def range_of(run: Run) -> tuple[float, float]:
    """The least and the largest σ that it was trained at."""
    dial = run.spec.dial
    return (dial.stops[0], dial.stops[-1]) if dial else (run.config.level, run.config.level)


def companions(run: Run) -> list[Run]:
    """Runs to compare with: of the same dataset, trained over the same σ, another family first."""
    kin = [other for other in same_data(run) if has_score(other) and range_of(other) == range_of(run)]
    return sorted(kin, key=lambda other: other.family.name == run.family.name)


def choose_other(run: Run) -> Run | None:
    """The run whose arrows can be drawn in place of the first one's; None for none."""
    none = "There is no other model of these data and this noise to compare with yet."
    return choose_companion("score", companions(run), none, first=True)


def follow_score(model: Explorer, other: Run | None) -> dict[str, Any]:
    """The live field; the params of its scenes as the hand left them.

    Raises:
        ConfigError: where the data is not on this machine.
    """
    run, name = model.run, scene_name(model.run)
    compare = scene_name(other) if other else None
    still = render("score_data", {"run": name}).readouts
    low, high = still["sigmas"]
    state = PanelState(
        f"{KEY}.{run.id}",
        sigma=Setting("score", "sigma", number(low, high)),
        start=Setting(
            f"score.{run.spec.dataset}", "at", place(still["low"], still["high"]), lambda at: f"{at[0]:.4g},{at[1]:.4g}"
        ),
    )
    first = (float(still["start"][0]), float(still["start"][1]))
    start = state.start({"sigma": (low, high)}, sigma=FIRST, start=first)
    called = [name for name in told_apart(run, other) if name]
    field = vector_field(
        name,
        key=state.key,
        compare_run=compare,
        names=called,
        sigma=start["sigma"],
        start=start["start"],
        slider=_slider(model, start["sigma"]) if low < high else None,
        chart=_chart(called) if low < high else None,
        label=f"Score of {model.spec.title}",
    )
    left = state.left({"sigma": min(max(field.sigma, low), high), "start": field.start})
    return {"run": name, **left} | ({"compare_run": compare} if compare else {})


def _slider(model: Explorer, sigma: float) -> Slider:
    assert model.dial is not None
    stops = model.dial.stops
    return Slider(
        param="sigma",
        label="Training noise",
        low=stops[0],
        high=stops[-1],
        value=sigma,
        scale="log",
        symbol="σ",
        marks=tuple(Mark(x=x, label=f"{x:g}") for x in stops),
    )


def _chart(called: list[str]) -> Chart:
    lines = tuple(
        Line(name=name, colour=colour, readout=f"{prefix}cosine", x_array="sigma", y_array=f"{prefix}cosine")
        for name, colour, prefix in zip(called, ("accent", "quiet"), ("", "compare_"), strict=False)
    )
    return Chart(title="Cosine with the exact score, against σ", x="sigma", x_label="σ", lines=lines)


def frames(params: dict[str, Any]) -> tuple[Frame, Frame]:
    """The field and the walk that are shown, for numbers and files."""
    return render("score_field", {k: v for k, v in params.items() if k != "start"}), render("score_walk", params)


def numbers(walk: Frame, params: dict[str, Any]) -> str:
    """The formula at the start of the walk, exactly and as learned."""
    at = walk.readouts
    pairs = {name: f"({at[name][0]:.2f}, {at[name][1]:.2f})" for name in ("exact_restored", "learned_restored")}
    score = f"({at['exact_score'][0]:.1f}, {at['exact_score'][1]:.1f})"
    x, y = params["start"]
    return (
        f"{pairs['exact_restored']} = ({x:.2f}, {y:.2f}) + {params['sigma']:g}² · {score}, "
        f"learned r(x̃) = {pairs['learned_restored']}"
    )


def as_python(run: Run, params: dict[str, Any]) -> str:
    """The lines that measure the same agreement and walk the same way."""
    sigma, (x, y) = params["sigma"], params["start"]
    moved = f"model = model.at({sigma!r})\n" if run.spec.dial else ""
    imports = (
        "import numpy as np\n\nimport aeexplorer as ae\n"
        "from aeexplorer.metrics import SmoothedData, score_agreement, walk\n"
    )
    of_class = "[data.{}.y == model.label]" if takes_class(run) else ""
    return (
        opening(run).replace("import aeexplorer as ae\n", imports) + f"{moved}sigma, data = {sigma!r}, model.dataset\n"
        f"clean = data.test.x{of_class.format('test')}[:{NOISY}]\n"
        "noisy = clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)\n"
        f"exact = SmoothedData(data.train.x{of_class.format('train')}).score(noisy, sigma)\n"
        "learned = (model.reconstruct(noisy) - noisy) / sigma**2\n"
        "cosine, relative_error = score_agreement(learned, exact)\n\n"
        f"path = walk(({x!r}, {y!r}), model.reconstruct, shortest=sigma / {round(1 / SHORTEST)}, most={STEPS})\n"
    )


def as_file(field: Frame) -> Download:
    """The arrows as a table."""
    arrays = {name: array for name, array in field.arrays.items() if array.ndim == 2 and array.shape[1] == 2}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([f"{name}_{axis}" for name in arrays for axis in "xy"])
    writer.writerows([[f"{v:.6g}" for v in row] for row in np.concatenate([*arrays.values()], axis=1)])
    return Download("CSV", "score.csv", text.getvalue().encode())
