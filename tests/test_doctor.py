"""The doctor: finds nothing in a good home, names what is wrong in a bad one, and mends what it can."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE

from aeexplorer import __main__ as line
from aeexplorer.jobs.doctor import Finding, clean, examine
from aeexplorer.jobs.orphans import orphans
from aeexplorer.jobs.processes import STARTER
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.submission import Submission, write_submission
from aeexplorer.runs.folders import process_identity
from aeexplorer.runs.recording import train_run
from aeexplorer.runs.request import new_run
from aeexplorer.runs.run import Run
from aeexplorer.store import write_json

TINY: dict[str, Any] = {"hidden": (8,), "latent_dim": 2, "batch_size": 8, "epochs": 2}


@pytest.fixture
def run(tiny: Any) -> Run:
    """A finished run that was once submitted."""
    made = train_run(new_run("vae", tiny("grey"), **TINY), tiny("grey"), bar=False)
    write_submission(made, Submission(kind="train", owner="a"))
    return made


def wrong(where: str) -> list[str]:
    return [finding.what for finding in examine() if finding.where == where]


def test_a_good_home_has_no_findings(run: Run, home: Path) -> None:
    assert len(Registry().jobs("done")) == 1
    assert examine() == []


def test_an_absent_home_is_no_finding(home: Path) -> None:
    assert examine() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("spec.json", "spec.json in .* is not valid JSON"), ("status.json", "status.json in .* is not valid JSON"),
        ("label.json", "label.json in .* is not valid JSON"), ("control/job.json", "job.json in .* is not valid JSON"),
        ("weights.safetensors", "weights.safetensors .* not a readable"),
        ("codes.safetensors", "codes.safetensors .* not a readable"),
        ("snapshots/00001.safetensors", "00001.safetensors .* not a readable"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named(run: Run, name: str, said: str) -> None:
    (run.path / name).write_bytes(b"\xff broken")
    import re

    assert any(re.search(said, what) for what in wrong(f"runs/{run.id}"))


def test_unreadable_events_are_counted(run: Run) -> None:
    content = (run.path / "events.jsonl").read_bytes()
    (run.path / "events.jsonl").write_bytes(b"\x00\xff\n" + content + b'[1, 2]\n"cut')
    assert wrong(f"runs/{run.id}") == ["2 lines of events.jsonl cannot be read; the others are used"]


def test_a_vanished_worker_is_told_of(run: Run) -> None:
    run.set_status(state="running", pid=2**30, process_started=1.0)
    assert any("vanished" in what for what in wrong(f"runs/{run.id}"))


def test_registry_and_folders_that_disagree_are_brought_together(
    run: Run, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry()
    registry.submit(home / "runs" / "gone", Submission(kind="train", owner="a"))
    registry.forget(run.path)
    assert wrong("runs/gone") == ["is in the registry and its folder is gone"]
    assert wrong(f"runs/{run.id}") == ["is not in the registry"]
    assert line.main(["doctor"]) == 1
    assert "doctor --rebuild" in capsys.readouterr().out
    assert line.main(["doctor", "--rebuild", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rebuilt"] == 1 and said["findings"] == []


def test_a_damaged_registry_is_named_and_mended(run: Run, home: Path) -> None:
    registry = Registry()
    registry.jobs()
    registry.close()
    connection = sqlite3.connect(registry.path)
    connection.execute("UPDATE jobs SET state = 'asleep'")
    connection.commit()
    connection.close()
    assert any("is damaged" in what for what in wrong("registry.sqlite"))
    Registry().adopt_missing()  # as the supervisor does every half minute
    assert len(Registry().jobs("done")) == 1
    (kept,) = home.glob("registry.damaged-*")
    assert wrong(kept.name) != []
    assert clean() == [kept]
    assert examine() == []


def test_leftovers_of_killed_processes_are_found_and_removed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    left = run.path / ".weights.safetensors.k3_j2h4a.tmp"
    left.write_bytes(b"half")
    os.utime(left, (1.0, 1.0))
    assert [finding.where for finding in examine()] == [str(left)]
    assert line.main(["doctor", "--clean"]) == 0
    assert str(left) in capsys.readouterr().out
    assert not left.exists()


def test_a_full_disk_and_a_home_that_cannot_be_written_to_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from aeexplorer.jobs import doctor

    def refused(**_: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(doctor, "LOW_DISK", 10**18)
    said = " ".join(finding.what for finding in examine())
    assert "cannot be written to: Read-only file system" in said
    assert "MB of free space left" in said


class Started:
    """Worker processes as a server starts them, but with a server that is told."""

    def __init__(self, home: Path) -> None:
        self.home, self.made = home, list[subprocess.Popen[bytes]]()

    def __call__(self, folder: str, starter: dict[str, Any], home: Path | None = None) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "AEEXPLORER_HOME": str(home or self.home),
            STARTER: f"{starter['pid']} {starter['process_started']}",
        }
        made = subprocess.Popen(
            [sys.executable, "-c", "import sys, time; print(flush=True); time.sleep(600)", "-m", "aeexplorer", "worker", folder],
            env=environment, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert made.stdout is not None and made.stdout.readline()
        self.made.append(made)
        return made


@pytest.fixture
def started(home: Path) -> Iterator[Started]:
    made = Started(home)
    yield made
    for process in made.made:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_workers_that_nobody_waits_for_are_ended_and_no_others(
    run: Run, started: Started, tmp_path: Path, tiny: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    me, gone = process_identity(), {"pid": 2**30, "process_started": 1.0}
    busy, waiting = (new_run("vae", tiny("grey"), **TINY) for _ in range(2))
    at_work = started("-", gone)
    busy.set_status(state="running", **process_identity(at_work.pid))
    about_to = started("-", gone)
    write_json(waiting.path / "control" / "worker.json", process_identity(about_to.pid))
    left = [
        at_work,
        about_to,
        started("-", me),
        started(str(waiting.path), gone),
        started("-", gone, tmp_path / "other"),
    ]
    on_done = started("-", gone)
    write_json(run.path / "control" / "worker.json", process_identity(on_done.pid))
    over = [on_done, started("-", gone), started(str(run.path), me), started(str(run.path.parent / "deleted"), gone)]
    assert {orphan.pid for orphan in orphans()} == {process.pid for process in over}
    assert {f.where for f in examine() if f.where.startswith("process")} == {f"process {p.pid}" for p in over}
    assert line.main(["doctor", "--clean"]) == 0
    said = capsys.readouterr().out
    assert all(process.wait(PATIENCE) != 0 and str(process.pid) in said for process in over)
    assert all(process.poll() is None for process in left)
    assert orphans() == []


def test_findings_are_plain_data() -> None:
    assert vars(Finding("a", "b")) == {"where": "a", "what": "b", "mend": ""}
