"""The supervisor, one look at a time, over an engine whose workers do what the test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aeexplorer.jobs import supervisor as room
from aeexplorer.jobs.health import health
from aeexplorer.jobs.job import Job
from aeexplorer.jobs.registry import Registry
from aeexplorer.jobs.submission import Submission, read_submission, write_submission
from aeexplorer.jobs.supervisor import Supervisor
from aeexplorer.runs.folders import Status, WorkFolder
from aeexplorer.store import write_json


class Workers:
    """An engine in memory: who was started, who lives, and what they were told."""

    def __init__(self, places: int = 1) -> None:
        self.places = places
        self.reserved = 0
        self.started: list[str] = []
        self.alive: set[str] = set()
        self.stopped: list[str] = []
        self.refuses = False

    def capacity(self) -> int:
        return self.places

    def reserve(self) -> int:
        return self.reserved

    def launch(self, folder: WorkFolder, alone: bool = False) -> Mapping[str, Any]:
        if self.refuses:
            raise OSError("no more processes")
        self.started.append(folder.path.name)
        self.alive.add(folder.path.name)
        return {"pid": 1_000 + len(self.started), "process_started": 1.0, "host": "here"}

    def lives(self, job: Job, status: Status) -> bool:
        return job.path.name in self.alive

    def stop(self, job: Job, status: Status) -> None:
        self.stopped.append(job.path.name)

    def kill(self, job: Job, status: Status) -> None:
        self.alive.discard(job.path.name)

    def keep_warm(self) -> None:
        pass

    def notify(self, changed: Callable[[], None]) -> None:
        pass

    def close(self) -> None:
        pass


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(room.time, "monotonic", made)
    return made


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def supervisor(home: Path, workers: Workers, clock: Clock) -> Supervisor:
    return Supervisor(Registry(), workers, slice_seconds=5.0)


@pytest.fixture
def make(home: Path, supervisor: Supervisor) -> Callable[..., WorkFolder]:
    def make(name: str, owner: str = "a", kind: str = "train", estimated: float = 0.0) -> WorkFolder:
        path = home / ("runs" if kind == "train" else "maps") / name
        path.mkdir(parents=True)
        WorkFolder.prepare(path)
        write_json(path / "spec.json", {"kind": kind})
        folder, submission = WorkFolder(path), Submission(kind=kind, owner=owner, estimated=estimated)
        write_submission(folder, submission)
        supervisor.registry.submit(path, submission)
        return folder

    return make


def state(supervisor: Supervisor, folder: WorkFolder) -> tuple[str, str]:
    """What the registry and the folder say; they have to agree, but for the moment of starting."""
    job = supervisor.registry.find(folder.path)
    assert job is not None
    return job.state, folder.recorded_status.state


def test_a_job_runs_from_the_queue_to_its_end(supervisor: Supervisor, workers: Workers, make: Any) -> None:
    folder = make("r")
    assert supervisor.tick()
    assert state(supervisor, folder) == ("starting", "queued")
    folder.set_status(state="running", pid=1001, process_started=1.0)
    supervisor.tick()
    assert state(supervisor, folder) == ("running", "running")
    folder.set_status(state="done", seconds=3.0)
    assert not supervisor.tick()
    found = supervisor.registry.find(folder.path)
    assert found is not None and (found.state, found.seconds) == ("done", 3.0)


def test_no_more_run_at_once_than_there_are_places(supervisor: Supervisor, workers: Workers, make: Any) -> None:
    workers.places = 2
    folders = [make(f"r{i}", owner=f"o{i}") for i in range(4)]
    supervisor.tick()
    assert workers.started == ["r0", "r1"]
    folders[0].set_status(state="done")
    supervisor.tick()
    assert workers.started == ["r0", "r1", "r2"]


def test_a_worker_that_vanished_is_started_again_twice_and_then_given_up(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    folder = make("r")
    supervisor.tick()
    for resumed in (1, 2):
        folder.set_status(state="running", pid=1001, process_started=1.0)
        folder.append({"type": "epoch", "epoch": resumed})
        supervisor.tick()
        workers.alive.clear()
        supervisor.tick()
        assert workers.started == ["r"] * (resumed + 1)
        assert read_submission(folder).interruptions == resumed
        assert f"after epoch {resumed}" in folder.recorded_status.reason
    workers.alive.clear()
    supervisor.tick()
    assert state(supervisor, folder) == ("failed", "failed")
    assert "3 times, the last time after epoch 2" in folder.recorded_status.reason
    assert len(workers.started) == 3


def test_a_new_supervisor_goes_on_where_the_old_one_was_killed(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    folder = make("r")
    waiting = make("q")
    supervisor.tick()
    folder.set_status(state="running", pid=1001, process_started=1.0)
    second = Supervisor(Registry(), workers, slice_seconds=5.0)
    second.tick()
    assert workers.started == ["r"]
    assert state(second, folder) == ("running", "running")
    folder.set_status(state="done")
    second.tick()
    assert workers.started == ["r", "q"]
    assert state(second, waiting)[0] == "starting"


def test_a_lost_registry_loses_no_job(supervisor: Supervisor, workers: Workers, make: Any, clock: Clock) -> None:
    running, waiting = make("r"), make("q")
    supervisor.tick()
    running.set_status(state="running", pid=1001, process_started=1.0)
    supervisor.registry.rebuild()
    supervisor.tick()
    assert state(supervisor, running) == ("running", "running")
    assert state(supervisor, waiting) == ("queued", "queued")


def test_a_clean_stop_of_the_machine_does_not_count_as_a_crash(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    folder = make("r")
    supervisor.tick()
    for _ in range(5):
        folder.set_status(state="interrupted", reason="it was told to end")
        workers.alive.clear()
        supervisor.tick()
    assert len(workers.started) == 6
    assert read_submission(folder).interruptions == 0


def test_a_cancelled_job_is_stopped_and_after_ten_seconds_killed(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    folder = make("r")
    supervisor.tick()
    folder.set_status(state="running", pid=1001, process_started=1.0)
    folder.request_cancel()
    supervisor.tick()
    clock.now += 9
    supervisor.tick()
    assert workers.stopped == ["r"]
    assert workers.alive == {"r"}
    clock.now += 2
    supervisor.tick()
    assert workers.alive == set()
    supervisor.tick()
    assert state(supervisor, folder) == ("cancelled", "cancelled")


def test_a_cancelled_reading_is_killed_within_a_second(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    folder = make("r", kind="read")
    supervisor.tick()
    folder.set_status(state="running", pid=1001, process_started=1.0)
    folder.request_cancel()
    for passed, alive in ((0.0, True), (0.4, True), (0.2, False)):
        clock.now += passed
        supervisor.tick()
        assert bool(workers.alive) == alive
    assert workers.stopped == ["r"]
    supervisor.tick()
    assert state(supervisor, folder) == ("cancelled", "cancelled")


def test_what_was_cancelled_before_its_turn_never_starts(supervisor: Supervisor, workers: Workers, make: Any) -> None:
    folder = make("r")
    folder.request_cancel()
    supervisor.tick()
    assert workers.started == []
    assert state(supervisor, folder) == ("cancelled", "cancelled")


def test_a_long_training_gives_way_to_an_owner_who_has_less(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    long, own = make("long"), make("own")
    supervisor.tick()
    long.set_status(state="running", pid=1001, process_started=1.0)
    supervisor.tick()
    clock.now += 6
    supervisor.tick()
    pause = long.path / "control" / "pause"
    assert not pause.exists(), "its owner's own jobs wait"
    other = make("other", owner="b")
    supervisor.tick()
    assert pause.exists()
    long.set_status(state="queued", reason="gave way")
    workers.alive.clear()
    supervisor.tick()
    assert workers.started == ["long", "other"]
    other.set_status(state="done")
    supervisor.tick()
    assert workers.started == ["long", "other", "long"]
    assert not pause.exists()
    assert own.recorded_status.state == "queued"


@pytest.mark.parametrize(("total", "turn"), [(1.0, 0.3), (0.3, 0.2), (100.0, 5.0)])
def test_a_turn_is_a_share_of_the_training_within_bounds(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock, total: float, turn: float
) -> None:
    first = make("first")
    first.append({"type": "epoch", "epoch": 1, "seconds": 0.1, "seconds_left": total - 0.1})
    make("other", owner="b")
    supervisor.tick()
    first.set_status(state="running", pid=1001, process_started=1.0)
    supervisor.tick()
    pause = first.path / "control" / "pause"
    for worked, over in ((turn - 0.02, False), (turn + 0.02, True)):
        first.append({"type": "progress", "seconds": 0.1 + worked, "seconds_left": total - 0.1 - worked})
        supervisor.tick()
        assert pause.exists() == over
        assert over or supervisor._pause() == pytest.approx(0.02), "the next look comes in time"


def test_a_training_that_says_nothing_has_a_whole_turn_and_no_more(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    first = make("first", estimated=1.0)
    make("other", owner="b")
    supervisor.tick()
    first.set_status(state="running", pid=1001, process_started=1.0)
    for passed, over in ((4.9, False), (0.2, True)):
        clock.now += passed
        supervisor.tick()
        assert (first.path / "control" / "pause").exists() == over


@pytest.mark.long
def test_short_jobs_of_many_owners_end_one_after_the_other_within_a_factor_of_two(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    """Two trainings of a second for each of thirty owners: when is whose first one done?"""
    folders = {make(f"{owner}-{turn}", owner=f"o{owner}").path.name: 1.0 for turn in (0, 1) for owner in range(30)}
    begun, done = clock.now, dict[str, float]()
    while len(done) < len(folders):
        supervisor.tick()
        (name,) = workers.alive
        folder = WorkFolder(supervisor.registry.path.parent / "runs" / name)
        folder.set_status(state="running", pid=1001, process_started=1.0)
        while True:
            supervisor.tick()
            clock.now += 0.1
            folders[name] -= 0.1
            folder.append({"type": "progress", "seconds": 1.0 - folders[name], "seconds_left": folders[name]})
            if folders[name] < 0.01:
                folder.set_status(state="done", seconds=1.0)
                done[name] = clock.now - begun
                break
            if (folder.path / "control" / "pause").exists():
                folder.set_status(state="queued", reason="paused for another owner's job")
                break
        workers.alive.clear()
    first = [done[name] for name in done if name.endswith("-0")]
    assert max(first) / min(first) <= 2
    assert max(first) < min(done[name] for name in done if name.endswith("-1"))


def test_a_worker_that_cannot_be_started_fails_the_job_with_the_reason(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    workers.refuses = True
    folder = make("r")
    supervisor.tick()
    assert state(supervisor, folder) == ("failed", "failed")
    assert folder.recorded_status.reason == "no more processes"


def test_a_damaged_status_fails_the_job_and_the_others_go_on(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    broken, good = make("broken"), make("good")
    supervisor.tick()
    (broken.path / "status.json").write_bytes(b"\x00\xff")
    supervisor.tick()
    job = supervisor.registry.find(broken.path)
    assert job is not None and job.state == "failed" and "status.json in broken is not valid JSON" in job.reason
    assert workers.started == ["broken", "good"]
    assert good.recorded_status.state == "queued"


def test_a_folder_that_is_gone_is_forgotten(supervisor: Supervisor, workers: Workers, make: Any) -> None:
    folder, other = make("gone"), make("other")
    supervisor.tick()
    shutil.rmtree(folder.path)
    supervisor.tick()
    assert supervisor.registry.find(folder.path) is None
    assert workers.started == ["gone", "other"] and workers.alive == {"other"}
    assert other.path.is_dir()


def test_short_jobs_do_not_wait_behind_trainings(supervisor: Supervisor, workers: Workers, make: Any) -> None:
    workers.places, workers.reserved = 2, 1
    training, behind = make("training", owner="a"), make("behind", owner="b")
    supervisor.tick()
    assert workers.started == ["training"], "the second worker is kept for short jobs"
    make("map", kind="map", owner="b", estimated=5.0)
    second = make("second", kind="map", owner="a", estimated=5.0)
    long = make("long-map", kind="map", owner="b", estimated=500.0)
    supervisor.tick()
    assert workers.started == ["training", "map"]
    WorkFolder(supervisor.registry.path.parent / "maps" / "map").set_status(state="done")
    supervisor.tick()
    assert workers.started == ["training", "map", "second"]
    training.set_status(state="done")
    second.set_status(state="done")
    supervisor.tick()
    assert workers.started == ["training", "map", "second", "behind"]
    behind.set_status(state="done")
    supervisor.tick()
    assert workers.started[-1] == "long-map" and long.recorded_status.state == "queued"


def test_short_jobs_use_every_worker_while_no_long_one_waits(
    supervisor: Supervisor, workers: Workers, make: Any
) -> None:
    workers.places, workers.reserved = 3, 1
    for number in range(4):
        make(f"m{number}", kind="map", owner=f"o{number}", estimated=5.0)
    supervisor.tick()
    assert workers.started == ["m0", "m1", "m2"]


def test_a_waiting_map_pauses_no_training_when_it_has_a_lane(
    supervisor: Supervisor, workers: Workers, make: Any, clock: Clock
) -> None:
    workers.places, workers.reserved = 2, 1
    training = make("training", owner="a")
    for number in range(3):
        make(f"m{number}", kind="map", owner="b", estimated=5.0)
    supervisor.tick()
    training.set_status(state="running", pid=1001, process_started=1.0)
    clock.now += 20
    supervisor.tick()
    supervisor.tick()
    assert not (training.path / "control" / "pause").exists()
    make("other", owner="b")
    supervisor.tick()
    assert (training.path / "control" / "pause").exists()


def test_after_its_home_was_emptied_a_supervisor_works_on(home: Path, supervisor: Supervisor, make: Any) -> None:
    assert supervisor._holds_lock()
    shutil.rmtree(home)
    home.mkdir()
    assert not health()["supervised"]
    assert supervisor._holds_lock() and health()["supervised"]
    folder = make("after")
    supervisor.tick()
    assert state(supervisor, folder)[0] == "starting"
    supervisor.lock.release()


def test_one_of_two_supervisors_works(home: Path) -> None:
    first, second = (Supervisor(Registry(), Workers()) for _ in range(2))
    assert first._holds_lock() and not second._holds_lock()
    assert first._holds_lock()
    first.lock.release()
    assert second._holds_lock()
    second.lock.release()


def test_a_job_that_cannot_be_looked_at_does_not_keep_the_others_waiting(
    supervisor: Supervisor, workers: Workers, make: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    workers.places = 2
    make("odd", owner="a")
    make("good", owner="b")
    supervisor.tick()
    (supervisor.registry.path.parent / "runs" / "good" / "status.json").write_text('{"state": "done"}')
    lives = workers.lives

    def refused(job: Job, status: Status) -> bool:
        if job.path.name == "odd":
            raise RuntimeError("nobody knows")
        return lives(job, status)

    monkeypatch.setattr(workers, "lives", refused)
    for _ in range(3):
        supervisor.tick()
    assert [job.path.name for job in supervisor.registry.jobs("done")] == ["good"]
    assert sum(record.message == "supervisor met an error" for record in caplog.records) == 1
