"""Workers as they are: processes of this machine, and tasks on a real Dask cluster of processes on loopback."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock
from waiting import PATIENCE, wait_until

from aeexplorer.config import ConfigError
from aeexplorer.data import load_dataset
from aeexplorer.jobs.cluster import DaskEngine
from aeexplorer.jobs.engines import LocalEngine, make_engine
from aeexplorer.jobs.readings import request_reading
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.submission import Submission, write_submission
from aeexplorer.runs.folders import WorkFolder, process_lives
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from tests.test_faults import digest

pytestmark = pytest.mark.long

KNOBS: dict[str, Any] = {"epochs": 4, "latent_dim": 2, "batch_size": 64, "seed": 3}
LONG: dict[str, Any] = {**KNOBS, "epochs": 30}


def ended(*runs: WorkFolder) -> Callable[[], bool]:
    return lambda: all(run.recorded_status.state in ("done", "failed", "cancelled") for run in runs)


def test_a_worker_takes_one_job_after_the_other_and_what_came_before_leaves_no_trace(home: Path) -> None:
    data = load_dataset("digits")
    twin = train_run(new_run("vae", data, **KNOBS), data, bar=False)
    engine = LocalEngine(1)
    try:
        leases = []
        for family in ("ae", "vae"):
            run = new_run(family, data, **KNOBS)
            leases.append(engine.launch(run))
            wait_until(ended(run))
            wait_until(lambda r=run: not (r.path / "control" / "worker.json").exists())  # type: ignore[misc]
        assert leases[0] == leases[1]
        assert digest(run) == digest(twin)
        assert (run.path / "log.txt").exists()
    finally:
        engine.close()
    wait_until(lambda: not psutil.pid_exists(leases[0]["pid"]) or psutil.Process(leases[0]["pid"]).status() == "zombie")


def test_what_people_bring_is_read_by_a_process_that_ends_with_it(home: Path, idle: None) -> None:
    reading, engine = request_reading([("table.csv", b"a,b\n1,2\n3,5\n4,7\n")], "local"), LocalEngine(2)
    try:
        engine.keep_warm()
        (warm,) = engine._pool
        lease = engine.launch(reading, alone=True)
        assert lease["pid"] != warm.pid and len(engine._pool) == 2
        wait_until(ended(reading))
        wait_until(lambda: not process_lives(lease["pid"], lease["process_started"]))
        engine.keep_warm()
        assert reading.proposal is not None and list(engine._pool) == [warm]
    finally:
        engine.close()


def test_two_workers_never_work_on_the_same_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aeexplorer.jobs import worker

    run = new_run("ae", load_dataset("digits"), **KNOBS)
    monkeypatch.setattr(worker, "LOCK_SECONDS", 0.2)
    with FileLock(run.path / "control" / "work.lock"):
        assert worker._work(run.path, tethered=False) == 0
    assert run.recorded_status.state == "queued"


def test_memory_beyond_the_limit_fails_the_job_and_not_the_machine(home: Path) -> None:
    run = new_run("ae", load_dataset("digits"), **{**KNOBS, "hidden": (4096, 4096), "epochs": 50})
    environment = {**os.environ, "AEEXPLORER_MEMORY_MB": "250"}
    subprocess.run(
        [sys.executable, "-m", "aeexplorer", "worker", str(run.path)], env=environment, check=False, timeout=PATIENCE
    )
    assert run.status.state == "failed"
    assert "more memory than the 0.2 GB" in run.status.reason


def test_a_worker_ends_when_its_folder_is_gone(home: Path) -> None:
    run = new_run("ae", load_dataset("digits"), **{**KNOBS, "epochs": 10_000})
    worker = subprocess.Popen([sys.executable, "-m", "aeexplorer", "worker", str(run.path)], stderr=subprocess.DEVNULL)
    wait_until(lambda: run.last_event("epoch") is not None)
    shutil.rmtree(home, ignore_errors=True)
    worker.wait(PATIENCE)


def test_a_pool_ends_a_worker_whose_folder_is_gone(home: Path) -> None:
    run, engine = new_run("ae", load_dataset("digits"), **{**KNOBS, "epochs": 10_000}), LocalEngine(1)
    try:
        lease = engine.launch(run)
        wait_until(lambda: run.last_event("epoch") is not None)
        os.kill(lease["pid"], signal.SIGSTOP)  # as one that is busy and does not look about
        shutil.rmtree(run.path)
        engine.keep_warm()
        wait_until(lambda: not process_lives(lease["pid"], lease["process_started"]))
        assert len(engine._pool) == 1 and lease["pid"] not in {process.pid for process in engine._pool}
    finally:
        engine.close()


def test_engines_are_named_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AEEXPLORER_ENGINE", "slurm")
    with pytest.raises(ConfigError, match="unknown AEEXPLORER_ENGINE 'slurm'"):
        make_engine()
    monkeypatch.setenv("AEEXPLORER_ENGINE", "dask")
    with pytest.raises(ConfigError, match="AEEXPLORER_DASK_SCHEDULER must be the address"):
        make_engine()
    monkeypatch.setenv("AEEXPLORER_ENGINE", "")
    assert isinstance(make_engine(), LocalEngine)


# a Dask cluster

needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="Dask is not installed")


class Cluster:
    """A scheduler, two workers and a server that uses them, as processes."""

    def __init__(self, home: Path, protocol: str = "tcp", **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        self.address = f"{protocol}://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, "AEEXPLORER_HOME": str(home), "AEEXPLORER_ENGINE": "dask",
            "AEEXPLORER_DASK_SCHEDULER": self.address, "AEEXPLORER_PER_OWNER": "8", **settings,
        }  # fmt: skip
        self.processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker() for _ in range(2)]
        self.server = self._start("-m", "aeexplorer", "supervise")

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        log = open(self.home / "cluster.log", "ab")  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, *command], env=self.environment, stdout=log, stderr=log, cwd=Path(__file__).parents[1]
        )
        log.close()
        self.processes.append(process)
        return process

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        return self._start(
            "-m", "distributed.cli.dask_scheduler", "--host", self.address, "--no-dashboard", "--no-show"
        )

    def start_worker(self) -> subprocess.Popen[bytes]:
        return self._start(
            "-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"
        )

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(home: Path) -> Iterator[Cluster]:
    made = Cluster(home)
    yield made
    made.close()


def submit(*runs: Run) -> None:
    registry = Registry()
    for run in runs:
        submission = Submission(kind="train", owner="a")
        write_submission(run, submission)
        registry.submit(run.path, submission)


@needs_dask
def test_jobs_on_a_cluster_end_as_they_do_here(home: Path, cluster: Cluster) -> None:
    data = load_dataset("digits")
    twin = train_run(new_run("vae", data, **KNOBS), data, bar=False)
    runs = [new_run("vae", data, **KNOBS) for _ in range(2)]
    submit(*runs)
    wait_until(ended(*runs))
    assert [digest(run) for run in runs] == [digest(twin)] * 2
    long = new_run("vae", data, **{**LONG, "epochs": 3000})
    submit(long)
    wait_until(lambda: long.last_event("epoch") is not None)
    long.request_cancel()
    wait_until(ended(long))
    assert long.recorded_status.state == "cancelled"
    assert long.load_checkpoint() is not None
    wait_until(lambda: {job.state for job in Registry().jobs()} == {"done", "cancelled"})


@needs_dask
def test_a_lost_worker_and_a_lost_scheduler_lose_no_run(home: Path, cluster: Cluster) -> None:
    data = load_dataset("digits")
    twin = train_run(new_run("vae", data, **LONG), data, bar=False)
    run = new_run("vae", data, **LONG)
    submit(run)
    wait_until(lambda: run.load_checkpoint() is not None)
    at = psutil.Process(run.recorded_status.pid)
    parent = at.parent()
    assert parent is not None
    with contextlib.suppress(psutil.Error):  # both at once, as when the machine is lost
        parent.suspend()
        at.kill()
        parent.kill()
    wait_until(lambda: sum(e["type"] == "start" for e in run.events()[0]) == 2)
    said = run.events()[0]
    again = max(at for at, event in enumerate(said) if event["type"] == "start")
    last = [event for event in said[:again] if event["type"] == "epoch"][-1]
    assert said[again]["resumed_at"] >= last["step"] - last["steps"] // last["epochs"], "it cost more than an epoch"
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    cluster.start_scheduler()
    for _ in range(2):
        cluster.start_worker()
    wait_until(ended(run))
    assert digest(run) == digest(twin)


def test_a_cluster_that_is_away_keeps_the_queue(home: Path) -> None:
    pytest.importorskip("distributed")
    engine = DaskEngine("tcp://127.0.0.1:9")
    assert engine.capacity() == 0
    run = new_run("ae", load_dataset("digits"), **KNOBS)
    with pytest.raises(OSError, match=r"127\.0\.0\.1:9 cannot be reached"):
        engine.launch(run)
    engine.close()


@needs_dask
@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates with")
def test_a_cluster_over_tls(home: Path, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    settings = {
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(certificate),
        "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true",
    }
    for who in ("SCHEDULER", "WORKER", "CLIENT"):
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{who}__CERT"] = str(certificate)
        settings[f"DASK_DISTRIBUTED__COMM__TLS__{who}__KEY"] = str(key)
    cluster = Cluster(home, "tls", **settings)
    try:
        run = new_run("ae", load_dataset("digits"), **KNOBS)
        submit(run)
        wait_until(ended(run))
        assert run.status.state == "done"
    finally:
        cluster.close()


@needs_dask
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_jobs_on_a_cluster_end_as_they_do_here(home: Path, cluster: Cluster) -> None:
    data = load_dataset("digits")
    twins = {s: train_run(new_run("vae", data, **{**KNOBS, "seed": s}), data, bar=False) for s in range(4)}
    runs = [new_run("vae", data, **{**KNOBS, "seed": at % 4}) for at in range(20)]
    submit(*runs)
    wait_until(ended(*runs), 1_500)
    for at, run in enumerate(runs):
        assert digest(run) == digest(twins[at % 4])
