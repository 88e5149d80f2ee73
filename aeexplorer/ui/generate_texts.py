"""Quality of generated texts on the page Generate: the shares that are valid, unique and new."""

from __future__ import annotations

from typing import Any

import streamlit as st

from aeexplorer.data import DataSpec, load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.live.open_run import OpenRun
from aeexplorer.metrics.smiles import shares, valid_smiles
from aeexplorer.ui.shared.figures import figures_line

JUDGED = 1_000
EXPLAINED = {
    "valid": "Share of the generated texts that are possible molecules; other texts count as valid if not empty.",
    "unique": "Share of the valid texts that differ from each other.",
    "novel": "Share of the unique texts that are not among the training samples.",
}


def judge(opened: OpenRun, params: dict[str, Any]) -> None:
    """A button, and then the shares of 1,000 texts that are drawn as the panel draws them; nothing of other samples."""
    spec = opened.spec
    if not spec.row.symbols or spec.voices or opened.test is None:
        return
    key = f"texts.judged.{opened.explorer.name}"
    if st.button(f"Check {JUDGED:,} samples", key=f"{key}.button", icon=":material/rule:"):
        st.session_state[key] = True
    if st.session_state.get(key):
        found = _shares(
            opened.explorer.name, float(params.get("temperature", 1.0)), int(params["seed"]), opened.explorer
        )
        figures_line([(name, f"{value:.1%}", EXPLAINED[name]) for name, value in found.items()])


@st.cache_data(max_entries=32, show_spinner="Checking samples")
def _shares(run: str, temperature: float, seed: int, _model: Explorer) -> dict[str, float]:
    texts = _model.text(_model.sample(JUDGED, seed, temperature))
    return shares(texts, _known(_model.run.spec.dataset), valid_smiles if _model.spec.grammar else bool)


@st.cache_resource(max_entries=4, show_spinner=False)
def _known(dataset: str) -> set[str]:
    data = load_dataset(dataset)
    spec: DataSpec = data.spec
    return set(spec.text(data.train.x))
