"""Walk between two samples, or across the patch between four."""

from __future__ import annotations

import streamlit as st

from aeexplorer.runs.run import Run
from aeexplorer.ui import interpolate
from aeexplorer.ui.shared.page_footer import opening, page_footer
from aeexplorer.ui.shared.refusals import refusals
from aeexplorer.ui.shared.run_picker import open_picked, pick_run
from aeexplorer.ui.shared.sample_picker import opened_run, opening_of, pick_ends
from aeexplorer.ui.shared.samples import is_plane, missing_data, test_split
from aeexplorer.ui.shared.text import heading

CORNERS = ("a ↖", "b ↗", "c ↙", "d ↘")
NAMES = {2: ("From", "To"), 3: CORNERS[:3], 4: CORNERS}


def how_many() -> int:
    return int(
        st.segmented_control(
            "Samples", ["2", "3", "4"], default="2", required=True, key="ends", bind="query-params",
            help="Two make a walk, four a patch. Of three the fourth corner is b + c − a: a is to b as c is to it.",
        )
    )  # fmt: skip


def page(run: Run, rival: Run | None, n: int, cards: st.delta_generator.DeltaGenerator) -> None:
    model = open_picked(run)
    opened = opened_run(run)
    with cards:
        ends = pick_ends(opened, NAMES[n])
    code = opening(run) + opening_of(ends)
    if is_plane(opened.spec):
        interpolate.walk_on_plane(opened, ends)
        params = {"t": 0.5}
        page_footer(*interpolate.equation(params, ends), code + interpolate.walk_python(params))
    elif n == 2:
        params = interpolate.walk(opened, ends, rival)
        page_footer(
            *interpolate.equation(params, ends),
            code + interpolate.walk_python(params),
            *interpolate.walk_files(params, opened),
        )
    else:
        params = interpolate.patch(opened, ends)
        said = f"u = {params['u']:g}, v = {params['v']:g}" + (", d = b + c − a" if n == 3 else "")
        page_footer(
            r"z_{u,v} = (1-v)\,[(1-u)\,a + u\,b] + v\,[(1-u)\,c + u\,d]", said,
            code + interpolate.patch_python(params, n), *interpolate.patch_files(params, opened),
        )  # fmt: skip
    if test_split(model) is None:
        missing_data(model, "Walks between stored codes work without it; their ends are then decoded from the codes.")


title, picker, other = st.columns([2.6, 1.2, 1.2], vertical_alignment="bottom")
with title:
    heading("Walk between samples", "Through the latent space, or by fading one into the other: drag t.")
with picker:
    picked = pick_run(preferred=("mnist-vae", "digits-vae", "mnist-vae-2d", "digits-vae-2d"))
if picked is not None:
    cards, amount = st.columns([6, 1], vertical_alignment="center")
    with amount:
        n = how_many()
    rival = None
    if n == 2:
        with other:
            rival = interpolate.choose_rival(picked)
    with refusals():
        page(picked, rival, n, cards)
