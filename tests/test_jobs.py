"""Jobs through the queue and real workers: started once, stopped within a second, gone on with, and the worker kept
warm."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from waiting import PATIENCE, wait_until

from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.jobs import worker
from aeexplorer.jobs.registry import registry
from aeexplorer.owners import owner_of
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import write_json

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
ENDLESS = {"epochs": 10_000, "batch_size": 32, "hidden": (32,), "latent_dim": 2}


@pytest.fixture
def digits_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """Makes queued runs on digits, for one worker; it is ended afterwards."""
    monkeypatch.setenv("AEEXPLORER_WORKERS", "1")
    made: list[Run] = []

    def make(**knobs: object) -> Run:
        made.append(new_run("ae", load_dataset("digits"), **{**ENDLESS, **knobs}))
        return made[-1]

    yield make
    for run in made:
        run.request_cancel()
    wait_until(lambda: all(run.status.state != "running" for run in made))


def wait_for(run: WorkFolder, *states: str) -> None:
    wait_until(lambda: run.status.state in states)


def reached(run: Run, epoch: int) -> bool:
    return any(e["epoch"] >= epoch for e in run.events()[0] if e.get("type") == "epoch")


def test_one_warm_worker_trains_stops_goes_on_and_takes_the_next(digits_run: Callable[..., Run]) -> None:
    run, second, third = digits_run(), digits_run(epochs=3), digits_run()
    jobs.start(run)
    wait_until(lambda: reached(run, 2))
    first = run.status.pid
    assert first != os.getpid()
    with pytest.raises(ConfigError, match="running already"):
        jobs.start(run)
    jobs.start(second)
    jobs.start(third)
    with pytest.raises(ConfigError, match="waiting already"):
        jobs.start(third)
    assert jobs.under_way(third)
    said = jobs.queue_position(third)
    assert said.before is not None and [job.path for job in said.before] == [second.path]
    assert [job.path for job in said.running] == [run.path]
    assert said.starts_in > jobs.queue_position(second).starts_in > 0
    jobs.cancel(third)
    assert third.status.state == "cancelled", "what has not begun is stopped at once"
    assert not jobs.under_way(third)
    jobs.cancel(run)
    wait_for(run, "cancelled")
    before = len(run.epochs())
    assert before >= 2
    assert run.load_model() is not None
    assert run.load_checkpoint() is not None
    wait_for(second, "done")
    assert second.status.pid == first, "the worker that has ended one job takes the next"
    assert len(second.epochs()) == 3
    jobs.start(run)
    wait_until(lambda: len(run.epochs()) > before)
    jobs.cancel(run)
    wait_for(run, "cancelled")
    wait_until(lambda: {job.state for job in registry().jobs()} == {"done", "cancelled"})
    with pytest.raises(ConfigError, match="done already"):
        jobs.start(second)
    jobs.stop_supervising()
    wait_until(lambda: not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE)


def test_of_two_that_start_the_same_run_one_is_told(digits_run: Callable[..., Run]) -> None:
    run = digits_run()
    told: list[str] = []
    ready = threading.Barrier(4)

    def start() -> None:
        ready.wait()
        try:
            jobs.start(Run(run.path))
        except ConfigError as error:
            told.append(str(error))

    sessions = [threading.Thread(target=start) for _ in range(4)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert len(told) == 3
    assert all("already" in said for said in told)
    wait_until(lambda: reached(run, 1))
    assert sum(event["type"] == "start" for event in run.events()[0]) == 1


def test_a_finished_run_is_not_started_again(digits_run: Callable[..., Run]) -> None:
    run = digits_run(epochs=1)
    train_run(run, load_dataset("digits"), bar=False)
    with pytest.raises(ConfigError, match="done already"):
        jobs.start(run)


def test_a_long_training_gives_way_and_ends_as_if_it_had_not(
    digits_run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AEEXPLORER_SLICE_SECONDS", "1")
    knobs = {"epochs": 50, "batch_size": 16}
    anna = owner_of("a secret of Anna's")
    long, other, twin = digits_run(owner=anna, **knobs), digits_run(epochs=2), digits_run(**knobs)
    jobs.start(long, anna)
    wait_until(lambda: reached(long, 1))
    jobs.start(other)
    wait_for(other, "done")
    assert long.status.state != "done"
    wait_for(long, "done")
    # more often where the machine is so slow that the other training fills slices too
    assert sum(event["type"] == "start" for event in long.events()[0]) >= 2
    train_run(twin, load_dataset("digits"), bar=False)
    for name in ("weights.safetensors", "codes.safetensors"):
        assert (long.path / name).read_bytes() == (twin.path / name).read_bytes()


def test_a_job_of_no_known_kind_is_refused(home: Path) -> None:
    path = home / "runs" / "odd"
    path.mkdir(parents=True)
    WorkFolder.prepare(path)
    write_json(path / "spec.json", {"kind": "knitting"})
    with pytest.raises(ConfigError, match="knitting"):
        jobs.start(WorkFolder(path))
    command = [sys.executable, "-m", "aeexplorer", "worker", str(path)]
    assert subprocess.run(command, check=False, cwd=ROOT).returncode == 1
    assert "knitting" in WorkFolder(path).status.reason
    assert "Traceback" in (path / "log.txt").read_text("utf-8")


def test_a_worker_gets_ready_for_maps_once_and_takes_work_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiling, compiled, times = threading.Event(), threading.Event(), list[int]()

    def warm_up() -> None:
        times.append(1)
        compiling.set()
        compiled.wait(PATIENCE)

    monkeypatch.setattr("aeexplorer.projection.methods.warm_up", warm_up)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(worker, "_ready_for_maps", threading.Event())
    out, into = os.pipe()
    with open(out) as incoming, open(into, "w") as server:
        monkeypatch.setattr(sys, "stdin", incoming)
        folders = worker._assigned_folders()
        threading.Thread(
            target=lambda: (compiling.wait(PATIENCE), server.write("first\nsecond\n"), server.flush())
        ).start()
        assert next(folders) == "first"
        assert not compiled.is_set()
        assert next(folders) == "second"
        compiled.set()
    worker._warm_up_for_maps()
    assert times == [1]


def test_a_worker_imports_nothing_that_it_does_not_need(home: Path) -> None:
    new_run("vae", load_dataset("digits"), path=home / "run", epochs=1, samples=100)
    code = (
        "import sys, aeexplorer.jobs.worker as worker;"
        "assert worker.run_worker(sys.argv[1]) == 0;"
        "print([m for m in ('streamlit', 'umap', 'openTSNE', 'plotly', 'numba', 'sklearn', 'torch._dynamo') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(home / "run")], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert Run(home / "run").status.state == "done"
    assert said.stdout.strip() == "[]"
