"""The registry: turns, compare-and-set, many writers, and damage that mends itself from the folders."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import PATIENCE

from aeexplorer.jobs.job import ACTIVE
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.scheduling import fair_order
from aeexplorer.jobs.submission import Submission, submissions, write_submission
from aeexplorer.runs.folders import WorkFolder
from aeexplorer.store import write_json


def folder(
    home: Path, name: str, owner: str = "a", kind: str = "map", state: str = "queued", at: float = 0.0
) -> WorkFolder:
    path = home / ("maps" if kind == "map" else "runs") / name
    path.mkdir(parents=True)
    WorkFolder.prepare(path)
    made = WorkFolder(path)
    write_json(path / "spec.json", {"kind": kind})
    write_submission(made, Submission(kind=kind, owner=owner, submitted=at))
    made.set_status(state=state)
    return made


def submit(registry: Registry, home: Path, *names: str, owner: str = "a") -> None:
    for name in names:
        assert registry.submit(home / "maps" / name, Submission(kind="map", owner=owner))


def taken(registry: Registry, per_owner: int = 9) -> str | None:
    job = registry.take_next(per_owner)
    return None if job is None else job.folder.removeprefix("maps/")


def test_owners_take_turns_and_each_keeps_the_order_of_arrival(home: Path) -> None:
    registry = Registry()
    submit(registry, home, "a1", "a2", "a3", owner="a")
    submit(registry, home, "b1", "b2", owner="b")
    submit(registry, home, "c1", owner="c")
    predicted = [job.folder.removeprefix("maps/") for job in fair_order(registry.jobs("queued"), registry.served())]
    order = []
    while name := taken(registry):
        order.append(name)
        assert registry.move(home / "maps" / name, ("starting",), "done")
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3"] == predicted


def test_whoever_has_fewer_jobs_under_way_goes_first_and_nobody_has_more_than_allowed(home: Path) -> None:
    registry = Registry()
    submit(registry, home, "a1", "a2", "a3", owner="a")
    assert [taken(registry, 2) for _ in range(3)] == ["a1", "a2", None]
    submit(registry, home, "b1", owner="b")
    assert taken(registry, 2) == "b1"
    registry.move(home / "maps" / "a1", ("starting",), "done")
    assert taken(registry, 2) == "a3"


def test_a_job_is_in_the_queue_once(home: Path) -> None:
    registry = Registry()
    submit(registry, home, "m")
    assert not registry.submit(home / "maps" / "m", Submission(kind="map", owner="b"))
    assert registry.requesters(home / "maps" / "m") == ["a", "b"]
    taken(registry)
    assert not registry.submit(home / "maps" / "m", Submission(kind="map", owner="a"))
    registry.move(home / "maps" / "m", ("starting",), "failed")
    submit(registry, home, "m")
    assert [job.state for job in registry.jobs()] == ["queued"]


def test_a_transition_happens_from_the_expected_state_only(home: Path) -> None:
    registry = Registry()
    submit(registry, home, "m")
    path = home / "maps" / "m"
    assert not registry.move(path, ACTIVE, "done")
    assert registry.move(path, ("queued",), "cancelled", reason="unwanted")
    assert not registry.move(path, ("queued",), "cancelled")
    found = registry.find(path)
    assert found is not None and (found.state, found.reason) == ("cancelled", "unwanted")
    assert registry.find(home / "maps" / "other") is None


def test_of_many_threads_each_job_is_taken_by_one(home: Path) -> None:
    registry = Registry()
    submit(registry, home, *(f"m{i}" for i in range(40)))
    found: list[str] = []

    def work() -> None:
        while name := taken(registry, 99):
            found.append(name)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"m{i}" for i in range(40))


WRITER = """
import sys
from aeexplorer.jobs.scheduling import fair_order
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.submission import Submission
from aeexplorer.store import home
registry = Registry()
for i in range(50):
    assert registry.submit(home() / "maps" / f"{sys.argv[1]}-{i}", Submission(kind="map", owner=sys.argv[1]))
    registry.move(home() / "maps" / f"{sys.argv[1]}-{i}", ("queued",), "done")
