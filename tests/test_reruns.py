"""What a rerun of a page costs, as a count of calls and of files read: it must neither grow nor depend on the
machine."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

from aeexplorer.data import load_dataset
from aeexplorer.runs.request import new_run
from aeexplorer.runs.spec import parsed_spec

ROOT = Path(__file__).parents[1]
OWN = (str(ROOT / "aeexplorer"), str(ROOT / "pages"))
RUNS = 20
PAGES = {"home": 1_300, "train": 850, "interpolate": 2_500, "corruption": 3_200, "generate": 1_600}


def work_of(rerun: Any) -> Counter[str]:
    """Calls of our own functions while an action runs pages in threads of their own, by name."""
    seen = Counter[str]()

    def note(frame: Any, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OWN):
            seen[frame.f_code.co_qualname] += 1

    threading.setprofile(note)
    try:
        rerun()
    finally:
        threading.setprofile(None)
    return seen


@pytest.fixture
def runs() -> None:
    data = load_dataset("digits")
    for _ in range(RUNS):
        new_run("vae", data, epochs=1)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.long
def test_a_rerun_does_little(page: str, runs: None, idle: None) -> None:
    app = AppTest.from_file(str(ROOT / "aeexplorer" / "ui" / "shell.py"), default_timeout=PATIENCE).run()
    app.switch_page(f"../../pages/{page}.py").run()
    app.run()
    assert not app.exception
    seen = work_of(app.run)
    assert seen, "nothing was seen of the rerun"
    assert sum(seen.values()) < PAGES[page], seen.most_common(12)
    assert seen[parsed_spec.__name__] == 0, "the file of a run was parsed again though nothing was written"


def test_what_was_written_meanwhile_is_seen(runs: None) -> None:
    from aeexplorer.runs.listing import list_runs
    from aeexplorer.runs.run import Run

    run = list_runs()[0]
    assert isinstance(run, Run) and run.status.epochs == 0
    run.set_status(epochs=3)
    again = list_runs()[0]
    assert isinstance(again, Run) and again.status.epochs == 3
    text = (run.path / "spec.json").read_text("utf-8")
    (run.path / "spec.json").write_text(text.replace('"seed": 0', '"seed": 5'), "utf-8")  # as long as before
    assert Run(run.path).spec.training.seed == 5
