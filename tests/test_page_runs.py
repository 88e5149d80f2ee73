"""The page of runs: all of them, whatever they are called and however they stand."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from waiting import PATIENCE

import aeexplorer as ae
from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.explorer import Explorer
from aeexplorer.owners import local_owner, owner_of
from aeexplorer.runs import listing
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.listing import DamagedRun, list_runs
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, write_json
from aeexplorer.ui import runs
from aeexplorer.ui.shared import resources
from aeexplorer.ui.shared.run_names import run_name

SHELL = str(Path(__file__).parents[1] / "aeexplorer" / "ui" / "shell.py")


@pytest.fixture(autouse=True)
def one_person_and_nothing_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page under test has no browser that could say who looks: it is the local user, who made the runs."""
    monkeypatch.setattr(resources, "pretrained", list)
    monkeypatch.setattr(runs, "current_owner", local_owner)


def test_of_another_persons_run_nothing_is_changed(make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    app = open_page()
    app.button(key="runs.delete").click().run()
    monkeypatch.setattr(runs, "current_owner", lambda: owner_of("a visitor from elsewhere"))
    app.button(key="runs.delete.confirm").click().run()
    assert "it belongs to somebody else" in shown(app)
    assert run.path.exists()


@pytest.fixture
def make() -> Callable[..., Run]:
    def run(**status: object) -> Run:
        made = new_run("ae", load_dataset("digits"), epochs=1, hidden=(8,), latent_dim=2)
        if status:
            made.set_status(**status)
        return made

    return run


def open_page(**query: str) -> AppTest:
    """The page; run=… selects a run in place of the newest."""
    app = AppTest.from_file(SHELL, default_timeout=PATIENCE).run()
    app.switch_page("../../pages/runs.py")
    for name, value in query.items():
        app.query_params[name] = value
    return app.run()


def table(app: AppTest) -> list[dict[str, Any]]:
    return app.dataframe[0].value.to_dict("records")


def shown(app: AppTest) -> str:
    html = " ".join(e.proto.body for e in app.get("html"))
    texts = [e.value for e in [*app.toast, *app.error, *app.warning, *app.markdown, *app.caption]]
    return html + " ".join(texts).replace("\\", "")


def test_an_empty_home_says_how_to_begin() -> None:
    app = open_page()
    assert not app.exception
    assert "Nothing was trained here yet" in shown(app)


def test_every_run_is_listed_with_how_it_stands(make: Callable[..., Run]) -> None:
    done = train_run(make(), load_dataset("digits"), bar=False)
    failed = make(state="failed", reason="reconstruction became nan at step 3")
    lost = make(state="running", pid=2**22 + 1, process_started=1.0)
    damaged = make()
    (damaged.path / "spec.json").write_text("{")
    app = open_page()
    assert not app.exception
    rows = {row["State"]: row for row in table(app)}
    assert sorted(rows) == ["Damaged", "Failed", "Finished", "Interrupted"]
    assert rows["Finished"]["Test MSE"] == done.status.result["mse"]
    assert "not valid JSON" in shown(open_page(run=damaged.path.name))
    for run, words in (
        (done, "Finished · 1 epoch"),
        (done, f"test MSE {done.status.result['mse']:.3g}"),
        (failed, "reconstruction became nan at step 3"),
        (lost, "its worker vanished"),
    ):
        app = open_page(run=run.id)
        assert not app.exception and words in shown(app)


def test_runs_are_found_and_filtered(make: Callable[..., Run]) -> None:
    first, second = make(), new_run("vae", load_dataset("wine"), "Château Latour", latent_dim=2)
    app = open_page()
    assert {row["Name"] for row in table(app)} == {run_name(second), run_name(first)}
    app.text_input(key="find").set_value("CHÂTEAU wine").run()
    assert [row["Name"] for row in table(app)] == [run_name(second)]
    app.text_input(key="find").set_value("").run()
    app.selectbox(key="data").set_value("Digits").run()
    assert [row["Name"] for row in table(app)] == [run_name(first)]
    app.selectbox(key="family").set_value("VAE").run()
    assert not app.exception and not app.dataframe
    assert "No run fits these filters." in app.info[0].value
    linked = open_page(find="latour")
    assert [row["Name"] for row in table(linked)] == [run_name(second)]


def test_a_collapse_is_said_where_the_run_is_shown(make: Callable[..., Run]) -> None:
    run = new_run("vae", load_dataset("digits"), epochs=1, hidden=(8,), latent_dim=4)
    run.set_status(state="done", result={"mse": 0.05, "kl": 0.03, "active_units": 0.0})
    assert "Posterior collapse: 0 of 4 units active, R = 0.03 nats" in shown(open_page())


@pytest.mark.parametrize(
    "title",
    ["<img src=x onerror=alert(1)>", "**bold** [link](http://x) $x^2$ :red[a]", "‮abc‬ עברית", "x" * 10_000, "🙂"],
)
def test_names_are_text(make: Callable[..., Run], title: str) -> None:
    run = make()
    write_json(run.path / "label.json", {"title": title})
    app = open_page()
    assert not app.exception
    text = shown(app)
    assert "<img" not in text
    assert "x" * 200 not in text
    if title.startswith("**"):
        assert title in text


def test_delete_asks_first_and_the_second_of_two_is_told(make: Callable[..., Run]) -> None:
    run, kept = make(), make()
    first, second = open_page(run=run.id), open_page(run=run.id)
    for app in (first, second):
        app.button(key="runs.delete").click().run()
    assert run.path.exists(), "nothing is deleted before it is confirmed"
    first.button(key="runs.delete.confirm").click().run()
    assert "The run is deleted." in shown(first)
    second.button(key="runs.delete.confirm").click().run()
    assert "already gone" in shown(second)
    assert [r.path for r in list_runs()] == [kept.path]
    assert not first.exception
    assert not second.exception


def select(monkeypatch: pytest.MonkeyPatch, *ids: str) -> None:
    """Let the table say that these runs are selected: a page under test has no browser in which to tick them."""

    def ticked(rows: Any, name: str, wanted: str) -> Any:
        return [run for run in rows if run.path.name in ids]

    monkeypatch.setattr(runs, "table", ticked)


def test_several_runs_are_compared_or_deleted_at_once(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = load_dataset("digits")
    trained = [train_run(make(), data, bar=False) for _ in range(2)]
    kept = make()
    select(monkeypatch, *(run.id for run in trained))
    app = open_page()
    assert "2 selected runs" in shown(app) and not app.button(key="runs.compare").disabled
    app.button(key="runs.delete").click().run()
    assert all(run.path.exists() for run in trained)
    app.button(key="runs.delete.confirm").click().run()
    assert not app.exception and "2 runs deleted." in shown(app)
    assert [run.path for run in list_runs()] == [kept.path]
    select(monkeypatch, kept.id, new_run("vae", load_dataset("wine"), latent_dim=2).id)
    assert open_page().button(key="runs.compare").disabled, "of other data"


def test_runs_are_grouped_and_pretrained_ones_folded(make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    own = make()
    new_run("vae", load_dataset("wine"), latent_dim=2, beta=4.0)
    monkeypatch.setattr(resources, "pretrained", listing.pretrained)
    app = open_page(group="data", run=own.id)
    assert not app.exception
    boxes = [box for box in app.expander if not box.label.startswith("What you see")]
    assert [box.label.replace("\\", "") for box in boxes] == [
        "Digits (1)",
        "Wine (1)",
        f"Pretrained ({len(listing.pretrained())})",
    ]
    assert [box.proto.expanded for box in boxes] == [True, True, False]
    assert app.dataframe[1].value["Knobs"][0].startswith("β 4")


def test_a_damaged_run_can_be_deleted(make: Callable[..., Run]) -> None:
    run = make()
    (run.path / "spec.json").unlink()
    assert isinstance(list_runs()[0], DamagedRun)
    app = open_page()
    app.button(key="runs.delete").click().run()
    app.button(key="runs.delete.confirm").click().run()
    assert list_runs() == []
    assert not app.exception


def test_rename(make: Callable[..., Run]) -> None:
    run = make()
    app = open_page()
    app.button(key="runs.rename").click().run()
    app.text_input(key="runs.title").set_value("Two <b>dimensions</b>").run()
    app.button(key="runs.rename.confirm").click().run()
    assert Run(run.path).title == "Two <b>dimensions</b>"
    assert "Two &lt;b&gt;dimensions" in shown(app)
    assert not app.exception


def test_continue_starts_an_interrupted_run(
    make: Callable[..., Run], idle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Run] = []
    monkeypatch.setattr(jobs, "start", lambda run, *more, **options: asked.append(run))
    run = make(state="running", pid=2**22 + 1, process_started=1.0)
    app = open_page()
    app.button(key="runs.go").click().run()
    assert [r.path for r in asked] == [run.path]
    assert not app.exception


def test_a_bundle_holds_the_run(make: Callable[..., Run]) -> None:
    run = train_run(make(), load_dataset("digits"), bar=False)
    names = zipfile.ZipFile(BytesIO(bundle(run))).namelist()
    assert f"{run.path.name}/weights.safetensors" in names
    assert not [n for n in names if "/control/" in n or "/checkpoint/" in n]


def test_corrupt_weights_are_a_sentence_when_opened(make: Callable[..., Run]) -> None:
    run = train_run(make(), load_dataset("digits"), bar=False)
    (run.path / "weights.safetensors").write_bytes(b"\x00" * 100)
    app = open_page()
    assert not app.exception
    with pytest.raises(Damaged, match=r"weights\.safetensors"):
        Explorer(Run(run.path))


def test_a_running_run_cannot_be_deleted(make: Callable[..., Run]) -> None:
    from aeexplorer.runs.folders import process_identity

    run = make()
    run.set_status(state="running", **process_identity())
    with pytest.raises(ConfigError, match="while it trains"):
        run.delete()
    assert run.path.exists()


# parents


def test_deleting_a_parent_names_who_started_from_it_and_asks() -> None:
    data = load_dataset("digits")
    parent = ae.train("ae", data, epochs=1, hidden=(8,), latent_dim=2, bar=False)
    child = ae.train("ae", data, title="*Child*", start_from=parent, epochs=1, bar=False)
    app = open_page(run=parent.id)
    app.button(key="runs.delete").click().run()
    assert "Runs that started from its weights, and keep a copy of them: *Child*." in shown(app)
    assert app.button(key="runs.delete.confirm").label == "Delete anyway"
    app.button(key="runs.delete.keep").click().run()
    assert parent.path.exists()
    app.button(key="runs.delete").click().run()
    app.button(key="runs.delete.confirm").click().run()
    assert not app.exception and "The run is deleted." in shown(app)
    assert [run.path for run in list_runs()] == [child.path] and Run(child.path).load_model()


# imports


def ask_to_import(app: AppTest, name: str, content: bytes) -> AppTest:
    app.button(key="runs.import.open").click().run()
    app.file_uploader[0].set_value((name, content, "application/zip"))
    return app.run()


def test_a_bundle_is_imported_with_its_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).standard_normal((60, 4))
    run = ae.train("vae", ae.dataset(x, name="plants"), epochs=1, hidden=(8,), latent_dim=2, bar=False)
    content = bundle(run)
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "second"))
    app = ask_to_import(open_page(), "plants.zip", content)
    assert not app.exception and not app.error
    assert f"{run_name(run)} is imported." in shown(app)
    (found,) = list_runs()
    assert isinstance(found, Run) and (found.id, found.owner, found.spec.dataset) == (
        run.id,
        local_owner(),
        "own/plants",
    )
    assert not app.file_uploader, "the dialog is closed"
    assert [row["Data"] for row in table(app)] == ["plants"]
    assert ae.open_run(found.id).evaluate() == pytest.approx(run.status.result, rel=1e-4)


def test_a_pretrained_run_comes_back_under_another_name() -> None:
    content = bundle(listing.pretrained()[0])
    app = ask_to_import(open_page(), "pretrained.zip", content)
    assert not app.exception and not app.error
    (found,) = list_runs()
    assert isinstance(found, Run) and found.id != listing.pretrained()[0].id and found.removable and found.load_model()


def test_what_cannot_be_imported_is_a_sentence_and_leaves_nothing(home: Path) -> None:
    app = ask_to_import(open_page(), "notes.zip", b"no archive")
    assert not app.exception
    assert "notes.zip is not imported: a bundle must be a zip archive" in shown(app)
    assert app.file_uploader, "another file can be chosen"
    assert not list_runs() and not list((home / "runs").glob("*"))