"""


@pytest.mark.long
def test_processes_write_at_the_same_time_and_none_finds_it_locked(home: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name], stderr=subprocess.PIPE) for name in "abc"]
    said = [writer.communicate(timeout=PATIENCE)[1].decode() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    assert len(Registry().jobs("done")) == 150


def test_who_comes_while_another_makes_it_waits(home: Path) -> None:
    home.mkdir()
    other = sqlite3.connect(home / "registry.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ("COMMIT",)).start()
    assert Registry().jobs() == []
    other.close()


def test_estimates_are_calibrated_by_the_median_of_what_was_finished(home: Path) -> None:
    registry = Registry()
    assert registry.calibration() == 1.0
    for i, seconds in enumerate((10.0, 20.0, 900.0)):
        path = home / "runs" / f"r{i}"
        registry.submit(path, Submission(kind="train", owner="a", estimated=10.0))
        registry.take_next(9)
        registry.move(path, ("starting",), "done", seconds=seconds)
    assert registry.calibration() == 2.0
    assert registry.calibration(at_least=11.0) == 1.0
    assert registry.calibration("map") == 1.0


def test_it_is_made_from_the_folders_in_the_order_of_submission(home: Path) -> None:
    folder(home, "late", at=20.0, owner="b")
    folder(home, "early", at=10.0)
    folder(home, "ended", at=5.0, state="done")
    never = folder(home, "never-submitted")
    (never.path / "control" / "job.json").unlink()
    jobs = Registry().jobs()
    assert [(j.folder, j.owner, j.state) for j in jobs] == [
        ("maps/ended", "a", "done"), ("maps/early", "a", "queued"), ("maps/late", "b", "queued")]  # fmt: skip


def test_rebuilding_forgets_what_no_folder_says(home: Path) -> None:
    folder(home, "kept")
    registry = Registry()
    submit(registry, home, "made-up")
    assert registry.rebuild() == 1
    assert [job.folder for job in registry.jobs()] == ["maps/kept"]


def test_missing_folders_are_taken_in_and_gone_ones_dropped(home: Path) -> None:
    registry = Registry()
    assert registry.jobs() == []
    gone = folder(home, "gone")
    assert registry.adopt_missing() == 1
    shutil.rmtree(gone.path)
    folder(home, "new")
    assert registry.adopt_missing() == 1
    assert [job.folder for job in registry.jobs()] == ["maps/new"]


def test_a_registry_that_was_deleted_under_way_is_made_again(home: Path) -> None:
    folder(home, "m")
    registry = Registry()
    assert len(registry.jobs()) == 1
    for path in home.glob("registry.sqlite*"):
        path.unlink()
    assert [job.folder for job in registry.jobs()] == ["maps/m"]


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + bytes(4080)])
def test_another_file_in_its_place_is_set_aside(home: Path, content: bytes) -> None:
    folder(home, "m")
    home.joinpath("registry.sqlite").write_bytes(content)
    assert [job.folder for job in Registry().jobs()] == ["maps/m"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.long
def test_a_damaged_byte_never_stops_it(home: Path, data: st.DataObject) -> None:
    shutil.rmtree(home, ignore_errors=True)
    folder(home, "queued", at=1.0)
    folder(home, "done", at=2.0, state="done")
    made = Registry()
    made.jobs()
    made.close()
    path = home / "registry.sqlite"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    registry = Registry()
    for job in registry.jobs():
        assert job.state in ("queued", "done") or registry.fault() == ""
    registry.adopt_missing()
    folder(home, "fresh")  # what is set aside afterwards is made anew from the folders
    registry.submit(home / "maps" / "fresh", Submission(kind="map", owner="b"))
    while registry.take_next(9) is not None:
        pass
    assert registry.find(home / "maps" / "fresh") is not None
    registry.close()


def test_a_fault_is_named_and_nothing_is_changed_by_looking(home: Path) -> None:
    registry = Registry()
    assert registry.fault() == ""
    submit(registry, home, "m")
    registry.close()
    assert registry.fault() == ""
    connection = sqlite3.connect(registry.path)
    connection.execute("UPDATE jobs SET state = 'asleep'")
    connection.commit()
    connection.close()
    assert "asleep" in registry.fault()
    assert not list(home.glob("registry.damaged*"))


def test_submissions_that_cannot_be_read_are_passed_over(home: Path) -> None:
    folder(home, "good")
    bad = folder(home, "bad")
    (bad.path / "control" / "job.json").write_bytes(b'{"kind": "map", "owner": 3}')
    assert [found.path.name for found, _ in submissions()] == ["good"]
