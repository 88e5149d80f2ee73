"""Jobs as processes: started once, stopped within a second, killed without harm, and gone on with bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aeexplorer import jobs
from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.folders import WorkFolder
from aeexplorer.jobs import local
from aeexplorer.recording import new_run, train_run
from aeexplorer.runs import Run, list_runs
from aeexplorer.store import write_json

ENDLESS = {"epochs": 10_000, "batch_size": 32, "hidden": (32,), "latent_dim": 2}


@pytest.fixture
def digits_run() -> Iterator[Callable[..., Run]]:
    """Makes queued runs on digits; their workers are ended afterwards."""
    made: list[Run] = []

    def make(**knobs: object) -> Run:
        made.append(new_run("ae", load_dataset("digits"), **{**ENDLESS, **knobs}))
        return made[-1]

    yield make
    for run in made:
        jobs.kill(run)


def wait_until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def wait_for(run: WorkFolder, *states: str) -> None:
    wait_until(lambda: run.status.state in states)


def reached(run: Run, epoch: int) -> bool:
    return any(e["epoch"] >= epoch for e in run.events()[0] if e.get("type") == "epoch")


def test_a_training_runs_to_its_end_in_a_process_of_its_own(digits_run: Callable[..., Run]) -> None:
    run = digits_run(epochs=3)
    jobs.start(run)
    wait_for(run, "done")
    assert run.status.pid != os.getpid()
    assert len(run.epochs()) == 3
    assert run.load_model() is not None


def test_a_stopped_run_keeps_what_it_learned_and_goes_on(digits_run: Callable[..., Run]) -> None:
    run = digits_run()
    jobs.start(run)
    wait_until(lambda: reached(run, 2))
    jobs.cancel(run)
    wait_for(run, "cancelled")
    wait_until(lambda: not jobs.worker_lives(run))
    before = len(run.epochs())
    assert before >= 2
    assert run.load_model() is not None
    jobs.start(run)
    wait_until(lambda: len(run.epochs()) > before)


def test_what_has_not_begun_is_stopped_at_once(digits_run: Callable[..., Run]) -> None:
    run = digits_run()
    jobs.start(run)
    jobs.cancel(run)
    wait_for(run, "cancelled")
    wait_until(lambda: not jobs.worker_lives(run))
    assert not any(e.get("type") == "epoch" and e["epoch"] > 50 for e in run.events()[0])


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
    wait_for(run, "running")
    workers = [p for p in psutil.Process().children() if str(run.path) in " ".join(p.cmdline())]
    assert len(workers) == 1
    with pytest.raises(ConfigError, match="running already"):
        jobs.start(run)


def test_a_finished_run_is_not_started_again(digits_run: Callable[..., Run]) -> None:
    run = digits_run(epochs=1)
    train_run(run, load_dataset("digits"), bar=False)
    with pytest.raises(ConfigError, match="done already"):
        jobs.start(run)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_kill_9_harms_no_other_run_and_the_resumed_run_ends_bit_identical(digits_run: Callable[..., Run]) -> None:
    knobs = {"epochs": 80, "batch_size": 16, "hidden": (16,)}
    other, run, twin = digits_run(epochs=1), digits_run(**knobs), digits_run(**knobs)
    train_run(other, load_dataset("digits"), bar=False)
    untouched = {p: p.read_bytes() for p in other.path.rglob("*") if p.is_file()}
    jobs.start(run)
    wait_until(lambda: list((run.path / "checkpoint").glob("[0-9]*")) or run.status.state == "done")
    os.kill(run.status.pid, signal.SIGKILL)
    wait_for(run, "interrupted")
    assert "ended" in run.status.reason
    assert {p: p.read_bytes() for p in other.path.rglob("*") if p.is_file()} == untouched
    assert {r.path.name for r in list_runs() if isinstance(r, Run)} == {r.path.name for r in (other, run, twin)}
    jobs.start(run)
    wait_for(run, "done")
    assert len([e for e in run.events()[0] if e.get("type") == "start"]) == 2
    train_run(twin, load_dataset("digits"), bar=False)
    for name in ("weights.safetensors", "codes.safetensors"):
        assert (run.path / name).read_bytes() == (twin.path / name).read_bytes()


def test_a_worker_that_cannot_begin_says_why(digits_run: Callable[..., Run]) -> None:
    run = digits_run()
    spec = json.loads((run.path / "spec.json").read_text("utf-8"))
    write_json(run.path / "spec.json", {**spec, "kind": "knitting"})
    jobs.start(WorkFolder(run.path))
    wait_for(WorkFolder(run.path), "failed")
    assert "knitting" in WorkFolder(run.path).status.reason
    assert "Traceback" in (run.path / "log.txt").read_text("utf-8")


def test_a_spare_worker_takes_the_next_job_and_ends_with_its_server(digits_run: Callable[..., Run]) -> None:
    jobs.prepare()
    assert local._spare is not None
    spare = local._spare.process
    jobs.prepare()
    assert local._spare.process is spare, "one spare is enough"
    run = digits_run(epochs=2)
    jobs.start(run)
    wait_for(run, "done")
    assert run.status.pid == spare.pid
    assert local._spare is None
    server = subprocess.run(
        [sys.executable, "-c", "from aeexplorer import jobs; from aeexplorer.jobs import local; jobs.prepare(); print(local._spare.process.pid)"],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])},
    )  # fmt: skip
    wait_until(lambda: not psutil.pid_exists(int(server.stdout)))


def test_a_worker_imports_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys, aeexplorer.recording, aeexplorer.jobs.worker;"
        "print([m for m in ('streamlit', 'umap', 'openTSNE', 'plotly', 'numba') if m in sys.modules])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])},
    )  # fmt: skip
    assert said.stdout.strip() == "[]"
