"""Interpolate between two samples, or across the patch between four."""

from __future__ import annotations

from typing import Any

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import interpolate
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.sample_picker import opened_run, pick_samples, python_of
from aeexplorer.ui.shared.samples import is_plane, missing_data
from aeexplorer.ui.shared.text import heading

CORNERS = ("a ↖", "b ↗", "c ↙", "d ↘")
NAMES = {2: ("Start", "End"), 3: CORNERS[:3], 4: CORNERS}


def choose_endpoints() -> int:
    return int(
        st.segmented_control(
            "Endpoints",
            ["2", "3", "4"],
            default="2",
            required=True,
            key="ends",
            bind="query-params",
            help="Two endpoints make a path, four make a grid. With three, the fourth corner is the analogy "
            "d = b + c − a: a is to b as c is to d.",
        )
    )


def page(run: Run, other: Run | None, n: int, cards: st.delta_generator.DeltaGenerator) -> None:
    model = open_picked(run)
    opened = opened_run(run)
    with cards:
        ends = pick_samples(opened, NAMES[n])
    code = opening(run) + python_of(ends)
    if is_plane(opened.spec):
        interpolate.paths_on_plane(opened, ends)
        params: dict[str, Any] = {"t": 0.5}
        page_footer(*interpolate.equation(params, ends), code + interpolate.path_python(params))
    elif n == 2:
        params = interpolate.path(opened, ends, other)
        code += interpolate.path_python(params)
        page_footer(*interpolate.equation(params, ends), code, *interpolate.path_files(params, opened))
    else:
        params = interpolate.patch(opened, ends)
        numbers = f"u = {params['u']:g}, v = {params['v']:g}" + (", d = b + c − a" if n == 3 else "")
        equation = r"z_{u,v} = (1-v)\,[(1-u)\,a + u\,b] + v\,[(1-u)\,c + u\,d]"
        code += interpolate.patch_python(params, n)
        page_footer(equation, numbers, code, *interpolate.patch_files(params, opened))
    missing_data(model, "Interpolation between stored codes works without it; endpoints are then decoded codes.")


title, picker, box = st.columns([2, 1.3, 1.3], vertical_alignment="bottom")
with title:
    heading("Interpolate between samples", "Drag t to move through the latent space; compare with a pixel cross-fade.")
with picker:
    picked = pick_run(preferred=("mnist-vae", "digits-vae", "mnist-vae-2d", "digits-vae-2d"))
if picked is not None:
    cards, amount = st.columns([6, 1], vertical_alignment="center")
    with amount:
        n = choose_endpoints()
    other = None
    if n == 2:
        with box:
            other = interpolate.choose_other(picked)
    with refusals():
        page(picked, other, n, cards)
