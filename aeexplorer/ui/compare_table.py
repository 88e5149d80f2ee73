"""The figures of Compare: paired errors, cost, the knobs that differ, and the sweep over the size of the code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from aeexplorer import jobs
from aeexplorer.config import ConfigError, reason
from aeexplorer.data import load_dataset
from aeexplorer.metrics import PCALine, paired, pca_line
from aeexplorer.plots import cumulative, dimension_curve
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import current_address, current_owner
from aeexplorer.ui.compare import called, principal_code, sizes_of
from aeexplorer.ui.shared.figures import NAMES
from aeexplorer.ui.shared.knob_form import choice_label, label_of
from aeexplorer.ui.shared.resources import explorer, openable_runs, stored_errors, theme
from aeexplorer.ui.shared.run_names import short_name
from aeexplorer.ui.shared.samples import chart, missing_data
from aeexplorer.ui.shared.setting_widgets import buttons
from aeexplorer.ui.shared.text import as_text, counted
from aeexplorer.ui.shared.view_state import Setting

SIZES = (1, 2, 4, 8, 16, 32, 64)
PCA_DIMENSIONS = 128
FIGURES = ("mse", "reconstruction", "kl", "neg_elbo", "accuracy", "perplexity", "denoising_mse")
HIGHER = {"accuracy", "perplexity"}
UNTOLD = {"seed", "threads", "device"}
REFUSED = "compare.refused"


def error_view(runs: Sequence[Run]) -> None:
    """The distributions of errors over the same test samples, and their differences sample by sample."""
    if missing_data(explorer(runs[0]), "The table and prior samples need no data."):
        return
    named = called(runs)
    errors = {named[run.id]: stored_errors(run) for run in runs}
    n = min(map(len, errors.values()))
    x = load_dataset(runs[0].spec.dataset).test.x[explorer(runs[0]).codes.index[:n]]
    errors = {name: values[:n] for name, values in errors.items()}
    errors |= {f"PCA · {k}-D": principal_code(runs[0].spec.dataset, k).errors(x) for k in sizes_of(runs)}
    left, right = st.columns([1.1, 1])
    with left, st.container(border=True):
        chart(cumulative(errors, theme(), runs[0].spec.data.row.error[0]), 360, key="compare.errors")
    baseline = next(iter(errors))
    rows = []
    for name, values in errors.items():
        row = {"Model": name, "Mean error": float(values.mean()), "Median": float(np.median(values))}
        if name != baseline:
            found = paired(values, errors[baseline])
            row["Better on"] = 100 * found.better
            row["Difference"] = f"{found.difference:+.2g} [{found.low:+.2g}, {found.high:+.2g}]"
        rows.append(row)
    with right:
        st.dataframe(
            _best(pd.DataFrame(rows), {"Mean error": min, "Median": min}, {"Mean error": "{:.3g}", "Median": "{:.3g}"}),
            hide_index=True,
            width="stretch",
            placeholder="–",
            alt="Table of paired errors",
            column_config={"Better on": st.column_config.NumberColumn(format="%.0f %%", help="Share of the samples")},
        )
        st.caption(
            f"{counted(n, 'test sample')}, each reconstructed by every model. Better on: share of the samples with a "
            f"smaller error than {as_text(baseline)}. Difference: mean, with its 95 % bootstrap interval."
        )


def table_view(runs: Sequence[Run]) -> None:
    """Figures and cost, the best of each column marked; and the knobs that differ."""
    rows = [_row(run, name) for run, name in zip(runs, called(runs).values(), strict=True)]
    frame = pd.DataFrame(rows).dropna(axis=1, how="all")
    best: dict[str, Any] = {NAMES[name]: max if name in HIGHER else min for name in FIGURES}
    best |= {"Parameters": min, "Training (s)": min, "Code (bytes)": min}
    formats = {column: "{:.4g}" for column in frame.columns if frame[column].dtype.kind == "f"}
    formats |= {"Parameters": "{:,.0f}", "Training (s)": "{:,.1f}"}
    st.dataframe(_best(frame, best, formats), hide_index=True, placeholder="–", alt="Table of figures")
    st.caption(
        "Bold: best of the column. ± is the standard deviation over trainings that differ only in their seed. A code "
        "takes 4 bytes per number; a codebook entry takes the bits of its index."
    )
    st.markdown("**Knobs that differ**")
    knobs = differing(runs)
    if not knobs:
        st.caption("None: these runs have the same settings.")
        return
    table = pd.DataFrame({"Knob": list(knobs), **_columns(runs, knobs)})
    st.dataframe(_marked(table), hide_index=True, alt="Table of knobs that differ")


def _columns(runs: Sequence[Run], knobs: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: [values[i] for values in knobs.values()] for i, name in enumerate(called(runs).values())}


def differing(runs: Sequence[Run]) -> dict[str, list[str]]:
    """The knobs that are not the same in all runs, by label, with the value in each run; "–" where there is none."""
    every = [{"family": run.family.title, **dict(run.config), **dict(run.spec.training)} for run in runs]
    names = dict.fromkeys(name for knobs in every for name in knobs if name not in UNTOLD)
    shown = {name: [_value(knobs[name]) if name in knobs else "–" for knobs in every] for name in names}
    return {label_of(name): values for name, values in shown.items() if len(set(values)) > 1}


def _value(value: Any) -> str:
    if isinstance(value, str):
        return choice_label(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(run: Run, name: str) -> dict[str, Any]:
    result, twins = run.status.result, siblings(run)
    row: dict[str, Any] = {"Model": name}
    for figure in FIGURES:
        row[NAMES[figure]] = result.get(figure)
        if figure == "mse" and len(twins) > 1:
            values = [twin.status.result["mse"] for twin in twins if "mse" in twin.status.result]
            row["MSE over seeds"] = f"{np.mean(values):.3g} ± {np.std(values, ddof=1):.2g} ({len(values)})"
    shapes = run.family.shapes(run.config, run.spec.data)
    row["Active units"] = result.get("active_units")
    row["Parameters"] = sum(math.prod(shape) for shape in shapes.values())
    row["Training (s)"] = run.status.seconds
    row["Code (bytes)"] = code_bytes(run)
    return row


def code_bytes(run: Run) -> float:
    """Bytes of the code of one sample: four for each number, or the bits of the indices of a codebook."""
    entries = getattr(run.config, "codebook_size", 0)
    if "codebook" in run.family.traits and entries:
        positions = getattr(run.config, "positions", run.config.latent_dim)
        return float(positions * math.log2(entries) / 8)
    return 4.0 * run.config.latent_dim


def siblings(run: Run) -> list[Run]:
    """The finished runs with the same data and knobs, whatever their seed, the run itself among them."""
    own = _but_seed(run)
    return [other for other in openable_runs() if _but_seed(other) == own and other.status.state == "done"]


def _but_seed(run: Run, *more: str) -> tuple[Any, ...]:
    knobs = {**dict(run.config), **dict(run.spec.training)}
    kept = tuple((name, value) for name, value in knobs.items() if name not in {*UNTOLD, *more})
    return run.spec.dataset, run.spec.source, run.spec.family, run.spec.dial, kept


def _best(frame: pd.DataFrame, best: dict[str, Any], formats: dict[str, str]) -> Any:
    """The frame with the best value of each column in bold."""

    def mark(column: pd.Series) -> list[str]:
        pick = best.get(str(column.name))
        known = column.dropna()
        if pick is None or len(known) < 2:
            return [""] * len(column)
        return ["font-weight: bold" if value == pick(known) else "" for value in column]

    return frame.style.apply(mark, axis=0).format({k: v for k, v in formats.items() if k in frame}, na_rep="–")


def _marked(table: pd.DataFrame) -> Any:
    """The table with the values that are not those of the first run in colour."""
    colour = f"color: {theme().mark}"

    def mark(row: pd.Series) -> list[str]:
        return ["", "", *(colour if value != row.iloc[1] else "" for value in row.iloc[2:])]

    return table.style.apply(mark, axis=1)


# the sweep


def size_view(runs: Sequence[Run]) -> None:
    """Test error by the size of the code of trainings that differ only in that size, with the line of PCA."""
    if refused := st.session_state.pop(REFUSED, ""):
        st.error(as_text(refused), icon=":material/error:")
    if missing_data(explorer(runs[0]), "The table needs no data."):
        return
    named = called(runs)
    chosen = buttons(Setting("compare", "sweep"), "Model", named, runs[0].id, wrap=True)
    run = next((run for run in runs if run.id == chosen), runs[0])
    own = _but_seed(run, "latent_dim")
    kin = [o for o in openable_runs() if _but_seed(o, "latent_dim") == own and "mse" in o.status.result]
    by_size: dict[int, list[float]] = {}
    for other in kin:
        by_size.setdefault(other.config.latent_dim, []).append(other.status.result["mse"])
    line = _line(run.spec.dataset)
    figure = dimension_curve(
        line.dimensions,
        line.test_error,
        [o.config.latent_dim for o in kin],
        [float(o.status.result["mse"]) for o in kin],
        [short_name(o) for o in kin],
        theme=theme(),
    )
    _add_bars(figure, by_size)
    with st.container(border=True):
        chart(figure, 380, key="compare.sizes")
    missing = [k for k in SIZES if k not in by_size and k < run.spec.data.size]
    text, button = st.columns([3, 1], vertical_alignment="center")
    text.caption(
        f"{short_name(run)} with everything else the same: {counted(len(kin), 'training')} of "
        f"{counted(len(by_size), 'size')}. The line is PCA, the best linear code. "
        + (f"Missing: {', '.join(map(str, missing))}." if missing else "")
    )
    waiting = [job for job in jobs.active_jobs(current_owner()) if job.kind == "train"]
    label = "Train the missing sizes"
    if missing and button.button(
        label, icon=":material/play_arrow:", key="compare.sweep.start", disabled=bool(waiting)
    ):
        _start_sweep(run, missing)
        st.rerun()
    if waiting:
        st.caption("Trainings are running; each size appears when its training ends.")
        st.fragment(_wait, run_every=2.0)(len(waiting))


def _add_bars(figure: Any, by_size: dict[int, list[float]]) -> None:
    """The mean and the standard deviation over seeds, where a size was trained more than once."""
    several = {k: values for k, values in by_size.items() if len(values) > 1}
    if several:
        figure.add_scatter(
            x=list(several),
            y=[float(np.mean(values)) for values in several.values()],
            error_y={"type": "data", "array": [float(np.std(values, ddof=1)) for values in several.values()]},
            mode="markers",
            marker={"color": theme().accent, "size": 7},
            name="mean over seeds",
        )


def _wait(before: int) -> None:
    if len([job for job in jobs.active_jobs(current_owner()) if job.kind == "train"]) < before:
        st.rerun()


def _start_sweep(run: Run, sizes: Sequence[int]) -> None:
    """Start one training for each size, with all other settings of a run."""
    owner, data = current_owner(), load_dataset(run.spec.dataset)
    try:
        for size in sizes:
            knobs = {**dict(run.config), **dict(run.spec.training), "latent_dim": size}
            made = new_run(run.spec.family, data, owner=owner, pace=jobs.pace(), **knobs)
            jobs.start(made, owner, 0.0, current_address(), new=True)
    except (ConfigError, OSError) as error:
        st.session_state[REFUSED] = reason(error)


@st.cache_resource(max_entries=6, show_spinner=False)
def _line(dataset: str) -> PCALine:
    data = load_dataset(dataset)
    if data.spec.row.symbols:
        return PCALine(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return pca_line(data.train.x, data.test.x, PCA_DIMENSIONS)
