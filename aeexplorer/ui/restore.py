"""The parts of Restore: samples under one corruption, figures over many of them, and an own picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from aeexplorer.applications import restoration
from aeexplorer.applications.restoration import METHODS
from aeexplorer.corruption import CORRUPTIONS, corrupt
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.panel import Button, Control, Readout, Row, Slider
from aeexplorer.live.scenes import render
from aeexplorer.plots import to_png
from aeexplorer.runs.run import Run
from aeexplorer.server.uploads import UPLOADS
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.resources import explorer
from aeexplorer.ui.shared.run_picker import remember_sample
from aeexplorer.ui.shared.sample_sets import SampleSet
from aeexplorer.ui.shared.studies import study
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, number, whole

SHOWN = 8
BLOCKS = ("masking", "masking_blocks")
SETTINGS = {
    "level": Setting("restore", "level", number(0, 1)),
    "noise_seed": Setting("restore", "pattern", whole(0, 2**31)),
    "left": Setting("restore", "left", number(0, 1)),
    "top": Setting("restore", "top", number(0, 1)),
    "size": Setting("restore", "block", number(0, 1)),
}


def fits(run: Run) -> bool:
    """Whether a run can restore pictures."""
    return not restoration.refusal(run)


def show(model: Explorer) -> None:
    """Test samples, corrupted and restored while the level moves, and the figures over many."""
    samples = SampleSet(model, "restore")
    place = samples.place()
    shown = samples.samples()
    with place:
        params = _panel(model, shown.samples[:SHOWN])
    samples.ask()
    kind = str(model.config.corruption)
    title = CORRUPTIONS[kind].title.lower()
    st.caption(
        f"Trained on {as_text(title)} at {model.config.level:g}. Below each picture: the class that a bundled "
        "classifier recognises. PSNR favours a blurred mean of all plausible originals, so watch the classes too."
    )
    st.markdown("**Over many test samples**")
    study(model.run, "restoration", "Compare all methods", lambda found: _table(kind, found), n=300)
    frame = render("restore", params)
    arrays = {name: frame.arrays[name] for name in ("clean", "corrupted", "model", *METHODS[kind])}
    page_footer(
        r"\hat x = g(f(\tilde x)), \quad \mathrm{PSNR} = 10 \log_{10} \frac{1}{\mathrm{MSE}}",
        f"PSNR {frame.readouts['model_psnr']:.1f} dB, corrupted {frame.readouts['corrupted_psnr']:.1f} dB",
        opening(model.run) + "from aeexplorer.applications import restoration\n\n"
        "test = model.dataset.test\nfigures = restoration.compare(model, test.x[:300], test.y[:300])\n",
        sheet("restored", arrays, model.spec),
    )


def _panel(model: Explorer, samples: list[dict[str, Any]]) -> dict[str, Any]:
    kind = str(model.config.corruption)
    blocks = kind in BLOCKS
    state = PanelState(f"restore.panel.{model.run.id}", **SETTINGS)
    defaults: dict[str, Any] = {"level": model.config.level, "noise_seed": 0}
    if blocks:
        defaults |= {"size": 0.0, "left": 0.5, "top": 0.5}
    start = state.start({name: (0.0, 1.0) for name in defaults if name != "noise_seed"}, **defaults)
    controls: list[Control] = [
        Button(param="noise_seed", label="New noise", value=start["noise_seed"]),
        Slider(param="level", label=CORRUPTIONS[kind].title, low=0, high=1, step=0.01, value=start["level"]),
    ]
    if blocks:
        labels = {"size": "Black block (0: none)", "left": "Block, left to right", "top": "Block, top to bottom"}
        controls += [
            Slider(param=name, label=label, low=0, high=1, step=0.02, value=start[name])
            for name, label in labels.items()
        ]
    ways = {"corrupted": "corrupted", "model": model.run.family.short}
    ways |= {name: method.title for name, method in METHODS[kind].items()}
    params: dict[str, Any] = {"run": scene_name(model.run), "samples": samples}
    panel = live_panel(
        "restore",
        key=state.key,
        label="Restored pictures",
        params=params,
        controls=controls,
        rows=[
            Row(array="clean", label="original", caption="seen_clean", pick=True),
            *(Row(array=name, label=label, caption=f"seen_{name}") for name, label in ways.items()),
        ],
        readouts=[
            Readout(name=f"{name}_psnr", label=f"PSNR, {label}", digits=1, unit="dB") for name, label in ways.items()
        ],
    )
    if panel.picked and panel.picked[1] < len(samples) and "index" in samples[panel.picked[1]]:
        remember_sample(samples[panel.picked[1]]["index"])
    return params | state.left(panel.values)


def _table(kind: str, found: dict[str, Any]) -> None:
    if "clean" not in found:
        return
    titles = {"clean": "Original", "corrupted": "Corrupted", "model": "This model"}
    titles |= {name: method.title for name, method in METHODS[kind].items()}
    rows = []
    for name, title in titles.items():
        one = found[name]
        psnr = None if name == "clean" else one["psnr"]
        rows.append({"": title, "PSNR, dB": psnr, "SSIM": one["ssim"], "Recognised": one.get("recognised")})
    formats = {"PSNR, dB": "%.1f", "SSIM": "%.3f", "Recognised": "percent"}
    columns = {name: st.column_config.NumberColumn(format=text) for name, text in formats.items()}
    st.dataframe(rows, hide_index=True, column_config=columns)
    st.caption(as_text(restoration.verdict(found, titles)))


def own_picture(model: Explorer) -> None:
    """A picture of any size, restored by overlapping patches, beside one of the other methods."""
    st.markdown("**A picture of your own**")
    if not st.toggle("Restore a picture of your own", key="restore.own"):
        UPLOADS.release(_session())
        return
    UPLOADS.expect(_session())
    kind = str(model.config.corruption)
    boxes = st.columns([2, 1, 1], vertical_alignment="bottom")
    file = boxes[0].file_uploader("Picture", ["png", "jpg", "jpeg", "webp", "bmp"], key="restore.file")
    added = boxes[1].toggle("Corrupt the picture first", value=True, key="restore.added")
    name = boxes[2].selectbox(
        "Compare with",
        list(METHODS[kind]),
        key=f"restore.beside.{kind}",
        format_func=lambda one: METHODS[kind][one].title,
    )
    if file is None:
        st.caption(
            f"Patches of {model.spec.shape[0]} × {model.spec.shape[1]} pixels are restored one at a time; they overlap "
            "by half. A model of digits restores digits; a model of photo patches restores photographs."
        )
        return
    picture = restoration.read_picture(file.getvalue())
    with st.spinner("Restoring the picture"):
        shown = _restored(str(model.run.path), picture.tobytes(), picture.shape, added, str(name))
    columns = st.columns(len(shown))
    for column, (label, made) in zip(columns, shown.items(), strict=True):
        column.image(made, caption=label, width="stretch")
    st.download_button(
        "PNG", to_png(shown[model.run.family.short]), "restored.png", icon=":material/download:", on_click="ignore"
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _restored(path: str, content: bytes, shape: tuple[int, ...], added: bool, method: str) -> dict[str, np.ndarray]:
    model = explorer(Run(path))
    picture = np.frombuffer(content, np.uint8).reshape(shape)
    kind, level = str(model.config.corruption), model.config.level
    given = picture.astype(np.float32) / 255
    if added:
        given = np.clip(corrupt(given[None], kind, level, 0, restoration.picture_spec(picture))[0], 0, 1)
    made = {"given" if added else "picture": given}
    made[model.run.family.short] = restoration.restore_picture(model, given).astype(np.float32) / 255
    start = restoration.seen_by_methods(picture.astype(np.float32) / 255, given, kind) if added else given
    made[METHODS[kind][method].title] = restoration.restored(start[None], kind, level, method)[0]
    return {label: np.asarray(np.rint(255 * one), np.uint8) for label, one in made.items()}


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
