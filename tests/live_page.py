"""A page with each live component, for the tests that drive a browser over it: ?run=<2-d run>&restore=<run>."""

from __future__ import annotations

import streamlit as st

from aeexplorer.live.components import draw_pad, latent_pad, live_panel
from aeexplorer.live.open_runs import explorer
from aeexplorer.live.panel import Button, Chart, Line, Mark, Marker, Play, Readout, Row, Segmented, Slider, Zone

st.set_page_config(page_title="live components", layout="wide")

run = st.query_params["run"]
restore = st.query_params.get("restore", run)
spec = explorer(run).spec
shown = st.query_params.get("show", "plane")
st.title("Live components", anchor=False)

if shown == "plane":
    left, right = st.columns([4.2, 1])
    with left:
        point = latent_pad(run, key="pad", label="Latent plane of the digits", classes=len(spec.classes))
    with right:
        drawing = draw_pad(run, spec, key="draw", label="Draw a digit: it lands on the plane", plane="plane")
    st.text(f"committed point: {point.z if point else None}")
    st.text(f"committed drawing: {drawing.label if drawing else None}")

if shown == "corruption":
    samples = [{"index": i} for i in range(16)]
    panel = live_panel(
        "corrupt",
        key="corruption",
        label="Corrupt and restore",
        params={"run": restore, "compare_run": run, "samples": samples},
        controls=[
            Segmented(
                param="kind", label="Kind of corruption", value="gaussian",
                options=(("gaussian", "Gaussian"), ("salt_and_pepper", "Salt and pepper"), ("masking", "Masking")),
            ),
            Button(param="noise_seed", label="New noise pattern"),
            Slider(
                param="level", label="tested at", low=0, high=1, value=0.45, step=0.01,
                symbol_by={"kind": {"gaussian": "σ", "salt_and_pepper": "p", "masking": "p"}},
                marks=tuple(Mark(x=x, label=f"{x:g}") for x in (0, 0.25, 0.5, 0.75, 1)),
            ),
        ],
        rows=[
            Row(array="clean", label="clean"),
            Row(array="corrupted", label="corrupted"),
            Row(array="compare_reconstruction", label="VAE, 2-d"),
            Row(array="reconstruction", label="denoising AE"),
            Row(array="residual", label="residual, DAE", signed=True, pick=True),
        ],
        readouts=[
            Readout(name="mse", label="MSE", digits=4),
            Readout(name="psnr", label="PSNR", digits=1, unit="dB"),
            Readout(name="ssim", label="SSIM"),
            Readout(name="compare_mse", label="MSE of the VAE", digits=4),
        ],
        chart=Chart(
            title="Error against the level tested at", x="level", x_label="level", scene="levels",
            fields=("run", "compare_run", "samples", "kind", "noise_seed"), marks=(Mark(x=0.5, label="trained at"),),
            lines=(
                Line(name="denoising AE", colour="accent", readout="mse", x_array="level", y_array="mse"),
                Line(name="VAE", colour="mark", readout="compare_mse", x_array="level", y_array="compare_mse"),
            ),
        ),
    )  # fmt: skip
    st.text(f"committed level: {panel.values['level']}, picked: {panel.picked}")

if shown == "walk":
    beyond = (Zone(low=-0.5, high=0, label="extrapolation"), Zone(low=1, high=1.5, label="extrapolation"))
    panel = live_panel(
        "interpolate",
        key="walk",
        label="Walk between two samples",
        params={"run": run, "a": {"code": 1}, "b": {"code": 2}, "steps": 9},
        controls=[
            Slider(param="t", label="place on the way", low=-0.5, high=1.5, value=0.4, step=0.01, symbol="t", zones=beyond),
            Play(param="t", low=0, high=1),
        ],
        rows=[
            Row(array=kind, label=label, caption=f"{kind}_status", marker=Marker(control="t"))
            for kind, label in (("lerp", "lerp"), ("slerp", "slerp"), ("pixels", "pixel cross-fade"))
        ]
        + [Row(array="lerp_at", label="at t", tile=140, columns=3)],
        readouts=[Readout(name="lerp_at_status", label="lerp at t"), Readout(name="lerp_at_distance", label="distance")],
        plane="plane",
        paths=("lerp", "slerp"),
    )  # fmt: skip
    latent_pad(run, key="pad")
