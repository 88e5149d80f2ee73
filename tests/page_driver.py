"""How the tests of pages open one: from the shell, with an empty home, no pretrained models and no downloaded data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer.runs import listing
from aeexplorer.runs.run import Run

# Streamlit reads the metadata of all installed packages for each app, which takes longer than a page
manifest_scanner.scan_component_manifests = functools.cache(manifest_scanner.scan_component_manifests)

SHELL = Path(__file__).parent.parent / "aeexplorer" / "ui" / "shell.py"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pretrained runs, no downloaded data, nothing remembered."""
    monkeypatch.setattr(listing, "PRETRAINED", tmp_path / "pretrained")
    monkeypatch.setenv("AEEXPLORER_DATA_DIR", str(tmp_path / "data"))
    st.cache_data.clear()
    st.cache_resource.clear()
    yield


def trained(family: str = "vae", dataset: str = "digits", **knobs: Any) -> Run:
    """A run trained for an epoch; its model is small and bad."""
    return ae.train(family, ae.load_dataset(dataset), **{"bar": False, "epochs": 1, "hidden": (16,)} | knobs)


def orphaned(run: Run, dataset: str = "mnist") -> Run:
    """The run as if it had been trained on a dataset that is not here."""
    spec = run.path / "spec.json"
    spec.write_text(spec.read_text().replace(f'"dataset": "{run.spec.dataset}"', f'"dataset": "{dataset}"'))
    return Run(run.path)


def open_page(name: str, **query: str) -> AppTest:
    """A page by the name of its file, with what its address says."""
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE)
    if name != "home":
        app.run()
        app.switch_page(f"../../pages/{name}.py")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def said(app: AppTest) -> str:
    """All text that the page shows, without the marks that keep it from being read as Markdown."""
    kinds = (app.markdown, app.caption, app.error, app.info, app.subheader)
    return " ".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")
