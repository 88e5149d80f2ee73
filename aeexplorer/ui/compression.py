"""The parts of Compression: lossy, with a live number of bits, and lossless, as a file that a job writes."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from aeexplorer.applications import lossless, lossy
from aeexplorer.explorer import Explorer
from aeexplorer.live.components import live_panel
from aeexplorer.live.panel import Chart, Line, Readout, Row, Segmented, Slider
from aeexplorer.live.scenes import render
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared.class_picker import scene_name
from aeexplorer.ui.shared.exports import sheet
from aeexplorer.ui.shared.figures import figures_line
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.run_picker import remember_sample
from aeexplorer.ui.shared.sample_sets import SampleSet
from aeexplorer.ui.shared.studies import study
from aeexplorer.ui.shared.text import as_text
from aeexplorer.ui.shared.view_state import PanelState, Setting, whole

LOSSY, LOSSLESS = "lossy", "lossless"
TITLES = {LOSSY: "Lossy", LOSSLESS: "Lossless"}
MODE = Setting("compression", "mode")
SIZES = (100, 300, 1_000, 3_000)
OTHERS = {
    "independent_pixels": "Independent pixels",
    "gzip": "gzip",
    "lzma": "lzma",
    "bz2": "bz2",
}


class Mode(NamedTuple):
    """The runs that the page can show, the sentence where there is none, and the function that shows one."""

    preferred: tuple[str, ...]
    fits: Callable[[Run], bool]
    missing: str
    dataset: str
    show: Callable[[Explorer], None]


def choose_mode() -> Mode:
    """Choose lossy or lossless."""
    options = [LOSSY, LOSSLESS]
    st.segmented_control(
        "Compression",
        options,
        key=MODE.begin(LOSSY, options),
        format_func=TITLES.__getitem__,
        label_visibility="collapsed",
        required=True,
    )
    if MODE.end(LOSSY) == LOSSLESS:
        return Mode(
            ("mnist-binary-vae", "digits-vae"),
            lambda run: not lossless.refusal(run),
            "Lossless files need a VAE of black-and-white pictures; grey pictures become black and white at random.",
            "digits",
            show_lossless,
        )
    return Mode(
        ("mnist-ae", "mnist-vae", "digits-ae"),
        lambda run: not lossy.refusal(run.spec.data),
        "There is no model of pictures yet. Train one: training on digits takes seconds.",
        "digits",
        show_lossy,
    )


def show_lossy(model: Explorer) -> None:
    """Codes of a few bits each, beside JPEG and WebP of as many bytes."""
    samples = SampleSet(model, "compression")
    place = samples.place()
    shown = samples.samples()
    few = shown.samples[:10]
    with place:
        params = _panel(model, few)
    samples.ask()
    st.caption(
        f"A code has {model.latent_dim} numbers, quantised in even steps between their extremes. All codes share one "
        "file, entropy-coded with the frequencies of other pictures. JPEG and WebP use the highest quality that needs "
        "no more bytes, or else their lowest. Below each picture: its bytes + the bytes of the header."
    )
    frame = render("lossy", params)
    readouts = frame.readouts
    figures_line(_break_even(readouts, bool(params["bare"])))
    bits = int(params["bits"])
    page_footer(
        r"\hat x = g\big(Q_b(f(x))\big)",
        f"b = {bits}, {readouts['bytes']:.1f} bytes per picture, PSNR {readouts['psnr']:.1f} dB",
        opening(model.run) + "from aeexplorer.applications import lossy\n\n"
        f"size, z = lossy.coded(model, bits={bits})\nrestored = model.decode(z)\n",
        sheet("compression", {name: frame.arrays[name] for name in ("original", "model", *lossy.FORMATS)}, model.spec),
    )


def _panel(model: Explorer, samples: list[dict[str, Any]]) -> dict[str, Any]:
    state = PanelState(
        f"compression.panel.{model.run.id}",
        bits=Setting("compression", "bits", whole(1, lossy.MOST_BITS)),
        bare=Setting("compression", "headers"),
    )
    start = state.start({"bits": (1, lossy.MOST_BITS), "bare": ["true", "false"]}, bits=4, bare="true")
    params: dict[str, Any] = {"run": scene_name(model.run), "samples": samples}
    options = (("true", "Without headers"), ("false", "With headers"))
    marks: list[Any] = [{"x": b, "label": str(b)} for b in range(1, lossy.MOST_BITS + 1)]
    bits = Slider(
        param="bits",
        label="Bits for each number of the code",
        low=1,
        high=lossy.MOST_BITS,
        value=start["bits"],
        step=1,
        symbol="b",
        marks=tuple(marks),
    )
    headers = Segmented(param="bare", label="JPEG and WebP", options=options, value=start["bare"])
    panel = live_panel(
        "lossy",
        key=state.key,
        label="Lossy compression",
        params=params,
        controls=[headers] if model.codes.indices is not None else [headers, bits],
        rows=[
            Row(array="original", label="original"),
            Row(array="model", label=model.run.family.short),
            Row(array="jpeg", label="JPEG", caption="captions_jpeg"),
            Row(array="webp", label="WebP", caption="captions_webp"),
        ],
        readouts=[
            Readout(name="bytes", label="bytes per picture", digits=1),
            Readout(name="shown_psnr", label=f"PSNR shown, {model.run.family.short}", digits=1, unit="dB"),
            Readout(name="jpeg_psnr", label="JPEG", digits=1, unit="dB"),
            Readout(name="webp_psnr", label="WebP", digits=1, unit="dB"),
            Readout(name="decoder", label="decoder", digits=0, unit="kB"),
        ],
        views=[_chart(model)],
    )
    if panel.picked and "index" in samples[panel.picked[1]]:
        remember_sample(samples[panel.picked[1]]["index"])
    values = state.left(panel.values) if model.codes.indices is None else {"bits": 1, **panel.values}
    return params | values


def _chart(model: Explorer) -> Chart:
    lines = [Line(name=model.run.family.short, colour="accent", x_array="bytes", y_array="psnr", x_readout="bytes")]
    for kind, colour in zip(lossy.FORMATS, ("mark", "ink"), strict=True):
        lines.append(
            Line(
                name=f"{kind.upper() if kind == 'jpeg' else 'WebP'}, no header",
                colour=colour,
                x_array=f"{kind}_bare",
                y_array=f"{kind}_psnr",
                x_readout=f"{kind}_bare_x",
            )
        )
    lines.append(Line(name="JPEG", colour="quiet", x_array="jpeg_bytes", y_array="jpeg_psnr", x_readout="jpeg_x"))
    return Chart(
        title="PSNR against bytes",
        scene="lossy_curve",
        fields=("run",),
        x_readout="bytes",
        x_label="bytes per picture",
        y_label="dB",
        from_zero=False,
        lines=tuple(lines),
    )


def _break_even(readouts: dict[str, Any], bare: bool) -> list[tuple[str, str, str]]:
    told = "headers left out" if bare else "headers counted"
    figures = []
    for kind, name in (("jpeg", "JPEG"), ("webp", "WebP")):
        count = readouts[f"{kind}_even"]
        text = f"{count:,.0f} pictures" if math.isfinite(count) else "never"
        why = f"Number of pictures whose saved bytes outweigh the decoder ({readouts['decoder']:.0f} kB), {told}"
        figures.append((f"break-even with {name} at equal PSNR", text, why))
    return figures


def show_lossless(model: Explorer) -> None:
    """A file of black and white samples, written by bits-back coding and read back."""
    most = len(model.dataset.test)
    sizes = [n for n in SIZES if n <= most] or [most]
    setting = Setting("compression", "n", whole(1, most))
    key = setting.begin(sizes[-2] if len(sizes) > 1 else sizes[0], sizes)
    st.segmented_control("Test samples", sizes, key=key, format_func=lambda n: f"{n:,}", required=True)
    n = int(setting.end(1_000))
    st.caption(
        "Bits-back coding writes each sample with the decoder's probabilities and its code with the prior's. The bits "
        "that choose the code come from samples already written, so they cost nothing."
    )
    study(model.run, "lossless", "Write the file and read it back", _show_file, n=n)
    page_footer(
        r"\text{bits} = \frac{-\mathrm{ELBO}}{\ln 2} = \frac{1}{\ln 2}\,\mathbb{E}_{q(z|x)}"
        r"\big[\log q(z|x) - \log p(z) - \log p(x|z)\big]",
        f"{n:,} samples of {model.spec.size} pixels",
        opening(model.run) + "from aeexplorer.applications import lossless\n\n"
        f"x = lossless.black_and_white(model.dataset.test, {n})\nwritten = lossless.compress(model, x)\n"
        "assert (lossless.decompress(written.content, model) == x).all()\n",
    )


def _show_file(found: dict[str, Any]) -> None:
    if "bytes" not in found:
        return
    promised, net = found["elbo_bits_per_pixel"], found["net_bits_per_pixel"]
    figures_line(
        [
            ("file", f"{found['bytes']:,} bytes", "Header and first bits included"),
            ("bits per pixel", f"{found['bits_per_pixel']:.4f}", "The whole file, per pixel"),
            ("without header and first bits", f"{net:.4f}", "Bits per pixel of the samples alone"),
            ("−ELBO / ln 2", f"{promised:.4f}", "Bits per pixel that the ELBO of the model predicts"),
            ("difference", f"{net / promised - 1:+.2%}", "Samples alone, relative to the prediction of the ELBO"),
            (
                "read back",
                "bit for bit" if found["identical"] else "differs",
                "Every pixel was compared with the original",
            ),
        ]
    )
    rows = {"This model, bits back": found["bits_per_pixel"]}
    rows |= {title: found["bits_per_pixel_of"][name] for name, title in OTHERS.items()}
    with st.container(border=True):
        st.markdown("**Bits per pixel of the same samples**")
        st.dataframe(
            [{"": name, "Bits per pixel": value} for name, value in sorted(rows.items(), key=lambda row: row[1])],
            hide_index=True,
            column_config={
                "Bits per pixel": st.column_config.ProgressColumn(
                    format="%.4f", min_value=0.0, max_value=max(rows.values()) * 1.05
                )
            },
        )
    best = min(rows, key=rows.__getitem__)
    st.caption(
        as_text(
            f"{best}: the smallest file. The general-purpose compressors get eight pixels per byte and all samples in "
            "one stream. The size of the decoder is not counted."
        )
    )
    st.download_button(
        "Download the file",
        base64.b64decode(found["content"]),
        "samples.aebb",
        icon=":material/download:",
        on_click="ignore",
    )
