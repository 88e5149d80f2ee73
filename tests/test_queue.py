"""Asking and taking back, whose is what, shared results and their limit: all without a worker."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from aeexplorer import jobs
from aeexplorer.__main__ import main
from aeexplorer.config import ConfigError
from aeexplorer.jobs import queue
from aeexplorer.jobs.cache import mark_used, remove_leftovers, trim_results
from aeexplorer.jobs.health import health
from aeexplorer.jobs.json_log import close_log, open_log
from aeexplorer.jobs.registry import registry
from aeexplorer.runs.limits import check_cost, memory_limit, setting
from aeexplorer.runs.listing import DamagedRun, list_runs
from aeexplorer.runs.owners import local_owner, owner_of
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.training.estimation import Estimate

TINY: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "batch_size": 8, "epochs": 1}
ANNA, BEN = owner_of("a secret of Anna's"), owner_of("a secret of Ben's")


class Asleep:
    """A supervisor that does nothing."""

    def wake(self) -> None:
        pass


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "supervise", Asleep)


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
    old, new = run.path / ".status.json.x", home / "runs" / ".half-made"
    old.write_bytes(b"half")
    new.mkdir()
    os.utime(old, (1.0, 1.0))
    assert remove_leftovers() == [old]
    assert new.is_dir() and run.path.is_dir()


def test_too_much_is_refused_with_numbers_before_anything_is_made(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "450")
    with pytest.raises(ConfigError, match=r"would need 0\.[5-9] GB of memory, limit 0\.5 GB"):
        make(hidden=(4096,), latent_dim=256)
    monkeypatch.setenv("AEEXPLORER_MEMORY_MB", "100000")
    monkeypatch.setenv("AEEXPLORER_PARAMETERS", "1")
    with pytest.raises(ConfigError, match=r"would have 18 million parameters, limit 1 million"):
        make(hidden=(4096, 2048), latent_dim=64)
    with pytest.raises(ConfigError, match="would take 50 hours, limit 24"):
        check_cost(Estimate(1, 4, 4, 1, 1, seconds=90_000.0), pace=2.0)
    with pytest.raises(ConfigError, match=r"4096, got 1000000; the model would have 17 million parameters, limit 1 m"):
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
        (["--latent-dim", "1e6"], "got 1000000.0; the model would have 770 million parameters, limit 200 million"),
        (["--latent-dim", "4096", "--hidden", "4096,2048"], "GB of memory, limit 0.5 GB: take a smaller batch_size"),
        (["--batch-size", "1257", "--hidden", "512,512,512"], "GB of memory, limit 0.5 GB: take a smaller batch_size"),
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


def test_health_is_ok_while_somebody_looks_after_the_jobs(make: Callable[..., Run], home: Path) -> None:
    assert not health()["ok"]
    with FileLock(home / "supervisor.lock"):
        jobs.start(make())
        said = health()
    assert said["ok"] and (said["queued"], said["running"]) == (1, 0) and said["free_bytes"] > 0


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
