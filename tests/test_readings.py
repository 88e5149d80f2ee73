"""Own data as people keep them: read by a job, kept whole or not at all, and private until shared."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from page_driver import alone, open_page, said
from PIL import Image
from streamlit.testing.v1 import AppTest

import aeexplorer as ae
from aeexplorer.config import ConfigError
from aeexplorer.data.bringing import keep
from aeexplorer.data.own import own_data, share, unshare
from aeexplorer.data.reading import Cancelled, Choices, Proposal, Samples
from aeexplorer.data.sharing import export_own, import_own
from aeexplorer.jobs.readings import ReadingJob, compute_reading, find_reading, forget, read_again, request_reading
from aeexplorer.jobs.registry import registry
from aeexplorer.jobs.worker import run_worker
from aeexplorer.live.answers import answer
from aeexplorer.live.open_runs import OPEN_RUNS
from aeexplorer.live.request import SceneRequest
from aeexplorer.owners import acting_as, as_viewer, owner_of
from aeexplorer.runs.listing import find_run, list_runs, remove_data
from aeexplorer.runs.run import Run
from aeexplorer.server.identity import COOKIE
from aeexplorer.store import home

__all__ = ["alone"]

ROOT = Path(__file__).resolve().parents[1]
ANNA, BEN = "a token of Anna's browser", "a token of Ben's browser"
TABLE = "a,b,city\n" + "\n".join(f"{i * 0.37 % 3:.3f},{i * i % 11},{'xyz'[i % 3]}" for i in range(40))


pytestmark = pytest.mark.usefixtures("idle")


def pictures(n: int = 20) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i in range(n):
            picture = io.BytesIO()
            Image.fromarray(np.random.default_rng(i).integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(picture, "PNG")
            archive.writestr(f"{'ab'[i % 2]}/{i}.png", picture.getvalue())
    return out.getvalue()


def table_of(owner: str, name: str = "mine") -> ae.Dataset:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    samples = Samples(x, [f"c{i % 2}" for i in range(40)], ("=1+1", "b", "c"))
    return keep(Proposal(kind="vector", samples=40, shape=(3,)), samples, name, owner)[0]


def run_of(data: ae.Dataset, owner: str) -> Run:
    from aeexplorer.runs.recording import train_run
    from aeexplorer.runs.request import new_run

    with acting_as(owner):
        run = new_run("ae", data, owner=owner, hidden=(8,), latent_dim=2, epochs=1, batch_size=8)
        return train_run(run, data, bar=False)


def finish(job: ReadingJob) -> None:
    """Do the job as a worker would."""
    compute_reading(job, lambda: True)
    registry().move(job.path, ("queued",), "done")


# a reading


def test_files_are_looked_at_chosen_about_and_kept() -> None:
    job = request_reading([("set.zip", pictures())], "local")
    finish(job)
    assert job.status.state == "done" and job.proposal is not None
    assert (job.proposal.samples, job.proposal.shape) == (20, (12, 12, 3)) and not own_data()
    spec, x = job.preview() or (None, None)
    assert spec is not None and x is not None and x.shape == (20, 12, 12, 3)
    read_again(job, Choices(size=8, grey=True), "local")
    assert job.proposal is None, "the old proposal answers other choices"
    finish(job)
    assert job.proposal is not None and job.proposal.shape == (8, 8)
    read_again(job, job.spec.choices, "local", "set")
    finish(job)
    assert job.kept == "own/set" and ae.load_dataset("own/set").spec.shape == (8, 8)
    assert not (job.path / "upload").exists() and not (job.path / "samples.safetensors").exists()


def test_a_worker_reads_and_says_what_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aeexplorer.jobs.worker._lower_priority", lambda **_: None)  # it would be that of all tests
    good = request_reading([("table.csv", TABLE.encode())], "local")
    bad = request_reading([("cut.zip", pictures()[:900])], "local")
    assert run_worker(good.path) == 0 and run_worker(bad.path) == 0
    assert ReadingJob(good.path).proposal is not None
    proposal = ReadingJob(bad.path).proposal
    assert proposal is not None and "its end is missing" in proposal.refusal


def test_a_reading_is_cancelled_at_the_next_picture() -> None:
    job = request_reading([("set.zip", pictures())], "local")
    with pytest.raises(Cancelled):
        compute_reading(job, iter([True, True, False]).__next__)
    assert not (job.path / "proposal.json").exists()
    forget(job, "local")
    assert not job.path.exists()


def test_uploads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_UPLOAD_MB", "1")
    with pytest.raises(ConfigError, match=r"an upload must have at most 1 MB, got 1\.1 MB"):
        request_reading([("big.csv", bytes(1_100_000))], "local")
    with pytest.raises(ConfigError, match="at least one file"):
        request_reading([], "local")
    monkeypatch.setenv("AEEXPLORER_OWN_MB", "1")
    rng = np.random.default_rng(0)
    with pytest.raises(
        ConfigError, match=r"own data of one person must take at most 1 MB, got 1\.6 MB on top of 0\.0 MB"
    ):
        ae.dataset(rng.random((2_000, 200)), name="big")
    assert not own_data() and not list(home().glob("readings/*"))
    names = [(f"../../{i}/<b>.csv", b"x") for i in range(2)]
    job = request_reading(names, "local")
    inside = [path.relative_to(job.path / "upload").as_posix() for path in (job.path / "upload").rglob("*.csv")]
    assert sorted(inside) == ["files/file/file/0/_b_.csv", "files/file/file/1/_b_.csv"]


def test_only_three_readings_of_a_person_stay() -> None:
    jobs = [request_reading([("t.csv", TABLE.encode())], "local") for _ in range(5)]
    assert [job.path.exists() for job in jobs] == [False, False, True, True, True]
    assert find_reading(jobs[-1].spec.id, "somebody else") is None and find_reading("../x", "local") is None


KILLED = """
import sys, time
from pathlib import Path
from aeexplorer import store
from aeexplorer.jobs import readings
{patch}
print("ready", flush=True)
readings.compute_reading(readings.ReadingJob(Path(sys.argv[1])), lambda: True)
"""
SLOW_READ = "from aeexplorer.data.reading import pictures\npictures._array = lambda *a: time.sleep(60)"
SLOW_WRITE = "save = store.save_arrays\nstore.save_arrays = lambda path, arrays: (save(path, arrays), time.sleep(60))"


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
@pytest.mark.parametrize("patch", [SLOW_READ, SLOW_WRITE], ids=["reading", "writing"])
@pytest.mark.long
def test_a_killed_worker_leaves_nothing_half_kept(patch: str) -> None:
    table_of("local", "before")
    job = request_reading([("set.zip", pictures())], "local")
    read_again_ = job.spec.replace(name="set")
    (job.path / "spec.json").write_text(json.dumps(read_again_.model_dump(mode="json")))
    command = [sys.executable, "-c", KILLED.format(patch=patch), str(job.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        wanted = "data/.*.tmp/data.safetensors" if patch == SLOW_WRITE else "spec.json"
        for _ in range(600):
            if list(home().glob(wanted)) or patch == SLOW_READ:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert list(own_data()) == ["own/before"]
    compute_reading(ReadingJob(job.path), lambda: True)
    assert list(own_data()) == ["own/before", "own/set"] and len(ae.load_dataset("own/set").train.x) == 14


def test_a_full_disk_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aeexplorer.store.save_arrays", full)
    with pytest.raises(OSError, match="the disk is full"):
        table_of("local")
    assert not own_data() and not list((home() / "data").iterdir())


# private and shared


def test_private_data_and_their_runs_are_seen_by_their_owner_alone() -> None:
    anna, ben = owner_of(ANNA), owner_of(BEN)
    data = table_of(anna)
    run = run_of(data, anna)
    with acting_as(anna):
        assert list(own_data()) == ["own/mine"] and [r.id for r in list_runs() if isinstance(r, Run)] == [run.id]
        assert len(ae.open_run(run.id).dataset.test.x) == 6 and OPEN_RUNS.find(run.id)
        download = as_viewer(lambda: export_own("own/mine"))
    with acting_as(ben):
        assert not own_data() and not list_runs()
        for refused in (
            lambda: ae.load_dataset("own/mine"),
            lambda: find_run(run.id),
            lambda: ae.open_run(run.path),
            lambda: OPEN_RUNS.find(run.id),
            lambda: export_own("own/mine"),
            lambda: remove_data("own/mine", ben, although_runs=True),
            lambda: share("own/mine", ben),
        ):
            with pytest.raises(ConfigError, match="unknown"):
                refused()
        assert zipfile.ZipFile(io.BytesIO(download())).namelist(), "a download that Anna began is hers"
    request = SceneRequest(1, "decode", {"run": run.id, "z": [[0.0, 0.0]]}, [], 50)
    assert isinstance(answer(request._replace(owner=anna)), bytes)
    reply = answer(request._replace(owner=ben))
    assert isinstance(reply, str) and "unknown run" in reply


def page_of(token: str, name: str, **query: str) -> AppTest:
    """A page as the browser with this token opens it."""
    app = open_page("home")
    app.session_state[COOKIE] = token
    app.switch_page(f"../../pages/{name}.py")
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


@pytest.mark.long
def test_pages_of_another_visitor_show_neither_private_data_nor_their_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_SHARED", "1")
    anna = owner_of(ANNA)
    run = run_of(table_of(anna), anna)
    for token, seen in ((ANNA, True), (BEN, False)):
        for page, query in (
            ("data", {"dataset": "own/mine"}),
            ("reconstruct", {"run": run.id}),
            ("train", {"dataset": "own/mine"}),
        ):
            app = page_of(token, page, **query)
            assert not app.exception
            chosen = {str(box.value) for box in app.selectbox}
            assert bool(chosen & {"own/mine", run.id}) == seen, (page, token)
    with acting_as(anna):
        link = share("own/mine", anna)
    app = page_of(BEN, "data", share=link)
    assert not app.exception and "own/mine" in {str(box.value) for box in app.selectbox}
    assert "Somebody's own data, shared by a link." in said(app)
    assert not [b for b in app.button if str(b.key).startswith(("data.share", "data.unshare", "data.remove"))]
    with acting_as(owner_of(BEN)):
        assert "own/mine" in own_data() and find_run(run.id).id == run.id
        with pytest.raises(ConfigError, match="it belongs to somebody else"):
            remove_data("own/mine", owner_of(BEN), although_runs=True)
    with acting_as(anna):
        unshare("own/mine", anna)
    with acting_as(owner_of(BEN)):
        assert not own_data()
    gone = page_of(BEN, "data", share=link)
    assert any("leads nowhere" in warning.value for warning in gone.warning)


def test_removing_says_which_runs_need_the_data() -> None:
    run = run_of(table_of("local"), "local")
    with pytest.raises(ConfigError, match=f"own/mine is needed by 1 run: {run.id}"):
        remove_data("own/mine")
    assert [r.id for r in remove_data("own/mine", although_runs=True)] == [run.id] and not own_data()


def test_an_export_is_kept_elsewhere_with_its_content_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = table_of("local")
    share("own/mine")
    content = export_own("own/mine")
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert "samples/train.csv" in names
    text = zipfile.ZipFile(io.BytesIO(content)).read("samples/test.csv").decode()
    assert text.startswith("'=1+1,b,c,class\n") and len(text.splitlines()) == 7
    path = tmp_path / "mine.zip"
    path.write_bytes(content)
    monkeypatch.setenv("AEEXPLORER_HOME", str(tmp_path / "second"))
    again = import_own(path, "local")
    assert again.source == data.source and not own_data()["own/mine"].link
    np.testing.assert_array_equal(again.train.x, data.train.x)


def test_columns_that_are_kept_colour_the_map() -> None:
    from aeexplorer.ui.latent_map.colours import colour_options

    path = home().parent / "t.csv"
    path.write_text(
        "a,b,day,target,town\n"
        + "\n".join(
            f"{i * 0.37 % 3:.3f},{i * i % 11},2024-02-{i % 28 + 1:02d},{'uv'[i % 2]},town {i % 25}" for i in range(60)
        )
    )
    with pytest.warns(UserWarning):
        data = ae.dataset(path, name="towns")
    assert [factor.name for factor in data.spec.factors] == ["day", "town"] and data.test.factors is not None
    model = ae.open_run(run_of(data, "local").id)
    assert {"factor:day", "factor:town", "column:a"} <= colour_options(model, False).keys()


# the page


@pytest.mark.long
def test_a_pasted_table_is_read_chosen_about_named_and_kept() -> None:
    app = open_page("data", add="1")
    assert not app.exception and "Add your own data" in said(app) + " ".join(t.value for t in app.title)
    next(g for g in app.button_group if g.key == "add.way").set_value("Paste").run()
    app.text_area(key="add.text").set_value(TABLE).run()
    app.button(key="add.read").click().run()
    assert not app.exception
    (folder,) = (home() / "readings").iterdir()
    job = ReadingJob(folder)
    finish(job)
    app.run()
    assert not app.exception and "40 rows of a table" in said(app)
    assert app.button(key="add.start").disabled, "a name is missing"
    next(box for box in app.selectbox if box.label == "Label").set_value("none").run()
    assert ReadingJob(folder).spec.choices.label == "none"
    finish(ReadingJob(folder))
    app.run()
    app.text_input(key="add.name").set_value("towns").run()
    app.button(key="add.keep").click().run()
    finish(ReadingJob(folder))
    app.run()
    assert not app.exception and list(own_data()) == ["own/towns"]
