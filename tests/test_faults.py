"""Faults at every step of a save, a full disk, a read-only home, a moved clock, damaged files, and kill -9."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from page_driver import open_page
from waiting import wait_until

from aeexplorer import jobs, store
from aeexplorer.data import Dataset, load_dataset
from aeexplorer.jobs import queue
from aeexplorer.jobs.doctor import examine, examine_folder
from aeexplorer.jobs.health import health
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.submission import Submission, write_submission
from aeexplorer.runs.bundles import bundle
from aeexplorer.runs.folders import WorkFolder, process_identity, process_lives
from aeexplorer.runs.listing import DamagedRun, list_runs
from aeexplorer.runs.recording import Paused, record, train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import Damaged, load_arrays
from aeexplorer.training.loop import Checkpoint
from aeexplorer.training.plan import DialSpec

TINY: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "batch_size": 8, "epochs": 3}


def digest(run: Run) -> dict[str, Any]:
    """All that a training leaves, but for how long it took."""
    files = {p.name: p.read_bytes() for p in run.path.glob("*.safetensors")}
    frames = {p.name: p.read_bytes() for p in (run.path / "snapshots").glob("*.safetensors")}
    stops = {f"dial/{p.name}": p.read_bytes() for p in (run.path / "dial").glob("*.safetensors")}
    epochs = [{k: v for k, v in e.items() if not k.startswith("seconds")} for e in run.epochs()]
    status = run.status
    return {
        **files,
        **frames,
        **stops,
        "epochs": epochs,
        "state": status.state,
        "figures": status.result,
        "best": status.best_epoch,
    }


class Faulty:
    """The functions of `os` that a save uses; the n-th call of them fails."""

    def __init__(self, n: int, code: int) -> None:
        self.left, self.code = n, code

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._failing(real) if name in ("fsync", "replace", "fdopen") else real

    def _failing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                if real is os.fdopen:
                    os.write(args[0], b"half a fi")
                    os.close(args[0])
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **kwargs)

        return call


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint({"model.w": torch.full((50,), float(step))}, {"step": step, "finished": None})


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.long
def test_a_checkpoint_is_old_or_new_whichever_step_of_its_save_fails(
    tiny: Any, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    run = new_run("ae", tiny("vector"), **TINY)
    run.save_checkpoint(checkpoint(1))
    for n in range(1, 100):
        faulty = Faulty(n, code)
        monkeypatch.setattr(store, "os", faulty)
        try:
            run.save_checkpoint(checkpoint(2))
        except OSError as error:
            assert (code == errno.ENOSPC) == ("the disk is full" in str(error))
        finally:
            monkeypatch.undo()
            monkeypatch.setenv("AEEXPLORER_HOME", str(run.path.parents[1]))
        found = run.load_checkpoint()
        assert found is not None
        step = found.scalars["step"]
        assert torch.equal(found.tensors["model.w"], torch.full((50,), float(step)))
        assert not list((run.path / "checkpoint").glob(".*"))
        if faulty.left > 0:
            break
        if step == 2:  # the fault came after the new one was in place
            shutil.rmtree(run.path / "checkpoint" / "000000002")
    assert n > 5 and step == 2


def test_a_status_is_old_or_new_whichever_step_of_its_save_fails(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run("ae", tiny("vector"), **TINY)
    for n in range(1, 20):
        faulty = Faulty(n, errno.EIO)
        with monkeypatch.context() as patch, contextlib.suppress(OSError):
            patch.setattr(store, "os", faulty)
            run.set_status(state="running", seconds=float(n))
        assert run.recorded_status.seconds in (0.0, float(n))
        assert not list(run.path.glob(".*"))
        run.set_status(state="queued", seconds=0.0)
        if faulty.left > 0:
            break
    assert n > 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB, where one can be mounted."""
    path = tmp_path / "disk"
    path.mkdir()
    made = sys.platform == "linux" and shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not made:
        pytest.skip("no file system can be mounted here")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.mark.long
