"""The parts of Generate to order: the order, the live samples, and augmentation tried in a job."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from aeexplorer.applications.augmentation import WAYS, verdict
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.panel import Button, Control, Readout, Row, Slider
from aeexplorer.live.scenes import render
from aeexplorer.perceptual import CLASSIFIERS
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import picked_class, takes_class
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.run_picker import picked_sample
from aeexplorer.ui.shared.samples import class_name, missing_data
from aeexplorer.ui.shared.studies import accuracy_curves, study
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, number, whole

ORDERS = {"class": "Of a class", "near": "Near a sample", "attribute": "Along an attribute"}
ORDER = Setting("order", "order")
LABEL, TARGET = Setting("order", "label", whole(0, 32_767)), Setting("order", "target", whole(0, 32_767))
SAMPLES = 24
BUDGETS = (1, 2, 5, 10, 50)
SETTINGS = {
    "seed": Setting("order", "seed", whole(0, 2**31)),
    "temperature": Setting("order", "temperature", number(0, 3)),
    "strength": Setting("order", "strength", number(-3, 3)),
}


def fits(run: Run) -> bool:
    """Whether its samples have classes, and are no symbols."""
    return len(run.spec.data.classes) > 1 and not run.spec.data.row.symbols


def show(model: Explorer) -> None:
    """The order, what it brings, and augmentation."""
    known = [int(y) for y in np.unique(model.codes.labels) if y >= 0]
    order, params = _order(model, known)
    params |= _panel(model, order, params)
    frame = render("order", params)
    ordered = frame.readouts.get("as_ordered")
    told = f"The bundled classifier recognises {ordered:.0f} % as ordered. " if ordered is not None else ""
    st.caption(f"{told}{_about(model, order)}")
    if not missing_data(model, "Generating works without it; augmentation needs the samples."):
        st.markdown("**Does it help a classifier?**")
        study(model.run, "augmentation", "Try augmentation", _augmented, budgets=BUDGETS)
    page_footer(
        r"z \sim \mathcal N(\mu_y, T^2 \Sigma_y), \quad x = g(z)" if order == "class" else r"x = g(z + \Delta)",
        f"{frame.readouts['near_data']:.0f} % near the data",
        opening(model.run) + "from aeexplorer.live.scenes import render\n\n"
        f"samples = render('order', {params!r}).arrays['tiles']\n",
        sheet("ordered", {"samples": frame.arrays["tiles"]}, model.spec),
    )


def _order(model: Explorer, known: list[int]) -> tuple[str, dict[str, Any]]:
    options = list(ORDERS)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = ORDER.begin("class", options)
        st.segmented_control("Order", options, key=key, format_func=ORDERS.__getitem__, required=True, wrap=True)
        order = str(ORDER.end("class"))
        params: dict[str, Any] = {"run": model.run.path.name, "order": order, "n": SAMPLES}
        if order != "near":
            first, second = known[0], known[1]
            for name, setting, title, default in (
                ("label", LABEL, "Class" if order == "class" else "From", first),
                ("target", TARGET, "To", second),
            ):
                if order == "class" and takes_class(model.run):  # chosen beside the model, as on every page
                    params["label"] = picked_class(model.run)
                elif name == "label" or order == "attribute":
                    key = setting.begin(default, known)
                    st.selectbox(title, known, key=key, format_func=lambda y: class_name(model.spec, y), width=160)
                    params[name] = int(setting.end(default))
        else:
            rows = model.codes.index
            place = picked_sample(int(rows.max()) + 1)
            params["sample"] = {"code": int(np.abs(rows - place).argmin())}
    return order, params


def _panel(model: Explorer, order: str, params: dict[str, Any]) -> dict[str, Any]:
    moved = "strength" if order == "attribute" else "temperature"
    state = PanelState(f"order.panel.{order}", seed=SETTINGS["seed"], **{moved: SETTINGS[moved]})
    limits = (-3.0, 3.0) if moved == "strength" else (0.0, 3.0)
    default = 0.3 if order == "near" else 1.0
    start = state.start({moved: limits}, seed=0, **{moved: default})
    title = "Strength of the shift" if moved == "strength" else "Spread (standard deviations)"
    controls: list[Control] = [
        Button(param="seed", label="New samples", value=start["seed"]),
        Slider(param=moved, label=title, low=limits[0], high=limits[1], step=0.05, value=start[moved]),
    ]
    pictures = model.spec.row.pixels
    recognised = model.spec.name in CLASSIFIERS
    readouts = [Readout(name="near_data", label="near the data", digits=0, unit="%")]
    if recognised:
        readouts.insert(0, Readout(name="as_ordered", label="recognised as ordered", digits=0, unit="%"))
    panel = live_panel(
        "order",
        key=state.key,
        label="Samples to order",
        params=params,
        controls=controls,
        rows=[
            Row(
                array="tiles",
                columns=12 if pictures else 4,
                tile=92 if pictures else 240,
                caption="seen" if recognised else "status",
            )
        ],
        readouts=readouts,
    )
    return state.left(panel.values)


def _about(model: Explorer, order: str) -> str:
    if order == "near":
        return "Codes around that of the selected sample; at spread 0 all samples are its reconstruction."
    if order == "attribute":
        return "Stored codes of one class, moved by the difference between the means of two classes."
    if "label" in model.traits:
        return "The decoder is told the class; the code is drawn from the prior."
    return "A Gaussian fitted to the stored codes of the class; the model was trained without labels."


def _augmented(found: dict[str, Any]) -> None:
    if accuracy_curves(found, WAYS, "real samples per class", height=380):
        st.caption(as_text(verdict(found)))
