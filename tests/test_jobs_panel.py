"""The panel of jobs in the side bar: it leads to its trainings, and says when they have ended."""

from __future__ import annotations

import pytest
from page_driver import alone, open_page
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.ui.shared import jobs_panel

__all__ = ["alone"]  # a fixture of every test here

pytestmark = pytest.mark.usefixtures("idle")


@pytest.fixture
def waiting() -> Run:
    run = new_run("ae", ae.load_dataset("digits"), "Mine", epochs=1)
    jobs.start(run)
    return run


def labels(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.sidebar.button]


def test_a_job_leads_to_its_training_from_every_page(waiting: Run) -> None:
    for page in ("data", "train"):
        app = open_page(page)
        assert "**Mine**" in labels(app)
        app.button(key=f"jobs.watch.{waiting.id}").click().run()
        assert not app.exception
        assert app.title[0].value == "Mine" and app.query_params["job"] in (waiting.id, [waiting.id])


@pytest.mark.parametrize(("state", "words"), [("done", "finished"), ("failed", "failed"), ("cancelled", "stopped")])
@pytest.mark.long
def test_an_end_is_said_for_a_while(waiting: Run, state: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("data")
    assert "**Mine**" in labels(app)
    waiting.set_status(state=state)
    monkeypatch.setattr(jobs, "active_jobs", lambda *_: [])
    app.run()
    assert not app.exception
    assert labels(app) == [f"Mine: {words}"]
    monkeypatch.setattr(jobs_panel, "ENDED_SECONDS", 0.0)
    app.run()
    assert not app.exception
    assert labels(app) == []


def test_a_training_that_was_deleted_meanwhile_is_not_shown(waiting: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_page("data")
    monkeypatch.setattr(jobs, "active_jobs", lambda *_: [])
    waiting.delete()
    app.run()
    assert not app.exception
    assert labels(app) == []