def test_a_disk_that_fills_up_fails_the_run_with_the_room_it_needs(
    tiny: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_HOME", str(small_disk))
    monkeypatch.setattr("aeexplorer.runs.recording.CHECKPOINT_SECONDS", 0.0)
    data = tiny("vector")
    run = new_run("ae", data, **{**TINY, "hidden": (64, 64), "epochs": 300})
    recording = record(run, data)
    for progress in recording:
        if progress.validation and progress.epoch == 2:
            break
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    with pytest.raises(OSError, match="the disk is full"):
        list(recording)
    status = run.status
    assert status.state == "failed"
    assert "the disk is full" in status.reason and " MB" in status.reason
    found = run.load_checkpoint()
    assert found is not None and found.scalars["step"] > 0
    assert [r.path for r in list_runs()] == [run.path]
    (small_disk / "filler").unlink()
    train_run(run, data, bar=False)
    assert run.status.state == "done"


@pytest.mark.long
def test_pages_open_and_say_so_when_the_disk_is_full(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_HOME", str(small_disk))
    run = new_run("ae", load_dataset("digits"), **TINY)
    with contextlib.suppress(OSError), open(small_disk / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    with pytest.raises(OSError, match="the disk is full"):
        jobs.start(run)
    for name in ("runs", "train"):
        assert not open_page(name).exception
    assert health()["ok"] is False


def test_pages_open_and_say_so_when_the_home_is_read_only(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_HOME", str(small_disk))
    run = new_run("ae", load_dataset("digits"), **TINY)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="cannot be written to"):
        jobs.start(run)
    for name in ("runs", "train"):
        assert not open_page(name).exception
    assert any("cannot be written to" in finding.what for finding in examine())


def test_a_home_that_is_read_only_is_said_and_nothing_crashes(
    tiny: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_run(new_run("ae", tiny("vector"), **TINY), tiny("vector"), bar=False)

    def refused(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(store.tempfile, "mkstemp", refused)
    monkeypatch.setattr(store.tempfile, "mkdtemp", refused)
    with pytest.raises(OSError, match="cannot be written to"):
        new_run("ae", tiny("vector"), **TINY)
    with pytest.raises(OSError, match="cannot be written to"):
        run.rename("another")
    assert [r.path for r in list_runs()] == [run.path]
    assert run.load_model() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the start of a process is told by a clock nobody moves")
def test_a_worker_still_lives_after_the_clock_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    me = process_identity()
    booted = psutil.boot_time()
    monkeypatch.setattr(psutil, "boot_time", lambda: booted + 7200)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 7200)
    assert process_lives(me["pid"], me["process_started"])
    assert not process_lives(me["pid"], me["process_started"] - 1)


def test_durations_do_not_follow_the_clock_on_the_wall(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = iter([10.0**9 - 10**6 * i for i in range(10_000)])
    monkeypatch.setattr(time, "time", lambda: next(wall))
    run = train_run(new_run("ae", tiny("vector"), **TINY), tiny("vector"), bar=False)
    assert 0 <= run.status.seconds < 60


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, and one that can go on, to be copied and damaged."""
    path = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AEEXPLORER_HOME", str(path))
        data = load_dataset("moons") if "moons" in _names() else load_dataset("digits")
        knobs = {**TINY, "epochs": 2, "samples": 64, "batch_size": 32}
        write_submission(train_run(new_run("vae", data, **knobs), data, bar=False), Submission(kind="train", owner="a"))
        recording = record(run := new_run("vae", data, **knobs), data)
        next(recording)
        with contextlib.suppress(StopIteration):
            recording.throw(Paused("interrupted", "told to end"))
        write_submission(run, Submission(kind="train", owner="b"))
    return path


def _names() -> list[str]:
    from aeexplorer.data import DATASETS

    return list(DATASETS)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.long
def test_damaged_files_are_named_and_nothing_crashes(home: Path, finished: Path, data: st.DataObject) -> None:
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(finished, home)
    files = sorted(p for p in (home / "runs").rglob("*") if p.is_file())
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(("flip", "cut", "noise", "empty")))
    at = data.draw(st.integers(0, max(len(content) - 1, 0)))
    if kind == "flip" and content:
        content[at] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[at:]
    elif kind == "noise":
        content[at:] = data.draw(st.binary(max_size=64))
    else:
        content.clear()
    path.write_bytes(content)
    said = [str(finding) for finding in examine()]
    inside = path.relative_to(home / "runs").parts
    if path.suffix == ".safetensors" and path.read_bytes() != (finished / "runs" / Path(*inside)).read_bytes():
        assert any(path.name in line and inside[0] in line for line in said), said
    runs = list_runs()
    assert len(runs) == 2
    for run in runs:
        if isinstance(run, DamagedRun):
            assert run.reason and any(run.path.name in line for line in said)
            continue
        for look in (
            run.load_model,
            lambda r=run: r.codes,
            run.load_checkpoint,
            run.epochs,
            lambda r=run: bundle(r),
            lambda r=run: r.title,
        ):
            with contextlib.suppress(Damaged):
                look()
    Registry().rebuild()


def test_a_resumed_training_takes_the_older_checkpoint_when_the_last_is_damaged(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aeexplorer.runs.recording.CHECKPOINT_SECONDS", 0.0)
    data = tiny("grey")
    knobs = {**TINY, "epochs": 6}
    twin = train_run(new_run("vae", data, **knobs), data, bar=False)
    recording = record(run := new_run("vae", data, **knobs), data)
    for progress in recording:
        if progress.validation and progress.epoch == 4:
            break
    with contextlib.suppress(StopIteration):
        recording.throw(Paused("interrupted", "told to end"))
    last = sorted((run.path / "checkpoint").iterdir())[-1]
    content = bytearray((last / "tensors.safetensors").read_bytes())
    content[-3] ^= 1
    (last / "tensors.safetensors").write_bytes(content)
    assert any("check sum" in finding.what for finding in examine_folder(run.path))
    train_run(run, data, bar=False)
    assert digest(run) == digest(twin)


def test_of_checkpoints_the_last_two_durable_ones_are_kept_and_the_last_other(tiny: Any) -> None:
    run = new_run("ae", tiny("vector"), **TINY)

    def kept() -> list[str]:
        return [path.name.lstrip("0") for path in sorted((run.path / "checkpoint").iterdir())]

    for step, durable in ((1, True), (2, False), (3, False)):
        run.save_checkpoint(checkpoint(step), durable)
    assert kept() == ["1", "3.passing"]
    for step, durable in ((4, True), (5, True), (6, False)):
        run.save_checkpoint(checkpoint(step), durable)
    assert kept() == ["4", "5", "6.passing"]
    found = run.load_checkpoint()
    assert found is not None and found.scalars["step"] == 6
    (run.path / "checkpoint" / "000000006.passing" / "tensors.safetensors").write_bytes(b"")  # after a power cut
    found = run.load_checkpoint()
    assert found is not None and found.scalars["step"] == 5


# kill -9

KNOBS: dict[str, Any] = {"epochs": 30, "latent_dim": 2, "batch_size": 64, "seed": 3}


class Server:
    """The supervisor in a process of its own, as the app runs it."""

    def __init__(self, home: Path) -> None:
        self.environment = {**os.environ, "AEEXPLORER_HOME": str(home), "AEEXPLORER_WORKERS": "1"}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "aeexplorer", "supervise"], env=self.environment)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def kill_worker(run: WorkFolder) -> None:
    with contextlib.suppress(Damaged, psutil.Error):
        psutil.Process(store.read_json(run.path / "control" / "worker.json")["pid"]).kill()


@pytest.mark.long
def test_a_killed_worker_costs_at_most_one_epoch(home: Path) -> None:
    data = load_dataset("digits")
    run = new_run("vae", data, **{**KNOBS, "epochs": 10_000})
    for aim in (3, 11):
        worker = subprocess.Popen([sys.executable, "-m", "aeexplorer", "worker", str(run.path)])
        wait_until(lambda at=aim: (run.last_event("epoch") or {}).get("epoch", 0) >= at)  # type: ignore[misc]
        worker.kill()
        worker.wait()
        said, found = run.last_event("epoch"), run.load_checkpoint()
        assert said is not None and found is not None
        per_epoch = said["steps"] // said["epochs"]
        assert found.scalars["step"] // per_epoch >= said["epoch"] - 1
    recording = record(run, data)
    next(recording)
    with contextlib.suppress(StopIteration):
        recording.throw(Paused("interrupted", "told to end"))
    starts = [event["resumed_at"] for event in run.events()[0] if event["type"] == "start"]
    assert len(starts) == 3 and starts[0] == 0 and starts[1] >= 2 * per_epoch and starts[2] >= 10 * per_epoch


def ended(run: Run) -> bool:
    return run.recorded_status.state in ("done", "failed")


def submitted(run: Run) -> Run:
    """The run, in the queue."""
    write_submission(run, Submission(kind="train", owner="a"))
    Registry().submit(run.path, Submission(kind="train", owner="a"))
    return run


def kill_rounds(home: Path, rounds: int, seed: int, **more: Any) -> None:
    """Train again and again, each time with somebody killed at a random moment; each run ends as its twin did."""
    data: Dataset = load_dataset("digits")
    knobs = {**KNOBS, **more}
    twin = train_run(new_run("vae", data, **knobs), data, bar=False)
    expected, chance = digest(twin), random.Random(seed)
    server = Server(home)
    try:
        for at in range(rounds):
            run = submitted(new_run("vae", data, **knobs))
            victims = (("worker", "server"), ("worker",), ("server",))[at % 3]
            wait_until(lambda r=run: (r.path / "control" / "worker.json").exists())  # type: ignore[misc]
            if chance.random() < 0.8:
                wait_until(lambda r=run: r.recorded_status.state != "queued")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 1.2 * twin.status.seconds))
            if "server" in victims:
                server.kill()
            if "worker" in victims:
                kill_worker(run)
            if "server" in victims:
                server.start()
            wait_until(lambda r=run: ended(r))  # type: ignore[misc]
            assert digest(run) == expected, f"round {at}: {victims}, {run.status}"
        wait_until(lambda: {job.state for job in Registry().jobs()} == {"done"})
        assert len(list_runs()) == rounds + 1
        # the spare worker of a killed server takes a moment to see that nobody holds the other end
        wait_until(lambda: examine() == [])
    finally:
        server.kill()


@pytest.mark.long
def test_killed_at_a_random_moment_a_training_ends_as_its_twin(home: Path) -> None:
    kill_rounds(home, rounds=1, seed=random.randrange(10**6))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_rounds_of_kill(home: Path) -> None:
    kill_rounds(home, rounds=50, seed=random.randrange(10**6))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_six_rounds_of_kill_of_a_dial(home: Path) -> None:
    dial = DialSpec(knob="beta", stops=(0.1, 1.0, 10.0), epochs_per_stop=10)
    kill_rounds(home, rounds=6, seed=random.randrange(10**6), dial=dial, epochs=10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_map_whose_worker_is_killed_is_drawn_all_the_same(home: Path, idle: None) -> None:
    data = load_dataset("digits")
    run = train_run(new_run("vae", data, **{**KNOBS, "epochs": 2}), data, bar=False)
    server, chance = Server(home), random.Random()
    try:
        expected: dict[int, np.ndarray] = {}
        for round_ in range(6):
            job = jobs.request_map(run, "tsne", 270, seed=round_ // 2)
            wait_until(lambda j=job: (j.path / "control" / "worker.json").exists() or not j.status.active)  # type: ignore[misc]
            if round_ % 2:
                time.sleep(chance.uniform(0, 2))
                kill_worker(job)
            wait_until(lambda j=job: j.recorded_status.state in ("done", "failed"))  # type: ignore[misc]
            assert job.recorded_status.state == "done"
            points = load_arrays(job.path / "map.safetensors")["points"]
            assert np.array_equal(expected.setdefault(round_ // 2, points), points)
            store.remove_folder(job.path)
    finally:
        server.kill()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be frozen here")
def test_a_worker_frozen_for_twenty_seconds_goes_on_alone(home: Path) -> None:
    data = load_dataset("digits")
    knobs = {**KNOBS, "epochs": 200}
    server = Server(home)
    try:
        run = submitted(new_run("vae", data, **knobs))
        wait_until(lambda: (run.last_event("epoch") or {}).get("epoch", 0) >= 3)
        worker = psutil.Process(run.status.pid)
        worker.suspend()
        time.sleep(20)
        assert run.status.state == "running" and run.status.pid == worker.pid
        worker.resume()
        wait_until(lambda: ended(run))
    finally:
        server.kill()
    assert len([event for event in run.events()[0] if event["type"] == "start"]) == 1
    assert digest(run) == digest(train_run(new_run("vae", data, **knobs), data, bar=False))


def test_a_home_that_becomes_read_only_in_mid_run_fails_the_run_and_keeps_its_checkpoint(
    tiny: Any, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_HOME", str(small_disk))
    monkeypatch.setattr("aeexplorer.runs.recording.CHECKPOINT_SECONDS", 0.0)
    data = tiny("vector")
    run, twin = (new_run("ae", data, **{**TINY, "epochs": 30}) for _ in range(2))
    recording = record(run, data)
    for progress in recording:
        if progress.validation and progress.epoch == 2:
            break
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="cannot be written to"):
        list(recording)
    assert run.load_checkpoint() is not None
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert digest(train_run(run, data, bar=False)) == digest(train_run(twin, data, bar=False))


STAGED: dict[str, Any] = {
    "epochs": 16,
    "prior": "transformer",
    "prior_share": 0.5,
    "positions": 4,
    "latent_dim": 16,
    "codebook_size": 32,
    "hidden": (64,),
    "batch_size": 64,
    "seed": 3,
}


def kill_in_each_stage(home: Path, rounds: int, seed: int) -> None:
    """Train a model in two stages again and again, its worker killed at a random moment of one, of each in turn;
    each run ends as its twin did."""
    data: Dataset = load_dataset("digits")
    twin = train_run(new_run("vqvae", data, **STAGED), data, bar=False)
    assert len(twin.plan.parts) == 2
    seconds = [[e["seconds"] for e in twin.epochs() if e["stage"] <= stage][-1] for stage in range(2)]
    spans, expected, chance = (seconds[0], seconds[1] - seconds[0]), digest(twin), random.Random(seed)
    hits, server = [0, 0], Server(home)
    try:
        for at in range(rounds):
            run = submitted(new_run("vqvae", data, **STAGED))
            stage = at % 2
            wait_until(lambda r=run, s=stage: ended(r) or r.last_progress.get("stage", -1) >= s)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.8 * spans[stage]))
            hits[stage] += run.recorded_status.state == "running" and run.last_progress["stage"] == stage
            kill_worker(run)
            wait_until(lambda r=run: ended(r))  # type: ignore[misc]
            assert digest(run) == expected, f"round {at}: {run.status}"
        assert min(hits) >= rounds / 4, hits
    finally:
        server.kill()


@pytest.mark.long
def test_killed_in_each_stage_a_training_ends_as_its_twin(home: Path) -> None:
    kill_in_each_stage(home, rounds=2, seed=random.randrange(10**6))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_rounds_of_kill_in_each_stage(home: Path) -> None:
    kill_in_each_stage(home, rounds=10, seed=random.randrange(10**6))


def test_the_queue_outlives_a_damaged_registry(home: Path, tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = new_run("ae", tiny("vector"), **TINY)
    write_submission(run, Submission(kind="train", owner="a"))
    monkeypatch.setattr(queue, "supervise", lambda: pytest.fail("no supervisor is needed to look"))
    registry = Registry()
    assert [job.path for job in registry.jobs("queued")] == [run.path]
    registry.close()
    content = bytearray(registry.path.read_bytes())
    content[100:1000] = np.random.default_rng(0).bytes(900)
    registry.path.write_bytes(content)
    assert [job.path for job in Registry().jobs("queued")] == [run.path]
    assert any("set aside" in finding.what for finding in examine())
