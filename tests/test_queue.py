"""Asking and taking back, whose is what, shared results and their limit: all without a worker."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from page_driver import open_page

from aeexplorer import jobs
from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.jobs import queue_view
from aeexplorer.jobs.cache import mark_used, remove_leftovers, trim_results
from aeexplorer.jobs.health import health
from aeexplorer.jobs.json_log import close_log, open_log
from aeexplorer.jobs.registry import Registry, registry
from aeexplorer.jobs.submission import Submission
from aeexplorer.owners import client_of, local_owner, owner_of
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.limits import check_cost, memory_limit, setting
from aeexplorer.runs.listing import DamagedRun, list_runs
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import write_json
from aeexplorer.training.estimation import Estimate

TINY: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "batch_size": 8, "epochs": 1}
ANNA, BEN = owner_of("a secret of Anna's"), owner_of("a secret of Ben's")


pytestmark = pytest.mark.usefixtures("idle")


@pytest.fixture
def make(tiny: Any) -> Callable[..., Run]:
    return lambda owner=None, **knobs: new_run("ae", tiny("grey"), owner=owner, **{**TINY, **knobs})


def test_only_the_owner_may_stop_continue_rename_pin_or_delete(make: Callable[..., Run]) -> None:
    run = make(ANNA)
    for act in (
        lambda: jobs.start(run, BEN), lambda: run.rename("mine", BEN), lambda: run.pin(by=BEN), lambda: run.delete(BEN),
        lambda: run.rename("mine"), lambda: run.delete(),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match="belongs to somebody else"):
            act()
    jobs.start(run, ANNA)
    with pytest.raises(ConfigError, match=r"cannot be stopped: it belongs to somebody else"):
        jobs.cancel(run, BEN)
    assert run.status.state == "queued"
    jobs.cancel(run, ANNA)
    assert run.status.state == "cancelled"
    run.rename("hers", ANNA)
    assert Run(run.path).title == "hers"
    run.delete(ANNA)
    assert list_runs() == []


def test_a_damaged_run_still_has_its_owner(make: Callable[..., Run]) -> None:
    run = make(ANNA)
    jobs.start(run, ANNA)
    (run.path / "spec.json").write_bytes(b"{")
    (damaged,) = list_runs()
    assert isinstance(damaged, DamagedRun)
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        damaged.delete(BEN)
    damaged.delete(ANNA)
    assert list_runs() == []


def test_the_command_line_acts_as_the_local_user_or_as_its_token_says(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hers, ours = make(ANNA), make()
    for command in (["stop", hers.id], ["rename", hers.id, "x"], ["delete", hers.id]):
        if command[0] == "stop":
            jobs.start(hers, ANNA)
        assert main(command) == 2
        assert "belongs to somebody else" in capsys.readouterr().err
    assert main(["rename", ours.id, "ours now"]) == 0
    assert Run(ours.path).title == "ours now"
    monkeypatch.setenv("AEEXPLORER_OWNER", "a secret of Anna's")
    assert local_owner() == ANNA
    assert main(["stop", hers.id]) == 0
    assert main(["delete", hers.id]) == 0
    assert main(["delete", ours.id]) == 2
    monkeypatch.setenv("AEEXPLORER_OWNER", "short")
    assert main(["delete", ours.id]) == 2
    assert "16 to 200 characters" in capsys.readouterr().err


def test_one_person_has_so_many_jobs_waiting_and_no_more(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_WAITING_PER_OWNER", "2")
    for _ in range(2):
        jobs.start(make(ANNA), ANNA)
    with pytest.raises(ConfigError, match="at most 2 jobs of one person may wait"):
        jobs.start(make(ANNA), ANNA)
    jobs.start(make(BEN), BEN)
    assert len(jobs.active_jobs()) == 3
    assert len(jobs.active_jobs(BEN)) == 1


@pytest.mark.parametrize(
    ("setting_name", "words"),
    [
        ("AEEXPLORER_WAITING_PER_ADDRESS", "at most 2 jobs from one network address may wait, found 2"),
        ("AEEXPLORER_WAITING", "at most 2 jobs in all may wait, found 2"),
    ],
)
def test_another_cookie_does_not_make_room_for_more(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, setting_name: str, words: str
) -> None:
    monkeypatch.setenv(setting_name, "2")
    for number in range(2):
        owner = owner_of(f"cookie number {number} of one visitor")
        jobs.start(make(owner), owner, address=f"2001:db8::{number}")
    with pytest.raises(ConfigError, match=words):
        jobs.start(make(ANNA), ANNA, address="2001:db8::ffff")
    if setting_name == "AEEXPLORER_WAITING_PER_ADDRESS":
        jobs.start(make(BEN), BEN, address="192.0.2.7")
        for _ in range(3):
            jobs.start(make(), address="127.0.0.1")
        registry().rebuild()
        with pytest.raises(ConfigError, match=words):
            jobs.start(make(ANNA), ANNA, address="2001:db8::1")


def test_addresses_are_kept_as_hashes(make: Callable[..., Run]) -> None:
    run = make(ANNA)
    jobs.start(run, ANNA, address="192.0.2.7")
    job = registry().find(run.path)
    assert job is not None and job.address == client_of("192.0.2.7") != client_of("192.0.2.8")
    assert b"192.0.2.7" not in b"".join(path.read_bytes() for path in run.path.rglob("*") if path.is_file())
    assert client_of("2001:db8::1") == client_of("2001:db8::2") != client_of("2001:db8:0:1::1")
    assert client_of("") == client_of("127.0.0.1") == client_of("::1") == ""


def folders(home: Path) -> list[Path]:
    return sorted(path for root in ("runs", "maps") for path in (home / root).glob("*"))


def test_of_a_thousand_refused_requests_nothing_is_left(
    make: Callable[..., Run], tiny: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_WAITING_PER_OWNER", "1")
    run = train_run(make(), tiny("grey"), bar=False)
    jobs.start(make(ANNA), ANNA)
    (home / "maps").mkdir()
    before = folders(home)
    for number in range(950):
        with pytest.raises(ConfigError, match="at most 1 jobs of one person"):
            jobs.request_map(run, "tsne", 12, ANNA, seed=number)
    for _ in range(50):
        with pytest.raises(ConfigError, match="at most 1 jobs of one person"):
            jobs.start(make(ANNA), ANNA, new=True)
    assert folders(home) == before
    jobs.start(make(BEN), BEN, new=True)
    assert len(folders(home)) == len(before) + 1


def test_a_run_that_was_there_before_stays_when_it_is_refused(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_WAITING_PER_OWNER", "1")
    first, second = make(ANNA), make(ANNA)
    jobs.start(first, ANNA, new=True)
    for run, new in ((second, False), (first, True)):  # of a double click the second must not remove the run
        with pytest.raises(ConfigError):
            jobs.start(run, ANNA, new=new)
        assert run.path.is_dir()


@pytest.mark.long
def test_a_refused_start_page_leaves_no_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        jobs.start(new_run("ae", load_dataset("digits"), epochs=1))
    monkeypatch.setenv("AEEXPLORER_WAITING", "1")
    before = {run.path for run in list_runs()}
    app = open_page("train", dataset="digits", family="ae")
    next(button for button in app.button if button.key == "train.start").click().run()
    assert not app.exception and {run.path for run in list_runs()} == before
    assert any("at most 1 jobs in all may wait" in error.value for error in app.error)
    monkeypatch.setenv("AEEXPLORER_WAITING", "10")
    next(button for button in app.button if button.key == "train.start").click().run()
    assert not app.exception and len(list_runs()) == len(before) + 1


@pytest.fixture
def crowd(home: Path) -> list[WorkFolder]:
    """A thousand waiting jobs of thirty owners."""
    found = []
    for number in range(1000):
        path = home / ("maps" if number % 4 == 0 else "runs") / f"j{number}"
        path.mkdir(parents=True)
        WorkFolder.prepare(path)
        kind = "map" if number % 4 == 0 else "train"
        write_json(path / "spec.json", {"kind": kind}, durable=False)
        found.append(WorkFolder(path))
        submission = Submission(kind=kind, owner=f"o{number % 30}", estimated=5.0, submitted=float(number))
        write_json(path / "control" / "job.json", submission.model_dump(), durable=False)
    registry().rebuild()
    return found


@pytest.mark.long
def test_a_thousand_waiting_jobs_are_read_once_for_all_who_look(
    crowd: list[WorkFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    read = Registry._repaired
    monkeypatch.setattr(Registry, "_repaired", lambda self, call: (reads.append(1), read(self, call))[1])
    monkeypatch.setattr(queue_view, "VIEW_SECONDS", 60.0)
    begun = time.process_time()
    jobs.active_jobs()
    first = time.process_time() - begun
    for _ in range(100):
        assert len(jobs.active_jobs()) == 1000 and len(jobs.active_jobs("o7")) == 34
        for folder in crowd[::50]:
            assert jobs.under_way(folder) and jobs.queue_position(folder).before is not None
    assert len(reads) <= 3
    assert first < 0.1, "seconds of processor time, one look of everybody together"


def test_a_change_is_seen_at_once(make: Callable[..., Run]) -> None:
    run = make()
    assert not jobs.under_way(run)
    jobs.start(run)
    assert jobs.under_way(run) and jobs.queue_position(run).before == ()
    jobs.cancel(run)
    assert not jobs.under_way(run)


def test_short_and_long_jobs_wait_in_lanes_of_their_own(
    make: Callable[..., Run], tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_SHORT_WORKERS", "1")
    done = train_run(make(), tiny("grey"), bar=False)
    first, second = make(ANNA), make(BEN)
    jobs.start(first, ANNA, 60.0)
    jobs.start(second, BEN, 60.0)
    assert registry().move(first.path, ("queued",), "running")
    job = jobs.request_map(done, "pca", 12, BEN)
    assert jobs.queue_position(job) == jobs.QueuePosition((), (), 0.0)
    position = jobs.queue_position(second)
    assert position.before == () and [running.path for running in position.running] == [first.path]
    assert position.starts_in == pytest.approx(60.0)


def test_the_same_map_is_one_job_for_all_who_ask(make: Callable[..., Run], tiny: Any) -> None:
    run = train_run(make(), tiny("grey"), bar=False)
    first = jobs.request_map(run, "pca", 12, ANNA)
    second = jobs.request_map(run, "pca", 12, BEN)
    other = jobs.request_map(run, "pca", 12, BEN, components=3)
    assert first.path == second.path != other.path
    assert [job.folder for job in registry().jobs()] == [f"maps/{first.path.name}", f"maps/{other.path.name}"]
    jobs.cancel(second, BEN)
    assert first.status.state == "queued", "Anna still waits for it"
    with pytest.raises(ConfigError, match="belongs to somebody else"):
        jobs.cancel(first, BEN)
    jobs.cancel(first, ANNA)
    assert first.status.state == "cancelled"
    again = jobs.request_map(run, "pca", 12, BEN)
    assert again.status.state == "queued" and jobs.under_way(again)


def test_results_are_kept_up_to_a_limit_but_for_those_of_pinned_runs(
    make: Callable[..., Run], tiny: Any, home: Path
) -> None:
    runs = [train_run(make(seed=seed), tiny("grey"), bar=False) for seed in range(3)]
    maps = [jobs.request_map(run, "pca", 12) for run in runs]
    for at, job in enumerate(maps):
        job.set_status(state="done")
        (job.path / "map.safetensors").write_bytes(bytes(800_000))
        os.utime(job.path, (1_000 + at, 1_000 + at))
    assert trim_results(limit_mb=3) == []
    runs[0].pin()
    mark_used(maps[1].path)
    assert trim_results(limit_mb=2) == [maps[2].path.name]
    assert trim_results(limit_mb=0) == [maps[1].path.name]
    assert maps[0].path.is_dir() and all(run.path.is_dir() for run in runs)
    with pytest.raises(ConfigError, match="while it is pinned"):
        runs[0].delete()
    runs[0].pin(False)
    assert trim_results(limit_mb=0) == [maps[0].path.name]


def test_a_map_that_is_being_computed_is_not_removed(make: Callable[..., Run], tiny: Any) -> None:
    job = jobs.request_map(train_run(make(), tiny("grey"), bar=False), "pca", 12)
    assert trim_results(limit_mb=0) == []
    assert job.path.is_dir()


def test_leftovers_are_removed_once_they_are_old(make: Callable[..., Run], home: Path) -> None:
    run = make()
    old, new = run.path / ".status.json.01234567.tmp", home / "runs" / ".half-made.01234567.tmp"
    old.write_bytes(b"half")
    new.mkdir()
    os.utime(old, (1.0, 1.0))
    assert remove_leftovers() == [old]
    assert new.is_dir() and run.path.is_dir()


def test_too_much_is_refused_with_numbers_before_anything_is_made(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "450")
    with pytest.raises(ConfigError, match=r"would need [4-9]\d\d MB of memory, limit 450 MB"):
        make(hidden=(4096,), latent_dim=256)
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "100000")
    monkeypatch.setenv("AEEXPLORER_PARAMETERS", "1")
    with pytest.raises(ConfigError, match=r"would have 17,\d{3},\d{3} parameters, limit 1,000,000:"):
        make(hidden=(4096, 2048), latent_dim=64)
    with pytest.raises(ConfigError, match="would take 50 hours, limit 24"):
        check_cost(Estimate(1, 4, 4, 1, 1, seconds=90_000.0), pace=2.0)
    with pytest.raises(
        ConfigError, match=r"4096, got 1000000; the model would have 1\d,\d{3},\d{3} parameters, limit 1,0"
    ):
        make(latent_dim=10**6)
    assert not (home / "runs").exists()


def test_refusals_follow_what_trainings_took_on_this_machine(
    make: Callable[..., Run], tiny: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AEEXPLORER_HOURS", "1")
    monkeypatch.setattr("aeexplorer.runs.request.estimate", lambda *_: Estimate(1, 4, 4, 1, 1, seconds=1800.0))
    assert jobs.pace() == 1.0
    for estimated, took in ((1.0, 4.0), (10.0, 40.0), (10.0, 20.0)):
        run = make()
        jobs.start(run, estimated=estimated)
        assert registry().move(run.path, ("queued",), "done", seconds=took)
    assert jobs.pace() == 4.0
    command = ["train", "--dataset", "digits", "--family", "ae"]
    with pytest.raises(ConfigError, match="would take 2 hours, limit 1"):
        make(pace=jobs.pace())
    assert main(command) == 2
    assert "would take 2 hours, limit 1" in capsys.readouterr().err
    assert len(list_runs()) == 3


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--latent-dim", "1e6"], "got 1000000.0; the model would have 770,"),
        (["--latent-dim", "4096", "--hidden", "4096,2048"], " MB of memory, limit 450 MB: use a smaller batch_size"),
        (["--batch-size", "1257", "--hidden", "512,512,512"], " MB of memory, limit 450 MB: use a smaller batch_size"),
    ],
)
def test_the_command_line_says_what_a_refused_training_would_cost(
    flags: list[str], said: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "450")
    assert main(["train", "--dataset", "digits", "--family", "vae", *flags]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert not (home / "runs").exists()


@pytest.mark.parametrize("text", ["many", "-1", "0", "1e9", "9" * 30])
def test_settings_are_whole_numbers_within_bounds(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", text)
    with pytest.raises(ConfigError, match="AEEXPLORER_MEMORY_MB must be a whole number between"):
        memory_limit()
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "")
    assert setting("AEEXPLORER_MEMORY_MB", 5, 1, 9) == 5


def test_health_is_ok_while_jobs_are_supervised_and_can_be_written(
    make: Callable[..., Run], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not health()["ok"]
    with FileLock(home / "supervisor.lock"):
        jobs.start(make())
        said = health()
        assert said["ok"] and (said["queued"], said["running"]) == (1, 0) and said["free_bytes"] > 0
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
        full = health()
    assert not full["ok"] and full["reason"] == "No space left on device"


def test_the_log_is_a_json_object_a_line(make: Callable[..., Run], home: Path) -> None:
    open_log()
    open_log()
    run = make()
    jobs.start(run)
    jobs.cancel(run)
    close_log()
    lines = [json.loads(line) for line in (home / "log.jsonl").read_text("utf-8").splitlines()]
    assert [(line["what"], line["job"], line["level"]) for line in lines] == [
        ("job is cancelled", f"runs/{run.id}", "info")
    ]
