"""Two people at one server: each sees all, and changes what is his own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from page_driver import alone, open_page, said, trained
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.owners import owner_of
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import COOKIE, OwnerCookie

__all__ = ["alone"]  # a fixture of every test here

ANNA, BEN = "a token of Anna's browser", "a token of Ben's browser"


@pytest.fixture(autouse=True)
def a_class(idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server for many, whose jobs nobody does."""
    monkeypatch.setenv("AEEXPLORER_SHARED", "1")


def page_of(token: str, name: str, **query: str) -> AppTest:
    app = open_page(name, **query)
    app.session_state[COOKIE] = token
    return app.run()


def run_of(token: str) -> Run:
    return new_run("ae", ae.load_dataset("digits"), owner=owner_of(token), epochs=1)


def test_a_waiting_training_shows_its_place_to_all_and_the_way_to_stop_it_to_its_owner() -> None:
    first, run = run_of(BEN), run_of(ANNA)
    jobs.start(first, owner_of(BEN), 20.0)
    jobs.start(run, owner_of(ANNA), 10.0)
    hers, his = (page_of(token, "train", job=run.id) for token in (ANNA, BEN))
    assert not hers.exception and not his.exception
    assert "train.stop" in {b.key for b in hers.button}
    assert "train.stop" not in {b.key for b in his.button}
    assert [b.key for b in his.button if str(b.key).startswith("jobs.stop.")] == [f"jobs.stop.runs/{first.id}"]
    assert [b.key for b in hers.button if str(b.key).startswith("jobs.stop.")] == [f"jobs.stop.runs/{run.id}"]
    assert "Others: 0 running, 1 waiting" in said(hers)
    next(b for b in hers.button if b.key == f"jobs.stop.runs/{run.id}").click().run()
    assert run.status.state == "cancelled"
    assert first.status.state == "queued"


def offered(app: AppTest) -> set[str]:
    return {button.label for button in app.button if str(button.key).startswith("runs.")}


def test_runs_of_others_can_be_looked_at_and_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained()
    assert run.owner == "local"
    assert offered(page_of(BEN, "runs")) == {
        "Explore", "Latent map", "Training replay", "Train with this change", "Import",
    }  # fmt: skip
    monkeypatch.setenv("AEEXPLORER_SHARED", "")
    assert {"Rename", "Delete"} < offered(open_page("runs"))


def test_what_somebody_starts_on_a_page_is_theirs() -> None:
    app = page_of(ANNA, "train", dataset="digits", family="ae")
    next(b for b in app.button if b.key == "train.start").click().run()
    assert not app.exception
    (job,) = jobs.active_jobs()
    assert job.owner == owner_of(ANNA) == Run(job.path).owner
    assert job.estimated > 0


def test_without_jobs_there_is_no_panel() -> None:
    assert not [b for b in page_of(ANNA, "runs").button if str(b.key).startswith("jobs.stop.")]


def answered(kind: str, cookie: str = "", scheme: str = "http") -> dict[str, str]:
    """The headers of an answer of some type, as the middleware lets it through."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "scheme": scheme, "headers": [(b"cookie", cookie.encode())] if cookie else []}
    asyncio.run(OwnerCookie(inner)(scope, None, send))  # type: ignore[arg-type]
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def test_a_browser_gets_a_token_once_which_scripts_cannot_read() -> None:
    first = answered("text/html; charset=utf-8", scheme="https")
    assert all(word in first["set-cookie"] for word in ("HttpOnly", "SameSite=Lax", "Secure", "Path=/"))
    assert first["cache-control"] == "private, no-cache"
    token = first["set-cookie"].split(";")[0]
    assert owner_of(token.removeprefix(f"{COOKIE}="))
    assert "set-cookie" not in answered("text/html", cookie=f"other=1; {token}")
    assert "set-cookie" not in answered("application/json")
    again = answered("text/html", cookie="other=1")["set-cookie"]
    assert "Secure" not in again
    assert again.split(";")[0] != token
