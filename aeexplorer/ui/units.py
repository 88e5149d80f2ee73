"""The parts of Units: choice, samples, histogram, correlations and traversal of a unit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import streamlit as st

from aeexplorer.applications.units import Units, by_variance, correlates, extremes, units_of
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import draw_pad, live_panel
from aeexplorer.live.panel import Row, Slider
from aeexplorer.plots import bars
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.dimensions import symbol
from aeexplorer.ui.shared.drawings import drawable
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import explorer, theme, written
from aeexplorer.ui.shared.run_picker import picked_sample
from aeexplorer.ui.shared.samples import chart
from aeexplorer.ui.shared.samples import show as show_samples
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, number, whole

SHOWN = 8
BINS = 12
STRONGEST = 8
STEPS = 11
REACH = Setting("units", "reach", number(0, 6))


def fits(run: Run) -> bool:
    """Whether its samples can be looked at one by one."""
    return not run.spec.data.row.symbols


def show(model: Explorer) -> None:
    """All about one unit."""
    units = _units(str(model.run.path), written(model.run, "codes.safetensors"))
    unit = _choose(model, units)
    activation = units.activations[:, unit]
    with st.container(border=True):
        _samples(model, units, unit)
    if not units.entries:
        _turn(model, unit)
    draws = not units.entries and drawable(model.spec)
    boxes = st.columns(3 if draws else 2)
    with boxes[0], st.container(border=True, height="stretch"):
        _histogram(activation)
    with boxes[1], st.container(border=True, height="stretch"):
        _correlations(model, units, unit)
    if draws:
        with boxes[2], st.container(border=True, height="stretch"):
            _test_mine(model, unit, activation)
    page_footer(
        r"a_k(x) = f_k(x)" if not units.entries else r"a_j(x) = \#\{p : j(p) = j\}",
        f"mean {activation.mean():.3g}, deviation {activation.std():.3g}, {(activation != 0).mean():.0%} not 0",
        opening(model.run) + "from aeexplorer.applications.units import correlates, units_of\n\n"
        f"units = units_of(model)\ncorrelations = correlates(model, units, {unit})\n",
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _units(path: str, changed: int) -> Units:
    return units_of(explorer(Run(path)))


def _choose(model: Explorer, units: Units) -> int:
    order = [int(k) for k in by_variance(units)]
    setting = Setting(f"units.{model.run.id}", "unit", whole(0, len(order) - 1))
    spread = units.activations.std(0)
    name = "entry" if units.entries else "dimension"
    st.selectbox(
        "Unit",
        order,
        key=setting.begin(order[0], order),
        format_func=lambda k: f"{f'entry {k}' if units.entries else symbol(k)} · standard deviation {spread[k]:.3g}",
        help=f"One {name} of the code; the list begins with the one that varies most.",
        width=340,
    )
    return int(setting.end(order[0]))


def _samples(model: Explorer, units: Units, unit: int) -> None:
    """The samples of its highest and lowest activations."""
    test, index = model.dataset.test, model.codes.index
    high, low = extremes(units, unit, SHOWN)
    shown = _rounded(units.activations[:, unit])
    captions = [[shown(units.activations[row, unit]) for row in rows] for rows in (high, low)]
    rows = [("most active", test.x[index[high]]), ("least active", test.x[index[low]])]
    show_samples(rows, model.spec, captions)


def _rounded(activation: np.ndarray) -> Callable[[float], str]:
    """Return a function that rounds values to two digits of their range."""
    span = float(np.ptp(activation)) or 1.0
    digits = 1 - math.floor(math.log10(span))
    return lambda value: f"{round(float(value), digits) + 0.0:g}"


def _histogram(activation: np.ndarray) -> None:
    """Draw the histogram of a unit's activation."""
    st.caption("Histogram of the activation over the test samples")
    counts, edges = np.histogram(activation, BINS)
    shown = _rounded(activation)
    figure = bars(counts, [shown(edge) for edge in edges[:-1]], theme(), "samples")
    ticks = range(0, BINS + 1, BINS // 4)
    figure.update_xaxes(tickvals=[tick - 0.5 for tick in ticks], ticktext=[shown(edges[tick]) for tick in ticks])
    chart(figure, height=250)


def _correlations(model: Explorer, units: Units, unit: int) -> None:
    """Draw a unit's correlations, the strongest first."""
    st.caption("Correlation with classes, factors and the mean value of a sample")
    found = list(correlates(model, units, unit).items())[:STRONGEST]
    chart(bars([value for _, value in found], [name for name, _ in found], theme(), "correlation"), height=250)
    name, value = found[0]
    st.caption(as_text(f"Strongest: {name}, {value:+.2f}."))


def _turn(model: Explorer, unit: int) -> None:
    """The picked sample with this dimension moved."""
    state = PanelState("units.panel", reach=REACH)
    reach = state.start({"reach": (0, 6)}, reach=3.0)["reach"]
    panel = live_panel(
        "traverse",
        key=state.key,
        label="This dimension moved",
        params={
            "run": model.name,
            "sample": {"index": picked_sample(len(model.dataset.test))},
            "dims": [unit],
            "steps": STEPS,
        },
        controls=[Slider(param="reach", label="Range (± standard deviations)", low=0, high=6, step=0.1, value=reach)],
        rows=[Row(array=f"dim_{unit}", label=f"{symbol(unit)} moved", tile=70)],
    )
    state.left(panel.values)


def _test_mine(model: Explorer, unit: int, activation: np.ndarray) -> None:
    """A drawing, and how active it makes the unit."""
    label = "Draw a sample to see its activation"
    drawn = draw_pad(model.name, model.spec, key=f"units.pad.{model.spec.name}", label=label)
    if drawn and drawn.z:
        value = drawn.z[unit]
        st.metric("Activation of the drawing", f"{value:.3g}")
        st.caption(f"Higher than for {(activation < value).mean():.0%} of the test samples")
